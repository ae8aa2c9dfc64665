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

/// Acknowledgements of a room that are no violation and still want to be counted.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// Durable, and nobody's view covers their place.
    pub(super) unwitnessed: usize,
    /// Said to be held by no replica.
    pub(super) unreplicated: usize,
    /// Of these, gone.
    pub(super) unreplicated_lost: usize,
    /// Durable, and of a log that was lost as a whole, as clients were told.
    pub(super) reset: usize,
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
            | Event::Refused { .. }
            | Event::End => {}
        }
    }

    pub(super) fn add_view(&mut self, client: &str, view: View<'a>) {
        self.views.push((client.to_owned(), view));
    }

    /// What is wrong with the room; what of its acknowledgements has to be counted apart.
    pub(super) fn judge(&self, room: &str, wrong: &mut Vec<Violation>) -> Apart {
        let final_log = self.final_log(room, wrong);
        self.judge_ids(room, wrong);
        self.judge_ends(room, &final_log, wrong);
        Self::judge_appended_once(room, &final_log, wrong);
        self.judge_clock(room, &final_log, wrong);
        self.judge_voids(room, &final_log, wrong);
        self.judge_gaps(room, wrong);
        self.judge_acks(room, &final_log, wrong)
    }

    /// The entries that hold at the end, by number: those of all views that were not withdrawn, and of the log.
    ///
    /// Clients that did not see the end may hold what was withdrawn after they had gone, and so do those who left and came back
    /// afresh of their earlier stay; both count only where nobody else does.
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
        // Where the log was read after the run, it says all that holds of what nobody has in view any more.
        let past = self.views.iter().map(|(_, view)| &view.past).filter(|_| self.logged.is_empty());
        for (n, entry) in gone.iter().map(|(_, view)| &view.entries).chain(past).flatten() {
            log.entry(*n).or_insert(*entry);
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
        // After a reset, acknowledgements of before are no measure.
        let below = self.reset_below();
        let counts = |ack: &&Ack| ack.durable && ack.position.epoch >= below;
        let tail_acked = self.acks.values().filter(counts).map(|ack| ack.position).max();
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

    /// A void withdraws only what was not acknowledged as durable and does not stand: what a failed master had not replicated.
    fn judge_voids(&self, room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) {
        for (client, view) in &self.views {
            for (position, id) in &view.voided {
                let acked = self.acks.get(id).is_some_and(|ack| ack.durable && ack.position == *position);
                let (client, room, position) = (client.clone(), room.to_owned(), *position);
                if acked {
                    wrong.push(Violation::AckedVoided { client, room, position, id: (*id).to_owned() });
                } else if final_log.get(&position.n).is_some_and(|held| held.0 == position) {
                    wrong.push(Violation::NeedlessVoid { client, room, position });
                }
            }
        }
    }

    /// What was said to be gone is not in the log.
    fn judge_gaps(&self, room: &str, wrong: &mut Vec<Violation>) {
        for (client, view) in &self.views {
            let of_gaps = view.gone.iter().flat_map(|(from, to)| self.logged.range(from.n + 1..=to.n.max(from.n + 1)));
            let of_gaps = of_gaps.map(|(_, (position, _))| *position);
            let forgotten = view.forgotten.iter().map(|(position, _)| *position);
            let forgotten = forgotten.filter(|at| self.logged.get(&at.n).is_some_and(|held| held.0 == *at));
            for position in of_gaps.chain(forgotten) {
                wrong.push(Violation::NeedlessGap { client: client.clone(), room: room.to_owned(), position });
            }
        }
    }

    /// Epochs below this are of a log that was lost, and clients were told so.
    fn reset_below(&self) -> u64 {
        self.views.iter().map(|(_, view)| view.reset_below).max().unwrap_or(0)
    }

    /// What was acknowledged is there, as far as the log or anybody's view reaches over its place.
    fn judge_acks(&self, room: &str, final_log: &BTreeMap<u64, (Position, &str)>, wrong: &mut Vec<Violation>) -> Apart {
        let there: BTreeSet<&str> = final_log.values().map(|(_, id)| *id).collect();
        let (below, first_logged) = (self.reset_below(), self.logged.keys().next());
        let mut apart = Apart::default();
        for (id, ack) in &self.acks {
            apart.unreplicated += usize::from(!ack.durable);
            if there.contains(id) {
                continue;
            }
            if !ack.durable {
                apart.unreplicated_lost += 1;
                continue;
            }
            // Its place was taken by another entry, was shown to somebody and is gone, or the log was read past it.
            let replaced = final_log.contains_key(&ack.position.n)
                || self.seen.contains(&ack.position)
                || first_logged.is_some_and(|first| ack.position.n >= *first);
            if ack.position.epoch < below {
                apart.reset += 1;
            } else if replaced {
                let (room, id) = (room.to_owned(), (*id).to_owned());
                wrong.push(Violation::AckedLost { room, position: ack.position, id });
            } else {
                apart.unwitnessed += 1;
            }
        }
        apart
    }
}
