//! The network behind [`chat_socket::Peers`]: finds the owner of a session in the registry and asks it, once.

use super::counters::{Errand, Outcome};
use super::envelope::Envelope;
use super::internal::{ANSWERED, FORWARD, PROBE, PROBE_LOST, TAKE};
use super::signature::Addressee;
use super::{Answer, Boot, Change, Client, Counters, Question, Registry, Unanswered};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use bytes::Bytes;
use chat_socket::{BoxFuture, Forwarded, PeerError, Peers};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::broadcast::error::RecvError;

/// How long a POST may take its owner, which handles all that is in it.
const POST: Duration = Duration::from_secs(20);

/// How long an owner may take beyond the time that it holds a GET.
const SLACK: Duration = Duration::from_secs(10);

/// How long a probe may take.
const PROBING: Duration = Duration::from_secs(3);

/// How long the giving away of a session may take: what the owner is in the middle of has to end first.
const TAKING: Duration = Duration::from_secs(10);

/// How long an answer may be: what an outbox and the frames of one event hold, several times over.
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Asks the other servers.
pub struct Network(Arc<Inner>);

struct Inner {
    registry: Arc<Registry>,
    client: Arc<Client>,
    counters: Counters,
    ping_interval: Duration,
}

impl Network {
    /// `ping_interval` is how long a server may hold a GET.
    pub fn new(registry: Arc<Registry>, client: Arc<Client>, counters: Counters, ping_interval: Duration) -> Arc<Self> {
        Arc::new(Self(Arc::new(Inner { registry, client, counters, ping_interval })))
    }
}

impl Peers for Network {
    fn forward(&self, owner: Boot, request: Forwarded) -> BoxFuture<'_, Result<Response<Body>, PeerError>> {
        let within = if request.head.method == Method::POST { POST } else { self.0.ping_interval + SLACK };
        Box::pin(async move {
            let sealed = Envelope::seal(&request);
            drop(request);
            let answer = self.0.ask(owner, Errand::Forward, FORWARD, sealed, within).await?;
            let status = answer.headers.get(ANSWERED).and_then(|status| StatusCode::from_bytes(status.as_bytes()).ok());
            // Asked for above: an answer without it is none.
            let mut response = Response::new(Body::from(answer.body));
            *response.status_mut() = status.ok_or(PeerError::Slow)?;
            *response.headers_mut() = answer.headers;
            Ok(response)
        })
    }

    fn probe<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<(), PeerError>> {
        Box::pin(async move {
            let sid = Bytes::copy_from_slice(sid.as_bytes());
            self.0.ask(owner, Errand::Probe, PROBE, sid, PROBING).await.map(|_| ())
        })
    }

    fn probe_lost(&self, owner: Boot, sid: &str) {
        let (inner, sid) = (self.0.clone(), Bytes::copy_from_slice(sid.as_bytes()));
        tokio::spawn(async move {
            // A hint: the owner has a deadline of its own.
            let _ = inner.ask(owner, Errand::ProbeLost, PROBE_LOST, sid, PROBING).await;
        });
    }

    fn take<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<Bytes, PeerError>> {
        Box::pin(async move {
            let sid = Bytes::copy_from_slice(sid.as_bytes());
            self.0.ask(owner, Errand::Take, TAKE, sid, TAKING).await.map(|answer| answer.body)
        })
    }
}

impl Inner {
    async fn ask(
        &self,
        owner: Boot,
        errand: Errand,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> Result<Answer, PeerError> {
        let begun = Instant::now();
        let counting = Counting { counters: &self.counters, errand, begun, outcome: Outcome::BrokenOff };
        let (outcome, answer) = self.answered(owner, errand, path, body, within).await;
        counting.end(outcome);
        answer.ok_or(match outcome {
            Outcome::Gone => PeerError::Gone,
            Outcome::Answered | Outcome::Slow | Outcome::Misunderstood | Outcome::Crowded | Outcome::BrokenOff => {
                PeerError::Slow
            }
        })
    }

    async fn answered(
        &self,
        owner: Boot,
        errand: Errand,
        path: &str,
        body: Bytes,
        within: Duration,
    ) -> (Outcome, Option<Answer>) {
        // Listened to before the look, so that no change between the two is missed.
        let mut changes = self.registry.changes();
        let view = self.registry.view_with(owner).await;
        let Some(node) = view.get(owner) else {
            // A copy that is not fresh may lack a server that has come since.
            return (if self.registry.is_fresh() { Outcome::Gone } else { Outcome::Slow }, None);
        };
        let question = Question {
            address: &node.entry.address,
            to: Addressee::Boot(owner),
            method: Method::POST,
            path,
            body,
            within,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        tokio::select! {
            answer = self.client.ask(question) => judge(errand, answer),
            // A server that has vanished answers nothing any more; whoever was held there need not wait for that.
            () = gone(&self.registry, &mut changes, owner) => (Outcome::Gone, None),
        }
    }
}

fn judge(errand: Errand, answer: Result<Answer, Unanswered>) -> (Outcome, Option<Answer>) {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Unanswered::Crowded) => return (Outcome::Crowded, None),
        Err(Unanswered::Late) => return (Outcome::Slow, None),
        Err(Unanswered::Broken(error)) => {
            tracing::debug!(errand = errand.name(), error, "another server did not answer");
            return (Outcome::Slow, None);
        }
    };
    let expected = match errand {
        Errand::Forward => answer.headers.contains_key(ANSWERED),
        Errand::Probe | Errand::ProbeLost | Errand::Take => answer.status.is_success(),
    };
    match answer.status {
        _ if expected => (Outcome::Answered, Some(answer)),
        StatusCode::GONE => (Outcome::Gone, None),
        StatusCode::SERVICE_UNAVAILABLE => (Outcome::Slow, None),
        status => {
            let said = String::from_utf8_lossy(&answer.body[..answer.body.len().min(64)]);
            tracing::warn!(errand = errand.name(), %status, said = said.trim(), "another server did not understand");
            (Outcome::Misunderstood, None)
        }
    }
}

/// Waits until the registry gives a server up.
async fn gone(registry: &Registry, changes: &mut tokio::sync::broadcast::Receiver<Change>, owner: Boot) {
    loop {
        match changes.recv().await {
            Ok(Change::Gone(entry)) if entry.boot == owner => return,
            Ok(Change::Gone(_) | Change::Came(_)) => {}
            Err(RecvError::Lagged(_)) if registry.view().get(owner).is_none() => return,
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Counts a request, too, that was not waited for.
struct Counting<'a> {
    counters: &'a Counters,
    errand: Errand,
    begun: Instant,
    outcome: Outcome,
}

impl Counting<'_> {
    fn end(mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl Drop for Counting<'_> {
    fn drop(&mut self) {
        self.counters.errand(self.errand, self.outcome, self.begun.elapsed());
    }
}
