//! One connection of the fleet: a socket, what was read of an unfinished frame, what could not be written yet.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::sync::Arc;

use chat_wire::websocket::{Message, Opcode, Reader, Step, encode_masked};
use mio::net::TcpStream;

use super::http;
use super::target::{Target, Transport};
use super::upgrade::Upgrade;
use super::{Ended, Handler};

/// A frame or an answer may be this long: more than any server sends us in one piece.
pub(super) const MESSAGE_BYTES_MAX: usize = 2 << 20;

/// Any key will do against proxies; servers do the same work for each.
pub(super) const MASK_KEY: [u8; 4] = [0x5A, 0x17, 0xC3, 0x88];

/// A connection, idle at about 150 bytes.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: Option<TcpStream>,
    /// Where it is connected to.
    pub(super) target: Option<Arc<Target>>,
    /// Counts the connections that had this place, so that an answer to an earlier one is told apart.
    pub(super) generation: u32,
    pub(super) open: bool,
    reader: Reader,
    /// The front of a frame whose rest has not come.
    partial: Vec<u8>,
    /// Written to the socket's buffer as far as it went.
    pub(super) unsent: Vec<u8>,
    pub(super) polling: Option<Box<Polling>>,
}

/// What long polling keeps beside the socket of its GETs.
#[derive(Debug, Default)]
pub(super) struct Polling {
    pub(super) sid: String,
    /// Packets for the next POST, joined by the separator.
    pub(super) outgoing: Vec<u8>,
    /// A POST is under way or waits for a courier: there must be one at a time.
    pub(super) posting: bool,
    /// Numbers the requests: each has its own `t`.
    pub(super) requests: u32,
    /// A GET is under way.
    pub(super) getting: bool,
    /// The WebSocket that the session moves to.
    pub(super) upgrade: Option<Upgrade>,
    /// Tries to move that are left.
    pub(super) upgrades_left: u8,
}

/// Where a handler puts its answers to a packet: each is a whole Engine.IO packet in text form, such as `2probe` or
/// `42["join",{}]`.
#[derive(Debug)]
pub struct Reply<'a> {
    out: &'a mut Vec<u8>,
    polling: bool,
}

impl Reply<'_> {
    /// Sends a packet on the connection at hand.
    pub fn send(&mut self, packet: &[u8]) {
        if self.polling {
            if !self.out.is_empty() {
                self.out.push(0x1e);
            }
            self.out.extend_from_slice(packet);
        } else {
            encode_masked(true, Opcode::Text, packet, MASK_KEY, self.out);
        }
    }
}

impl Link {
    pub(super) const fn closed() -> Self {
        Self {
            stream: None,
            target: None,
            generation: 0,
            open: false,
            reader: Reader::of_server(),
            partial: Vec::new(),
            unsent: Vec::new(),
            polling: None,
        }
    }

    /// Takes a fresh socket; the first request goes out as soon as it is connected.
    pub(super) fn start(&mut self, stream: TcpStream, target: &Arc<Target>) {
        let generation = self.generation.wrapping_add(1);
        *self = Self { stream: Some(stream), generation, ..Self::closed() };
        match target.transport {
            Transport::Ws => http::push_upgrade(target, &mut self.unsent),
            Transport::Polling | Transport::Upgrade => {
                http::push_get(target, "", 0, &mut self.unsent);
                self.polling = Some(Box::new(Polling { getting: true, upgrades_left: 1, ..Polling::default() }));
            }
        }
        self.target = Some(Arc::clone(target));
    }

    /// Sends a packet of one's own accord.
    pub(super) fn send(&mut self, packet: &[u8]) {
        let Self { unsent, polling, .. } = self;
        reply(unsent, polling.as_deref_mut()).send(packet);
    }

    /// Writes what the socket takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut written = 0;
        while written < self.unsent.len() {
            match stream.write(&self.unsent[written..]) {
                Ok(len) => written += len,
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if written == self.unsent.len() {
            self.unsent = Vec::new();
        } else {
            self.unsent.drain(..written);
        }
        Ok(())
    }

    /// Reads all that there is through the buffer that all connections share, and handles it.
    pub(super) fn read<H: Handler>(&mut self, id: usize, scratch: &mut [u8], handler: &mut H) -> Result<(), Ended> {
        loop {
            let Some(stream) = &mut self.stream else { return Ok(()) };
            let kept = self.partial.len();
            scratch[..kept].copy_from_slice(&self.partial);
            let room = scratch.len() - kept;
            if room == 0 {
                return Err(Ended::Malformed);
            }
            let filled = match stream.read(&mut scratch[kept..]) {
                Ok(0) => return Err(Ended::Eof),
                Ok(len) => kept + len,
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::NotConnected => {
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(Ended::Reset),
            };
            let used = if self.polling.is_some() {
                self.answers(id, &scratch[..filled], handler)?
            } else {
                self.frames(id, &mut scratch[..filled], handler)?
            };
            self.partial.clear();
            if used < filled {
                self.partial.extend_from_slice(&scratch[used..filled]);
            } else {
                self.partial = Vec::new();
            }
            // Readiness is told on change: a read that did not fill the buffer has emptied the socket.
            if filled - kept < room {
                return Ok(());
            }
        }
    }

    /// WebSocket: the answer to the upgrade, then frames. Returns the bytes used.
    fn frames<H: Handler>(&mut self, id: usize, input: &mut [u8], handler: &mut H) -> Result<usize, Ended> {
        let mut at = 0;
        if !self.open {
            let Some(head) = http::head(input).map_err(|_| Ended::Malformed)? else { return Ok(0) };
            if head.status != 101 {
                return Err(Ended::Refused(head.status));
            }
            self.open = true;
            at = head.len;
        }
        let Self { reader, unsent, polling, .. } = self;
        loop {
            match reader.next(&mut input[at..], MESSAGE_BYTES_MAX).map_err(|_| Ended::Malformed)? {
                Step::Incomplete { .. } => return Ok(at),
                Step::Absorbed { used } => at += used,
                Step::Message { message, used } => {
                    match message {
                        Message::Text(text) => packet(id, text, &mut reply(unsent, polling.as_deref_mut()), handler)?,
                        Message::Ping(bytes) => encode_masked(true, Opcode::Pong, bytes, MASK_KEY, unsent),
                        Message::Binary(_) | Message::Pong(_) => {}
                        Message::Close(close) => return Err(Ended::Closed(close.map_or(1005, |close| close.code))),
                    }
                    at += used;
                }
            }
        }
    }

    /// Long polling: answers to GETs, each followed by the next GET. Returns the bytes used.
    fn answers<H: Handler>(&mut self, id: usize, input: &[u8], handler: &mut H) -> Result<usize, Ended> {
        let mut at = 0;
        loop {
            let Some(head) = http::head(&input[at..]).map_err(|_| Ended::Malformed)? else { return Ok(at) };
            let end = at + head.len + head.body_len;
            if input.len() < end {
                return Ok(at);
            }
            if head.status != 200 {
                return Err(Ended::Refused(head.status));
            }
            let body = std::str::from_utf8(&input[at + head.len..end]).map_err(|_| Ended::Malformed)?;
            let Self { unsent, polling, .. } = self;
            for text in body.split('\x1e') {
                if let Some(polling) = polling.as_deref_mut()
                    && let Some(open) = text.strip_prefix('0')
                {
                    open.split("\"sid\":\"")
                        .nth(1)
                        .and_then(|rest| rest.split('"').next())
                        .unwrap_or_default()
                        .clone_into(&mut polling.sid);
                }
                packet(id, text, &mut reply(unsent, polling.as_deref_mut()), handler)?;
            }
            if head.close {
                return Err(Ended::Eof);
            }
            if let (Some(polling), Some(target)) = (polling.as_deref_mut(), &self.target) {
                polling.getting = polling.upgrade.as_ref().is_none_or(|upgrade| !upgrade.holds_gets());
                if polling.getting {
                    polling.requests += 1;
                    http::push_get(target, &polling.sid, polling.requests, unsent);
                }
            }
            at = end;
        }
    }
}

/// Where packets go: into frames, or into the next POST.
fn reply<'a>(unsent: &'a mut Vec<u8>, polling: Option<&'a mut Polling>) -> Reply<'a> {
    match polling {
        Some(polling) => Reply { out: &mut polling.outgoing, polling: true },
        None => Reply { out: unsent, polling: false },
    }
}

/// One Engine.IO packet: heartbeats are answered here, messages are the handler's.
fn packet<H: Handler>(id: usize, text: &str, reply: &mut Reply<'_>, handler: &mut H) -> Result<(), Ended> {
    match text.as_bytes() {
        [b'0', ..] => handler.opened(id, reply),
        [b'1', ..] => return Err(Ended::ClosePacket),
        [b'2', rest @ ..] => {
            let mut pong = Vec::with_capacity(1 + rest.len());
            pong.push(b'3');
            pong.extend_from_slice(rest);
            reply.send(&pong);
        }
        [b'4', message @ ..] => handler.message(id, message, reply),
        [b'6' | b'b', ..] => {}
        _ => return Err(Ended::Malformed),
    }
    Ok(())
}
