//! What stands behind the sockets.

use crate::lanes::{Lanes, Rest};
use crate::{CloseReason, Guard, Socket};
use axum::http::request::Parts;
use bytes::Bytes;
use serde_json::value::RawValue;
use std::future::{Future, ready};
use std::sync::Arc;

/// A namespace, as its place in [`Application::namespaces`]. At most 32.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Namespace(pub u8);

impl Namespace {
    /// The first namespace of the list, usually `/`.
    pub const MAIN: Self = Self(0);
}

/// What became of an input: done, or a request that goes on.
pub enum Handling {
    /// It was handled.
    Done,
    /// It goes on once all that came before it in its lanes has ended; what comes after it in other lanes goes on beside it.
    Later(Lanes, Rest),
}

impl Handling {
    /// Boxes what is left to do, in these lanes.
    pub fn within(lanes: Lanes, rest: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::Later(lanes, Box::pin(rest))
    }

    /// Boxes what is left to do with nothing beside it: all that came before has ended, and the connection reads nothing further
    /// until it has ended.
    pub fn alone(rest: impl Future<Output = ()> + Send + 'static) -> Self {
        Self::within(Lanes::Every, rest)
    }
}

/// What the answer to an event needs: the event's namespace and id. Each answers once.
#[derive(Clone, Copy, Debug)]
pub struct Ack {
    pub(crate) namespace: Namespace,
    pub(crate) id: u64,
}

/// An event from a client.
pub struct Event<'a> {
    /// The namespace that it came on.
    pub namespace: Namespace,
    /// Its name.
    pub name: &'a str,
    /// Its arguments, as they came.
    pub arguments: &'a [&'a RawValue],
    /// The binary values that the arguments' placeholders stand for.
    pub attachments: &'a [Bytes],
    /// Present where the client waits for an answer.
    pub ack: Option<Ack>,
}

/// An Engine.IO message, where nothing is spoken above Engine.IO.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// Why a handshake is refused; both answers make stock clients come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 503 with `Retry-After`: too many connections, or draining.
    Overloaded,
    /// 403: this origin or address may not connect.
    Forbidden,
}

/// The application behind the sockets. Its methods are called by a connection's driver, one at a time and in order for one
/// connection, and must not block. What they leave to do ([`Handling::Later`]) is carried out by the driver, too: in order
/// within a lane, side by side in different ones.
pub trait Application: Send + Sync + Sized + 'static {
    /// What the application keeps for each connection, under one lock with the outbox.
    type State: Send + 'static;

    /// Whether connections may move between servers: then [`export`](Self::export) and [`import`](Self::import) are there. Without,
    /// a session stays on polling where a WebSocket of it lands on another server.
    const MOVES: bool = false;

    /// The namespaces that may be connected, by name. At most 32.
    fn namespaces(&self) -> &[&'static str] {
        &["/"]
    }

    /// Whether one more connection is wanted; `head` is that of the handshake request.
    fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        let _ = head;
        Ok(())
    }

    /// The state of a new connection.
    fn open(&self, head: &Parts) -> Self::State;

    /// A CONNECT packet. Answer with [`Guard::accept`](crate::Guard::accept) or [`Guard::refuse`](crate::Guard::refuse).
    /// `auth` is the JSON that came, empty where none did.
    fn connect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, namespace: Namespace, auth: &str) -> Handling;

    /// An event on a connected namespace.
    fn event(self: &Arc<Self>, socket: &Arc<Socket<Self>>, event: Event<'_>) -> Handling;

    /// An Engine.IO message ([`Protocol::EngineIo`](crate::Protocol::EngineIo) only).
    fn message(self: &Arc<Self>, socket: &Arc<Socket<Self>>, data: Data<'_>) -> Handling {
        let _ = (socket, data);
        Handling::Done
    }

    /// The client left a namespace by `41`.
    fn disconnect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, namespace: Namespace) {
        let _ = (socket, namespace);
    }

    /// A ping has taken its place in the outbox. Under the connection's lock.
    fn ping_queued(&self, state: &mut Self::State) {
        let _ = state;
    }

    /// A pong came: everything before the oldest ping without an answer has been received.
    fn pong(self: &Arc<Self>, socket: &Arc<Socket<Self>>) {
        let _ = socket;
    }

    /// Gives the state of a connection away, as bytes for another server's [`import`](Self::import); `None` if that cannot be
    /// done. Nothing of the connection's input is under way now, in no lane, and nothing will be.
    ///
    /// The connection comes back locked: what is in the outbox under that lock goes along, and nothing can be sent after it. So
    /// whatever delivers live has to have stopped, and the state says from where it goes on. Then follows
    /// [`closed`](Self::closed) with [`CloseReason::Moved`], or with another reason if nobody took it.
    fn export<'a>(self: &Arc<Self>, socket: &'a Arc<Socket<Self>>) -> Option<(Guard<'a, Self>, Vec<u8>)> {
        let _ = socket;
        None
    }

    /// The state of a connection that comes from another server; `None` if these bytes are none, or there is no place for it.
    /// `head` is that of the request that brought the client here.
    fn import(self: &Arc<Self>, head: &Parts, bytes: Bytes) -> impl Future<Output = Option<Self::State>> + Send {
        let _ = (head, bytes);
        ready(None)
    }

    /// A connection from another server goes on here. What was unsent there is in its outbox.
    fn arrived(self: &Arc<Self>, socket: &Arc<Socket<Self>>) {
        let _ = socket;
    }

    /// The connection is over; called once.
    fn closed(self: &Arc<Self>, socket: &Arc<Socket<Self>>, reason: CloseReason);
}
