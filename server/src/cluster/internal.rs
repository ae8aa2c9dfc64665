//! What a server answers on its internal port, to the others and to the operator. All of it behind the [`Guard`].
//!
//! The version stands in the path: a server answers those of its own version and of the one before.

use super::envelope::Envelope;
use super::{Guard, Load, Registry, State as Standing, guard};
use crate::chat::Chat;
use crate::drain::Drains;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chat_socket::{PeerError, Server};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A polling request for a session of this server.
pub const FORWARD: &str = "/internal/v1/forward";
/// A WebSocket probed for a session of this server.
pub const PROBE: &str = "/internal/v1/probe";
/// That WebSocket is gone.
pub const PROBE_LOST: &str = "/internal/v1/probe-lost";
/// The session is to go where its WebSocket is.
pub const TAKE: &str = "/internal/v1/take";
/// How this server stands.
pub const STATUS: &str = "/internal/v1/status";
/// Send clients elsewhere while the lease lasts.
pub const DRAIN: &str = "/internal/v1/drain";
/// Serve again.
pub const UNDRAIN: &str = "/internal/v1/undrain";
/// Close some connections.
pub const CLOSE: &str = "/internal/v1/close";

/// Carries the status of a forwarded request's answer, so that nothing that the door or the network says is taken for it.
pub const ANSWERED: &str = "chat-internal-status";

/// The longest lease of a drain. The operator extends it while it wants the drain.
const LEASE_MAX: Duration = Duration::from_secs(3600);

/// What the internal port acts on.
pub struct Internal {
    /// The sockets.
    pub server: Arc<Server<Chat>>,
    /// Their drains.
    pub drains: Arc<Drains>,
    /// The servers.
    pub registry: Arc<Registry>,
}

/// The routes of the internal port, beside the probes.
pub fn router(internal: Arc<Internal>, guard: Arc<Guard>) -> Router {
    Router::new()
        .route(FORWARD, post(forward))
        .route(PROBE, post(probe))
        .route(PROBE_LOST, post(probe_lost))
        .route(TAKE, post(take))
        .route(STATUS, get(status))
        .route(DRAIN, post(drain))
        .route(UNDRAIN, post(undrain))
        .route(CLOSE, post(close))
        .fallback(async || StatusCode::NOT_FOUND)
        .with_state(internal)
        .layer(axum::middleware::from_fn_with_state(guard, guard::guarded))
}

/// What a server carries now.
pub fn load(server: &Server<Chat>, drains: &Drains) -> Load {
    let (chat, status) = (server.application(), drains.status());
    let (metrics, sockets) = (chat.metrics(), server.counters());
    let accepts = ["polling", "websocket"].map(|transport| sockets.opened.with_label_values(&[transport]).get());
    Load {
        state: if status.draining { Standing::Draining } else { Standing::Serving },
        connections: server.connections() as u64,
        connections_max: chat.settings().limits.max_connections as u64,
        rooms: chat.directory().len() as u64,
        sends: metrics.append_seconds.get_sample_count(),
        deliveries: metrics.deliveries.get(),
        accepts: accepts.iter().sum(),
    }
}

async fn forward(State(internal): State<Arc<Internal>>, body: Bytes) -> Response {
    let Some(forwarded) = Envelope::open(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let (mut head, body) = internal.server.forwarded(forwarded).await.into_parts();
    head.headers.insert(ANSWERED, HeaderValue::from(head.status.as_u16()));
    head.status = StatusCode::OK;
    Response::from_parts(head, body)
}

async fn probe(State(internal): State<Arc<Internal>>, sid: String) -> Response {
    match internal.server.probe(&sid) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => refused(error),
    }
}

async fn probe_lost(State(internal): State<Arc<Internal>>, sid: String) -> StatusCode {
    internal.server.probe_lost(&sid);
    StatusCode::NO_CONTENT
}

async fn take(State(internal): State<Arc<Internal>>, sid: String) -> Response {
    match internal.server.give_away(&sid).await {
        Ok(session) => Body::from(session).into_response(),
        Err(error) => refused(error),
    }
}

fn refused(error: PeerError) -> Response {
    match error {
        PeerError::Gone => StatusCode::GONE.into_response(),
        PeerError::Slow => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// How a server stands, for the operator.
#[derive(Serialize)]
struct Status<'a> {
    node: &'a str,
    boot: String,
    build: &'a str,
    connections: u64,
    rooms: u64,
    sends_per_second: f64,
    drain: crate::drain::Status,
}

async fn status(State(internal): State<Arc<Internal>>) -> Response {
    let (own, load) = (internal.registry.own(), load(&internal.server, &internal.drains));
    Json(Status {
        node: &own.node,
        boot: own.boot.to_string(),
        build: &own.build,
        connections: load.connections,
        rooms: load.rooms,
        sends_per_second: internal.registry.rates().sends,
        drain: internal.drains.status(),
    })
    .into_response()
}

#[derive(Deserialize)]
struct Lease {
    rate: usize,
    lease_seconds: f64,
}

async fn drain(State(internal): State<Arc<Internal>>, body: Bytes) -> Response {
    let lease: Lease = match serde_json::from_slice(&body) {
        Ok(lease) => lease,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    let long = Duration::try_from_secs_f64(lease.lease_seconds).ok().filter(|long| *long <= LEASE_MAX);
    match long {
        Some(long) if internal.drains.lease(lease.rate, long) => status(State(internal)).await,
        Some(_) => ending(),
        None => (StatusCode::BAD_REQUEST, "lease_seconds: 0 to 3600\n").into_response(),
    }
}

async fn undrain(State(internal): State<Arc<Internal>>) -> Response {
    if internal.drains.release() { status(State(internal)).await } else { ending() }
}

fn ending() -> Response {
    (StatusCode::CONFLICT, "the server is about to end\n").into_response()
}

#[derive(Deserialize)]
struct Close {
    count: usize,
    rate: usize,
}

async fn close(State(internal): State<Arc<Internal>>, body: Bytes) -> Response {
    let close: Close = match serde_json::from_slice(&body) {
        Ok(close) => close,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("{error}\n")).into_response(),
    };
    match internal.drains.shed(close.count, close.rate) {
        Ok(()) => status(State(internal)).await,
        Err(crate::drain::Draining) => (StatusCode::CONFLICT, "the server drains\n").into_response(),
    }
}
