//! Serves the picture of the deployment, and its page.

use super::history::{EVERY, History};
use super::{Registry, picture};
use crate::health::Health;
use crate::page;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use chat_redis::Topology;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// For so long a picture is served to all who ask: it shows internals to everybody, and is not to cost more for that.
const KEPT: Duration = Duration::from_millis(500);

/// The picture as it is now.
pub struct Live {
    registry: Arc<Registry>,
    health: Arc<Health>,
    topology: Option<watch::Receiver<Arc<Topology>>>,
    history: Mutex<History>,
    drawn: Mutex<Option<(Instant, Bytes)>>,
}

impl Live {
    /// Of these servers, and of the Redis whose topology this is.
    pub fn new(
        registry: Arc<Registry>,
        health: Arc<Health>,
        topology: Option<watch::Receiver<Arc<Topology>>>,
    ) -> Arc<Self> {
        Arc::new(Self { registry, health, topology, history: Mutex::default(), drawn: Mutex::default() })
    }

    /// Takes samples, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut interval = tokio::time::interval(EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.history.lock().sample(&self.registry.view());
        }
    }

    /// The JSON and the page.
    pub fn router(self: &Arc<Self>) -> Router {
        let live = self.clone();
        Router::new().route("/cluster.json", get(async move || live.json())).route("/cluster", get(page::cluster))
    }

    fn json(&self) -> Response {
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, self.drawn(Instant::now())).into_response()
    }

    fn drawn(&self, now: Instant) -> Bytes {
        let mut drawn = self.drawn.lock();
        match &*drawn {
            Some((at, bytes)) if now.saturating_duration_since(*at) < KEPT => bytes.clone(),
            Some(_) | None => {
                let topology = self.topology.as_ref().map(|topology| topology.borrow().clone());
                let (view, history) = (self.registry.view(), self.history.lock());
                let redis = topology.as_deref().map(|topology| (topology, self.health.trouble()));
                let picture = picture::draw(self.registry.own(), &view, &history, redis, now);
                let bytes = Bytes::from(serde_json::to_vec(&picture).unwrap_or_default());
                *drawn = Some((now, bytes.clone()));
                bytes
            }
        }
    }
}
