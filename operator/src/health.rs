//! What the operator says of itself, for probes and Prometheus.

use crate::metrics::Metrics;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the operator has seen all that there is.
#[derive(Default)]
pub struct Health {
    ready: AtomicBool,
}

impl Health {
    /// From here on it has.
    pub fn ready(&self) {
        self.ready.store(true, Ordering::Relaxed);
    }

    fn answer(&self) -> Response {
        if self.ready.load(Ordering::Relaxed) {
            "ready\n".into_response()
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "the objects of the cluster are still to be seen\n").into_response()
        }
    }
}

/// `/livez`, `/readyz`, `/metrics`.
pub fn router(health: Arc<Health>, metrics: Arc<Metrics>) -> Router {
    let text = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    Router::new()
        .route("/livez", get(async || "alive\n"))
        .route("/readyz", get(async move || health.answer()))
        .route("/metrics", get(async move || (text, metrics.text())))
}
