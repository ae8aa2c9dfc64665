//! One Engine.IO packet as text.

use std::borrow::Cow;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet::STANDARD};

/// Padded when we write; clients that leave the padding out are understood.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An Engine.IO packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'a> {
    /// `0`: the handshake as JSON, from the server.
    Open(&'a str),
    /// `1`: the session ends.
    Close,
    /// `2`: a heartbeat from the server; `2probe` from a client that moves to a WebSocket.
    Ping(&'a str),
    /// `3`: the answer to a heartbeat or a probe.
    Pong(&'a str),
    /// `4`: a text for the layer above.
    Message(&'a str),
    /// Bytes for the layer above: a binary frame on a WebSocket; as text, `b` and base64.
    Binary(Cow<'a, [u8]>),
    /// `5`: the client has moved to this WebSocket.
    Upgrade,
    /// `6`: nothing.
    Noop,
}

/// A text that is no Engine.IO packet. The session is closed on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPacket {
    /// No text at all.
    #[error("the packet is empty")]
    Empty,
    /// The first character is no packet type.
    #[error("the packet type is unknown")]
    Type,
    /// Data on a type that has none.
    #[error("the packet has data where none belongs")]
    Data,
    /// `b` is not followed by base64.
    #[error("the packet is not base64")]
    Base64,
    /// More packets in one payload than allowed.
    #[error("the payload has too many packets")]
    TooManyPackets,
}

impl<'a> Packet<'a> {
    /// Reads a packet in its text form: a text frame of a WebSocket or a piece of a polling payload.
    ///
    /// Base64 is accepted in both: stock clients with `forceBase64` send it in text frames too. It is the only thing
    /// that allocates, at most the length of the text.
    pub fn decode_text(text: &'a str) -> Result<Self, BadPacket> {
        let [kind, ..] = text.as_bytes() else {
            return Err(BadPacket::Empty);
        };
        if !kind.is_ascii() {
            return Err(BadPacket::Type);
        }
        let data = &text[1..];
        Ok(match kind {
            b'0' => Self::Open(data),
            b'1' => bare(data, Self::Close)?,
            b'2' => Self::Ping(data),
            b'3' => Self::Pong(data),
            b'4' => Self::Message(data),
            b'5' => bare(data, Self::Upgrade)?,
            b'6' => bare(data, Self::Noop)?,
            b'b' => Self::Binary(Cow::Owned(BASE64.decode(data).map_err(|_| BadPacket::Base64)?)),
            _ => return Err(BadPacket::Type),
        })
    }

    /// Appends the packet's text form. On a WebSocket, bytes go as a binary frame instead, without any of this.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (kind, data) = match self {
            Self::Open(data) => (b'0', *data),
            Self::Close => (b'1', ""),
            Self::Ping(data) => (b'2', *data),
            Self::Pong(data) => (b'3', *data),
            Self::Message(data) => (b'4', *data),
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
            Self::Binary(bytes) => return encode_binary(bytes, out),
        };
        out.push(kind);
        out.extend_from_slice(data.as_bytes());
    }
}

/// Appends bytes in their text form: `b` and base64.
pub(super) fn encode_binary(bytes: &[u8], out: &mut Vec<u8>) {
    out.push(b'b');
    let start = out.len();
    // Four characters for each three bytes begun; the slice is exactly what the encoder fills.
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = BASE64.encode_slice(bytes, &mut out[start..]);
    debug_assert_eq!(written, Ok(out.len() - start), "base64 has a fixed length");
}

fn bare<'a>(data: &str, packet: Packet<'a>) -> Result<Packet<'a>, BadPacket> {
    if data.is_empty() { Ok(packet) } else { Err(BadPacket::Data) }
}

impl BadPacket {
    /// A short, constant name for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "engine_empty",
            Self::Type => "engine_type",
            Self::Data => "engine_data",
            Self::Base64 => "engine_base64",
            Self::TooManyPackets => "engine_too_many_packets",
        }
    }
}
