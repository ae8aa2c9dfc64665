//! What the operator asks of servers, over their internal port: how they are, and to send clients elsewhere.

use super::{Said, Servers};
use crate::names;
use bytes::Bytes;
use chat_internal::signature::{Addressee, Keys};
use chat_internal::{Boot, Client, Question};
use futures_util::StreamExt;
use http::{Method, StatusCode};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to answer.
const WITHIN: Duration = Duration::from_secs(3);

/// How long an answer may be, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Servers that are asked at a time.
const AT_A_TIME: usize = 16;

/// How long a server drains on one word of the operator: if the operator is gone for longer, it serves again.
const LEASE_SECONDS: u32 = 30;

/// Asks the servers of one ChatCluster, under its signing key.
pub struct Asker {
    client: Client,
}

/// Why nothing is known of a server that was asked how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It did not answer in time, or cannot be reached.
    Silent,
    /// It refused: it has another signing key, or another boot.
    Refused,
    /// Its answer makes no sense.
    Nonsense,
}

impl Unheard {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Silent, Self::Refused, Self::Nonsense];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Silent => "silent",
            Self::Refused => "refused",
            Self::Nonsense => "nonsense",
        }
    }
}

/// Why a server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// It has no address yet, or none any more.
    #[error("pod {0} has no address")]
    Nowhere(String),
    /// It did not answer.
    #[error("pod {0} does not answer")]
    Unanswered(String, #[source] chat_internal::Unanswered),
    /// It refused.
    #[error("pod {pod} answers {status}: {text}")]
    Refused {
        /// The pod.
        pod: String,
        /// Its answer.
        status: StatusCode,
        /// In its words.
        text: String,
    },
}

/// What a server says of itself, as far as it is looked at.
#[derive(Deserialize)]
struct Status {
    boot: String,
    connections: u64,
    #[serde(default)]
    sends_per_second: f64,
}

#[derive(Serialize)]
struct Lease {
    rate: u32,
    lease_seconds: u32,
}

#[derive(Serialize)]
struct Close {
    count: u64,
    rate: u32,
}

impl Asker {
    /// Asks under this signing key.
    pub fn new(signing_key: &[u8]) -> Self {
        let trimmed = signing_key.trim_ascii_end();
        Self { client: Client::new(Arc::new(Keys::new([trimmed])), Boot::random()) }
    }

    /// Asks all servers how they are, notes what they say, and returns what went wrong.
    pub async fn poll(&self, pods: &[Arc<Pod>], servers: &Servers) -> Vec<Unheard> {
        let questions: Vec<_> = pods.iter().cloned().map(|pod| self.look(pod, servers)).collect();
        let answers = futures_util::stream::iter(questions).buffer_unordered(AT_A_TIME);
        answers.filter_map(|answer| std::future::ready(answer.err())).collect().await
    }

    /// A server without an address has nothing to say yet.
    async fn look(&self, pod: Arc<Pod>, servers: &Servers) -> Result<(), Unheard> {
        if address(&pod).is_none() {
            return Ok(());
        }
        let asked = self.ask(&pod, Addressee::Anyone, Method::GET, "/internal/v1/status", Bytes::new()).await;
        let answer = asked.map_err(|error| {
            tracing::debug!(error = %error, "a server was asked in vain");
            match error {
                NotDone::Nowhere(_) | NotDone::Unanswered(..) => Unheard::Silent,
                NotDone::Refused { .. } => Unheard::Refused,
            }
        })?;
        let status: Status = serde_json::from_slice(&answer).map_err(|_| Unheard::Nonsense)?;
        let Status { boot, connections, sends_per_second } = status;
        let boot = boot.parse().map_err(|_| Unheard::Nonsense)?;
        let said = Said { boot, connections, sends_per_second, at: Timestamp::now() };
        servers.note(&pod.uid().unwrap_or_default(), said);
        Ok(())
    }

    /// Has a server close so many connections a second from now on, for as long as this is said again.
    pub async fn drain(&self, pod: &Pod, boot: Boot, rate: u32) -> Result<(), NotDone> {
        self.tell(pod, boot, "/internal/v1/drain", &Lease { rate, lease_seconds: LEASE_SECONDS }).await
    }

    /// Has a server serve again.
    pub async fn undrain(&self, pod: &Pod, boot: Boot) -> Result<(), NotDone> {
        self.tell(pod, boot, "/internal/v1/undrain", &()).await
    }

    /// Has a server close some connections, idle ones first.
    pub async fn close(&self, pod: &Pod, boot: Boot, count: u64, rate: u32) -> Result<(), NotDone> {
        self.tell(pod, boot, "/internal/v1/close", &Close { count, rate }).await
    }

    async fn tell(&self, pod: &Pod, boot: Boot, path: &str, what: &impl Serialize) -> Result<(), NotDone> {
        let body = serde_json::to_vec(what).expect("numbers are JSON");
        self.ask(pod, Addressee::Boot(boot), Method::POST, path, body.into()).await.map(drop)
    }

    async fn ask(&self, pod: &Pod, to: Addressee, method: Method, path: &str, body: Bytes) -> Result<Bytes, NotDone> {
        let name = pod.name_any();
        let address = address(pod).ok_or_else(|| NotDone::Nowhere(name.clone()))?;
        let question =
            Question { address: &address, to, method, path, body, within: WITHIN, answer_bytes_max: ANSWER_BYTES_MAX };
        let answer = self.client.ask(question).await.map_err(|error| NotDone::Unanswered(name.clone(), error))?;
        if answer.status.is_success() {
            return Ok(answer.body);
        }
        let text = String::from_utf8_lossy(&answer.body).trim().to_owned();
        Err(NotDone::Refused { pod: name, status: answer.status, text })
    }
}

/// Where a pod's internal port is.
fn address(pod: &Pod) -> Option<String> {
    let ip = pod.status.as_ref()?.pod_ip.as_deref().filter(|ip| !ip.is_empty())?;
    Some(if ip.contains(':') {
        format!("[{ip}]:{}", names::INTERNAL_PORT)
    } else {
        format!("{ip}:{}", names::INTERNAL_PORT)
    })
}
