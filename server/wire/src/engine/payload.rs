//! Polling payloads: packets in their text form, joined by the record separator.

use super::packet::{BadPacket, Packet, encode_binary};

/// What stands between two packets.
pub const SEPARATOR: char = '\x1e';

/// The packets of a payload, in order. After an error nothing more comes: the session is closed.
///
/// `packets_max` bounds their number, usually by [`crate::limits::PAYLOAD_PACKETS_MAX`]. An empty body is one empty
/// packet, so an error.
pub fn split(body: &str, packets_max: usize) -> Split<'_> {
    Split { rest: Some(body), left: packets_max }
}

/// The iterator of [`split`].
#[derive(Debug, Clone)]
pub struct Split<'a> {
    /// What is not read yet; none after the last packet or an error.
    rest: Option<&'a str>,
    left: usize,
}

impl<'a> Iterator for Split<'a> {
    type Item = Result<Packet<'a>, BadPacket>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest.take()?;
        if self.left == 0 {
            return Some(Err(BadPacket::TooManyPackets));
        }
        self.left -= 1;
        let (packet, rest) = match rest.split_once(SEPARATOR) {
            Some((packet, rest)) => (packet, Some(rest)),
            None => (rest, None),
        };
        let packet = Packet::decode_text(packet);
        if packet.is_ok() {
            self.rest = rest;
        }
        Some(packet)
    }
}

impl std::iter::FusedIterator for Split<'_> {}

/// Appends a packet to the payload in `out`, which holds nothing but it.
pub fn push(packet: &Packet<'_>, out: &mut Vec<u8>) {
    separate(out);
    packet.encode(out);
}

/// Appends a packet that is already in its text form, such as the body of a shared frame.
pub fn push_text(text: &[u8], out: &mut Vec<u8>) {
    separate(out);
    out.extend_from_slice(text);
}

/// Appends bytes for the layer above, as `b` and base64.
pub fn push_binary(bytes: &[u8], out: &mut Vec<u8>) {
    separate(out);
    encode_binary(bytes, out);
}

fn separate(out: &mut Vec<u8>) {
    if !out.is_empty() {
        out.push(SEPARATOR as u8);
    }
}
