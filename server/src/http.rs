//! What is served beside Socket.IO: the page, the probes, the metrics.

use crate::health::Health;
use crate::metrics::Metrics;
use crate::page;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Instant;

/// The routes of the public port, beside those of the sockets.
pub fn public(health: &Arc<Health>) -> Router {
    probes(health).fallback(page::serve)
}

/// The routes of the internal port: the probes are open to everybody, the rest has a door of its own.
pub fn internal(health: &Arc<Health>, guarded: Router) -> Router {
    probes(health).merge(guarded)
}

/// The routes of the metrics port.
pub fn operations(health: &Arc<Health>, metrics: &Arc<Metrics>) -> Router {
    let metrics = metrics.clone();
    probes(health).route(
        "/metrics",
        get(async move || {
            let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            ([(header::CONTENT_TYPE, text)], metrics.text())
        }),
    )
}

fn probes(health: &Arc<Health>) -> Router {
    let health = health.clone();
    Router::new().route("/livez", get(async || "alive\n")).route("/readyz", get(async move || ready(&health)))
}

fn ready(health: &Health) -> Response {
    match health.ready(Instant::now()) {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}
