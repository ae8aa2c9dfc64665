//! Tells news by events of the API server.

use super::budget::Budget;
use super::news::{News, Tone, drains, news};
use crate::metrics::Metrics;
use crate::names;
use chat_api::{ChatCluster, ChatClusterStatus};
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource, ResourceExt};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// How long the API server may take to take an event: it is worth no more.
const WITHIN: Duration = Duration::from_secs(3);

/// The longest note that the API server takes, in bytes.
const NOTE_BYTES_MAX: usize = 1024;

/// Announces what happens to ChatClusters.
pub struct Announcer {
    client: Client,
    /// The operator's own name.
    identity: String,
    metrics: Arc<Metrics>,
    budget: Mutex<Budget>,
}

impl Announcer {
    /// One that has said nothing yet.
    pub fn new(client: Client, identity: String, metrics: Arc<Metrics>) -> Self {
        Self { client, identity, metrics, budget: Mutex::default() }
    }

    /// What it counts in.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Tells what is new in an answer that has been written. An event that is not taken is lost: the status says it, too.
    pub async fn announce(
        &self,
        cluster: &ChatCluster,
        before: &ChatClusterStatus,
        after: &ChatClusterStatus,
        is_there: impl Fn(&str) -> bool,
    ) {
        let (begun, ended, undone) = drains(before, after, &is_there);
        self.metrics.drained(begun, ended, undone);
        for news in news(before, after, is_there) {
            match news.reason.as_str() {
                "ScalingUp" => self.metrics.scaled(true),
                "ScalingDown" => self.metrics.scaled(false),
                _ => {}
            }
            self.tell(cluster, news).await;
        }
    }

    async fn tell(&self, cluster: &ChatCluster, news: News) {
        let News { tone, reason, action, mut note } = news;
        tracing::info!(
            namespace = cluster.namespace().unwrap_or_default(),
            chatcluster = cluster.name_any(),
            reason,
            note,
            "something has happened"
        );
        if !self.budget.lock().take(&cluster.uid().unwrap_or_default(), Instant::now()) {
            self.metrics.told(None);
            return;
        }
        let end = (0..=NOTE_BYTES_MAX.min(note.len())).rev().find(|at| note.is_char_boundary(*at));
        note.truncate(end.unwrap_or_default());
        let type_ = match tone {
            Tone::Normal => EventType::Normal,
            Tone::Warning => EventType::Warning,
        };
        let event = Event { type_, reason, note: Some(note), action: action.to_owned(), secondary: None };
        let reporter = Reporter { controller: names::MANAGER.to_owned(), instance: Some(self.identity.clone()) };
        // A recorder that remembers would count the second scaling under the words of the first.
        let recorder = Recorder::new(self.client.clone(), reporter);
        let about = cluster.object_ref(&());
        let taken = match timeout(WITHIN, recorder.publish(&event, &about)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::debug!(error = %error, "the API server does not take an event");
                false
            }
            Err(_) => false,
        };
        self.metrics.told(Some(taken));
    }
}
