//! Many connections in one thread: epoll, one shared read buffer, no task and no timer a connection.
//!
//! The load generator shares the machine with the server that it measures, so it must be cheap: a delivery costs one
//! wake-up, one read and a scan of the frame. The checker's clients run on the same fleet, so that what is proven and
//! what is measured travels through the same code.

mod courier;
mod http;
mod link;
mod target;
mod upgrade;

use std::io;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub use link::Reply;
pub use target::{BadUrl, Target, Targets, Transport};

use courier::Couriers;
use link::{Link, MESSAGE_BYTES_MAX};
use upgrade::Upgrade;

/// Tokens from here on are couriers'; connections come nowhere near.
const COURIER_TOKEN: usize = 1 << 40;

/// Tokens from here on are WebSockets that polling sessions are about to move to.
const UPGRADE_TOKEN: usize = 1 << 41;

/// Bytes of packets in one POST, below the smallest `maxPayload` in use (100,000). One packet alone may be larger.
const POST_BYTES_MAX: usize = 60_000;

/// What happens on the connections. Answers go into `reply`; everything else is done between two turns.
pub trait Handler {
    /// The Engine.IO session is open; now is the time for the Socket.IO CONNECT.
    fn opened(&mut self, id: usize, reply: &mut Reply<'_>);
    /// A Socket.IO packet came: what stands behind the `4`.
    fn message(&mut self, id: usize, packet: &[u8], reply: &mut Reply<'_>);
    /// The connection is gone, and not by [`Fleet::close`].
    fn ended(&mut self, id: usize, how: Ended);
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ended {
    /// The server closed the socket.
    Eof,
    /// The socket failed.
    Reset,
    /// An Engine.IO close packet.
    ClosePacket,
    /// A WebSocket close frame with this code.
    Closed(u16),
    /// An HTTP status other than the hoped-for one.
    Refused(u16),
    /// Bytes that are no answer, frame or packet.
    Malformed,
}

/// The connections, by their ids from 0 on.
#[derive(Debug)]
pub struct Fleet {
    targets: Targets,
    poll: Poll,
    events: Events,
    ready: Vec<usize>,
    links: Vec<Link>,
    couriers: Couriers,
    scratch: Vec<u8>,
    requests: u64,
    /// Sockets that nobody reads and nobody closes: the server must find out by itself.
    abandoned: Vec<TcpStream>,
}

impl Fleet {
    /// A fleet with places for `size` connections, none of them open.
    pub fn new(targets: impl Into<Targets>, size: usize) -> io::Result<Self> {
        Ok(Self {
            targets: targets.into(),
            poll: Poll::new()?,
            events: Events::with_capacity(1024),
            ready: Vec::new(),
            links: (0..size).map(|_| Link::closed()).collect(),
            couriers: Couriers::new(),
            scratch: vec![0; 2 * MESSAGE_BYTES_MAX],
            requests: 0,
            abandoned: Vec::new(),
        })
    }

    /// Places in the fleet.
    pub fn size(&self) -> usize {
        self.links.len()
    }

    /// Starts connection `id`, dropping what it had. `receive_bytes` makes it a slow one.
    pub fn connect(&mut self, id: usize, receive_bytes: Option<usize>) -> io::Result<()> {
        let target = self.targets.of(id, self.links[id].generation);
        let mut stream = target.connect(id, receive_bytes)?;
        self.poll.registry().register(&mut stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        self.links[id].start(stream, target);
        Ok(())
    }

    /// Sends a packet on an open connection; on a closed one it is dropped. It goes out at once where it fits.
    pub fn send<H: Handler>(&mut self, id: usize, packet: &[u8], handler: &mut H) {
        if self.links[id].stream.is_some() {
            self.links[id].send(packet);
            self.settle(id, Ok(()), handler);
        }
    }

    /// Closes a connection by a reset. The handler is not told.
    pub fn close(&mut self, id: usize) {
        self.links[id].stream = None;
        self.links[id].polling = None;
    }

    /// Whether a connection has a socket, connected or on its way.
    pub fn is_open(&self, id: usize) -> bool {
        self.links[id].stream.is_some()
    }

    /// Stops to read a connection for ever without closing it, and frees its place: a half-open client.
    pub fn abandon(&mut self, id: usize) -> io::Result<()> {
        if let Some(mut stream) = self.links[id].stream.take() {
            self.poll.registry().deregister(&mut stream)?;
            self.abandoned.push(stream);
        }
        Ok(())
    }

    /// Stops to read a connection but keeps its place. The socket's port at our end.
    pub fn stall(&mut self, id: usize) -> io::Result<Option<u16>> {
        let Some(stream) = &mut self.links[id].stream else { return Ok(None) };
        self.poll.registry().deregister(stream)?;
        Ok(Some(stream.local_addr()?.port()))
    }

    /// Reads again after [`Fleet::stall`].
    pub fn resume(&mut self, id: usize) -> io::Result<()> {
        let Some(stream) = &mut self.links[id].stream else { return Ok(()) };
        self.poll.registry().register(stream, Token(id), Interest::READABLE | Interest::WRITABLE)
    }

    /// Resets all abandoned sockets.
    pub fn release_abandoned(&mut self) {
        self.abandoned.clear();
    }

    /// Requests that polling connections have made, over all connections so far.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Waits up to `wait` for something to happen, and handles what did.
    pub fn turn<H: Handler>(&mut self, handler: &mut H, wait: Duration) -> io::Result<()> {
        self.dispatch(handler);
        match self.poll.poll(&mut self.events, Some(wait)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut ready = std::mem::take(&mut self.ready);
        ready.clear();
        ready.extend(self.events.iter().map(|event| event.token().0));
        for &token in &ready {
            if let Some(id) = token.checked_sub(UPGRADE_TOKEN) {
                self.upgrade_ready(id, handler);
            } else if let Some(courier) = token.checked_sub(COURIER_TOKEN) {
                self.courier_ready(courier, handler);
            } else {
                let gets = |link: &Link| link.polling.as_ref().map_or(0, |polling| polling.requests);
                let before = gets(&self.links[token]);
                let outcome = self.links[token].read(token, &mut self.scratch, handler);
                self.requests += u64::from(gets(&self.links[token]).saturating_sub(before));
                self.settle(token, outcome, handler);
            }
        }
        self.ready = ready;
        self.dispatch(handler);
        Ok(())
    }

    /// After anything was done on a connection: write, queue its POST, or end it.
    fn settle<H: Handler>(&mut self, id: usize, outcome: Result<(), Ended>, handler: &mut H) {
        let outcome = outcome.and_then(|()| self.advance_upgrade(id).map_err(|_| Ended::Reset));
        let link = &mut self.links[id];
        match outcome.and_then(|()| link.flush().map_err(|_| Ended::Reset)) {
            Ok(()) => {
                let sender = (id, link.generation);
                if let Some(polling) = &mut link.polling
                    && !polling.posting
                    && polling.upgrade.as_ref().is_none_or(|upgrade| !upgrade.holds_gets())
                    && !polling.outgoing.is_empty()
                    && !polling.sid.is_empty()
                {
                    polling.posting = true;
                    self.couriers.waiting.push_back(sender);
                }
            }
            Err(how) => self.end(id, how, handler),
        }
    }

    /// Starts the move of a session that wants to move, and carries it out when its time has come.
    fn advance_upgrade(&mut self, id: usize) -> io::Result<()> {
        let link = &mut self.links[id];
        if let (Some(polling), Some(target)) = (&mut link.polling, &link.target)
            && target.transport == Transport::Upgrade
            && !polling.sid.is_empty()
            && polling.upgrades_left > 0
            && polling.upgrade.is_none()
        {
            polling.upgrades_left -= 1;
            let mut stream = target.connect(id, None)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(UPGRADE_TOKEN + id), interest)?;
            polling.upgrade = Some(Upgrade::new(stream, target, &polling.sid));
        }
        if link.try_move().is_some()
            && let Some(stream) = &mut link.stream
        {
            self.poll.registry().reregister(stream, Token(id), Interest::READABLE | Interest::WRITABLE)?;
        }
        Ok(())
    }

    fn upgrade_ready<H: Handler>(&mut self, id: usize, handler: &mut H) {
        let Some(polling) = &mut self.links[id].polling else { return };
        let Some(upgrade) = &mut polling.upgrade else { return };
        let outcome = match upgrade.ready() {
            Ok(()) => Ok(()),
            // Once the probe was answered the server counts on the WebSocket: stock clients end the session, too.
            Err(_) if upgrade.holds_gets() => Err(Ended::Reset),
            Err(_) => {
                polling.upgrade = None;
                Ok(())
            }
        };
        self.settle(id, outcome, handler);
    }

    fn end<H: Handler>(&mut self, id: usize, how: Ended, handler: &mut H) {
        self.links[id].polling = None;
        if self.links[id].stream.take().is_some() {
            handler.ended(id, how);
        }
    }

    /// Hands waiting POSTs to idle couriers.
    fn dispatch<H: Handler>(&mut self, handler: &mut H) {
        while !self.couriers.waiting.is_empty()
            && let Some(courier) = self.couriers.idle()
            && let Some((id, generation)) = self.couriers.waiting.pop_front()
        {
            let link = &mut self.links[id];
            if link.generation != generation || link.stream.is_none() {
                continue;
            }
            let Some(polling) = &mut link.polling else { continue };
            let Some(target) = &link.target else { continue };
            let body = front(&mut polling.outgoing);
            polling.requests += 1;
            self.requests += 1;
            let mut request = Vec::with_capacity(body.len() + 256);
            http::push_post(target, &polling.sid, polling.requests, &body, &mut request);
            if let Err(how) = self.carry(courier, (id, generation), request) {
                self.couriers.all[courier].carries = None;
                self.end(id, how, handler);
            }
        }
    }

    fn carry(&mut self, index: usize, sender: (usize, u32), request: Vec<u8>) -> Result<(), Ended> {
        let now = Instant::now();
        let target = self.links[sender.0].target.as_ref().ok_or(Ended::Reset)?;
        let courier = &mut self.couriers.all[index];
        courier.retire_stale(now);
        courier.turn_to(target.address);
        if courier.stream.is_none() {
            let mut stream = target.connect(sender.0, None).map_err(|_| Ended::Reset)?;
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(COURIER_TOKEN + index), interest)
                .map_err(|_| Ended::Reset)?;
            courier.stream = Some(stream);
        }
        courier.take(sender, request, now);
        courier.flush()
    }

    fn courier_ready<H: Handler>(&mut self, index: usize, handler: &mut H) {
        let courier = &mut self.couriers.all[index];
        let outcome = courier.flush().and_then(|()| courier.read());
        if outcome == Ok(false) {
            return;
        }
        let Some((id, generation)) = courier.carries.take() else { return };
        if outcome.is_err() {
            courier.stream = None;
        }
        let link = &mut self.links[id];
        if link.generation != generation {
            return;
        }
        if let Some(polling) = &mut link.polling {
            polling.posting = false;
        }
        self.settle(id, outcome.map(|_| ()), handler);
    }
}

/// Takes as many whole packets off the front as one POST may hold, at least one.
fn front(outgoing: &mut Vec<u8>) -> Vec<u8> {
    if outgoing.len() <= POST_BYTES_MAX {
        return std::mem::take(outgoing);
    }
    let end = memchr::memrchr(0x1e, &outgoing[..POST_BYTES_MAX])
        .or_else(|| memchr::memchr(0x1e, outgoing))
        .unwrap_or(outgoing.len());
    let mut rest = outgoing.split_off(end);
    if !rest.is_empty() {
        rest.remove(0);
    }
    std::mem::replace(outgoing, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_ends_between_two_packets() {
        let mut outgoing = [vec![b'x'; 50_000], vec![b'y'; 50_000], b"z".to_vec()].join(&0x1e);
        assert_eq!(front(&mut outgoing), vec![b'x'; 50_000]);
        assert_eq!(front(&mut outgoing), [vec![b'y'; 50_000], b"z".to_vec()].join(&0x1e));
        assert!(outgoing.is_empty());
    }

    #[test]
    fn a_packet_larger_than_a_post_goes_alone() {
        let mut outgoing = [vec![b'x'; 70_000], b"z".to_vec()].join(&0x1e);
        assert_eq!(front(&mut outgoing), vec![b'x'; 70_000]);
        assert_eq!(front(&mut outgoing), b"z");
    }
}
