//! Messages to bytes for the peer, each in one frame.

use super::close::may_be_sent;
use super::frame::Opcode;
use super::mask::mask;
use crate::limits::{CLOSE_REASON_BYTES_MAX, CONTROL_BYTES_MAX};

/// The longest head of a server's frame.
const HEADER_BYTES_MAX: usize = 10;

/// The head of a server's frame with a payload of `len` bytes: the first so many bytes of the array.
pub fn header(len: usize, opcode: Opcode) -> ([u8; HEADER_BYTES_MAX], usize) {
    debug_assert!(!opcode.is_control() || len <= CONTROL_BYTES_MAX, "control frames are short");
    let mut head = [0; HEADER_BYTES_MAX];
    head[0] = 0x80 | opcode as u8;
    match len {
        0..=125 => {
            head[1] = len as u8;
            (head, 2)
        }
        126..=0xFFFF => {
            head[1] = 126;
            head[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            (head, 4)
        }
        _ => {
            head[1] = 127;
            head[2..].copy_from_slice(&(len as u64).to_be_bytes());
            (head, HEADER_BYTES_MAX)
        }
    }
}

/// Appends a server's frame.
pub fn encode(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    let (head, len) = header(payload.len(), opcode);
    out.reserve(len + payload.len());
    out.extend_from_slice(&head[..len]);
    out.extend_from_slice(payload);
}

/// Appends a server's text frame. `payload` is UTF-8; it is taken as bytes because encoders make bytes.
pub fn encode_text(payload: &[u8], out: &mut Vec<u8>) {
    encode(Opcode::Text, payload, out);
}

/// Appends a server's frame whose payload is what `body` appends, for encoders that do not know their length before.
pub fn encode_with(opcode: Opcode, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES_MAX]);
    body(out);
    let payload = start + HEADER_BYTES_MAX;
    let payload_len = out.len() - payload;
    let (head, len) = header(payload_len, opcode);
    out.copy_within(payload.., start + len);
    out[start..start + len].copy_from_slice(&head[..len]);
    out.truncate(start + len + payload_len);
}

/// Appends a server's close frame. A reason longer than a control frame holds is cut between two characters.
pub fn encode_close(code: u16, reason: &str, out: &mut Vec<u8>) {
    debug_assert!(may_be_sent(code), "close code {code} may not be sent");
    let mut end = reason.len().min(CLOSE_REASON_BYTES_MAX);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &reason[..end];
    let (head, len) = header(2 + reason.len(), Opcode::Close);
    out.extend_from_slice(&head[..len]);
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
}

/// Appends a client's frame, masked with `key`; `fin` is false for all but the last fragment of a message.
pub fn encode_masked(fin: bool, opcode: Opcode, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    let (mut head, len) = header(payload.len(), opcode);
    if !fin {
        head[0] &= 0x7F;
    }
    head[1] |= 0x80;
    out.reserve(len + key.len() + payload.len());
    out.extend_from_slice(&head[..len]);
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(key, &mut out[start..]);
}
