//! What the followers of one room have been told, and what a message or a look at the tail means to them. Pure: no I/O, no clock.
//!
//! Between two disturbances no entry may be left out. So an entry is passed on only as the successor of the last one in the same epoch, and a
//! disturbance is told when whatever came before it can be read. Messages may be lost without a word (a subscription that looks alive on a
//! master that is none any more), so now and then the tail of the log is held against what came.

use std::time::{Duration, Instant};

use crate::Position;

/// What the log has and nobody told is given so long to arrive.
pub(super) const DOUBT: Duration = Duration::from_millis(500);

/// How it was found that something may have been missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message that was not the successor.
    Message,
    /// A message that was none of ours.
    CorruptMessage,
    /// Entries that were not told, or no longer there, at a look at the tail.
    Tail,
    /// The epoch of the log had risen, at a look at the tail.
    Epoch,
    /// The subscription was put in place, for the first time or again.
    Subscription,
}

/// What a message means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The next entry: pass it on.
    Next,
    /// Something was missed: tell a disturbance.
    Disturbed(Found),
    /// Told before, or of an epoch that is over, or to be read after the disturbance that is coming.
    Nothing,
}

/// What a look at the tail means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looked {
    /// All was told.
    Fine,
    /// There is more than was told; it may be on its way: look again soon.
    Doubt,
    /// Tell a disturbance.
    Disturbed(Found),
}

/// What a look at the tail is to be held against: taken before the log is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    disturbances: u64,
    last: Option<Position>,
}

/// How far the followers of a room have been told.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last entry that was passed on, or the tail at the last disturbance. None: the next look at the tail tells a disturbance.
    last: Option<Position>,
    /// The last that was heard while `last` was none.
    heard: Option<Position>,
    /// A tail that was seen and had not been told yet, and when it was first seen.
    doubt: Option<(Position, Instant)>,
    /// How often the subscription was disturbed.
    disturbances: u64,
}

impl Progress {
    /// The subscription may have missed something. The followers are told once the tail is known, so that what they read then reaches it.
    pub(super) fn unsettle(&mut self) {
        self.heard = self.heard.max(self.last);
        (self.last, self.doubt) = (None, None);
        self.disturbances += 1;
    }

    /// Whether followers that come now are to be told a disturbance at once, and not at the next look.
    pub(super) fn is_settled(&self) -> bool {
        self.last.is_some()
    }

    /// An entry came.
    pub(super) fn hear(&mut self, at: Position) -> Heard {
        let Some(last) = self.last else {
            self.heard = self.heard.max(Some(at));
            return Heard::Nothing;
        };
        if at <= last {
            return Heard::Nothing;
        }
        self.last = Some(at);
        self.doubt = self.doubt.filter(|(tail, _)| *tail > at);
        if at == Position::new(last.epoch, last.n + 1) {
            return Heard::Next;
        }
        Heard::Disturbed(Found::Message)
    }

    /// The log is about to be asked for its tail.
    pub(super) fn before(&self) -> Before {
        Before { disturbances: self.disturbances, last: self.last }
    }

    /// The log answered: the next entry will be the one after this, in this epoch.
    pub(super) fn look(&mut self, before: Before, tail: Position, now: Instant) -> Looked {
        let Some(last) = self.last else {
            if before.disturbances != self.disturbances {
                return Looked::Doubt;
            }
            // What was heard meanwhile can be read by now, too.
            self.last = Some(tail).max(self.heard.take());
            return Looked::Disturbed(Found::Subscription);
        };
        let Some(then) = before.last else { return Looked::Fine };
        if tail.epoch > last.epoch {
            return self.missed(tail, Found::Epoch);
        }
        // Messages have come since, or the answer is that of a master that is none any more: reading there would tell nothing new.
        if tail.epoch < last.epoch {
            return Looked::Fine;
        }
        if tail.n < last.n && (tail.epoch > then.epoch || tail.n >= then.n) {
            return Looked::Fine;
        }
        if tail.n < last.n {
            return self.missed(tail, Found::Tail);
        }
        if tail == last {
            self.doubt = None;
            return Looked::Fine;
        }
        let (_, since) = *self.doubt.get_or_insert((tail, now));
        if now.saturating_duration_since(since) >= DOUBT { self.missed(tail, Found::Tail) } else { Looked::Doubt }
    }

    fn missed(&mut self, tail: Position, found: Found) -> Looked {
        (self.last, self.doubt) = (Some(tail), None);
        Looked::Disturbed(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(epoch: u64, n: u64) -> Position {
        Position::new(epoch, n)
    }

    fn settled(tail: Position) -> Progress {
        let mut progress = Progress::default();
        progress.unsettle();
        let now = Instant::now();
        assert_eq!(progress.look(progress.before(), tail, now), Looked::Disturbed(Found::Subscription));
        progress
    }

    #[test]
    fn successors_are_passed_on_and_nothing_else_is() {
        let mut progress = settled(at(5, 0));
        assert_eq!(progress.hear(at(5, 1)), Heard::Next);
        assert_eq!(progress.hear(at(5, 1)), Heard::Nothing, "heard twice");
        assert_eq!(progress.hear(at(5, 3)), Heard::Disturbed(Found::Message), "2 is missing");
        assert_eq!(progress.hear(at(5, 4)), Heard::Next);
        assert_eq!(progress.hear(at(6, 5)), Heard::Disturbed(Found::Message), "4 may be another by now");
        assert_eq!(progress.hear(at(5, 6)), Heard::Nothing, "a ghost of an old master");
        assert_eq!(progress.hear(at(6, 6)), Heard::Next);
    }

    #[test]
    fn a_look_before_the_last_disturbance_settles_nothing() {
        let mut progress = Progress::default();
        progress.unsettle();
        let before = progress.before();
        progress.unsettle();
        assert_eq!(progress.look(before, at(5, 3), Instant::now()), Looked::Doubt);
        assert!(!progress.is_settled());
    }

    #[test]
    fn what_is_on_its_way_is_waited_for() {
        let (mut progress, now) = (settled(at(5, 3)), Instant::now());
        assert_eq!(progress.look(progress.before(), at(5, 4), now), Looked::Doubt);
        assert_eq!(progress.hear(at(5, 4)), Heard::Next);
        assert_eq!(progress.look(progress.before(), at(5, 5), now + DOUBT), Looked::Doubt, "another one");
        assert_eq!(progress.look(progress.before(), at(5, 6), now + DOUBT * 3 / 2), Looked::Doubt, "not for long yet");
        let looked = progress.look(progress.before(), at(5, 7), now + DOUBT * 2);
        assert_eq!(looked, Looked::Disturbed(Found::Tail));
        assert_eq!(progress.hear(at(5, 7)), Heard::Nothing, "it can be read since the disturbance");
        assert_eq!(progress.hear(at(5, 8)), Heard::Next);
    }

    #[test]
    fn losses_are_seen() {
        let (mut progress, now) = (settled(at(5, 8)), Instant::now());
        assert_eq!(progress.look(progress.before(), at(6, 5), now), Looked::Disturbed(Found::Epoch));
        assert_eq!(progress.look(progress.before(), at(6, 4), now), Looked::Disturbed(Found::Tail));
        let before = progress.before();
        assert_eq!(progress.hear(at(6, 5)), Heard::Next);
        assert_eq!(progress.look(before, at(6, 4), now), Looked::Fine, "the answer is older than the message");
        assert_eq!(progress.look(progress.before(), at(5, 9), now), Looked::Fine, "an old master");
    }

    /// One step of a room and its subscription.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Append,
        /// The oldest message on its way arrives, or gets lost.
        Arrive,
        Lose,
        Ask,
        Answer,
        Unsettle,
    }

    proptest! {
        /// A follower that reads at each disturbance and takes only successors is never more than a few looks from having all, and skips nothing.
        #[test]
        fn a_follower_has_all_in_the_end(steps in prop::collection::vec(
            prop_oneof![
                4 => Just(Step::Append), 4 => Just(Step::Arrive), 1 => Just(Step::Lose),
                2 => Just(Step::Ask), 2 => Just(Step::Answer), 1 => Just(Step::Unsettle),
            ], 0..120,
        )) {
            let (mut progress, mut tail, mut has) = (Progress::default(), 0, 0);
            let (mut flying, mut asked) = (std::collections::VecDeque::new(), None);
            let mut now = Instant::now();
            progress.unsettle();
            let end = [Step::Ask, Step::Answer].repeat(3);
            for step in steps.into_iter().chain(end) {
                match step {
                    Step::Append => { tail += 1; flying.push_back(tail); }
                    Step::Arrive => if let Some(n) = flying.pop_front() {
                        match progress.hear(at(5, n)) {
                            Heard::Next => {
                                prop_assert!(n <= has + 1, "{} was left out", has + 1);
                                has = has.max(n);
                            }
                            Heard::Disturbed(_) => has = tail,
                            Heard::Nothing => {}
                        }
                    }
                    Step::Lose => { flying.pop_front(); }
                    Step::Ask => asked = Some((progress.before(), at(5, tail))),
                    Step::Answer => if let Some((before, seen)) = asked.take() {
                        now += DOUBT;
                        if let Looked::Disturbed(_) = progress.look(before, seen, now) { has = tail; }
                    },
                    Step::Unsettle => progress.unsettle(),
                }
            }
            prop_assert_eq!(has, tail, "all was lost on the way, and nobody noticed");
        }
    }
}
