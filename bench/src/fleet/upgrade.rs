//! A polling session that moves to a WebSocket, as stock clients do it: probe beside the polling, stop polling once the probe was
//! answered and the GET on its way came back, say `5`, go on there.

use std::io::{ErrorKind, Read as _, Write as _};

use chat_wire::websocket::{Message, Opcode, Reader, Step, encode_masked};
use mio::net::TcpStream;

use super::http;
use super::link::{Link, MASK_KEY, Polling};
use super::target::Target;

/// Bytes that may come before the session has moved: the answer to the handshake and `3probe`.
const ANSWER_BYTES_MAX: usize = 4096;

/// The WebSocket of a session that is still on polling.
#[derive(Debug)]
pub(super) struct Upgrade {
    pub(super) stream: TcpStream,
    unsent: Vec<u8>,
    partial: Vec<u8>,
    stage: Stage,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Handshake,
    Probed,
    /// `3probe` has come: no further GET and no POST.
    Answered,
}

/// The WebSocket failed; the session stays on polling.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failed;

impl Upgrade {
    pub(super) fn new(stream: TcpStream, target: &Target, sid: &str) -> Self {
        let mut unsent = Vec::new();
        http::push_move(target, sid, &mut unsent);
        Self { stream, unsent, partial: Vec::new(), stage: Stage::Handshake }
    }

    /// From the answer to the probe on nothing more goes by polling.
    pub(super) fn holds_gets(&self) -> bool {
        self.stage == Stage::Answered
    }

    /// Reads and writes what there is.
    pub(super) fn ready(&mut self) -> Result<(), Failed> {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Err(Failed),
                Ok(len) => self.partial.extend_from_slice(&buffer[..len]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failed),
            }
        }
        self.digest()?;
        self.flush()
    }

    fn digest(&mut self) -> Result<(), Failed> {
        if self.partial.len() > ANSWER_BYTES_MAX {
            return Err(Failed);
        }
        if self.stage == Stage::Handshake {
            let Some(head) = http::head(&self.partial).map_err(|_| Failed)? else { return Ok(()) };
            if head.status != 101 {
                return Err(Failed);
            }
            self.partial.drain(..head.len);
            self.stage = Stage::Probed;
            encode_masked(true, Opcode::Text, b"2probe", MASK_KEY, &mut self.unsent);
        }
        if self.stage == Stage::Probed {
            let used = match Reader::of_server().next(&mut self.partial, ANSWER_BYTES_MAX).map_err(|_| Failed)? {
                Step::Incomplete { .. } => return Ok(()),
                Step::Message { message: Message::Text("3probe"), used } => used,
                Step::Absorbed { .. } | Step::Message { .. } => return Err(Failed),
            };
            self.partial.drain(..used);
            self.stage = Stage::Answered;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failed> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Failed),
            }
        }
        Ok(())
    }
}

impl Link {
    /// Moves the session once nothing of it is on its way by polling. The socket that is left behind, if it moved.
    pub(super) fn try_move(&mut self) -> Option<TcpStream> {
        let idle = |polling: &Polling| {
            !polling.getting && !polling.posting && polling.upgrade.as_ref().is_some_and(Upgrade::holds_gets)
        };
        let polling = self.polling.take_if(|polling| idle(polling))?;
        let Polling { outgoing, upgrade, .. } = *polling;
        let upgrade = upgrade?;
        self.open = true;
        self.unsent = upgrade.unsent;
        encode_masked(true, Opcode::Text, b"5", MASK_KEY, &mut self.unsent);
        for packet in outgoing.split(|byte| *byte == 0x1e).filter(|packet| !packet.is_empty()) {
            encode_masked(true, Opcode::Text, packet, MASK_KEY, &mut self.unsent);
        }
        self.stream.replace(upgrade.stream)
    }
}
