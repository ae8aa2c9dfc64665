//! Which requests came already, for as long as they could be repeated.

use super::signature::WINDOW;
use parking_lot::Mutex;
use std::collections::HashSet;
use std::time::Instant;

/// How many requests of half a minute are remembered: thousands a second. Beyond it they are refused, since one that is not remembered could be repeated.
const MARKS_MAX: usize = 1 << 18;

/// Marks of requests, in generations of [`WINDOW`].
///
/// A request of time `t` passes between `t - WINDOW` and `t + WINDOW` of the receiver's clock, so two passes of one are at most two windows apart: that of now and
/// two before it are kept.
pub(super) struct Replays {
    generations: Mutex<Generations>,
}

struct Generations {
    began: Instant,
    marks: [HashSet<u64>; 3],
}

/// Why a request is not let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    /// It came before.
    Replay,
    /// There is no place to remember it.
    Crowded,
}

impl Replays {
    /// Remembers nothing.
    pub(super) fn new(now: Instant) -> Self {
        Self { generations: Mutex::new(Generations { began: now, marks: Default::default() }) }
    }

    /// Remembers a request, unless it came before.
    pub(super) fn take(&self, mark: u64, now: Instant) -> Result<(), Repeated> {
        let mut generations = self.generations.lock();
        generations.turn(now);
        let [newest, older @ ..] = &mut generations.marks;
        if older.iter().any(|marks| marks.contains(&mark)) || newest.contains(&mark) {
            return Err(Repeated::Replay);
        }
        if newest.len() >= MARKS_MAX {
            return Err(Repeated::Crowded);
        }
        newest.insert(mark);
        Ok(())
    }
}

impl Generations {
    fn turn(&mut self, now: Instant) {
        for _ in 0..self.marks.len() {
            if now.saturating_duration_since(self.began) < WINDOW {
                return;
            }
            self.began += WINDOW;
            self.marks.rotate_right(1);
            self.marks[0] = HashSet::new();
        }
        // Nothing came for so long that all of it is forgotten.
        if now.saturating_duration_since(self.began) >= WINDOW {
            self.began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_request_passes_once_for_two_windows() {
        let begun = Instant::now();
        for late in [0, 10, 29, 31, 200] {
            let replays = Replays::new(begun);
            let came = begun + Duration::from_secs(late);
            assert_eq!(replays.take(7, came), Ok(()));
            for seconds in 0..=60 {
                assert_eq!(replays.take(7, came + Duration::from_secs(seconds)), Err(Repeated::Replay), "{seconds}");
            }
            assert_eq!(replays.take(8, came + Duration::from_secs(60)), Ok(()));
            assert_eq!(replays.take(7, came + Duration::from_secs(95)), Ok(()), "forgotten in the end");
        }
    }

    #[test]
    fn what_cannot_be_remembered_is_refused() {
        let begun = Instant::now();
        let replays = Replays::new(begun);
        for mark in 0..MARKS_MAX as u64 {
            assert_eq!(replays.take(mark, begun), Ok(()));
        }
        assert_eq!(replays.take(u64::MAX, begun), Err(Repeated::Crowded));
        assert_eq!(replays.take(3, begun), Err(Repeated::Replay));
        assert_eq!(replays.take(u64::MAX, begun + WINDOW), Ok(()));
    }
}
