//! The other servers of a cluster, as a server of sockets sees them: whoever owns a session is asked through [`Peers`].
//!
//! A polling request that lands on a server which does not own its session is forwarded to the owner, in one hop. A WebSocket
//! that lands elsewhere takes the session with it. Both sides of that stand here: what this server asks of others (the trait,
//! whose network is somebody else's), and, on [`Server`](crate::Server), what it answers them:
//!
//! | [`Peers`] asks | the owner answers by |
//! |---|---|
//! | [`forward`](Peers::forward) | [`Server::forwarded`](crate::Server::forwarded) |
//! | [`probe`](Peers::probe) | [`Server::probe`](crate::Server::probe) |
//! | [`probe_lost`](Peers::probe_lost) | [`Server::probe_lost`](crate::Server::probe_lost) |
//! | [`take`](Peers::take) | [`Server::give_away`](crate::Server::give_away) |

use crate::sid::Boot;
use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use bytes::Bytes;
use std::future::{Future, ready};
use std::pin::Pin;

/// An answer that comes later.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A polling request for a session of another server.
#[derive(Debug)]
pub struct Forwarded {
    /// Method, URI and headers as the client sent them; [`Peer`](crate::Peer) in the extensions is the client's end.
    /// Of the URI only the query matters.
    pub head: Parts,
    /// The body, whole and within its bounds: the first server has read it.
    pub body: Bytes,
}

/// Why another server gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// There is no such server any more, or no such session there: the client is to begin anew.
    #[error("the session's server, or the session on it, is gone")]
    Gone,
    /// It is there but did not answer in time, or cannot be reached: the client is to try again.
    #[error("the session's server does not answer")]
    Slow,
}

/// What a server of sockets asks of the others. None of it may be repeated by the network's side: an answer that got lost is
/// [`PeerError::Slow`]. `sid` is the session's id as the client sent it; its signature has been checked.
pub trait Peers: Send + Sync + 'static {
    /// Has the owner answer a polling request. A GET is held there for as long as the heartbeats' interval. When the future
    /// is dropped, since the client has broken off its request, the owner has to see its own end of the request broken off, too:
    /// that ends the session.
    fn forward(&self, owner: Boot, request: Forwarded) -> BoxFuture<'_, Result<Response<Body>, PeerError>>;

    /// A WebSocket has probed here: the owner ends the GET that waits, and from here on answers each at once.
    fn probe<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<(), PeerError>>;

    /// The WebSocket that probed is gone: the session stays where it is. A hint, which need not arrive: the owner has a deadline.
    fn probe_lost(&self, owner: Boot, sid: &str);

    /// The client has ended the upgrade: the owner gives the session away. What comes is for
    /// [`Application::import`](crate::Application::import) and its own; it may be some 100 KB long. When it does not arrive
    /// the session is over, and the client recovers it by its pid.
    fn take<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<Bytes, PeerError>>;
}

/// No other servers: a session of another boot is one of an earlier run, and gone.
pub(crate) struct Alone;

impl Peers for Alone {
    fn forward(&self, _owner: Boot, _request: Forwarded) -> BoxFuture<'_, Result<Response<Body>, PeerError>> {
        Box::pin(ready(Err(PeerError::Gone)))
    }

    fn probe<'a>(&'a self, _owner: Boot, _sid: &'a str) -> BoxFuture<'a, Result<(), PeerError>> {
        Box::pin(ready(Err(PeerError::Gone)))
    }

    fn probe_lost(&self, _owner: Boot, _sid: &str) {}

    fn take<'a>(&'a self, _owner: Boot, _sid: &'a str) -> BoxFuture<'a, Result<Bytes, PeerError>> {
        Box::pin(ready(Err(PeerError::Gone)))
    }
}
