//! The offset: the string at the end of each durable event, which the client library presents when it comes back.
//!
//! A *shared* offset `r:<room>:<epoch>-<n>` is the same for all members of a room. An *own* offset
//! `s:<tag>:<join number>=<epoch>-<n>,…` names all rooms in which this session is ahead of its record. What comes back
//! is the client's word: it is bounded, read strictly, and claims nothing if there is anything odd about it.

use crate::bounds::{DIRTY_MAX, OFFSET_BYTES_MAX};
use crate::{JoinNumber, Tag};
use chat_log::Position;

/// A presented offset, read but not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offset<'a> {
    /// The place in one room; nothing else was ahead of the record.
    Shared {
        /// The room's name.
        room: &'a str,
        /// The entry that was seen last.
        at: Position,
    },
    /// The places in all rooms that were ahead of the record.
    Own {
        /// Of the session that it was written for.
        tag: Tag,
        /// The entry that was seen last, a stay each; no stay twice.
        places: Vec<(JoinNumber, Position)>,
    },
}

impl<'a> Offset<'a> {
    /// Reads an offset; `None` claims nothing. At most 4 KB, 32 rooms, numbers below 2^53, each in one spelling.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.len() > OFFSET_BYTES_MAX {
            return None;
        }
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "r" => {
                // A room's name may hold colons, a position cannot.
                let (room, at) = rest.rsplit_once(':')?;
                (!room.is_empty()).then_some(Self::Shared { room, at: at.parse().ok()? })
            }
            "s" => {
                let (tag, list) = rest.split_once(':')?;
                Some(Self::Own { tag: Tag::presented(tag)?, places: places(list)? })
            }
            _ => None,
        }
    }
}

fn places(list: &str) -> Option<Vec<(JoinNumber, Position)>> {
    let mut places = Vec::new();
    if list.is_empty() {
        return Some(places);
    }
    for part in list.split(',') {
        let (join, at) = part.split_once('=')?;
        let join = join_number(join)?;
        if places.len() == DIRTY_MAX || places.iter().any(|(known, _)| *known == join) {
            return None;
        }
        places.push((join, at.parse().ok()?));
    }
    Some(places)
}

/// A plain decimal number: no sign, no leading zero.
fn join_number(text: &str) -> Option<JoinNumber> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok().map(JoinNumber) } else { None }
}

/// Appends the shared offset of an entry: the same bytes for every member whose frame is shared.
pub fn write_shared(room: &str, at: Position, out: &mut Vec<u8>) {
    out.extend_from_slice(b"r:");
    out.extend_from_slice(room.as_bytes());
    out.push(b':');
    write_position(at, out);
}

/// Appends `<epoch>-<n>`: the end of every offset, and all that differs between the own offsets of one batch.
pub fn write_position(at: Position, out: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(at.epoch).as_bytes());
    out.push(b'-');
    out.extend_from_slice(digits.format(at.n).as_bytes());
}

/// Appends `s:<tag>:`, with which every own offset begins.
pub(crate) fn write_own_start(tag: Tag, out: &mut Vec<u8>) {
    out.extend_from_slice(b"s:");
    out.extend_from_slice(tag.as_bytes());
    out.push(b':');
}

/// Appends `<join number>=`, after which the position follows.
pub(crate) fn write_join(join: JoinNumber, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(join.0).as_bytes());
    out.push(b'=');
}
