//! One client's view of one room: what it would show to a person.

use std::collections::BTreeMap;

use super::Violation;
use crate::check::position::Position;
use crate::check::record::{Event, History};

/// What a client holds of a room.
#[derive(Debug, Default)]
pub(super) struct View<'a> {
    /// In the room: entries are expected.
    pub(super) staying: bool,
    /// The place up to which everything came or was accounted for.
    pub(super) last: Position,
    /// Entries that were not withdrawn, by number.
    pub(super) entries: BTreeMap<u64, (Position, &'a str)>,
    /// Entries of earlier stays: what was withdrawn while it was not in the room it was never told.
    pub(super) past: BTreeMap<u64, (Position, &'a str)>,
    /// The client was there to the end of the run, and in the room.
    pub(super) to_the_end: bool,
    /// The log started anew at some time: nothing of epochs below this counts.
    pub(super) reset_below: u64,
    /// Entries that were withdrawn.
    pub(super) voided: Vec<(Position, &'a str)>,
    /// Numbers that were said to be gone, after the first up to and with the second.
    pub(super) gone: Vec<(Position, Position)>,
    /// Entries that it was told to forget when the log started anew.
    pub(super) forgotten: Vec<(Position, &'a str)>,
    /// The cursor of a join that has no stay yet.
    asked: Option<Position>,
}

impl<'a> View<'a> {
    /// The views of a client's rooms, with what is wrong in each by itself.
    pub(super) fn all_of(history: &'a History, wrong: &mut Vec<Violation>) -> BTreeMap<&'a str, Self> {
        let mut views: BTreeMap<&str, Self> = BTreeMap::new();
        let client = history.client.as_str();
        for record in &history.records {
            match &record.event {
                Event::Join { room, after } => views.entry(room).or_default().asked = *after,
                Event::Joined { room, from } => {
                    wrong.extend(views.entry(room).or_default().joined(client, room, *from));
                }
                Event::Left { room } => views.entry(room).or_default().staying = false,
                Event::Entry { room, position, id } => {
                    wrong.extend(views.entry(room).or_default().entry(client, room, *position, id));
                }
                Event::Gap { room, from, to, reset } => {
                    wrong.extend(views.entry(room).or_default().gap(client, room, *from, *to, *reset));
                }
                Event::Void { room, after } => wrong.extend(views.entry(room).or_default().void(client, room, *after)),
                Event::End => views.values_mut().for_each(|view| view.to_the_end = view.staying),
                Event::Connected { .. }
                | Event::Disconnected { .. }
                | Event::Sent { .. }
                | Event::Acked { .. }
                | Event::Refused { .. }
                | Event::Logged { .. } => {}
            }
        }
        views
    }

    fn joined(&mut self, client: &str, room: &str, from: Position) -> Option<Violation> {
        // A cursor that the log does not reach any more is answered by a void or a gap, from a place before it.
        if self.asked.is_none() {
            self.past.append(&mut self.entries);
        }
        let asked = self.asked.take().filter(|asked| from > *asked || (from.epoch == asked.epoch && from != *asked));
        self.staying = true;
        self.last = from;
        asked.map(|asked| Violation::WrongStart { client: client.to_owned(), room: room.to_owned(), asked, from })
    }

    fn entry(&mut self, client: &str, room: &str, position: Position, id: &'a str) -> Option<Violation> {
        let (client, room, last) = (client.to_owned(), room.to_owned(), self.last);
        if !self.staying {
            return Some(Violation::OutsideStay { client, room, position });
        }
        if position.n == last.n + 1 && position.epoch >= last.epoch {
            self.last = position;
            self.entries.insert(position.n, (position, id));
            return None;
        }
        if position.epoch < last.epoch || (position.n <= last.n && position.epoch > last.epoch) {
            return Some(Violation::NotVoided { client, room, last, got: position });
        }
        if position.n > last.n {
            // Goes on from here, so that one hole is one violation.
            self.last = position;
            self.entries.insert(position.n, (position, id));
            return Some(Violation::Hole { client, room, last, got: position });
        }
        match self.entries.insert(position.n, (position, id)) {
            Some(_) => Some(Violation::Doubled { client, room, position }),
            None => Some(Violation::Reordered { client, room, last, got: position }),
        }
    }

    fn gap(&mut self, client: &str, room: &str, from: Position, to: Position, reset: bool) -> Option<Violation> {
        let last = std::mem::replace(&mut self.last, to);
        if reset {
            self.reset_below = self.reset_below.max(to.epoch).max(from.epoch + 1);
            self.past.clear();
            self.forgotten.extend(std::mem::take(&mut self.entries).into_values());
            return None;
        }
        self.gone.push((from, to));
        let fits = from.n == last.n && to.n > from.n && self.staying;
        (!fits).then(|| Violation::WrongNotice { client: client.to_owned(), room: room.to_owned(), last, notice: from })
    }

    fn void(&mut self, client: &str, room: &str, after: Position) -> Option<Violation> {
        let last = std::mem::replace(&mut self.last, after);
        self.past.split_off(&(after.n + 1));
        self.voided.extend(self.entries.split_off(&(after.n + 1)).into_values());
        let fits = after.n <= last.n && self.staying;
        (!fits).then(|| Violation::WrongNotice {
            client: client.to_owned(),
            room: room.to_owned(),
            last,
            notice: after,
        })
    }
}
