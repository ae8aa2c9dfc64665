//! Packets of the server, ready for a text frame or a polling payload: Engine.IO's `4` stands before each.

use std::io::Write as _;

use super::ROOT;
use super::packet::Kind;

/// Appends the answer to a client's CONNECT: `40{"sid":…}`, with a `pid` where the session can be recovered.
pub fn connect_reply(namespace: &str, sid: &str, pid: Option<&str>, out: &mut Vec<u8>) {
    head(Kind::Connect, 0, namespace, None, out);
    out.extend_from_slice(br#"{"sid":"#);
    string(sid, out);
    if let Some(pid) = pid {
        out.extend_from_slice(br#","pid":"#);
        string(pid, out);
    }
    out.push(b'}');
}

/// Appends a client's CONNECT with `auth`, a JSON object or nothing.
pub fn connect(namespace: &str, auth: &str, out: &mut Vec<u8>) {
    head(Kind::Connect, 0, namespace, None, out);
    out.extend_from_slice(auth.as_bytes());
}

/// Appends the refusal of a CONNECT: `44{"message":…}`, with `data` (JSON) for the application where there is some.
/// Stock clients do not try again by themselves after it.
pub fn connect_error(namespace: &str, message: &str, data: Option<&str>, out: &mut Vec<u8>) {
    head(Kind::ConnectError, 0, namespace, None, out);
    out.extend_from_slice(br#"{"message":"#);
    string(message, out);
    if let Some(data) = data {
        out.extend_from_slice(br#","data":"#);
        out.extend_from_slice(data.as_bytes());
    }
    out.push(b'}');
}

/// Appends `41`: the client is out of the namespace. Stock clients do not come back by themselves after it.
pub fn disconnect(namespace: &str, out: &mut Vec<u8>) {
    head(Kind::Disconnect, 0, namespace, None, out);
}

/// Appends an event with `args`, each of them JSON; `id` asks the client for an answer.
pub fn event<'a>(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: impl IntoIterator<Item = &'a str>,
    out: &mut Vec<u8>,
) {
    head(Kind::Event, 0, namespace, id, out);
    named_array(name, args, out);
}

/// Appends the answer to the event that came with `id`, with `args`, each of them JSON.
pub fn ack<'a>(namespace: &str, id: u64, args: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    head(Kind::Ack, 0, namespace, Some(id), out);
    array(args, out);
}

/// Appends an event whose `args` hold a [`placeholder`] for each of so many attachments, which follow as binary
/// messages in their order.
pub fn binary_event<'a>(
    namespace: &str,
    id: Option<u64>,
    name: &str,
    args: impl IntoIterator<Item = &'a str>,
    attachments: u32,
    out: &mut Vec<u8>,
) {
    head(Kind::BinaryEvent, attachments, namespace, id, out);
    named_array(name, args, out);
}

/// Appends an answer with attachments, as in [`binary_event`].
pub fn binary_ack<'a>(
    namespace: &str,
    id: u64,
    args: impl IntoIterator<Item = &'a str>,
    attachments: u32,
    out: &mut Vec<u8>,
) {
    head(Kind::BinaryAck, attachments, namespace, Some(id), out);
    array(args, out);
}

/// Appends the JSON that stands for an attachment.
pub fn placeholder(num: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"_placeholder":true,"num":"#);
    number(u64::from(num), out);
    out.push(b'}');
}

/// All before the JSON. The comma after a namespace is always written: with it, no reader has to guess.
pub(super) fn head(kind: Kind, attachments: u32, namespace: &str, id: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'4', b'0' + kind as u8]);
    if kind.is_binary() {
        number(u64::from(attachments), out);
        out.push(b'-');
    }
    if namespace != ROOT {
        out.extend_from_slice(namespace.as_bytes());
        out.push(b',');
    }
    if let Some(id) = id {
        number(id, out);
    }
}

fn named_array<'a>(name: &str, args: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    out.push(b'[');
    string(name, out);
    for arg in args {
        out.push(b',');
        out.extend_from_slice(arg.as_bytes());
    }
    out.push(b']');
}

fn array<'a>(args: impl IntoIterator<Item = &'a str>, out: &mut Vec<u8>) {
    out.push(b'[');
    for (at, arg) in args.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(arg.as_bytes());
    }
    out.push(b']');
}

fn string(text: &str, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, text);
    debug_assert!(written.is_ok(), "a Vec takes all that is written");
}

fn number(value: u64, out: &mut Vec<u8>) {
    let written = write!(out, "{value}");
    debug_assert!(written.is_ok(), "a Vec takes all that is written");
}
