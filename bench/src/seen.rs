//! Which numbers of a room came to one connection: exact in 16 bytes.

/// The highest number and, of the 64 below it, those that have not come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    last: u64,
    /// Bit k stands for `last - 1 - k`.
    missing: u64,
}

/// What a number was when it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// The next one.
    Next,
    /// So many before it are missing.
    Skipped(u64),
    /// One that was missing.
    Late,
    /// One that had come, or one more than 64 below the highest.
    Doubled,
}

impl Seen {
    /// Nothing has come; the first is the one after `from`.
    pub fn after(from: u64) -> Self {
        Self { last: from, missing: 0 }
    }

    /// The highest number that came.
    pub fn last(self) -> u64 {
        self.last
    }

    /// Takes note of a number.
    pub fn note(&mut self, n: u64) -> Arrival {
        let Some(step) = n.checked_sub(self.last).filter(|&step| step > 0) else { return self.below(n) };
        let skipped = step - 1;
        let shift = |bits: u64, by: u64| u32::try_from(by).ok().and_then(|by| bits.checked_shl(by)).unwrap_or(0);
        self.missing = shift(self.missing, step) | !shift(u64::MAX, skipped);
        self.last = n;
        if skipped == 0 { Arrival::Next } else { Arrival::Skipped(skipped) }
    }

    fn below(&mut self, n: u64) -> Arrival {
        let bit = (self.last - n).checked_sub(1).filter(|&below| below < 64).map_or(0, |below| 1 << below);
        if self.missing & bit == 0 {
            return Arrival::Doubled;
        }
        self.missing &= !bit;
        Arrival::Late
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_in_order_are_next() {
        let mut seen = Seen::after(7);
        assert_eq!((8..100).map(|n| seen.note(n)).find(|arrival| *arrival != Arrival::Next), None);
        assert_eq!(seen.note(99), Arrival::Doubled);
        assert_eq!(seen.note(7), Arrival::Doubled);
    }

    #[test]
    fn one_that_comes_late_is_not_lost() {
        let mut seen = Seen::after(0);
        assert_eq!(seen.note(3), Arrival::Skipped(2));
        assert_eq!([1, 1, 2, 3, 4].map(|n| seen.note(n)), {
            use Arrival::{Doubled, Late, Next};
            [Late, Doubled, Late, Doubled, Next]
        });
    }

    proptest! {
        #[test]
        fn counts_are_those_of_a_set(numbers in prop::collection::vec(1u64..60, 0..200)) {
            let (mut seen, mut set) = (Seen::after(0), BTreeSet::new());
            let (mut lost, mut doubled) = (0, 0);
            for &n in &numbers {
                match seen.note(n) {
                    Arrival::Next => {}
                    Arrival::Skipped(count) => lost += count,
                    Arrival::Late => lost -= 1,
                    Arrival::Doubled => doubled += 1,
                }
                set.insert(n);
            }
            let highest = set.last().copied().unwrap_or(0);
            prop_assert_eq!(lost, highest - set.len() as u64);
            prop_assert_eq!(doubled, numbers.len() - set.len());
        }
    }
}
