//! The sockets that carry the POSTs of all polling connections.
//!
//! Browsers open a second socket a client for them; one process with 10,000 clients has no file descriptors for
//! that, and needs none: a POST is over as soon as it is answered, so a few sockets take turns.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;

use super::Ended;
use super::http;

/// Sockets for POSTs.
pub(super) const COURIERS: usize = 64;

/// Servers end idle connections, stock Node after 5 s; one that idled longer than this is not trusted with a POST.
const IDLE_MAX: Duration = Duration::from_secs(3);

/// The place in the fleet that a POST is for, and which of its connections.
pub(super) type Sender = (usize, u32);

#[derive(Debug, Default)]
pub(super) struct Courier {
    pub(super) stream: Option<TcpStream>,
    pub(super) carries: Option<Sender>,
    unsent: Vec<u8>,
    partial: Vec<u8>,
    used_at: Option<Instant>,
    /// Where its socket leads.
    address: Option<SocketAddr>,
}

/// All couriers and those who wait for one.
#[derive(Debug)]
pub(super) struct Couriers {
    pub(super) all: Vec<Courier>,
    pub(super) waiting: VecDeque<Sender>,
}

impl Couriers {
    pub(super) fn new() -> Self {
        Self { all: (0..COURIERS).map(|_| Courier::default()).collect(), waiting: VecDeque::new() }
    }

    pub(super) fn idle(&self) -> Option<usize> {
        self.all.iter().position(|courier| courier.carries.is_none())
    }
}

impl Courier {
    /// Drops a socket that may have been closed at the other end.
    pub(super) fn retire_stale(&mut self, now: Instant) {
        if self.used_at.is_none_or(|at| now.duration_since(at) > IDLE_MAX) {
            self.stream = None;
        }
    }

    /// Drops a socket that leads elsewhere.
    pub(super) fn turn_to(&mut self, address: SocketAddr) {
        if self.address.replace(address) != Some(address) {
            self.stream = None;
        }
    }

    pub(super) fn take(&mut self, sender: Sender, request: Vec<u8>, now: Instant) {
        self.carries = Some(sender);
        self.unsent = request;
        self.partial.clear();
        self.used_at = Some(now);
    }

    /// Writes what the socket takes; an error ends the POST.
    pub(super) fn flush(&mut self) -> Result<(), Ended> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        while !self.unsent.is_empty() {
            match stream.write(&self.unsent) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Ended::Reset),
            }
        }
        Ok(())
    }

    /// Reads the answer. True once it is whole and good.
    pub(super) fn read(&mut self) -> Result<bool, Ended> {
        let mut buffer = [0; 2048];
        let mut eof = false;
        while let Some(stream) = &mut self.stream {
            match stream.read(&mut buffer) {
                Ok(0) => {
                    eof = true;
                    break;
                }
                Ok(len) => self.partial.extend_from_slice(&buffer[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock || error.kind() == ErrorKind::NotConnected => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => {
                    eof = true;
                    break;
                }
            }
        }
        let head = http::head(&self.partial).map_err(|_| Ended::Malformed)?;
        let whole = head.filter(|head| self.partial.len() >= head.len + head.body_len);
        if eof || whole.as_ref().is_some_and(|head| head.close) {
            self.stream = None;
        }
        match whole {
            Some(head) if head.status == 200 => {
                self.partial.clear();
                Ok(true)
            }
            Some(head) => {
                self.partial.clear();
                Err(Ended::Refused(head.status))
            }
            None if eof => Err(Ended::Eof),
            None => Ok(false),
        }
    }
}
