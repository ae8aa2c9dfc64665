//! The events that a member causes and that other servers pass on to theirs.

use crate::room::Named;
use chat_log::Position;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is longer than this was not written by us.
const BYTES_MAX: usize = 16 * 1024;

/// `typing`: somebody types, or no longer does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// The room.
    pub room: Arc<str>,
    /// Who.
    pub user: Named,
    /// Whether.
    pub typing: bool,
}

/// `receipt`: somebody has read up to a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The room.
    pub room: Arc<str>,
    /// Who.
    pub user: Named,
    /// Up to where.
    #[serde(with = "text")]
    pub position: Position,
}

/// A signal that another server sent for a room; `None` if it is foreign.
pub(super) fn decode<'a, T: Deserialize<'a>>(payload: &'a [u8], room: &str, room_of: impl Fn(&T) -> &str) -> Option<T> {
    let signal = if payload.len() <= BYTES_MAX { serde_json::from_slice(payload).ok() } else { None };
    signal.filter(|signal| room_of(signal) == room)
}

/// Positions as text.
mod text {
    use chat_log::Position;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(position: &Position, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(position)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_of_the_room_is_taken() {
        let text = r#"{"room":"a","user":{"id":"u","name":"U"},"position":"3-14"}"#;
        let receipt: Receipt = decode(text.as_bytes(), "a", |it: &Receipt| &it.room).expect("good");
        assert_eq!((receipt.position, &*receipt.user.id), (Position::new(3, 14), "u"));
        assert_eq!(crate::emit::text(&receipt), text);
        assert_eq!(decode(text.as_bytes(), "b", |it: &Receipt| &it.room), None);
        assert_eq!(decode(b"{}", "a", |it: &Receipt| &it.room), None);
    }
}
