//! Asks other servers: signed, bounded, and never twice.

use crate::Boot;
use crate::signature::{Addressee, Keys, Stamp};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(1);

/// How long an unused connection is kept: well below the time after which a server closes it, so that no request meets a connection that is closing.
const IDLE: Duration = Duration::from_secs(4);

/// Unused connections that are kept to each server.
const IDLE_MAX: usize = 256;

/// Requests that may be under way at once. Each poll that is held for a client of another server is one.
const UNDER_WAY_MAX: usize = 32_768;

/// A client of other servers' internal ports.
pub struct Client {
    http: Http<HttpConnector, Full<Bytes>>,
    keys: Arc<Keys>,
    own: Boot,
    under_way: Semaphore,
}

/// What is asked of whom.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where, `host:port`.
    pub address: &'a str,
    /// Whom.
    pub to: Addressee,
    /// How.
    pub method: Method,
    /// What, such as `/internal/v1/status`.
    pub path: &'a str,
    /// With what.
    pub body: Bytes,
    /// How long it may take in all.
    pub within: Duration,
    /// How long the answer may be, in bytes.
    pub answer_bytes_max: usize,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    /// The status; of the guard at the door, or of who stands behind it.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// As many requests as may be are under way.
    #[error("too many requests to other servers are under way")]
    Crowded,
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// The server cannot be reached, or the connection broke.
    #[error("the server cannot be reached")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Client {
    /// A client that signs as this boot.
    pub fn new(keys: Arc<Keys>, own: Boot) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        // What it repeats by itself are only requests of which not a byte was written.
        let http = Http::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(IDLE_MAX)
            .build(connector);
        Self { http, keys, own, under_way: Semaphore::new(UNDER_WAY_MAX) }
    }

    /// Asks once. When the future is dropped, the other side sees the request broken off.
    pub async fn ask(&self, question: Question<'_>) -> Result<Answer, Unanswered> {
        let _permit = self.under_way.try_acquire().map_err(|_| Unanswered::Crowded)?;
        let (within, most) = (question.within, question.answer_bytes_max);
        let request = self.request(question)?;
        let answered = async {
            let response = self.http.request(request).await.map_err(|error| Unanswered::Broken(error.into()))?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, most).collect().await.map_err(Unanswered::Broken)?.to_bytes();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        tokio::time::timeout(within, answered).await.map_err(|_| Unanswered::Late)?
    }

    fn request(&self, question: Question<'_>) -> Result<Request<Full<Bytes>>, Unanswered> {
        let Question { address, to, method, path, body, within: _, answer_bytes_max: _ } = question;
        let time_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        let stamp = Stamp { time_ms, from: self.own, to, nonce: rand::random() };
        let mut headers = HeaderMap::new();
        self.keys.sign(method.as_str(), path, &body, &stamp, &mut headers);
        let request = Request::builder().method(method).uri(format!("http://{address}{path}")).body(Full::new(body));
        let mut request = request.map_err(|error| Unanswered::Broken(error.into()))?;
        request.headers_mut().extend(headers);
        Ok(request)
    }
}
