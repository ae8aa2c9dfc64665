//! What a person asks of a running server by a command: to drain, to serve again, to say how it stands.
//!
//! It goes to the internal port, signed as everything there. A drain is a lease: without somebody who holds it the server serves again.

use crate::cluster::internal::{DRAIN, STATUS, UNDRAIN};
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use chat_internal::signature::{Addressee, Keys};
use chat_internal::{Boot, Client, Question, Unanswered};
use chat_settings::{Ask, Order, Secret};
use serde::Deserialize;
use serde_json::json;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How long a server may take to answer.
const WITHIN: Duration = Duration::from_secs(5);

/// How long an answer may be, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// How often a server is asked how far its drain is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks that may fail one after the other before the drain is given up: the server may be busy with closing.
const LOOKS_FAILED_MAX: usize = 5;

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there.
    #[error("{address} does not answer; is that the internal port of a running server (internal-listen)?")]
    Unanswered {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: Unanswered,
    },
    /// The signature is not accepted.
    #[error("{address} does not accept the signature; is this the key of its deployment, and is the clock right?")]
    Unsigned {
        /// Where.
        address: String,
    },
    /// Whoever answers is no server, or one of another kind.
    #[error("{address} answers {status}, which no internal port of a chat-server does; the public port is another one")]
    Strange {
        /// Where.
        address: String,
        /// What it answered.
        status: StatusCode,
    },
    /// It is not the one any more that said who it is.
    #[error("another server has come to {address} meanwhile; ask again")]
    Replaced {
        /// Where.
        address: String,
    },
    /// It will not.
    #[error("{address} refuses: {why}")]
    Refused {
        /// Where.
        address: String,
        /// In its own words.
        why: String,
    },
}

/// How a server stands.
#[derive(Deserialize)]
struct Status {
    node: String,
    boot: String,
    build: String,
    connections: u64,
    rooms: u64,
    drain: Drain,
}

#[derive(Deserialize)]
struct Drain {
    draining: bool,
    ending: bool,
    lease_seconds: Option<f64>,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, boot, build, connections, rooms, drain } = self;
        write!(f, "{node} (boot {boot}, build {build}): {connections} connections, {rooms} rooms, ")?;
        match drain {
            Drain { ending: true, .. } => f.write_str("draining to its end"),
            Drain { lease_seconds: Some(left), .. } => write!(f, "draining for {left:.0} s more"),
            Drain { draining: true, .. } => f.write_str("draining"),
            Drain { .. } => f.write_str("serving"),
        }
    }
}

/// Asks, and says what comes of it, line by line.
pub async fn ask(order: Ask, say: impl Fn(String)) -> Result<(), AskError> {
    let Ask { address, order, signing_keys } = order;
    let keys = Arc::new(Keys::new(signing_keys.iter().map(Secret::expose)));
    let asker = Asker { client: Client::new(keys, Boot::random()), address };
    // Who is there has to be known: what is asked of one boot is done by no other.
    let status = asker.status().await?;
    let boot = status.boot.parse().map_err(|_| asker.strange(StatusCode::OK))?;
    match order {
        Order::Status => say(status.to_string()),
        Order::Undrain => say(asker.post(boot, UNDRAIN, Bytes::new()).await?.to_string()),
        Order::Drain { rate, lease, wait } => {
            let body = Bytes::from(json!({ "rate": rate, "lease_seconds": lease.as_secs_f64() }).to_string());
            let mut status = asker.post(boot, DRAIN, body.clone()).await?;
            say(status.to_string());
            let mut failed = 0;
            while wait && status.connections > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
                // Which extends the lease, too.
                match asker.post(boot, DRAIN, body.clone()).await {
                    Ok(now) if now.connections == status.connections => status = now,
                    Ok(now) => {
                        say(now.to_string());
                        status = now;
                    }
                    Err(AskError::Unanswered { .. }) if failed < LOOKS_FAILED_MAX => {
                        failed += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
                failed = 0;
            }
        }
    }
    Ok(())
}

/// Asks the server at one address.
struct Asker {
    client: Client,
    address: String,
}

impl Asker {
    async fn status(&self) -> Result<Status, AskError> {
        self.question(Addressee::Anyone, Method::GET, STATUS, Bytes::new()).await
    }

    async fn post(&self, boot: Boot, path: &str, body: Bytes) -> Result<Status, AskError> {
        self.question(Addressee::Boot(boot), Method::POST, path, body).await
    }

    async fn question(&self, to: Addressee, method: Method, path: &str, body: Bytes) -> Result<Status, AskError> {
        let address = || self.address.clone();
        let question = Question {
            address: &self.address,
            to,
            method,
            path,
            body,
            within: WITHIN,
            answer_bytes_max: ANSWER_BYTES_MAX,
        };
        let answer = self.client.ask(question).await;
        let answer = answer.map_err(|source| AskError::Unanswered { address: address(), source })?;
        let why = || String::from_utf8_lossy(&answer.body).trim().to_owned();
        match answer.status {
            StatusCode::OK => serde_json::from_slice(&answer.body).map_err(|_| self.strange(answer.status)),
            StatusCode::UNAUTHORIZED => Err(AskError::Unsigned { address: address() }),
            StatusCode::GONE => Err(AskError::Replaced { address: address() }),
            StatusCode::CONFLICT | StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE => {
                Err(AskError::Refused { address: address(), why: why() })
            }
            other => Err(self.strange(other)),
        }
    }

    fn strange(&self, status: StatusCode) -> AskError {
        AskError::Strange { address: self.address.clone(), status }
    }
}
