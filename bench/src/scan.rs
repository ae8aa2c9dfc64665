//! Finds the few fields that count in a packet, without parsing its JSON.
//!
//! A quote inside a JSON string is escaped, so `"position":"` cannot occur in somebody's text; it could in the `data` of an
//! entry, which no load mode sends.

use memchr::memmem;

/// What a `message` event tells a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrived<'a> {
    /// The room's name, as it stands in the JSON.
    pub room: &'a [u8],
    /// The number of the position.
    pub n: u64,
}

/// The room and position of an entry, from a packet that starts with `2["message",`.
pub fn entry(packet: &[u8]) -> Option<Arrived<'_>> {
    let packet = packet.strip_prefix(br#"2["message","#)?;
    // The usual order of the fields first: no search at all.
    if let Some(rest) = packet.strip_prefix(br#"{"room":""#) {
        let end = memchr::memchr(b'"', rest)?;
        if let Some(position) = rest[end..].strip_prefix(br#"","position":""#) {
            return Some(Arrived { room: &rest[..end], n: number_of(position)? });
        }
    }
    Some(Arrived { room: field(packet, br#""room":""#)?, n: position(packet)? })
}

/// The number of the first `position` in a packet.
pub fn position(packet: &[u8]) -> Option<u64> {
    number_of(field(packet, br#""position":""#)?)
}

/// The string that stands after `key`, which is `"name":"`; escapes are left as they are.
pub fn field<'a>(packet: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let rest = &packet[memmem::find(packet, key)? + key.len()..];
    Some(&rest[..memchr::memchr(b'"', rest)?])
}

/// The number of a position `<epoch>-<n>`, which may go on with a quote.
pub fn number_of(position: &[u8]) -> Option<u64> {
    let dash = memchr::memchr(b'-', position)?;
    leading_number(&position[dash + 1..])
}

/// The digits at the end of a room's name, which say which room it is.
pub fn trailing_number(name: &[u8]) -> Option<usize> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&name[name.len() - digits..]).ok()?.parse().ok()
}

/// The digits in front.
pub fn leading_number(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&bytes[..digits]).ok()?.parse().ok()
}

/// The last argument of an event if it is a string: what a client with recovery takes for its offset.
pub fn trailing_string(packet: &[u8]) -> Option<&[u8]> {
    let rest = packet.strip_suffix(br#""]"#)?;
    Some(&rest[memchr::memrchr(b'"', rest)? + 1..])
}

/// The ack id and the arguments of an ACK packet.
pub fn ack(packet: &[u8]) -> Option<(u64, &[u8])> {
    let rest = packet.strip_prefix(b"3")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Some((leading_number(rest)?, &rest[digits..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_its_room_and_number() {
        let usual = br#"2["message",{"room":"b-12","position":"3-45","text":"x"},"r:b-12:3-45"]"#;
        let other = br#"2["message",{"id":"x","position":"3-45","room":"b-12"}]"#;
        for packet in [&usual[..], other] {
            assert_eq!(entry(packet), Some(Arrived { room: b"b-12", n: 45 }));
        }
        assert_eq!(trailing_string(usual), Some(&b"r:b-12:3-45"[..]));
        assert_eq!(trailing_string(other), None);
        assert_eq!(entry(br#"2["receipt",{"room":"b","position":"1-1"}]"#), None);
    }

    #[test]
    fn a_quote_in_a_text_is_no_field() {
        let packet = br#"2["message",{"text":"\"position\":\"9-9\"","room":"b-1","position":"1-2"}]"#;
        assert_eq!(entry(packet).map(|entry| entry.n), Some(2));
    }

    #[test]
    fn an_ack_has_a_number() {
        assert_eq!(ack(br#"317[{"ok":true}]"#), Some((17, &br#"[{"ok":true}]"#[..])));
        assert_eq!(ack(br#"2["x"]"#), None);
    }

    #[test]
    fn a_room_ends_in_its_number() {
        assert_eq!(trailing_number(b"bench-7f-019"), Some(19));
        assert_eq!(trailing_number(b"bench"), None);
    }
}
