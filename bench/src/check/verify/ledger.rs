//! One room over all clients: what was sent, acknowledged, seen and logged.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use super::view::View;
use crate::check::position::Position;
use crate::check::record::{Event, Record};

/// An acknowledged send.
#[derive(Debug, Clone, Copy)]
struct Ack {
    position: Position,
    durable: bool,
    at: u64,
}

/// Everything about a room.
#[derive(Debug, Default)]
pub(super) struct Ledger<'a> {
    /// When each id was sent first.
    sent: BTreeMap<&'a str, u64>,
    acks: BTreeMap<&'a str, Ack>,
    /// The ids that each place was said to hold, by anybody, withdrawn or not.
    ids: BTreeMap<Position, BTreeSet<&'a str>>,
    /// Seen by a client, or in the log.
    seen: BTreeSet<Position>,
    logged: BTreeMap<u64, (Position, &'a str)>,
    views: Vec<(String, View<'a>)>,
}

impl<'a> Ledger<'a> {
    pub(super) fn note(&mut self, record: &'a Record) {
        match &record.event {
            Event::Sent { id, .. } => {
                self.sent.entry(id).or_insert(record.at);
            }
            Event::Acked { id, position, durable, .. } => {
                self.ids.entry(*position).or_default().insert(id);
                let ack = Ack { position: *position, durable: *durable, at: record.at };
                // Acknowledged twice at two places: the first is kept, the other shows as a place with a second id or none.
                self.acks.entry(id).or_insert(ack);
            }
            Event::Entry { position, id, .. } => {
                self.ids.entry(*position).or_default().insert(id);
                self.seen.insert(*position);
            }
            Event::Logged { position, id, .. } => {
                self.ids.entry(*position).or_default().insert(id);
                self.seen.insert(*position);
                self.logged.insert(position.n, (*position, id));
            }
            Event::Connected { .. }
            | Event::Disconnected { .. }
            | Event::Join { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Gap { .. }
            | Event::Void { .. }
            | Event::End => {}
        }
    }

    pub(super) fn add_view(&mut self, client: &str, view: View<'a>) {
        self.views.push((client.to_owned(), view));
    }

    /// What is wrong with the room; how many acknowledged sends nobody could witness.
    pub(super) fn judge(&self, room: &str, wrong: &mut Vec<Violation>) -> usize {
        let final_log = self.final_log(room, wrong);
        self.judge_ids(room, wrong);
        self.judge_ends(room, &final_log, wrong);
        Self::judge_appended_once(room, &final_log, wrong);
        self.judge_clock(room, &final_log, wrong);
        self.judge_acks(room, &final_log, wrong)
    }

    /// The entries that hold at the end, by number: those of all views that were not withdrawn, and of the log.
    ///
    /// Clients that did not see the end may hold what was withdrawn after they had gone; they count only where nobody else does.
    fn final_log(&self, room: &str, wrong: &mut Vec<Violation>) -> BTreeMap<u64, (Position, &'a str)> {
        let mut log: BTreeMap<u64, (Position, &str)> = self.logged.clone();
        let (stayed, gone): (Vec<_>, Vec<_>) = self.views.iter().partition(|(_, view)| view.to_the_end);
        for (_, view) in stayed {
            for (n, entry) in &view.entries {
                let held = *log.entry(*n).or_insert(*entry);
                if held.0 != entry.0 {
                    wrong.push(Violation::Diverged { room: room.to_owned(), positions: vec![held.0, entry.0] });
                }
            }
        }
        for (_, view) in gone {
            for (n, entry) in &view.entries {
                log.entry(*n).or_insert(*entry);
            }
        }
        log
    }

    fn judge_ids(&self, room: &str, wrong: &mut Vec<Violation>) {
        for (position, ids) in &self.ids {
            if ids.len() > 1 {
                let ids = ids.iter().map(|id| (*id).to_owned()).collect();
                wrong.push(Violation::Disagreement { room: room.to_owned(), position: *position, ids });
                continue;
            }
            for id in ids.iter().filter(|id| !self.sent.contains_key(*id)) {
                let id = (*id).to_owned();
                wrong.push(Violation::Phantom { room: room.to_owned(), position: *position, id });
            }
        }
    }

    /// Everybody who was there to the end has come to the last place that anybody knows of.
    fn judge_ends(&self, room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) {
        let tail_logged = final_log.last_key_value().map(|(_, entry)| entry.0);
        let reset = self.views.iter().any(|(_, view)| view.reset);
        // After a reset, acknowledgements of before are no measure.
        let tail_acked = self.acks.values().filter(|ack| ack.durable && !reset).map(|ack| ack.position).max();
        let Some(tail) = tail_logged.max(tail_acked) else { return };
        for (client, view) in &self.views {
            if view.to_the_end && view.last.n < tail.n {
                let (client, room) = (client.clone(), room.to_owned());
                wrong.push(Violation::Behind { client, room, last: view.last, tail });
            }
        }
    }

    fn judge_appended_once(room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) {
        let mut places: BTreeMap<&str, Vec<Position>> = BTreeMap::new();
        for (position, id) in final_log.values() {
            places.entry(id).or_default().push(*position);
        }
        for (id, positions) in places.into_iter().filter(|(_, positions)| positions.len() > 1) {
            wrong.push(Violation::AppendedTwice { room: room.to_owned(), id: id.to_owned(), positions });
        }
    }

    /// If A was acknowledged before B was sent, A stands before B.
    fn judge_clock(&self, room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) {
        let mut first_acked_after: Option<(u64, Position)> = None;
        for (position, id) in final_log.values().rev() {
            let sent_at = self.sent.get(id).copied();
            if let (Some(sent_at), Some((acked_at, later))) = (sent_at, first_acked_after)
                && acked_at < sent_at
            {
                wrong.push(Violation::AgainstTheClock { room: room.to_owned(), earlier: *position, later });
            }
            if let Some(ack) = self.acks.get(id).filter(|ack| ack.position == *position)
                && first_acked_after.is_none_or(|(at, _)| ack.at < at)
            {
                first_acked_after = Some((ack.at, *position));
            }
        }
    }

    /// What was acknowledged is there, as far as anybody's view reaches over its place.
    fn judge_acks(&self, room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) -> usize {
        let there: BTreeSet<&str> = final_log.values().map(|(_, id)| *id).collect();
        let mut unwitnessed = 0;
        for (id, ack) in self.acks.iter().filter(|(id, ack)| ack.durable && !there.contains(*id)) {
            // Its place was taken by another entry, or was shown to somebody and is gone: it was there, or should have been.
            let replaced = final_log.contains_key(&ack.position.n) || self.seen.contains(&ack.position);
            if replaced && !self.views.iter().any(|(_, view)| view.reset) {
                let (room, id) = (room.to_owned(), (*id).to_owned());
                wrong.push(Violation::AckedLost { room, position: ack.position, id });
            } else {
                unwitnessed += 1;
            }
        }
        unwitnessed
    }
}
