//! Binary packets: a text with placeholders, then one binary message for each.

use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::packet::{BadPacket, Kind, Packet};

/// A binary packet whose attachments are still coming.
///
/// Between its text and the last attachment nothing but attachments may come: the caller answers a text with
/// [`BadPacket::UnexpectedText`], and bytes while no packet waits with [`BadPacket::UnexpectedBinary`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachments {
    kind: Kind,
    namespace: String,
    id: Option<u64>,
    data: String,
    wanted: u32,
    parts: Vec<Bytes>,
    bytes: usize,
    bytes_max: usize,
}

/// Whether a packet is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Collected {
    /// More attachments have to come.
    More,
    /// All are there.
    All,
}

impl Attachments {
    /// Begins to collect for a packet that [`Kind::is_binary`], of which it keeps a copy. Text and attachments together
    /// may have `bytes_max` bytes. Checks that the placeholders in the text and the announced number match, one for
    /// one.
    pub fn begin(packet: &Packet<'_>, bytes_max: usize) -> Result<Self, BadPacket> {
        let Packet { kind, namespace, id, attachments, data } = *packet;
        if data.len() > bytes_max {
            return Err(BadPacket::TooLarge);
        }
        check_placeholders(data, attachments)?;
        Ok(Self {
            kind,
            namespace: namespace.to_owned(),
            id,
            data: data.to_owned(),
            wanted: attachments,
            parts: Vec::with_capacity(attachments as usize),
            bytes: data.len(),
            bytes_max,
        })
    }

    /// Takes the next binary message.
    pub fn push(&mut self, part: impl Into<Bytes> + AsRef<[u8]>) -> Result<Collected, BadPacket> {
        if self.collected() == Collected::All {
            return Err(BadPacket::UnexpectedBinary);
        }
        let len = part.as_ref().len();
        if len > self.bytes_max - self.bytes {
            return Err(BadPacket::TooLarge);
        }
        self.bytes += len;
        self.parts.push(part.into());
        Ok(self.collected())
    }

    /// Whether all attachments are there; at once if the packet announced none.
    pub fn collected(&self) -> Collected {
        if self.parts.len() == self.wanted as usize { Collected::All } else { Collected::More }
    }

    /// How long text and attachments are together so far.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The packet that the attachments belong to, its placeholders in place.
    pub fn packet(&self) -> Packet<'_> {
        let Self { kind, ref namespace, id, ref data, wanted: attachments, .. } = *self;
        Packet { kind, namespace, id, attachments, data }
    }

    /// The attachments so far, by the number in their placeholder.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The attachments alone.
    pub fn into_parts(self) -> Vec<Bytes> {
        self.parts
    }
}

/// Each of `0..count` has exactly one placeholder in `data`, and there are no others. Nesting is bounded by the JSON
/// reader (128 levels).
fn check_placeholders(data: &str, count: u32) -> Result<(), BadPacket> {
    let mut seen = Seen { count, bits: 0, mismatch: false };
    let mut json = serde_json::Deserializer::from_str(data);
    let read = Walk(&mut seen).deserialize(&mut json).and_then(|_| json.end());
    if seen.mismatch {
        return Err(BadPacket::Placeholder);
    }
    read.map_err(|_| BadPacket::Json)?;
    if seen.bits.count_ones() == count { Ok(()) } else { Err(BadPacket::Placeholder) }
}

/// The placeholders met so far, a bit each: [`crate::limits::ATTACHMENTS_MAX`] is far below 64.
struct Seen {
    count: u32,
    bits: u64,
    mismatch: bool,
}

impl Seen {
    /// Returns whether the number was wanted and is new.
    fn mark(&mut self, num: Value) -> bool {
        match num {
            Value::Number(num) if num < u64::from(self.count) && self.bits & 1 << num == 0 => {
                self.bits |= 1 << num;
                true
            }
            Value::Number(_) | Value::True | Value::Other => {
                self.mismatch = true;
                false
            }
        }
    }
}

/// As much of a value as tells a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    True,
    Number(u64),
    Other,
}

/// Walks over a value without building it.
struct Walk<'s>(&'s mut Seen);

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(if value { Value::True } else { Value::Other })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element_seed(Walk(self.0))?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let (mut placeholder, mut num) = (false, Value::Other);
        while let Some(key) = map.next_key_seed(KeySeed)? {
            let value = map.next_value_seed(Walk(self.0))?;
            match key {
                Key::Placeholder => placeholder = value == Value::True,
                Key::Num => num = value,
                Key::Other => {}
            }
        }
        if placeholder && !self.0.mark(num) {
            return Err(A::Error::custom("placeholder"));
        }
        Ok(Value::Other)
    }
}

/// A key, as far as it tells a placeholder.
enum Key {
    Placeholder,
    Num,
    Other,
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "_placeholder" => Key::Placeholder,
            "num" => Key::Num,
            _ => Key::Other,
        })
    }
}
