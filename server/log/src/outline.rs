//! A room's outline: what is enough to hold any position against a room, without its entries.
//!
//! Every log answers a reader by the rules here; where the entries are kept makes no difference to them.

use crate::branches::Branches;
use crate::{GapReason, Position, Reach, Start};

/// A room as one sees it at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline<'a> {
    /// The log's epoch now; not below that of any entry.
    pub(crate) epoch: u64,
    /// The number of the last entry, kept or not.
    pub(crate) tail: u64,
    /// Which numbers are of which epoch.
    pub(crate) branches: &'a Branches,
}

impl Outline<'_> {
    /// See [`RoomLog::tails`](crate::RoomLog::tails).
    pub(crate) fn tail(&self) -> Position {
        if self.tail == 0 { Position::START } else { Position::new(self.epoch, self.tail) }
    }

    /// The position just before entry `n + 1`, in the epoch of that entry or, where it is yet to come, of the log.
    pub(crate) fn place(&self, n: u64) -> Position {
        let next = if n < self.tail { self.branches.epoch_of(n + 1) } else { None };
        Position::new(next.unwrap_or(self.epoch), n)
    }

    /// See [`RoomLog::reach`](crate::RoomLog::reach).
    pub(crate) fn reach(&self, position: Position) -> Reach {
        if position.epoch > self.epoch {
            return Reach::Ahead;
        }
        match self.branches.shared_with(position.epoch, self.tail).min(position.n) {
            0 if position.n > 0 => Reach::Reset,
            n => Reach::To(n),
        }
    }

    /// The number after which a reader of this position goes on, if what comes next can be had.
    pub(crate) fn base(&self, asked: Position) -> u64 {
        match self.reach(asked) {
            Reach::Ahead => self.tail,
            Reach::Reset => 0,
            Reach::To(n) => n,
        }
    }

    /// How a page follows on a position, where the first entry after [`base`](Self::base) that can be had is the one after `floor`; and the number
    /// after which its entries begin. None: it has no entries.
    pub(crate) fn start(&self, asked: Position, floor: u64) -> (Start, Option<u64>) {
        let gap = |reason| (Start::Gap { to: self.place(floor), reason }, Some(floor));
        match self.reach(asked) {
            Reach::Ahead => (Start::Ahead, None),
            Reach::Reset => gap(GapReason::Reset),
            // Nothing follows on a void whose end is trimmed: the next read says so.
            Reach::To(n) if n < asked.n => (Start::Void { after: self.place(n) }, (floor <= n).then_some(n)),
            Reach::To(n) if n < floor => gap(GapReason::Trimmed),
            Reach::To(n) => (Start::Follows, Some(n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::branches::BRANCHES_MAX;

    /// A room that came about by these epochs, each with so many entries, in the log's epoch `now`.
    fn branches(steps: &[(u64, u64)]) -> (Branches, Vec<u64>, u64) {
        let (mut branches, mut epochs, mut epoch) = (Branches::default(), Vec::new(), 0);
        for (rise, entries) in steps {
            epoch += rise;
            for _ in 0..*entries {
                branches.note(epoch, epochs.len() as u64 + 1);
                epochs.push(epoch);
            }
        }
        (branches, epochs, epoch)
    }

    proptest! {
        /// The end of every page is above the position that it was asked for, or the same, and one reads on from it without another word.
        #[test]
        fn one_reads_on_from_every_start(
            steps in prop::collection::vec((1..3_u64, 0..4_u64), 1..BRANCHES_MAX),
            asked in (0..130_u64, 0..200_u64),
            floor in 0..200_u64,
        ) {
            let (branches, epochs, epoch) = branches(&steps);
            let outline = Outline { epoch, tail: epochs.len() as u64, branches: &branches };
            let asked = Position::new(asked.0, asked.1);
            let floor = floor.min(outline.tail);
            let (start, from) = outline.start(asked, floor);
            let common = epochs.iter().take_while(|of| **of <= asked.epoch).count() as u64;
            match start {
                Start::Follows => {
                    prop_assert!(asked.n <= common && from == Some(asked.n) && asked.n >= floor);
                }
                Start::Void { after } => {
                    prop_assert!(after.n == common && common < asked.n);
                    prop_assert!(after.epoch > asked.epoch || asked.epoch == epoch, "{after} is above {asked}");
                    prop_assert_eq!(outline.reach(after), Reach::To(after.n));
                    prop_assert_eq!(from, (floor <= common).then_some(common));
                }
                Start::Gap { to, reason } => {
                    prop_assert_eq!(to.n, floor);
                    prop_assert_eq!(from, Some(floor));
                    prop_assert_eq!(reason == GapReason::Reset, common == 0 && asked.n > 0);
                    if to.n > 0 {
                        prop_assert_eq!(outline.start(to, floor), (Start::Follows, Some(floor)));
                    }
                }
                Start::Ahead => prop_assert!(asked.epoch > epoch && from.is_none()),
            }
        }
    }
}
