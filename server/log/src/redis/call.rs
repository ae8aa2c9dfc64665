//! The calls of the functions in `room.lua`, and what their answers say.

use std::sync::Arc;

use bytes::Bytes;
use chat_redis::{Call, Partition, Value, WriteError, Written};
use hashbrown::HashMap;

use super::entry::{pack, remembered, text};
use super::lanes::Answer;
use super::{Options, Shared, sight::Sight};
use crate::branches::Branches;
use crate::{Append, AppendError, Appended, Bound, Position};

/// An append as it is sent.
pub(super) struct Packed {
    pub(super) room: Arc<str>,
    /// The name by which its id is remembered.
    id: Bytes,
    pub(super) entry: Bytes,
}

impl Packed {
    pub(super) fn new(append: &Append) -> Self {
        Self { room: Arc::clone(&append.room), id: remembered(append), entry: pack(append) }
    }
}

/// One call for all these appends.
pub(super) fn append(shared: &Shared, partition: Partition, appends: &[&Packed]) -> Call {
    let cluster = &shared.cluster;
    let mut rooms: HashMap<&str, usize> = HashMap::new();
    let mut keys = vec![cluster.meta(partition), cluster.key(partition, "d0", ""), cluster.key(partition, "d1", "")];
    let (mut channels, mut wishes) = (Vec::new(), Vec::with_capacity(3 * appends.len()));
    for Packed { room, id, entry } in appends {
        let next = rooms.len() + 1;
        let index = *rooms.entry(room).or_insert_with(|| {
            keys.extend(room_keys(shared, partition, room));
            channels.push(cluster.channel(partition, &**room));
            next
        });
        wishes.extend([decimal(index), id.clone(), entry.clone()]);
    }
    let Options { retained_entries, retained_age, retained_bytes, dedup_age, dedup_ids_max, .. } = shared.options;
    let mut args = vec![
        shared.shift(),
        decimal(retained_entries),
        decimal(retained_age.as_millis()),
        decimal(retained_bytes),
        decimal(dedup_age.as_millis()),
        decimal(dedup_ids_max),
        decimal(channels.len()),
    ];
    args.append(&mut channels);
    args.append(&mut wishes);
    Call { function: "room_append", keys, args }
}

/// What the answer says to each of the appends.
pub(super) fn answers(
    shared: &Shared,
    partition: Partition,
    count: usize,
    written: Result<Written, WriteError>,
) -> Vec<Answer> {
    let refused = |error| vec![Err(error); count];
    let (value, replicated) = match written {
        Ok(Written { value, replicated }) => (value, replicated),
        Err(WriteError::Unknown) => return refused(AppendError::UnknownOutcome),
        Err(WriteError::Unavailable | WriteError::Unreplicated | WriteError::OutOfMemory) => {
            return refused(AppendError::Unavailable);
        }
        Err(WriteError::Refused(error)) => {
            shared.counters.corrupt.value.inc();
            tracing::warn!(error, "redis refuses appends");
            return refused(AppendError::Unavailable);
        }
    };
    let Some(values) = value.into_array().filter(|values| values.len() == count) else {
        shared.counters.corrupt.value.inc();
        // It is a call that went through, so the entries may be there.
        return refused(AppendError::UnknownOutcome);
    };
    let mut epoch = 0;
    let answers = values.iter().map(|value| {
        let answer = answer(value.as_bytes().and_then(|bytes| text(bytes)).unwrap_or_default(), replicated);
        match answer {
            Ok(appended) => epoch = epoch.max(appended.position.epoch),
            Err(AppendError::Unavailable) => {
                shared.counters.corrupt.value.inc();
                tracing::warn!(?value, "a room cannot be appended to");
            }
            Err(_) => {}
        }
        answer
    });
    let answers = answers.collect();
    shared.cluster.saw_epoch(partition, epoch);
    answers
}

fn answer(answer: &str, replicated: bool) -> Answer {
    let place = |rest: &str, duplicate| {
        let (position, at_ms) = rest.rsplit_once('-')?;
        Some(Appended { position: position.parse().ok()?, at_ms: at_ms.parse().ok()?, duplicate, replicated })
    };
    let place = match answer.split_at_checked(1) {
        Some(("a", rest)) => place(rest, false),
        Some(("d", rest)) => place(rest, true),
        Some(("i", _)) => return Err(AppendError::Full(Bound::Ids)),
        Some(("n", _)) => return Err(AppendError::Full(Bound::Numbers)),
        _ => None,
    };
    place.ok_or(AppendError::Unavailable)
}

/// Reads the entries after number `after`.
pub(super) fn read(shared: &Shared, partition: Partition, room: &str, after: u64, limit: usize) -> Call {
    looking(shared, "room_read", partition, room, [decimal(after), decimal(limit)])
}

/// Reads the newest entries below number `before`.
pub(super) fn read_before(shared: &Shared, partition: Partition, room: &str, before: u64, limit: usize) -> Call {
    looking(shared, "room_read_before", partition, room, [decimal(before), decimal(limit)])
}

fn looking(shared: &Shared, function: &'static str, partition: Partition, room: &str, which: [Bytes; 2]) -> Call {
    let [hash, stream] = room_keys(shared, partition, room);
    let [from, limit] = which;
    let age = decimal(shared.options.retained_age.as_millis());
    Call {
        function,
        keys: vec![shared.cluster.meta(partition), hash, stream],
        args: vec![shared.shift(), age, from, limit],
    }
}

/// Asks for the tails of rooms of one partition.
pub(super) fn tails<'a>(shared: &Shared, partition: Partition, rooms: impl Iterator<Item = &'a Arc<str>>) -> Call {
    let hashes = rooms.map(|room| shared.cluster.key(partition, "r", &**room));
    Call {
        function: "room_tails",
        keys: std::iter::once(shared.cluster.meta(partition)).chain(hashes).collect(),
        args: Vec::new(),
    }
}

/// The hash and the stream of a room.
fn room_keys(shared: &Shared, partition: Partition, room: &str) -> [Bytes; 2] {
    ["r", "l"].map(|kind| shared.cluster.key(partition, kind, room))
}

/// What `room_read` saw. None: that is no such answer.
pub(super) fn sight(value: Value) -> Option<Sight> {
    let [epoch, tail, branches, floor, entries] = <[Value; 5]>::try_from(value.into_array()?).ok()?;
    Some(Sight {
        epoch: whole(&epoch)?,
        tail: whole(&tail)?,
        branches: Branches::parse(text(branches.as_bytes()?)?)?,
        floor: whole(&floor)?,
        entries: entries.into_array()?,
    })
}

/// What `room_read_before` saw: the table of branches, whether there is more, and entries, newest first. None: that is no such answer.
pub(super) fn before(value: Value) -> Option<(Branches, bool, Vec<Value>)> {
    let [branches, more, entries] = <[Value; 3]>::try_from(value.into_array()?).ok()?;
    Some((Branches::parse(text(branches.as_bytes()?)?)?, whole(&more)? > 0, entries.into_array()?))
}

/// The epoch, and the number of each room where it is one. None: that is no such answer.
pub(super) fn numbers(value: &Value, count: usize) -> Option<(u64, Vec<Option<u64>>)> {
    let (epoch, numbers) = value.as_array()?.split_first()?;
    (numbers.len() == count).then_some((whole(epoch)?, numbers.iter().map(whole).collect()))
}

fn whole(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|number| number.try_into().ok()).filter(|number| *number <= crate::NUMBER_MAX)
}

/// An entry as Redis shows it: its id and its fields. None in place of an entry: that is none of ours.
pub(super) fn entry(value: &Value) -> Option<(Position, Option<crate::Entry>)> {
    let [id, fields] = value.as_array()? else { return None };
    let position: Position = text(id.as_bytes()?)?.parse().ok()?;
    let fields = fields.as_array()?;
    let field = |name: &[u8]| {
        let mut pairs = fields.chunks_exact(2);
        pairs.find(|pair| pair[0].as_bytes().is_some_and(|of| of == name)).and_then(|pair| pair[1].as_bytes())
    };
    let unpacked = || super::entry::unpack(position, text(field(b"t")?)?.parse().ok()?, field(b"e")?);
    Some((position, unpacked()))
}

pub(super) fn decimal(number: impl ToString + Copy) -> Bytes {
    Bytes::from(number.to_string())
}
