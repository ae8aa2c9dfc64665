//! A session that moves to another server, at the upgrade to a WebSocket that landed there.
//!
//! ```text
//! client, polling        its owner                           the server of the WebSocket        client, WebSocket
//!                                                                       2probe <----------------
//!                        probe: a GET that waits gets `6`  <-----------
//!                                                                       3probe ---------------->
//! takes what came                                                            5 <----------------
//!                        give_away: GETs get 400           <-----------
//!                        handles what it was posted, stops
//!                        delivery, leaves in one step      ----------->
//!                                                                       what was unsent, then all that follows
//! ```
//! Until `5` the session is its owner's, whatever becomes of the WebSocket. From `5` on it is nobody's but in the one answer
//! that carries it: if that does not arrive, both ends close, and the client goes on by the pid of its session.

use crate::application::Application;
use crate::close::CloseReason;
use crate::counters::{Bound, Counters, MovedAs};
use crate::driver::Driver;
use crate::peers::PeerError;
use crate::server::Server;
use crate::sid::Boot;
use crate::socket::{Guard, Socket};
use crate::upgrade;
use axum::http::request::Parts;
use bytes::{Buf, BufMut, Bytes};
use chat_wire::engine::transport::Upgrade;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// The longest session that is taken, in bytes: an outbox, one answer that was larger than it, and the application's state.
pub(crate) const MOVED_BYTES_MAX: usize = 8 << 20;

/// The version of the format. A server refuses what it does not know.
const VERSION: u8 = 1;

/// The bytes before the application's state.
const HEAD_BYTES: usize = 1 + 4 + 1 + 4 + 4 + 8 + 4;

/// A session as it comes from another server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arrival {
    pub(crate) namespaces: u32,
    pub(crate) pings: u8,
    /// Milliseconds since the oldest ping without a pong, or else the latest ping, went out.
    pub(crate) pinged_ago: u32,
    /// Milliseconds since the connection was opened.
    pub(crate) opened_ago: u32,
    pub(crate) acks_next: u64,
    /// The application's state.
    pub(crate) app: Bytes,
    /// Frames that were in the outbox.
    pub(crate) unsent: Bytes,
}

impl Arrival {
    fn encode(&self) -> Bytes {
        let Self { namespaces, pings, pinged_ago, opened_ago, acks_next, app, unsent } = self;
        let mut out = Vec::with_capacity(HEAD_BYTES + app.len() + unsent.len());
        out.put_u8(VERSION);
        out.put_u32(*namespaces);
        out.put_u8(*pings);
        out.put_u32(*pinged_ago);
        out.put_u32(*opened_ago);
        out.put_u64(*acks_next);
        out.put_u32(app.len() as u32);
        out.put_slice(app);
        out.put_slice(unsent);
        out.into()
    }

    fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < HEAD_BYTES || bytes.len() > MOVED_BYTES_MAX || bytes.get_u8() != VERSION {
            return None;
        }
        let (namespaces, pings) = (bytes.get_u32(), bytes.get_u8());
        let (pinged_ago, opened_ago, acks_next) = (bytes.get_u32(), bytes.get_u32(), bytes.get_u64());
        let length = bytes.get_u32() as usize;
        let app = (length <= bytes.len()).then(|| bytes.split_to(length))?;
        Some(Self { namespaces, pings, pinged_ago, opened_ago, acks_next, app, unsent: bytes })
    }
}

impl<A: Application> Server<A> {
    /// A WebSocket has probed at another server: the GET that waits here is ended, and each further one answered at once, until
    /// the session is given away, the probe is lost, or the time for an upgrade is over.
    pub fn probe(self: &Arc<Self>, sid: &str) -> Result<(), PeerError> {
        let socket = self.of_own_sid(sid).filter(|_| A::MOVES).ok_or(PeerError::Gone)?;
        let probe = upgrade::begin(&socket).ok_or(PeerError::Gone)?;
        let (socket, timeout) = (Arc::downgrade(&socket), self.config().upgrade_timeout);
        tokio::spawn(async move {
            tokio::time::sleep(timeout).await;
            let Some(socket) = socket.upgrade() else { return };
            if upgrade::lost(&socket, Some(probe)) {
                socket.server().counters().reached(Bound::UpgradeTimeout);
            }
        });
        Ok(())
    }

    /// The WebSocket that probed at another server is gone: the session stays.
    pub fn probe_lost(&self, sid: &str) {
        if let Some(socket) = self.of_own_sid(sid) {
            upgrade::lost(&socket, None);
        }
    }

    /// Gives a session that was probed for to another server: what is returned is the only copy of it. If the future is dropped
    /// before that, the session is over.
    pub async fn give_away(self: &Arc<Self>, sid: &str) -> Result<Bytes, PeerError> {
        let socket = self.of_own_sid(sid).ok_or(PeerError::Gone)?;
        let left = part(&socket).ok_or(PeerError::Gone)?;
        socket.waker().wake();
        match tokio::time::timeout(self.config().upgrade_timeout, left).await {
            Ok(Ok(session)) => Ok(session),
            // It has ended meanwhile, or does not move.
            Ok(Err(_)) => Err(PeerError::Gone),
            Err(_) => {
                keep(&mut socket.lock());
                Err(PeerError::Slow)
            }
        }
    }

    fn of_own_sid(&self, sid: &str) -> Option<Arc<Socket<A>>> {
        self.own_sid(sid).and_then(|sid| self.by_sid(sid))
    }
}

/// From here on no request belongs to the session, and its driver lets it go as soon as all input is handled.
fn part<A: Application>(socket: &Arc<Socket<A>>) -> Option<oneshot::Receiver<Bytes>> {
    let mut guard = socket.lock();
    if !guard.is_open() {
        return None;
    }
    let polling = guard.inner.polling.as_mut()?;
    let Upgrade::Done { held } = polling.transport.upgrade() else { return None };
    if let Some(held) = held {
        polling.answer(Bytes::from_static(held.as_bytes()));
    }
    let (leaving, left) = oneshot::channel();
    polling.leaving = Some(leaving);
    socket.server().forget_sid(polling.sid);
    Some(left)
}

/// The session leaves, in one step. `whole`: it is not in the middle of a packet.
pub(crate) fn leave<A: Application>(socket: &Arc<Socket<A>>, whole: bool) {
    let exported = if whole { socket.server().application().export(socket) } else { None };
    let Some((mut guard, app)) = exported else { return keep(&mut socket.lock()) };
    let leaving = guard.inner.polling.as_mut().and_then(|polling| polling.leaving.take());
    let Some(leaving) = leaving.filter(|_| guard.is_open()) else { return keep(&mut guard) };
    let now = socket.server().now();
    let mut unsent = Vec::new();
    guard.inner.outbox.take_frames(&mut unsent);
    let arrival = Arrival {
        namespaces: guard.inner.namespaces,
        pings: guard.inner.pings,
        pinged_ago: now.wrapping_sub(guard.inner.pinged_at),
        opened_ago: now.wrapping_sub(guard.inner.opened_at),
        acks_next: guard.inner.acks.as_ref().map_or(0, |acks| acks.next()),
        app: app.into(),
        unsent: unsent.into(),
    };
    if leaving.send(arrival.encode()).is_err() {
        return keep(&mut guard);
    }
    socket.server().counters().moved(MovedAs::Given);
    guard.abort(CloseReason::Moved);
}

/// It does not move, and has no transport any more: it is over, and the client comes back for it.
fn keep<A: Application>(guard: &mut Guard<'_, A>) {
    if guard.is_open() {
        guard.server().counters().moved(MovedAs::Kept);
        guard.abort(CloseReason::Server);
    }
}

/// Takes a session over from its owner and goes on with it on this stream. `rest` was read from it already.
pub(crate) async fn take<A: Application>(
    server: &Arc<Server<A>>,
    head: &Parts,
    (owner, sid): (Boot, &str),
    io: TcpStream,
    rest: Vec<u8>,
) {
    let taking = tokio::time::timeout(server.config().upgrade_timeout, server.peers().take(owner, sid));
    let taken = taking.await.unwrap_or(Err(PeerError::Slow));
    let counters = server.counters();
    let arrival = match taken {
        Ok(bytes) => Arrival::decode(bytes),
        Err(error) => return counters.moved(error.into()),
    };
    let Some(arrival) = arrival else { return counters.moved(MovedAs::Refused) };
    let Some(state) = server.application().import(head, arrival.app.clone()).await else {
        return counters.moved(MovedAs::Refused);
    };
    let socket = Socket::arriving(server.clone(), state, &arrival, io);
    counters.moved(MovedAs::Taken);
    counters.upgraded.inc();
    counters.connections.with_label_values(&[Counters::transport(true)]).inc();
    server.application().arrived(&socket);
    tokio::spawn(Driver::with_rest(socket, rest));
}

impl From<PeerError> for MovedAs {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Gone => Self::Gone,
            PeerError::Slow => Self::Slow,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_read_as_it_was_written_and_nothing_else_is() {
        let arrival = Arrival {
            namespaces: 3,
            pings: 2,
            pinged_ago: 1_000,
            opened_ago: 90_000,
            acks_next: 7,
            app: Bytes::from_static(b"state"),
            unsent: Bytes::from_static(b"\x81\x012"),
        };
        let bytes = arrival.encode();
        assert_eq!(Arrival::decode(bytes.clone()).as_ref(), Some(&arrival));
        for cut in 0..HEAD_BYTES + arrival.app.len() {
            assert_eq!(Arrival::decode(bytes.slice(..cut)), None, "{cut}");
        }
        let mut newer = bytes.to_vec();
        newer[0] += 1;
        assert_eq!(Arrival::decode(newer.into()), None);
    }
}
