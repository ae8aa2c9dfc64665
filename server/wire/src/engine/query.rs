//! The query string of an Engine.IO request.

use std::borrow::Cow;

use super::refusal::Refusal;
use crate::limits::QUERY_BYTES_MAX;

/// A transport's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// HTTP long polling.
    Polling,
    /// A WebSocket.
    WebSocket,
}

/// What a request says about itself. Protocol 4 is implied: nothing else is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query<'a> {
    /// The transport that the request belongs to.
    pub transport: Name,
    /// The session; none opens one.
    pub sid: Option<Cow<'a, str>>,
    /// The client's mark of this very request: a request that comes with the mark of the one before is a repeat.
    pub t: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Reads the part of the URL after `?`. Keys that are not ours are stepped over; one of ours twice is refused, so
    /// that no two readers of the request can take it differently.
    pub fn parse(raw: &'a str) -> Result<Self, Refusal> {
        if raw.len() > QUERY_BYTES_MAX {
            return Err(Refusal::BadRequest);
        }
        let (mut version, mut transport, mut sid, mut t) = (None, None, None, None);
        for pair in raw.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let slot = match key {
                "EIO" => &mut version,
                "transport" => &mut transport,
                "sid" => &mut sid,
                "t" => &mut t,
                _ => continue,
            };
            if slot.replace(unescape(value)).is_some() {
                return Err(Refusal::BadRequest);
            }
        }
        let transport = match transport.as_deref() {
            Some("polling") => Name::Polling,
            Some("websocket") => Name::WebSocket,
            Some(_) | None => return Err(Refusal::UnknownTransport),
        };
        if version.as_deref() != Some("4") {
            return Err(Refusal::UnsupportedVersion);
        }
        Ok(Self { transport, sid, t })
    }
}

/// Undoes percent escapes; what is none stays as it is. Borrows where there is nothing to undo.
fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains(['%', '+']) {
        return Cow::Borrowed(value);
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        let escaped = match tail {
            [high, low, ..] if *first == b'%' => hex(*high, *low),
            _ => None,
        };
        bytes.push(match escaped {
            Some(byte) => {
                rest = &tail[2..];
                byte
            }
            None if *first == b'+' => b' ',
            None => *first,
        });
    }
    Cow::Owned(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}
