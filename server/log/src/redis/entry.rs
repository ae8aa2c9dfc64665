//! How an entry is packed, how its id is remembered, and what is published on a room's channel.
//!
//! **These are storage formats**: what a version before this one wrote must be read, so each begins with a byte that says what it is.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use sha2::{Digest, Sha256};

use crate::{Append, Entry, Position};

/// The only packing so far: length of the author, author, length of the id, id, body. Lengths are LEB128.
const PACKED: u8 = 1;
/// The first byte of a published entry: `e<epoch>-<n> <time> <packed>`.
const PUBLISHED_ENTRY: u8 = b'e';
/// The first byte of what is published and not kept.
const PUBLISHED_VOLATILE: u8 = b'v';

/// Packs what of an entry is known before it has a place.
pub(super) fn pack(append: &Append) -> Bytes {
    let Append { room: _, author, id, body } = append;
    let mut packed = BytesMut::with_capacity(1 + 2 * 3 + author.len() + id.len() + body.len());
    packed.put_u8(PACKED);
    for text in [author.as_bytes(), id.as_bytes()] {
        put_length(&mut packed, text.len());
        packed.put_slice(text);
    }
    packed.put_slice(body);
    packed.freeze()
}

/// The entry that was packed. None: it is not one of ours.
pub(super) fn unpack(position: Position, at_ms: u64, packed: &[u8]) -> Option<Entry> {
    let (&PACKED, mut rest) = packed.split_first()? else { return None };
    let author = take_text(&mut rest)?;
    let id = take_text(&mut rest)?;
    // A copy: a part of the connection's buffer would keep all of that buffer.
    let body = Bytes::copy_from_slice(rest);
    Some(Entry { position, at_ms, author: Arc::from(author), id: Box::from(id), body })
}

/// The name by which a partition remembers that an author used an id in a room.
pub(super) fn remembered(append: &Append) -> Bytes {
    let mut hash = Sha256::new();
    for text in [&*append.room, &*append.author, &*append.id] {
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text.as_bytes());
    }
    Bytes::copy_from_slice(&hash.finalize()[..16])
}

/// What comes over a room's channel.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    Entry(Entry),
    Volatile(Bytes),
}

impl Message {
    /// None: it is not one of ours.
    pub(super) fn parse(payload: &Bytes) -> Option<Self> {
        match *payload.first()? {
            PUBLISHED_ENTRY => {
                let mut parts = payload[1..].splitn(3, |byte| *byte == b' ');
                let position = text(parts.next()?)?.parse().ok()?;
                let at_ms = text(parts.next()?)?.parse().ok()?;
                unpack(position, at_ms, parts.next()?).map(Self::Entry)
            }
            PUBLISHED_VOLATILE => Some(Self::Volatile(payload.slice(1..))),
            _ => None,
        }
    }

    /// As it is published.
    pub(super) fn volatile(volatile: &[u8]) -> Bytes {
        let mut payload = BytesMut::with_capacity(1 + volatile.len());
        payload.put_u8(PUBLISHED_VOLATILE);
        payload.put_slice(volatile);
        payload.freeze()
    }
}

pub(super) fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn put_length(packed: &mut BytesMut, mut length: usize) {
    while length >= 0x80 {
        packed.put_u8(length as u8 | 0x80);
        length >>= 7;
    }
    packed.put_u8(length as u8);
}

fn take_length(rest: &mut &[u8]) -> Option<usize> {
    let mut length = 0;
    // Four times seven bits: more than an entry can hold.
    for shift in [0, 7, 14, 21] {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        length |= usize::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(length);
        }
    }
    None
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = take_length(rest)?;
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    text(taken)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn append(room: &str, author: &str, id: &str, body: Vec<u8>) -> Append {
        Append { room: room.into(), author: author.into(), id: id.into(), body: body.into() }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(
            author in ".{0,300}",
            id in ".{0,80}",
            body in prop::collection::vec(any::<u8>(), 0..300),
            n in 1..1000_u64,
        ) {
            let append = append("room", &author, &id, body);
            let packed = pack(&append);
            let entry = unpack(Position::new(7, n), 5, &packed).expect("an entry");
            prop_assert_eq!((&*entry.author, &*entry.id, &entry.body), (&*author, &*id, &append.body));
            let published = [format!("e7-{n} 5 ").as_bytes(), &packed].concat();
            prop_assert_eq!(Message::parse(&published.into()), Some(Message::Entry(entry)));
        }

        #[test]
        fn whatever_comes_is_an_entry_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = unpack(Position::START, 0, &bytes);
            let _ = unpack(Position::START, 0, &[&[PACKED], &bytes[..]].concat());
            let _ = Message::parse(&bytes.clone().into());
            let _ = Message::parse(&[b"e1-1 1 ", &bytes[..]].concat().into());
        }
    }

    #[test]
    fn ids_are_told_apart_by_room_author_and_id() {
        let all = [("a", "b", "c"), ("ab", "", "c"), ("a", "bc", ""), ("", "ab", "c"), ("a", "b", "d")];
        let mut names: Vec<_> =
            all.iter().map(|(room, author, id)| remembered(&append(room, author, id, Vec::new()))).collect();
        assert!(names.iter().all(|name| name.len() == 16), "no field of another kind is as long");
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all.len());
    }

    /// What is stored must be found for ever.
    #[test]
    fn formats_stay_what_they_are() {
        let append = append("lobby", "ann", "id", b"body".to_vec());
        assert_eq!(&pack(&append)[..], b"\x01\x03ann\x02idbody");
        assert_eq!(&remembered(&append)[..], b"\xe6\xc7\x49\xb9\xe1\x5a\xf3\xe6\xe2\x34\xef\x49\x14\x6a\x62\x7a");
    }
}
