//! Two servers of one cluster that call each other directly, and whatever may go wrong between them.

use crate::polling::{Answer, Polling};
use crate::probe::{Probe, Probed};
use crate::wire::{Got, Wire};
use axum::body::Body;
use axum::http::Response;
use bytes::Bytes;
use chat_socket::{Boot, BoxFuture, Config, Forwarded, PeerError, Peers, Server, SidKeys, Socket};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::{pending, ready};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// What happens to the requests of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Fate {
    /// They are answered.
    #[default]
    Answered,
    /// They never arrive, and that is noticed.
    Lost,
    /// They never arrive, and nobody says so.
    Silent,
    /// They arrive, and their answers do not.
    AnswerLost,
}

/// What happens to requests between the servers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fates {
    pub(crate) forward: Fate,
    pub(crate) probe: Fate,
    pub(crate) take: Fate,
}

/// The network between servers: none.
#[derive(Default)]
pub(crate) struct Direct {
    servers: Mutex<HashMap<Boot, Weak<Server<Probe>>>>,
    pub(crate) fates: Mutex<Fates>,
}

impl Direct {
    fn owner(&self, owner: Boot) -> Result<Arc<Server<Probe>>, PeerError> {
        self.servers.lock().get(&owner).and_then(Weak::upgrade).ok_or(PeerError::Gone)
    }
}

fn meets<'a, T: Send + 'a>(
    fate: Fate,
    answer: impl Future<Output = Result<T, PeerError>> + Send + 'a,
) -> BoxFuture<'a, Result<T, PeerError>> {
    match fate {
        Fate::Answered => Box::pin(answer),
        Fate::Lost => Box::pin(ready(Err(PeerError::Slow))),
        Fate::Silent => Box::pin(pending()),
        Fate::AnswerLost => Box::pin(async move { answer.await.and(Err(PeerError::Slow)) }),
    }
}

impl Peers for Direct {
    fn forward(&self, owner: Boot, request: Forwarded) -> BoxFuture<'_, Result<Response<Body>, PeerError>> {
        let owner = self.owner(owner);
        meets(self.fates.lock().forward, async move { Ok(owner?.forwarded(request).await) })
    }

    fn probe<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<(), PeerError>> {
        let owner = self.owner(owner);
        meets(self.fates.lock().probe, async move { owner?.probe(sid) })
    }

    fn probe_lost(&self, owner: Boot, sid: &str) {
        if let Ok(owner) = self.owner(owner) {
            owner.probe_lost(sid);
        }
    }

    fn take<'a>(&'a self, owner: Boot, sid: &'a str) -> BoxFuture<'a, Result<Bytes, PeerError>> {
        let owner = self.owner(owner);
        meets(self.fates.lock().take, async move { owner?.give_away(sid).await })
    }
}

/// Two servers. Sessions begin at `a`.
pub(crate) struct Pair {
    pub(crate) a: Probed,
    pub(crate) b: Probed,
    pub(crate) peers: Arc<Direct>,
}

impl Pair {
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl Fn(&mut Config)) -> Self {
        let peers = Arc::new(Direct::default());
        let start = || {
            let mut config = Config { sid_keys: SidKeys::new(["key"]), boot: Boot::random(), ..Config::default() };
            change(&mut config);
            Probed::with(config, Some(peers.clone()))
        };
        let (a, b) = (start().await, start().await);
        for one in [&a, &b] {
            peers.servers.lock().insert(one.server.config().boot, Arc::downgrade(&one.server));
        }
        Self { a, b, peers }
    }

    /// A client that polls and is connected, and its end at `a`.
    pub(crate) async fn connect(&self) -> (Polling, Arc<Socket<Probe>>) {
        let mut client = Polling::open(self.a.address).await;
        assert_eq!(client.post(self.a.address, "40").await.body, "ok");
        assert_eq!(client.get(self.a.address).await.body, r#"40{"sid":"sid"}"#);
        let socket = self.a.server.sockets().pop().expect("a connection");
        (client, socket)
    }

    /// A WebSocket of the client at `b` that has been answered its probe.
    pub(crate) async fn probe(&self, client: &Polling) -> Wire {
        let mut wire = Wire::of_session(self.b.address, &client.sid).await;
        wire.send("2probe").await;
        assert_eq!(wire.next().await, Got::Text("3probe".to_owned()));
        wire
    }

    /// What `b` counts of requests for sessions elsewhere.
    pub(crate) fn forwarded(&self, outcome: &str) -> u64 {
        self.b.server.counters().forwarded.with_label_values(&[outcome]).get()
    }

    /// What a server counts of sessions that were to move.
    pub(crate) fn moved(at: &Probed, outcome: &str) -> u64 {
        at.server.counters().moved.with_label_values(&[outcome]).get()
    }

    /// What `b` counts of requests that it refused.
    pub(crate) fn refused(&self, reason: &str) -> u64 {
        self.b.server.counters().refused.with_label_values(&[reason]).get()
    }
}

/// Times that a test can wait for.
pub(crate) fn short(config: &mut Config) {
    config.upgrade_timeout = Duration::from_millis(300);
}

/// Checks that an answer says that there is no such session.
pub(crate) fn assert_unknown(answer: &Answer) {
    assert_eq!((answer.status, answer.body.as_str()), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}
