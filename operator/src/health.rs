//! What the operator says of itself, for probes and Prometheus.

use crate::metrics::Metrics;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the operator has seen all that there is, and can be asked.
#[derive(Default)]
pub struct Health {
    seen: AtomicBool,
    closed: AtomicBool,
}

impl Health {
    /// The metrics API is still to be opened.
    pub fn expect_metrics_api(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// It is open.
    pub fn metrics_api_opened(&self) {
        self.closed.store(false, Ordering::Relaxed);
    }

    /// From here on all has been seen.
    pub fn seen(&self) {
        self.seen.store(true, Ordering::Relaxed);
    }

    /// Whether all has been seen.
    pub fn has_seen(&self) -> bool {
        self.seen.load(Ordering::Relaxed)
    }

    fn answer(&self) -> Response {
        let unready = |why| (StatusCode::SERVICE_UNAVAILABLE, why).into_response();
        match (self.has_seen(), self.closed.load(Ordering::Relaxed)) {
            (false, _) => unready("the objects of the cluster are still to be seen\n"),
            (true, true) => unready("the metrics API has no certificate yet; the log says why\n"),
            (true, false) => "ready\n".into_response(),
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
