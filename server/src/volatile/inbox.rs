//! What other servers told a room and what has not been served yet: bounded, since it comes as fast as they please.

use super::{Envelope, Kind};
use std::collections::VecDeque;

/// How many wait at most; the oldest goes first.
const WAITING_MAX: usize = 64;

/// The words that wait to be served.
#[derive(Default)]
pub struct Inbox {
    waiting: VecDeque<Envelope>,
}

impl Inbox {
    /// Takes a word; gives back the kind of the one that had to go for it.
    pub fn push(&mut self, envelope: Envelope) -> Option<Kind> {
        let dropped = if self.waiting.len() < WAITING_MAX { None } else { self.waiting.pop_front() };
        self.waiting.push_back(envelope);
        dropped.map(|envelope| envelope.kind)
    }

    /// The one that waits longest.
    pub fn pop(&mut self) -> Option<Envelope> {
        self.waiting.pop_front()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets go of all.
    pub fn clear(&mut self) {
        self.waiting = VecDeque::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_socket::Boot;

    #[test]
    fn the_oldest_goes_where_there_is_no_room() {
        let (mut inbox, origin) = (Inbox::default(), Boot::random());
        let word = |kind, n: usize| Envelope { kind, origin, payload: n.to_string().into() };
        assert_eq!(inbox.push(word(Kind::Presence, 0)), None);
        for n in 1..WAITING_MAX {
            assert_eq!(inbox.push(word(Kind::Typing, n)), None);
        }
        assert_eq!(inbox.push(word(Kind::Typing, WAITING_MAX)), Some(Kind::Presence));
        for n in 1..=WAITING_MAX {
            assert_eq!(inbox.pop(), Some(word(Kind::Typing, n)));
        }
        assert!(inbox.is_empty());
    }
}
