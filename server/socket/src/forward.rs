//! Polling requests for sessions of other servers, on both ends of their one hop.
//!
//! The server that a request reached answers for its own door: it checks the origin, reads the body within its bounds and writes
//! the CORS headers. The owner does what the session asks for, and nothing else: what came forwarded is never forwarded again.

use crate::application::Application;
use crate::counters::{Counters, ForwardedAs, RefusedBy};
use crate::http::{self, Refused};
use crate::peers::{Forwarded, PeerError};
use crate::server::Server;
use crate::sid::{Boot, Sid};
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{Method, Response, header};
use bytes::Bytes;
use chat_wire::engine::{self, Name, Query};
use std::sync::Arc;

/// Has the owner answer.
pub(crate) async fn forward<A: Application>(
    server: &Arc<Server<A>>,
    owner: Boot,
    head: Parts,
    body: Body,
) -> Result<Response<Body>, Refused> {
    let body = match head.method {
        // The session's end for a body that does not come whole is the owner's to see: no other request of it will fit.
        Method::POST => http::read(server, &head.headers, body).await.map_err(|(_, refused)| refused)?,
        _ => Bytes::new(),
    };
    let counting = Counting { counters: server.counters(), outcome: ForwardedAs::BrokenOff };
    match server.peers().forward(owner, Forwarded { head, body }).await {
        Ok(response) => {
            counting.end(ForwardedAs::Answered);
            Ok(only_its_own(response))
        }
        Err(PeerError::Gone) => {
            counting.end(ForwardedAs::Gone);
            server.counters().refused(RefusedBy::UnknownSid);
            Err(engine::Refusal::UnknownSession.into())
        }
        Err(PeerError::Slow) => {
            counting.end(ForwardedAs::Slow);
            Err(Refused::overloaded())
        }
    }
}

/// Counts a request, too, whose client did not wait for its answer.
struct Counting<'a> {
    counters: &'a Counters,
    outcome: ForwardedAs,
}

impl Counting<'_> {
    fn end(mut self, outcome: ForwardedAs) {
        self.outcome = outcome;
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.counters.forwarded(self.outcome);
    }
}

/// The answer without what belongs to the hop between two servers. CORS headers are set where the client is.
fn only_its_own(answer: Response<Body>) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    for name in [header::CONTENT_TYPE, header::CACHE_CONTROL, header::RETRY_AFTER] {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

impl<A: Application> Server<A> {
    /// Answers a polling request that reached another server. The answer has no CORS headers: that server sets them. A future
    /// that is dropped means that the client has broken off its request, which ends the session.
    pub async fn forwarded(self: &Arc<Self>, request: Forwarded) -> Response<Body> {
        let Forwarded { head, body } = request;
        let answered = async {
            let query =
                Query::parse(head.uri.query().unwrap_or_default()).map_err(|refusal| http::refuse(self, refusal))?;
            let (Name::Polling, Some(sid)) = (query.transport, query.sid.as_deref()) else {
                return Err(http::refuse(self, engine::Refusal::BadRequest));
            };
            let socket = self.own_sid(sid).and_then(|sid| self.by_sid(sid)).ok_or_else(|| {
                self.counters().refused(RefusedBy::UnknownSid);
                Refused::from(engine::Refusal::UnknownSession)
            })?;
            http::polling(self, &socket, query.t.as_deref(), &head, Body::from(body)).await
        };
        answered.await.unwrap_or_else(Refused::into_response)
    }

    /// A sid as another server passes it on, if it names this one.
    pub(crate) fn own_sid(&self, presented: &str) -> Option<Sid> {
        Sid::parse(presented, &self.config().sid_keys).filter(|sid| sid.owner() == self.config().boot)
    }
}
