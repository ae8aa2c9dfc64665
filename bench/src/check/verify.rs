//! From histories to a verdict.
//!
//! Two passes: each client by itself ([`view`]: one entry after the other, nothing twice, nothing left out, until the end), then each
//! room over all clients ([`ledger`]: the same entry at the same place for everybody, acknowledgements that tell the truth, nothing
//! that nobody sent, no order that contradicts the clock).

mod ledger;
mod view;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::position::Position;
use super::record::{Event, History, Record};
use ledger::Ledger;
use view::View;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// An entry came and those before it did not.
    Hole {
        /// Who saw it.
        client: String,
        /// Where.
        room: String,
        /// The client's place before.
        last: Position,
        /// The entry that came.
        got: Position,
    },
    /// An entry came that had come.
    Doubled {
        /// Who saw it.
        client: String,
        /// Where.
        room: String,
        /// The entry.
        position: Position,
    },
    /// An entry came after a later one.
    Reordered {
        /// Who saw it.
        client: String,
        /// Where.
        room: String,
        /// The client's place before.
        last: Position,
        /// The entry that came.
        got: Position,
    },
    /// An entry of a later epoch took the place of one that was never withdrawn, or an earlier epoch came back.
    NotVoided {
        /// Who saw it.
        client: String,
        /// Where.
        room: String,
        /// The client's place before.
        last: Position,
        /// The entry that came.
        got: Position,
    },
    /// An entry came outside of any stay in its room.
    OutsideStay {
        /// Who saw it.
        client: String,
        /// Where.
        room: String,
        /// The entry.
        position: Position,
    },
    /// A stay began elsewhere than asked for.
    WrongStart {
        /// Whose.
        client: String,
        /// Where.
        room: String,
        /// The cursor of the join.
        asked: Position,
        /// What the server made of it.
        from: Position,
    },
    /// A `gap` or `void` that does not fit the client's place.
    WrongNotice {
        /// Who got it.
        client: String,
        /// Where.
        room: String,
        /// The client's place before.
        last: Position,
        /// The notice's place.
        notice: Position,
    },
    /// At the end a client lacks entries that are there.
    Behind {
        /// Who.
        client: String,
        /// Where.
        room: String,
        /// Its last place.
        last: Position,
        /// The room's.
        tail: Position,
    },
    /// A place holds different entries for different clients, or another one than its acknowledgement said.
    Disagreement {
        /// Where.
        room: String,
        /// The place.
        position: Position,
        /// The ids that it was said to hold.
        ids: Vec<String>,
    },
    /// Clients end up with entries of different epochs at the same number.
    Diverged {
        /// Where.
        room: String,
        /// The places.
        positions: Vec<Position>,
    },
    /// An entry that nobody sent.
    Phantom {
        /// Where.
        room: String,
        /// The entry.
        position: Position,
        /// Its id.
        id: String,
    },
    /// One send stands in the room more than once.
    AppendedTwice {
        /// Where.
        room: String,
        /// The send's id.
        id: String,
        /// Its places.
        positions: Vec<Position>,
    },
    /// A send was acknowledged as durable, and is not there.
    AckedLost {
        /// Where.
        room: String,
        /// Where it was said to stand.
        position: Position,
        /// The send's id.
        id: String,
    },
    /// A client was told to withdraw what had been acknowledged as durable.
    AckedVoided {
        /// Who was told.
        client: String,
        /// Where.
        room: String,
        /// The entry.
        position: Position,
        /// Its id.
        id: String,
    },
    /// A client was told to withdraw what still stands.
    NeedlessVoid {
        /// Who was told.
        client: String,
        /// Where.
        room: String,
        /// The entry.
        position: Position,
    },
    /// A client was told that an entry is gone, and it is in the log.
    NeedlessGap {
        /// Who was told.
        client: String,
        /// Where.
        room: String,
        /// The entry.
        position: Position,
    },
    /// A client was not connected when the run ended, or its history has no end.
    NotBack {
        /// Who.
        client: String,
    },
    /// A send was acknowledged before another one was sent, but stands after it.
    AgainstTheClock {
        /// Where.
        room: String,
        /// The entry that was sent later.
        earlier: Position,
        /// The entry that had been acknowledged by then.
        later: Position,
    },
}

/// What the histories hold and what is wrong with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Broken promises; none is what one wants.
    pub violations: Vec<Violation>,
    /// What was looked at.
    pub counts: Counts,
}

/// What was looked at: a verdict on nothing proves nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Clients that connected.
    pub clients: usize,
    /// Rooms.
    pub rooms: usize,
    /// Sends.
    pub sent: usize,
    /// Acknowledged sends.
    pub acked: usize,
    /// Entries that came, over all clients.
    pub entries: usize,
    /// Connects that recovered their session.
    pub recovered: usize,
    /// Connects that did not, the first of each client included.
    pub fresh: usize,
    /// Connects that presented a session and got another one: the session was lost.
    pub sessions_lost: usize,
    /// Requests that were refused.
    pub refused: usize,
    /// Gaps told.
    pub gaps: usize,
    /// Voids told.
    pub voids: usize,
    /// Acknowledged sends whose place nobody's view covers: joined later, or in a gap for everybody.
    pub unwitnessed: usize,
    /// Sends acknowledged with `replicated: false`: no promise goes with them.
    pub unreplicated: usize,
    /// Of these, those that are gone.
    pub unreplicated_lost: usize,
    /// Acknowledged sends that went with a log that was lost as a whole, as a gap with reason `reset` told.
    pub reset: usize,
}

/// Judges a run by its histories.
pub fn verify(histories: &[History]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut ledgers: BTreeMap<&str, Ledger<'_>> = BTreeMap::new();
    for history in histories {
        match is_back(history) {
            Some(true) => verdict.counts.clients += 1,
            Some(false) => {
                verdict.counts.clients += 1;
                verdict.violations.push(Violation::NotBack { client: history.client.clone() });
            }
            None => {}
        }
        for record in &history.records {
            verdict.counts.count(&record.event);
            if let Some(room) = record.event.room() {
                ledgers.entry(room).or_default().note(record);
            }
        }
    }
    for history in histories {
        for (room, view) in View::all_of(history, &mut verdict.violations) {
            if let Some(ledger) = ledgers.get_mut(room) {
                ledger.add_view(&history.client, view);
            }
        }
    }
    verdict.counts.rooms = ledgers.len();
    for (room, ledger) in ledgers {
        let apart = ledger.judge(room, &mut verdict.violations);
        verdict.counts.unwitnessed += apart.unwitnessed;
        verdict.counts.unreplicated += apart.unreplicated;
        verdict.counts.unreplicated_lost += apart.unreplicated_lost;
        verdict.counts.reset += apart.reset;
    }
    verdict.violations.sort();
    verdict
}

/// Whether a client was connected when its history ended; none for one that never connected, such as the log's own.
fn is_back(history: &History) -> Option<bool> {
    let mut connected = None;
    let mut ended = false;
    for Record { event, .. } in &history.records {
        match event {
            Event::Connected { .. } => connected = Some(true),
            Event::Disconnected { .. } => connected = connected.map(|_| false),
            Event::End => ended = true,
            Event::Join { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Sent { .. }
            | Event::Acked { .. }
            | Event::Refused { .. }
            | Event::Entry { .. }
            | Event::Gap { .. }
            | Event::Void { .. }
            | Event::Logged { .. } => {}
        }
    }
    connected.map(|connected| connected && ended)
}

impl Event {
    /// The room that it happened in.
    fn room(&self) -> Option<&str> {
        match self {
            Self::Connected { .. } | Self::Disconnected { .. } | Self::Refused { .. } | Self::End => None,
            Self::Join { room, .. }
            | Self::Joined { room, .. }
            | Self::Left { room }
            | Self::Sent { room, .. }
            | Self::Acked { room, .. }
            | Self::Entry { room, .. }
            | Self::Gap { room, .. }
            | Self::Void { room, .. }
            | Self::Logged { room, .. } => Some(room),
        }
    }
}

impl Counts {
    fn count(&mut self, event: &Event) {
        match event {
            Event::Connected { recovered: true, .. } => self.recovered += 1,
            Event::Connected { recovered: false, presented } => {
                self.fresh += 1;
                self.sessions_lost += usize::from(*presented);
            }
            Event::Refused { .. } => self.refused += 1,
            Event::Sent { .. } => self.sent += 1,
            Event::Acked { .. } => self.acked += 1,
            Event::Entry { .. } => self.entries += 1,
            Event::Gap { .. } => self.gaps += 1,
            Event::Void { .. } => self.voids += 1,
            Event::Disconnected { .. }
            | Event::Join { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Logged { .. }
            | Event::End => {}
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { clients, rooms, sent, acked, entries, recovered, fresh, gaps, voids, unwitnessed, .. } =
            self.counts;
        let Counts { sessions_lost, refused, unreplicated, unreplicated_lost, reset, .. } = self.counts;
        writeln!(
            out,
            "{clients} clients, {rooms} rooms: {sent} sent, {acked} acknowledged, {entries} entries received"
        )?;
        writeln!(
            out,
            "{recovered} recoveries, {fresh} fresh sessions, {gaps} gaps, {voids} voids, {unwitnessed} unwitnessed"
        )?;
        writeln!(
            out,
            "{refused} refused, {sessions_lost} sessions lost, {unreplicated} not replicated and {unreplicated_lost} of \
             them gone, {reset} gone with their log"
        )?;
        for violation in self.violations.iter().take(50) {
            writeln!(out, "VIOLATION {violation:?}")?;
        }
        match self.violations.len() {
            0 => writeln!(out, "no violation"),
            count => writeln!(out, "{count} violations"),
        }
    }
}

#[cfg(test)]
mod tests;
