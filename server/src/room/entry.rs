//! An entry of the log as clients see it, encoded once for all of them.

use chat_log::{Entry, Position};
use chat_session::write_shared;
use chat_socket::Frame;
use serde::Deserialize;
use std::borrow::Cow;
use std::sync::Arc;

/// An entry, ready to be sent: a frame with the shared offset, whose body serves frames of one's own, too.
#[derive(Debug)]
pub struct Encoded {
    /// Where it stands in the room.
    pub position: Position,
    /// The frame for everybody whose delta holds no other room.
    pub shared: Frame,
    /// How much of the frame's body comes before the offset.
    body: u32,
    /// Whom this puts out of the room.
    pub kicks: Option<Box<str>>,
}

impl Encoded {
    /// Encodes an entry. `None` if the body is not a JSON object with something in it, as only a foreign hand writes.
    pub fn new(room: &Arc<str>, entry: &Entry) -> Option<Self> {
        let mut packet = b"42[\"message\",".to_vec();
        write_entry(room, entry, &mut packet)?;
        let body = packet.len() as u32;
        let mut offset = Vec::with_capacity(room.len() + 24);
        write_shared(room, entry.position, &mut offset);
        packet.push(b',');
        // The room's name may hold what JSON escapes.
        serde_json::to_writer(&mut packet, std::str::from_utf8(&offset).ok()?).ok()?;
        packet.push(b']');
        Some(Self { position: entry.position, shared: Frame::text(&packet), body, kicks: kicks(entry) })
    }

    /// The packet up to where the offset begins.
    pub fn body(&self) -> &[u8] {
        &self.shared.body()[..self.body as usize]
    }

    /// Its size in memory and on the wire, about.
    pub fn len(&self) -> usize {
        self.shared.bytes().len()
    }

    /// Never; an entry has a frame.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Whom an entry puts out of the room. Only entries without an author, which the server itself makes, can do that.
fn kicks(entry: &Entry) -> Option<Box<str>> {
    #[derive(Deserialize)]
    struct Kick<'a> {
        #[serde(borrow)]
        kind: Cow<'a, str>,
        user: Kicked,
    }
    #[derive(Deserialize)]
    struct Kicked {
        id: Box<str>,
    }
    if !entry.author.is_empty() {
        return None;
    }
    let kick = serde_json::from_slice::<Kick<'_>>(&entry.body).ok()?;
    (kick.kind == "kick").then_some(kick.user.id)
}

/// Appends an entry as JSON: `{room, position, at, ...}` with what its author's request made of the rest.
pub fn write_entry(room: &str, entry: &Entry, out: &mut Vec<u8>) -> Option<()> {
    let [b'{', rest @ ..] = &*entry.body else { return None };
    if rest.len() < 2 {
        return None;
    }
    out.extend_from_slice(b"{\"room\":");
    serde_json::to_writer(&mut *out, room).ok()?;
    out.extend_from_slice(b",\"position\":\"");
    chat_session::write_position(entry.position, out);
    out.extend_from_slice(b"\",\"at\":");
    out.extend_from_slice(itoa::Buffer::new().format(entry.at_ms).as_bytes());
    out.push(b',');
    out.extend_from_slice(rest);
    Some(())
}
