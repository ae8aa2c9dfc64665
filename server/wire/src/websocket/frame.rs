//! The head of a frame (RFC 6455, 5.2).

use super::violation::Violation;
use crate::limits::CONTROL_BYTES_MAX;

/// What a frame carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next piece of a fragmented message.
    Continuation = 0x0,
    /// UTF-8 text.
    Text = 0x1,
    /// Bytes.
    Binary = 0x2,
    /// The sender closes.
    Close = 0x8,
    /// A WebSocket ping; not the heartbeat of Engine.IO.
    Ping = 0x9,
    /// The answer to a WebSocket ping.
    Pong = 0xA,
}

impl Opcode {
    fn of(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// Whether this is a control frame, which may stand between the fragments of a message.
    pub fn is_control(self) -> bool {
        match self {
            Self::Close | Self::Ping | Self::Pong => true,
            Self::Continuation | Self::Text | Self::Binary => false,
        }
    }
}

/// The first byte.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lead {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
}

impl Lead {
    pub(super) fn decode(byte: u8) -> Result<Self, Violation> {
        if byte & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::of(byte & 0x0F).ok_or(Violation::ReservedOpcode)?;
        let fin = byte & 0x80 != 0;
        if opcode.is_control() && !fin {
            return Err(Violation::FragmentedControl);
        }
        Ok(Self { fin, opcode })
    }
}

/// The payload's length and where it ends in the head: `Ok(Err(wanted))` while bytes of it are missing.
///
/// `input` is the whole frame, of which at least two bytes are there.
pub(super) fn length(input: &[u8], opcode: Opcode) -> Result<Result<(u64, usize), usize>, Violation> {
    let short = input[1] & 0x7F;
    if opcode.is_control() && usize::from(short) > CONTROL_BYTES_MAX {
        return Err(Violation::LongControl);
    }
    match short {
        126 => {
            let [_, _, high, low, ..] = input else {
                return Ok(Err(4));
            };
            let len = u16::from_be_bytes([*high, *low]);
            if len < 126 { Err(Violation::Length) } else { Ok(Ok((u64::from(len), 4))) }
        }
        127 => {
            let Some(bytes) = input[2..].first_chunk::<8>() else {
                return Ok(Err(10));
            };
            let len = u64::from_be_bytes(*bytes);
            if u16::try_from(len).is_ok() || len >> 63 != 0 { Err(Violation::Length) } else { Ok(Ok((len, 10))) }
        }
        short => Ok(Ok((u64::from(short), 2))),
    }
}
