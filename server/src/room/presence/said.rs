//! What a server says of a room: how many of its users are there, and who they are while they are few.
//!
//! The same text is published to the other servers of the room and kept for those that come to it later:
//! `1 <version> <online>[ <names>]`, names as JSON `[[id, name], ...]`. The first number is that of the format.

use crate::user::User;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// Rooms with more users than this get their number, not their names.
pub const NAMES_MAX: usize = 100;

/// Names that take more bytes than this are not passed on between servers: only their number is.
pub const NAMES_BYTES_MAX: usize = 16 * 1024;

/// More users of one server in one room than anybody can have: a foreign value.
const ONLINE_MAX: u64 = 1 << 32;

/// The format of the text.
const FORMAT: &str = "1";

/// A user, as others see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Named {
    /// The id: two users of one id are one.
    pub id: Arc<str>,
    /// The name that is shown.
    pub name: Arc<str>,
}

impl From<&Arc<User>> for Named {
    fn from(user: &Arc<User>) -> Self {
        Self { id: user.id.clone(), name: user.name() }
    }
}

/// Those who are in a room on one server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many users.
    pub online: usize,
    /// Who they are, each once; `None` where they are too many, or not known.
    pub names: Option<Vec<Named>>,
}

impl Crowd {
    /// The number alone, where the names would take too many bytes.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let bytes = |named: &Named| named.id.len() + named.name.len() + "[\"\",\"\"],".len();
        if self.names.as_ref().is_some_and(|names| names.iter().map(bytes).sum::<usize>() > NAMES_BYTES_MAX) {
            self.names = None;
        }
        self
    }
}

/// A server's word about a room; a later one replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Rises with each word of that server, about whatever room.
    pub version: u64,
    /// Who is there.
    pub crowd: Crowd,
}

/// `[id, name]`
struct Pair(Named);

impl Serialize for Pair {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.0.id, &self.0.name).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Pair {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (id, name) = Deserialize::deserialize(deserializer)?;
        Ok(Self(Named { id, name }))
    }
}

impl Said {
    /// As text.
    pub fn encode(&self) -> String {
        let mut text = format!("{FORMAT} {} {}", self.version, self.crowd.online);
        if let Some(names) = &self.crowd.names {
            let pairs: Vec<_> = names.iter().cloned().map(Pair).collect();
            text.push(' ');
            text.push_str(&crate::emit::text(&pairs));
        }
        text
    }

    /// From text; `None` if it is of another format, or of nobody's.
    pub fn decode(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?;
        let mut parts = text.splitn(4, ' ');
        if parts.next()? != FORMAT {
            return None;
        }
        let version = parts.next()?.parse().ok()?;
        let online = parts.next()?.parse::<u64>().ok().filter(|online| *online <= ONLINE_MAX)? as usize;
        let names = match parts.next() {
            None => None,
            // JSON may escape each byte; what is longer was not written by us.
            Some(names) if online > NAMES_MAX || names.len() > 6 * NAMES_BYTES_MAX => return None,
            Some(names) => {
                let names: Vec<Pair> = serde_json::from_str(names).ok()?;
                Some(names.into_iter().map(|Pair(named)| named).collect::<Vec<_>>())
            }
        };
        let whole = names.as_ref().is_none_or(|names| names.len() == online);
        whole.then_some(Self { version, crowd: Crowd { online, names } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(id: &str, name: &str) -> Named {
        Named { id: id.into(), name: name.into() }
    }

    #[test]
    fn the_text_is_as_documented() {
        let names = Some(vec![named("g-1", "Ann"), named("u", "a \"b\" ü")]);
        let said = Said { version: 7, crowd: Crowd { online: 2, names } };
        assert_eq!(said.encode(), r#"1 7 2 [["g-1","Ann"],["u","a \"b\" ü"]]"#);
        assert_eq!(Said { version: 8, crowd: Crowd { online: 5000, names: None } }.encode(), "1 8 5000");
    }

    #[test]
    fn foreign_text_is_not_taken() {
        let many = format!("1 1 101 {}", emit_names(101));
        let foreign =
            ["", "1", "1 1", "2 1 1", "1 x 1", "1 1 -1", "1 1 99999999999", "1 1 2 [[\"a\",\"b\"]]", "1 1 1 {}"];
        for text in foreign.into_iter().chain([many.as_str()]) {
            assert_eq!(Said::decode(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Said::decode(b"\xff"), None);
    }

    fn emit_names(count: usize) -> String {
        let pairs: Vec<_> = (0..count).map(|n| Pair(named(&n.to_string(), "x"))).collect();
        crate::emit::text(&pairs)
    }

    #[test]
    fn names_that_take_too_much_are_left_out() {
        let long = "n".repeat(200);
        let crowd = |count: usize| Crowd { online: count, names: Some(vec![named("id", &long); count]) };
        assert!(crowd(70).bounded().names.is_some());
        assert_eq!(crowd(100).bounded(), Crowd { online: 100, names: None });
    }

    proptest! {
        #[test]
        fn text_and_back(version: u64, users in proptest::collection::vec((".{0,20}", ".{0,20}"), 0..20), known: bool) {
            let names: Vec<_> = users.iter().map(|(id, name)| named(id, name)).collect();
            let said = Said { version, crowd: Crowd { online: names.len(), names: known.then_some(names) } };
            prop_assert_eq!(Said::decode(said.encode().as_bytes()), Some(said));
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = Said::decode(&bytes);
        }
    }
}
