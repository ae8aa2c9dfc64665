//! The HTTP side of Engine.IO: handshakes, polling requests, upgrades, CORS.

use crate::application::{Application, Refusal};
use crate::close::CloseReason;
use crate::config::Origins;
use crate::counters::RefusedBy;
use crate::forward;
use crate::handshake;
use crate::polling::{Posted, Request, Requested};
use crate::server::Server;
use crate::sid::Sid;
use crate::socket::Socket;
use crate::upgrade::{self, Session};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use axum::routing::any;
use bytes::Bytes;
use chat_wire::engine::transport::{Get, Post};
use chat_wire::engine::{self, Name, Query};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;
use tokio::sync::oneshot;

/// How long a client that was turned away for load is asked to wait, in seconds.
const RETRY_AFTER: &str = "2";

/// An answer that ends a request early.
pub(crate) struct Refused(StatusCode, String);

impl From<engine::Refusal> for Refused {
    fn from(refusal: engine::Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self(status, refusal.body().to_owned())
    }
}

impl Refused {
    pub(crate) fn overloaded() -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, r#"{"code":5,"message":"Overloaded, try again later"}"#.into())
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let Self(status, body) = self;
        let mut response = answer(status, "application/json", Bytes::from(body));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        response
    }
}

impl<A: Application> Server<A> {
    /// The routes of this server below `path`, such as `/socket.io/`.
    pub fn router(self: &Arc<Self>, path: &str) -> Router {
        let bare = path.trim_end_matches('/').to_owned();
        Router::new().route(path, any(serve::<A>)).route(&bare, any(serve::<A>)).with_state(self.clone())
    }
}

async fn serve<A: Application>(
    State(server): State<Arc<Server<A>>>,
    request: axum::extract::Request,
) -> Response<Body> {
    let readable = is_allowed(&server.admission().origins, request.headers());
    let origin = request.headers().get(header::ORIGIN).filter(|_| readable).cloned();
    let mut response = route(&server, request).await.unwrap_or_else(Refused::into_response);
    allow(&server.admission().origins, origin, response.headers_mut());
    response
}

async fn route<A: Application>(
    server: &Arc<Server<A>>,
    request: axum::extract::Request,
) -> Result<Response<Body>, Refused> {
    if !is_allowed(&server.admission().origins, request.headers()) {
        server.counters().refused(RefusedBy::Origin);
        return Err(engine::Refusal::Forbidden.into());
    }
    if request.method() == Method::OPTIONS {
        return Ok(preflight());
    }
    let (head, body) = request.into_parts();
    let query = Query::parse(head.uri.query().unwrap_or_default()).map_err(|refusal| refuse(server, refusal))?;
    let session = match query.sid.as_deref() {
        None => None,
        Some(sid) => Some(find(server, sid)?),
    };
    // Owned before the first await: it borrows from the head, which goes into the handshake.
    let (transport, t) = (query.transport, query.t.as_deref().map(str::to_owned));
    match (transport, head.method.clone(), session) {
        (Name::WebSocket, Method::GET, session) => websocket(server, head, session),
        (Name::WebSocket, _, _) => Err(refuse(server, engine::Refusal::BadRequest)),
        (Name::Polling, Method::GET, None) => {
            admit(server, &head)?;
            Ok(text(handshake::polling(server, &head)))
        }
        (Name::Polling, _, None) => Err(refuse(server, engine::Refusal::BadMethod)),
        (Name::Polling, Method::GET | Method::POST, Some(Session::Elsewhere { owner, .. })) => {
            forward::forward(server, owner, head, body).await
        }
        (Name::Polling, _, Some(Session::Here(socket))) => polling(server, &socket, t.as_deref(), &head, body).await,
        (Name::Polling, _, Some(Session::Elsewhere { .. })) => Err(refuse(server, engine::Refusal::BadRequest)),
    }
}

/// Whose session it is. Of our own, only those that are on polling can be found.
fn find<A: Application>(server: &Server<A>, presented: &str) -> Result<Session<A>, Refused> {
    let unknown = |reason| {
        server.counters().refused(reason);
        Refused::from(engine::Refusal::UnknownSession)
    };
    let sid = Sid::parse(presented, &server.config().sid_keys).ok_or_else(|| unknown(RefusedBy::ForgedSid))?;
    let owner = sid.owner();
    if owner != server.config().boot {
        return Ok(Session::Elsewhere { owner, sid: presented.to_owned() });
    }
    server.by_sid(sid).map(Session::Here).ok_or_else(|| unknown(RefusedBy::UnknownSid))
}

/// A polling request for a session of this server.
pub(crate) async fn polling<A: Application>(
    server: &Arc<Server<A>>,
    socket: &Arc<Socket<A>>,
    t: Option<&str>,
    head: &Parts,
    body: Body,
) -> Result<Response<Body>, Refused> {
    match head.method {
        Method::GET => get(server, socket, t).await,
        Method::POST => post(server, socket, t, &head.headers, body).await,
        _ => Err(refuse(server, engine::Refusal::BadRequest)),
    }
}

pub(crate) fn refuse<A: Application>(server: &Server<A>, refusal: engine::Refusal) -> Refused {
    server.counters().refused(RefusedBy::BadRequest);
    refusal.into()
}

/// Whether one more connection is let in.
fn admit<A: Application>(server: &Arc<Server<A>>, head: &Parts) -> Result<(), Refused> {
    let refused = if server.is_draining() {
        Some(RefusedBy::Application)
    } else if server.is_full() {
        Some(RefusedBy::Connections)
    } else if server.too_many_unauthenticated() {
        Some(RefusedBy::Unauthenticated)
    } else {
        None
    };
    if let Some(reason) = refused {
        server.counters().refused(reason);
        return Err(Refused::overloaded());
    }
    server.application().admit(head).map_err(|refusal| {
        server.counters().refused(RefusedBy::Application);
        match refusal {
            Refusal::Overloaded => Refused::overloaded(),
            Refusal::Forbidden => engine::Refusal::Forbidden.into(),
        }
    })
}

fn websocket<A: Application>(
    server: &Arc<Server<A>>,
    head: Parts,
    session: Option<Session<A>>,
) -> Result<Response<Body>, Refused> {
    let Some(key) = upgrade::key(&head.headers) else {
        return Err(refuse(server, engine::Refusal::BadRequest));
    };
    match session {
        None | Some(Session::Elsewhere { .. }) => admit(server, &head)?,
        Some(Session::Here(_)) => {}
    }
    let accept = chat_wire::websocket::accept_key(key);
    upgrade::start(server, head, session);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(accept) = HeaderValue::from_str(&accept) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    }
    Ok(response)
}

async fn get<A: Application>(
    server: &Arc<Server<A>>,
    socket: &Arc<Socket<A>>,
    t: Option<&str>,
) -> Result<Response<Body>, Refused> {
    let (sender, payload) = oneshot::channel();
    {
        let mut guard = socket.lock();
        let Some(polling) = &mut guard.inner.polling else {
            return Err(refuse(server, engine::Refusal::BadRequest));
        };
        match polling.transport.get(t) {
            Get::Hold | Get::Flush => polling.hold(sender),
            Get::Close => {
                guard.abort(CloseReason::Server);
                return Ok(text(Bytes::from_static(engine::CLOSE.as_bytes())));
            }
            Get::Repeat => {
                server.counters().repeated.inc();
                return Ok(text(polling.last()));
            }
            Get::Conflict => {
                polling.answer(Bytes::from_static(engine::CLOSE.as_bytes()));
                guard.abort(CloseReason::PollingBroken);
                return Err(refuse(server, engine::Refusal::BadRequest));
            }
            Get::Refuse => return Err(refuse(server, engine::Refusal::BadRequest)),
        }
    }
    let waiting = Requested::new(socket.clone(), Request::Get);
    socket.waker().wake();
    let payload = payload.await;
    waiting.answered();
    // The sender is dropped only with the session.
    payload.map(text).map_err(|_| engine::Refusal::BadRequest.into())
}

async fn post<A: Application>(
    server: &Arc<Server<A>>,
    socket: &Arc<Socket<A>>,
    t: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response<Body>, Refused> {
    let verdict = {
        let mut guard = socket.lock();
        let open = guard.is_open();
        match &mut guard.inner.polling {
            Some(polling) if open => polling.transport.post(t),
            Some(_) | None => Post::Refuse,
        }
    };
    match verdict {
        Post::Take => {}
        Post::Repeat => {
            server.counters().repeated.inc();
            return Ok(text(Bytes::from_static(b"ok")));
        }
        Post::Overlap { held } => {
            let mut guard = socket.lock();
            if let (Some(polling), Some(held)) = (&mut guard.inner.polling, held) {
                polling.answer(Bytes::from_static(held.as_bytes()));
            }
            guard.abort(CloseReason::PollingBroken);
            return Err(refuse(server, engine::Refusal::BadRequest));
        }
        Post::Refuse => return Err(refuse(server, engine::Refusal::BadRequest)),
    }
    // From here on the session waits for this body: without it, it is over.
    let posting = Requested::new(socket.clone(), Request::Post);
    let body = match read(server, headers, body).await {
        Ok(body) => body,
        Err((reason, refused)) => {
            posting.answered();
            socket.lock().close(reason);
            return Err(refused);
        }
    };
    posting.answered();
    let (done, handled) = oneshot::channel();
    {
        let mut guard = socket.lock();
        let Some(polling) = &mut guard.inner.polling else {
            return Err(refuse(server, engine::Refusal::BadRequest));
        };
        if !polling.transport.posted() {
            return Err(refuse(server, engine::Refusal::BadRequest));
        }
        if polling.is_crowded() {
            guard.abort(CloseReason::PollingBroken);
            return Err(refuse(server, engine::Refusal::BadRequest));
        }
        polling.inbox.push_back(Posted::new(body, done));
    }
    socket.waker().wake();
    match handled.await {
        Ok(()) => Ok(text(Bytes::from_static(b"ok"))),
        Err(_) => Err(refuse(server, engine::Refusal::BadRequest)),
    }
}

/// Reads the body of a POST within its bounds in size and time.
pub(crate) async fn read<A: Application>(
    server: &Server<A>,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, (CloseReason, Refused)> {
    let max = server.config().max_payload;
    let too_large = || {
        server.counters().refused(RefusedBy::TooLarge);
        (CloseReason::TooLarge, Refused(StatusCode::PAYLOAD_TOO_LARGE, String::new()))
    };
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > max as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(server.config().body_timeout, Limited::new(body, max).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(_)) => Err((CloseReason::PollingBroken, engine::Refusal::BadRequest.into())),
        Err(_) => {
            server.counters().refused(RefusedBy::SlowBody);
            Err((CloseReason::PollingBroken, Refused(StatusCode::REQUEST_TIMEOUT, String::new())))
        }
    }
}

/// Whether a page of this origin may talk to us. Browsers always name the origin; our own page's is the host itself.
fn is_allowed(origins: &Origins, headers: &HeaderMap) -> bool {
    let Origins::Listed(listed) = origins else { return true };
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = origin.split_once("://").map(|(_, host)| host);
    (own.is_some() && own == host) || listed.iter().any(|allowed| allowed == origin)
}

/// The CORS headers of an answer; a page that may not read it gets none.
fn allow(origins: &Origins, origin: Option<HeaderValue>, headers: &mut HeaderMap) {
    match (origins, origin) {
        (_, None) => {}
        (Origins::Any, Some(_)) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        (Origins::Listed(_), Some(origin)) => {
            headers.insert(header::VARY, HeaderValue::from_static("Origin"));
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

fn preflight() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    response
}

fn text(body: Bytes) -> Response<Body> {
    answer(StatusCode::OK, "text/plain; charset=UTF-8", body)
}

fn answer(status: StatusCode, content_type: &'static str, body: Bytes) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
