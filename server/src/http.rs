//! What is served beside Socket.IO: the page, the probes, the metrics.

use crate::cluster::Live;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::page;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::time::Instant;

/// The routes of the public port, beside those of the sockets. The cluster is shown there only where it may be.
pub fn public(health: &Arc<Health>, cluster: Option<&Arc<Live>>) -> Router {
    let probes = probes(health).fallback(page::serve);
    match cluster {
        Some(cluster) => probes.merge(cluster.router()),
        None => probes,
    }
}

/// The routes of the internal port: the probes are open to everybody, the rest has a door of its own.
pub fn internal(health: &Arc<Health>, guarded: Router) -> Router {
    probes(health).merge(guarded)
}

/// The routes of the metrics port.
pub fn operations(health: &Arc<Health>, metrics: &Arc<Metrics>, cluster: &Arc<Live>) -> Router {
    let metrics = metrics.clone();
    let shown = cluster.router().route("/assets/{*path}", get(page::serve));
    probes(health).merge(shown).route(
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
