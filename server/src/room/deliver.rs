//! Entries to one member, under its lock: in one step with what the session remembers of it.

use super::entry::Encoded;
use crate::chat::Chat;
use crate::connection::Connection;
use chat_session::{JoinNumber, Placement, write_position};
use chat_socket::{Batch, Frame, Guard};
use std::sync::Arc;

/// How many bytes of entries go out in one write. A batch always fits an empty outbox.
const BATCH_BYTES: usize = 16 * 1024;

/// Entries that go to many members at once.
pub struct Delivery {
    entries: Vec<Arc<Encoded>>,
    shared: Batch,
}

impl Delivery {
    /// Cuts a run of entries into deliveries. One that puts somebody out is the last of its delivery, since it ends that member's stay.
    pub fn cut(entries: &[Arc<Encoded>]) -> Vec<Self> {
        let mut deliveries = Vec::new();
        let mut rest = entries;
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |entry: &&Arc<Encoded>| {
                bytes += entry.len();
                bytes <= BATCH_BYTES
            };
            let count = rest.iter().take_while(fits).count().max(1);
            let count = rest[..count].iter().position(|entry| entry.kicks.is_some()).map_or(count, |kick| kick + 1);
            let (now, later) = rest.split_at(count);
            let shared = Batch::new(now.iter().map(|entry| entry.shared.clone()).collect());
            deliveries.push(Self { entries: now.to_vec(), shared });
            rest = later;
        }
        deliveries
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none; [`Self::cut`] makes none such.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Their size on the wire, with shared offsets.
    pub fn bytes(&self) -> usize {
        self.shared.len()
    }

    /// The last of them.
    pub fn last(&self) -> &Arc<Encoded> {
        &self.entries[self.entries.len() - 1]
    }
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivered {
    /// It is in the outbox or with the kernel.
    Done,
    /// The outbox has no room for it. Nothing has changed.
    Full,
    /// The session's delta has no room for it. Nothing has changed.
    Wait,
    /// The connection is over.
    Gone,
    /// It is in the outbox, and puts this member out: nothing more may be delivered.
    Kicked,
}

/// Delivers to a live member. For one that is behind, `place` is how its position is taken note of.
pub fn deliver(guard: &mut Guard<'_, Chat>, join: JoinNumber, delivery: &Delivery, scratch: &mut Vec<u8>) -> Delivered {
    if !guard.is_open() {
        return Delivered::Gone;
    }
    if !guard.fits(delivery.shared.len()) {
        return Delivered::Full;
    }
    let Connection { session: Some(session), user, .. } = guard.app() else { return Delivered::Gone };
    let kicks = delivery.last().kicks.as_deref();
    let is_kicked = kicks.is_some_and(|kicked| user.as_ref().is_some_and(|user| *user.id == *kicked));
    let placement = session.deliver(join, delivery.last().position);
    if placement == Placement::Own {
        scratch.clear();
        scratch.extend_from_slice(b",\"");
        session.own_prefix(join, scratch);
    }
    let wants_ping = session.wants_ping();
    match placement {
        Placement::Shared => guard.send_batch(&delivery.shared),
        Placement::Own => send_own(guard, &delivery.entries, scratch),
        Placement::Bare => send_bare(guard, &delivery.entries),
        Placement::Wait => {
            if wants_ping {
                guard.ping();
            }
            return Delivered::Wait;
        }
    }
    if wants_ping {
        guard.ping();
    }
    if is_kicked { Delivered::Kicked } else { Delivered::Done }
}

/// Frames that end in the positions of all rooms of this session; `prefix` is the same for all of them.
fn send_own(guard: &mut Guard<'_, Chat>, entries: &[Arc<Encoded>], prefix: &mut Vec<u8>) {
    let length = prefix.len();
    let finish = |entry: &Encoded, tail: &mut Vec<u8>| {
        tail.truncate(length);
        write_position(entry.position, tail);
        tail.extend_from_slice(b"\"]");
    };
    if let [entry] = entries {
        finish(entry, prefix);
        return guard.send_own(entry.body(), prefix);
    }
    let mut frames = Vec::with_capacity(entries.len());
    for entry in entries {
        finish(entry, prefix);
        frames.push(Frame::text_of(&[entry.body(), prefix]));
    }
    guard.send_batch(&Batch::new(frames));
}

fn send_bare(guard: &mut Guard<'_, Chat>, entries: &[Arc<Encoded>]) {
    for entry in entries {
        guard.send_own(entry.body(), b"]");
    }
}
