//! The JSON arrays of events and answers.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::packet::BadPacket;
use crate::limits::ARGS_MAX;

/// Names that mean something to the client library itself and so cannot be sent.
pub const RESERVED_NAMES: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Arguments as they came, each a piece of JSON. Up to four do not allocate.
pub type Args<'a> = SmallVec<[&'a RawValue; 4]>;

/// A named event with its arguments.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// Its name; borrowed unless it has escapes.
    pub name: Cow<'a, str>,
    /// Its arguments, at most [`ARGS_MAX`].
    pub args: Args<'a>,
}

impl<'a> Event<'a> {
    /// Reads the data of an event: `[name, ...args]`.
    ///
    /// Allocates only for a name with escapes, for more than four arguments, and a byte for each level of nesting
    /// below the second.
    pub fn parse(data: &'a str) -> Result<Self, BadPacket> {
        let Array { first, rest } = Array::read(data)?;
        let name = name(first.ok_or(BadPacket::Name)?)?;
        if RESERVED_NAMES.contains(&name.as_ref()) {
            return Err(BadPacket::Name);
        }
        if rest.len() > ARGS_MAX { Err(BadPacket::TooManyArgs) } else { Ok(Self { name, args: rest }) }
    }

    /// Reads the data of an answer: `[...args]`.
    pub fn parse_ack(data: &'a str) -> Result<Args<'a>, BadPacket> {
        let Array { first, mut rest } = Array::read(data)?;
        rest.insert_many(0, first);
        if rest.len() > ARGS_MAX { Err(BadPacket::TooManyArgs) } else { Ok(rest) }
    }
}

/// A string's content, borrowed where nothing in it is escaped.
fn name(json: &RawValue) -> Result<Cow<'_, str>, BadPacket> {
    let text = json.get().strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or(BadPacket::Name)?;
    if text.contains('\\') {
        serde_json::from_str(json.get()).map(Cow::Owned).map_err(|_| BadPacket::Name)
    } else {
        Ok(Cow::Borrowed(text))
    }
}

/// The elements of an array. `rest` ends with the first element that is too many; those after it are not kept.
struct Array<'a> {
    first: Option<&'a RawValue>,
    rest: Args<'a>,
}

impl<'a> Array<'a> {
    fn read(data: &'a str) -> Result<Self, BadPacket> {
        serde_json::from_str(data).map_err(|_| BadPacket::Json)
    }
}

impl<'de> Deserialize<'de> for Array<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Elements)
    }
}

struct Elements;

impl<'de> Visitor<'de> for Elements {
    type Value = Array<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let first = seq.next_element()?;
        let mut rest = Args::new();
        while rest.len() <= ARGS_MAX {
            match seq.next_element()? {
                Some(arg) => rest.push(arg),
                None => return Ok(Array { first, rest }),
            }
        }
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Array { first, rest })
    }
}
