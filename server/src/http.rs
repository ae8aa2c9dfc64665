//! What is served beside Socket.IO: the page, the probes, the metrics.

use crate::metrics::Metrics;
use crate::page;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the server wants to be sent clients.
#[derive(Default)]
pub struct Health {
    draining: AtomicBool,
}

impl Health {
    /// From here on it does not.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn ready(&self) -> Response {
        if self.draining.load(Ordering::Relaxed) {
            (StatusCode::SERVICE_UNAVAILABLE, "draining\n").into_response()
        } else {
            "ready\n".into_response()
        }
    }
}

/// The routes of the public port, beside those of the sockets.
pub fn public(health: &Arc<Health>) -> Router {
    probes(health).fallback(page::serve)
}

/// The routes of the internal port.
pub fn internal(health: &Arc<Health>) -> Router {
    probes(health)
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
    Router::new().route("/livez", get(async || "alive\n")).route("/readyz", get(async move || health.ready()))
}
