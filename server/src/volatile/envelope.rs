//! The envelope of what servers tell each other about a room without keeping it: format, kind, origin, payload.
//!
//! Servers of two builds run side by side in every rollout: a format or kind that this one does not know is passed over and counted.

use bytes::{BufMut, Bytes, BytesMut};
use chat_socket::Boot;

/// The format: the first byte.
const FORMAT: u8 = 1;

/// Bytes before the payload.
const HEAD: usize = 10;

/// What an envelope holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Somebody types: the event.
    Typing,
    /// Somebody has read up to a place: the event.
    Receipt,
    /// Who is in the room on the origin: a [`Said`](crate::room::Said).
    Presence,
    /// What a private room is to some users has changed: a [`Notice`](crate::notice::Notice), on a channel that is no room's.
    Room,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Typing, Self::Receipt, Self::Presence, Self::Room];

    /// Its name as an event and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Typing => "typing",
            Self::Receipt => "receipt",
            Self::Presence => "presence",
            Self::Room => "room",
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::Typing => b't',
            Self::Receipt => b'r',
            Self::Presence => b'p',
            Self::Room => b'm',
        }
    }
}

/// What one server tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// What it holds.
    pub kind: Kind,
    /// Whose word it is.
    pub origin: Boot,
    /// Depends on the kind.
    pub payload: Bytes,
}

impl Envelope {
    /// As bytes.
    pub fn encode(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(HEAD + self.payload.len());
        bytes.put_u8(FORMAT);
        bytes.put_u8(self.kind.byte());
        bytes.put_u64(self.origin.0);
        bytes.put_slice(&self.payload);
        bytes.freeze()
    }

    /// From bytes; `None` if they are foreign.
    pub fn decode(bytes: &Bytes) -> Option<Self> {
        let (head, _) = bytes.split_first_chunk::<HEAD>()?;
        let [FORMAT, kind, origin @ ..] = head else { return None };
        let kind = Kind::ALL.into_iter().find(|known| known.byte() == *kind)?;
        let origin = Boot(u64::from_be_bytes(*origin));
        Some(Self { kind, origin, payload: bytes.slice(HEAD..) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn foreign_bytes_are_not_taken() {
        let good = Envelope { kind: Kind::Typing, origin: Boot::random(), payload: "x".into() }.encode();
        for (at, byte) in [(0, 2), (1, b'z')] {
            let mut bad = good.to_vec();
            bad[at] = byte;
            assert_eq!(Envelope::decode(&bad.into()), None);
        }
        assert_eq!(Envelope::decode(&good.slice(..HEAD - 1)), None);
    }

    proptest! {
        #[test]
        fn bytes_and_back(kind in 0..4_usize, origin: u64, payload: Vec<u8>) {
            let origin = Boot(origin);
            let envelope = Envelope { kind: Kind::ALL[kind], origin, payload: payload.into() };
            prop_assert_eq!(Envelope::decode(&envelope.encode()), Some(envelope));
        }
    }
}
