//! The head of a Socket.IO packet.

use serde_json::value::RawValue;

use super::ROOT;
use crate::limits::{ACK_ID_DIGITS_MAX, ACK_ID_MAX, ATTACHMENTS_MAX, NAMESPACE_BYTES_MAX};

/// A packet's type; the value is its digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A client enters a namespace, or the server lets it in.
    Connect = 0,
    /// A client leaves a namespace, or is put out of it.
    Disconnect = 1,
    /// An event.
    Event = 2,
    /// The answer to an event with an id.
    Ack = 3,
    /// The server does not let a client in.
    ConnectError = 4,
    /// An event with attachments.
    BinaryEvent = 5,
    /// An answer with attachments.
    BinaryAck = 6,
}

/// A packet with its JSON left as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Its type.
    pub kind: Kind,
    /// Its namespace; [`ROOT`] where it names none.
    pub namespace: &'a str,
    /// On events, the id under which the sender wants an answer; on answers, that of the event.
    pub id: Option<u64>,
    /// Binary messages that follow and belong to it.
    pub attachments: u32,
    /// JSON: an object or nothing on [`Kind::Connect`], an object or a string on [`Kind::ConnectError`], an array on
    /// events and answers, nothing on [`Kind::Disconnect`]. Of arrays only the first byte is checked here;
    /// [`super::Event`] and [`super::Args`] check the rest as they read it.
    pub data: &'a str,
}

/// A text that is no Socket.IO packet, or not one that a client may send. The session is closed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPacket {
    /// The first character is no packet type.
    #[error("the packet type is unknown")]
    Kind,
    /// A binary packet without the number of its attachments, or with more than [`ATTACHMENTS_MAX`].
    #[error("the number of attachments is missing or too large")]
    Attachments,
    /// A namespace of more than [`NAMESPACE_BYTES_MAX`] bytes.
    #[error("the namespace is too long")]
    Namespace,
    /// An id above [`ACK_ID_MAX`], an answer without one, or one on a packet that has none.
    #[error("the acknowledgement id is wrong")]
    Id,
    /// The JSON does not have the form that the type asks for.
    #[error("the data does not fit the packet type")]
    Data,
    /// The JSON is broken.
    #[error("the data is not JSON")]
    Json,
    /// An event without a name, with a name that is no string, or with one that the protocol keeps for itself.
    #[error("the event name is missing or reserved")]
    Name,
    /// More arguments than [`crate::limits::ARGS_MAX`].
    #[error("the event has too many arguments")]
    TooManyArgs,
    /// A placeholder that names no attachment, or an attachment without a placeholder.
    #[error("placeholders and attachments do not match")]
    Placeholder,
    /// The attachments are larger than allowed.
    #[error("the attachments are too large")]
    TooLarge,
    /// Bytes that no packet announced.
    #[error("binary data without a packet that announced it")]
    UnexpectedBinary,
    /// A text where announced bytes should have come.
    #[error("text in place of an announced attachment")]
    UnexpectedText,
}

impl<'a> Packet<'a> {
    /// Reads an Engine.IO message. Does not allocate.
    pub fn decode(text: &'a str) -> Result<Self, BadPacket> {
        let (kind, rest) = Kind::take(text)?;
        let (attachments, rest) = if kind.is_binary() { take_attachments(rest)? } else { (0, rest) };
        let (namespace, rest) = take_namespace(rest)?;
        let (id, data) = take_id(rest)?;
        let packet = Self { kind, namespace, id, attachments, data };
        packet.check()?;
        Ok(packet)
    }

    /// Appends the packet, Engine.IO's `4` before it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        super::encode::head(self.kind, self.attachments, self.namespace, self.id, out);
        out.extend_from_slice(self.data.as_bytes());
    }

    /// Whether id and data have the form that the type asks for.
    fn check(&self) -> Result<(), BadPacket> {
        let first = self.data.as_bytes().first();
        let (id, data) = match self.kind {
            Kind::Connect => (self.id.is_none(), matches!(first, None | Some(b'{'))),
            Kind::Disconnect => (self.id.is_none(), first.is_none()),
            Kind::ConnectError => (self.id.is_none(), matches!(first, Some(b'{' | b'"'))),
            Kind::Event | Kind::BinaryEvent => (true, first == Some(&b'[')),
            Kind::Ack | Kind::BinaryAck => (self.id.is_some(), first == Some(&b'[')),
        };
        if !data {
            return Err(BadPacket::Data);
        }
        if !id {
            return Err(BadPacket::Id);
        }
        match self.kind {
            Kind::Connect | Kind::ConnectError if first.is_some() => {
                serde_json::from_str::<&RawValue>(self.data).map(|_| ()).map_err(|_| BadPacket::Json)
            }
            Kind::Connect
            | Kind::ConnectError
            | Kind::Disconnect
            | Kind::Event
            | Kind::BinaryEvent
            | Kind::Ack
            | Kind::BinaryAck => Ok(()),
        }
    }
}

impl Kind {
    /// Whether packets of this type announce attachments.
    pub fn is_binary(self) -> bool {
        match self {
            Self::BinaryEvent | Self::BinaryAck => true,
            Self::Connect | Self::Disconnect | Self::Event | Self::Ack | Self::ConnectError => false,
        }
    }

    fn take(text: &str) -> Result<(Self, &str), BadPacket> {
        let kind = match text.as_bytes().first() {
            Some(b'0') => Self::Connect,
            Some(b'1') => Self::Disconnect,
            Some(b'2') => Self::Event,
            Some(b'3') => Self::Ack,
            Some(b'4') => Self::ConnectError,
            Some(b'5') => Self::BinaryEvent,
            Some(b'6') => Self::BinaryAck,
            Some(_) | None => return Err(BadPacket::Kind),
        };
        Ok((kind, &text[1..]))
    }
}

/// `<digits>-`
fn take_attachments(text: &str) -> Result<(u32, &str), BadPacket> {
    let (digits, rest) = text.split_at(digits(text));
    let rest = rest.strip_prefix('-').ok_or(BadPacket::Attachments)?;
    match digits.parse() {
        Ok(count) if count <= ATTACHMENTS_MAX => Ok((count, rest)),
        Ok(_) | Err(_) => Err(BadPacket::Attachments),
    }
}

/// `/…` up to a comma, which may be left out where nothing follows.
fn take_namespace(text: &str) -> Result<(&str, &str), BadPacket> {
    if !text.starts_with('/') {
        return Ok((ROOT, text));
    }
    // A comma further away makes the namespace too long; do not look for it through the whole message.
    let window = &text.as_bytes()[..text.len().min(NAMESPACE_BYTES_MAX + 1)];
    match window.iter().position(|byte| *byte == b',') {
        Some(end) => Ok((&text[..end], &text[end + 1..])),
        None if text.len() <= NAMESPACE_BYTES_MAX => Ok((text, "")),
        None => Err(BadPacket::Namespace),
    }
}

fn take_id(text: &str) -> Result<(Option<u64>, &str), BadPacket> {
    let (digits, rest) = text.split_at(digits(text));
    if digits.is_empty() {
        return Ok((None, rest));
    }
    if digits.len() > ACK_ID_DIGITS_MAX {
        return Err(BadPacket::Id);
    }
    match digits.parse() {
        Ok(id) if id <= ACK_ID_MAX => Ok((Some(id), rest)),
        Ok(_) | Err(_) => Err(BadPacket::Id),
    }
}

/// How many digits the text starts with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

impl BadPacket {
    /// A short, constant name for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kind => "socket_kind",
            Self::Attachments => "socket_attachments",
            Self::Namespace => "socket_namespace",
            Self::Id => "socket_id",
            Self::Data => "socket_data",
            Self::Json => "socket_json",
            Self::Name => "socket_event_name",
            Self::TooManyArgs => "socket_too_many_args",
            Self::Placeholder => "socket_placeholder",
            Self::TooLarge => "socket_too_large",
            Self::UnexpectedBinary => "socket_unexpected_binary",
            Self::UnexpectedText => "socket_unexpected_text",
        }
    }
}
