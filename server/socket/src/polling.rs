//! Long polling: a GET that waits for packets, POSTs that bring some, and the rules for both when they come again.

use crate::application::Application;
use crate::close::CloseReason;
use crate::sid::Sid;
use crate::socket::{Guard, Phase, Socket};
use bytes::Bytes;
use chat_wire::engine::transport::Cause;
use chat_wire::engine::{self, Transport, payload};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Packets in one payload: python-engineio takes no more, and drops the connection.
const PACKETS_MAX: usize = 16;

/// Bodies that wait for the driver: one that was acknowledged early for a probe that then was lost, and the next.
const INBOX_BODIES: usize = 2;

/// What a session on polling keeps besides what all sockets keep.
pub(crate) struct Polling {
    pub(crate) sid: Sid,
    pub(crate) transport: Transport,
    /// The GET that waits.
    get: Option<oneshot::Sender<Bytes>>,
    /// The payload of the GET before, for when its answer got lost and it comes again.
    last: Bytes,
    /// Bodies of POSTs that the driver has not looked at.
    pub(crate) inbox: VecDeque<Posted>,
    /// What was read from the WebSocket behind the upgrade packet.
    pub(crate) rest: Vec<u8>,
    /// How many WebSockets have probed.
    pub(crate) probes: u32,
    /// Another server waits for the session: it leaves as soon as nothing of its input is being handled.
    pub(crate) leaving: Option<oneshot::Sender<Bytes>>,
}

/// The body of a POST, answered when its packets have been handled, or when its client is about to move.
pub(crate) struct Posted {
    pub(crate) body: Bytes,
    done: Option<oneshot::Sender<()>>,
}

impl Posted {
    pub(crate) fn new(body: Bytes, done: oneshot::Sender<()>) -> Self {
        Self { body, done: Some(done) }
    }

    /// Lets the request be answered by `ok`. Dropped without it, it is answered by 400.
    pub(crate) fn acknowledge(&mut self) {
        if let Some(done) = self.done.take() {
            let _ = done.send(());
        }
    }
}

impl Polling {
    pub(crate) fn new(sid: Sid, transport: Transport) -> Box<Self> {
        Box::new(Self {
            sid,
            transport,
            get: None,
            last: Bytes::new(),
            inbox: VecDeque::new(),
            rest: Vec::new(),
            probes: 0,
            leaving: None,
        })
    }

    pub(crate) fn hold(&mut self, get: oneshot::Sender<Bytes>) {
        self.get = Some(get);
    }

    pub(crate) fn last(&self) -> Bytes {
        self.last.clone()
    }

    /// Answers the GET that waits.
    pub(crate) fn answer(&mut self, payload: Bytes) {
        if let Some(get) = self.get.take() {
            self.transport.answered();
            self.last = payload.clone();
            // A handler that is gone reports it by itself: it has a guard for that.
            let _ = get.send(payload);
        }
    }

    /// The session is over: whoever waits is told.
    pub(crate) fn end(&mut self) {
        if let Some(last) = self.transport.end(Cause::Server) {
            self.answer(Bytes::from_static(last.as_bytes()));
        }
    }

    /// Whether the session is to leave now: all that was posted is handed over.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.is_some() && self.inbox.is_empty()
    }

    /// Whether one more body would be more than an honest client has on its way: each waits for its `ok`, and only a probe brings
    /// that before the packets have been handled.
    pub(crate) fn is_crowded(&self) -> bool {
        self.inbox.len() >= INBOX_BODIES
    }

    pub(crate) fn is_waiting(&self) -> bool {
        self.get.as_ref().is_some_and(|get| !get.is_closed())
    }
}

/// What a flush of a session on polling came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flushed {
    /// It waits for a GET, or has nothing to send.
    Waiting,
    /// The close packet is out.
    Closed,
}

/// Answers the waiting GET where there is something for it. The close packet goes alone in its payload: a client acts
/// on it before the events beside it.
pub(crate) fn flush<A: Application>(guard: &mut Guard<'_, A>, payload_max: usize) -> Flushed {
    let closing = !guard.is_open();
    let inner = &mut *guard.inner;
    let Some(polling) = &mut inner.polling else { return Flushed::Closed };
    if !polling.is_waiting() {
        return Flushed::Waiting;
    }
    if inner.outbox.is_empty() {
        if closing {
            let by_client = matches!(inner.phase, Phase::Closing(CloseReason::Client));
            let cause = if by_client { Cause::Client } else { Cause::Server };
            let last = polling.transport.end(cause).unwrap_or(engine::CLOSE);
            polling.answer(Bytes::from_static(last.as_bytes()));
            return Flushed::Closed;
        }
        if polling.transport.is_probing() {
            // The client is about to move and must not be held.
            polling.answer(Bytes::from_static(engine::NOOP.as_bytes()));
        }
        return Flushed::Waiting;
    }
    let (mut payload, mut packets) = (Vec::new(), 0);
    while let Some(length) = inner.outbox.next_length() {
        packets += 1;
        if packets > PACKETS_MAX || (!payload.is_empty() && payload.len() + 1 + length > payload_max) {
            break;
        }
        let Some(packet) = inner.outbox.next_packet() else { break };
        if packet.binary {
            payload::push_binary(&packet.body, &mut payload);
        } else {
            payload::push_text(&packet.body, &mut payload);
        }
    }
    polling.answer(payload.into());
    guard.wake_room();
    Flushed::Waiting
}

/// A kind of polling request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Get,
    Post,
}

/// Tells the session when a request is dropped by its client before it was answered or read: the session is over then.
pub(crate) struct Requested<A: Application> {
    socket: Option<Arc<Socket<A>>>,
    request: Request,
}

impl<A: Application> Requested<A> {
    pub(crate) fn new(socket: Arc<Socket<A>>, request: Request) -> Self {
        Self { socket: Some(socket), request }
    }

    /// The request has come to its end.
    pub(crate) fn answered(mut self) {
        self.socket = None;
    }
}

impl<A: Application> Drop for Requested<A> {
    fn drop(&mut self) {
        let Some(socket) = self.socket.take() else { return };
        let mut guard = socket.lock();
        let ends = guard.inner.polling.as_mut().is_some_and(|polling| match self.request {
            Request::Get => polling.transport.get_cancelled(),
            Request::Post => {
                polling.transport.post_cancelled();
                true
            }
        });
        if ends {
            guard.abort(CloseReason::PollingBroken);
        }
    }
}
