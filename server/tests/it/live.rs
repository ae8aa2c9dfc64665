//! A server in this process, all of whose parts can be looked at and hurt.

use crate::held::{Held, Shards};
use chat_log::{MemoryLog, Options};
use chat_server::chat::Chat;
use chat_server::cluster::{Membership, MemoryBoard};
use chat_server::drain::Drains;
use chat_server::health::Health;
use chat_server::http;
use chat_server::metrics::Metrics;
use chat_server::notice;
use chat_server::presence::Servers;
use chat_server::records::{MemoryRecords, RecordOptions};
use chat_server::run;
use chat_settings::Settings;
use chat_socket::{ServeOptions, Server, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What a server is made of. The defaults are those of the program, but for rates: tests send as fast as they can.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) log: Options,
    pub(crate) session_expiry: Duration,
    /// What it shares with others; a log and records of its own if nothing.
    pub(crate) with: Option<With>,
}

/// What servers in one process share.
pub(crate) struct With {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) records: Arc<MemoryRecords>,
    pub(crate) servers: Servers,
}

impl Default for Plan {
    fn default() -> Self {
        let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let mut settings = Settings::load(["chat-server"], [], none).expect("defaults are good");
        settings.limits.send_burst = 100_000;
        settings.limits.send_per_second = 100_000;
        settings.limits.requests_per_second = 10_000;
        Self { settings, log: Options::default(), session_expiry: Duration::from_secs(600), with: None }
    }
}

/// A running server; it ends when it is dropped.
pub(crate) struct Live {
    pub(crate) address: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) membership: Arc<Membership>,
    pub(crate) log: Arc<MemoryLog>,
    /// Rooms of it that take no entries for now.
    pub(crate) held: Held,
    pub(crate) records: Arc<MemoryRecords>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) server: Arc<Server<Chat>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Live {
    /// A server with the defaults.
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// A server with changed settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Plan)) -> Self {
        Self::among(Arc::default(), change).await
    }

    /// A server among those on this board.
    pub(crate) async fn among(board: Arc<MemoryBoard>, change: impl FnOnce(&mut Plan)) -> Self {
        let mut plan = Plan::default();
        change(&mut plan);
        let Plan { settings, log, session_expiry, with } = plan;
        let config = run::config(&settings);
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
        let With { log, records, servers } = with.unwrap_or_else(|| {
            let options = RecordOptions { expiry: session_expiry, records_max: settings.limits.max_sessions };
            With {
                log: Arc::new(MemoryLog::new(log, Arc::new(clock))),
                records: Arc::new(MemoryRecords::new(options)),
                servers: Servers::alone(),
            }
        });
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (listener, internal_listener) = (bind().await, bind().await);
        let address = listener.local_addr().expect("an address");
        let internal = internal_listener.local_addr().expect("an address");
        let membership = Membership::new(&settings, config.boot, internal.port(), board, metrics.cluster.clone());
        let membership = Arc::new(membership.expect("an address"));
        let held = Held::default();
        let shards = Arc::new(Shards::new(log.clone(), held.clone()));
        let chat = Chat::among(settings, shards, records.clone(), metrics.clone(), servers);
        let server = Server::among(chat, config, metrics.sockets.clone(), membership.peers());
        let health = Arc::new(Health::default());
        let shown = chat_server::cluster::Live::new(membership.registry().clone(), health.clone(), None);
        let drains = Drains::new(server.clone(), health.clone());
        let router = http::operations(&health, &metrics, &shown).merge(server.router("/socket.io/"));
        // The kernel is to hold little for those who do not read, so that the bounds above it are what is tested.
        let options = ServeOptions { send_buffer: 16 * 1024, ..ServeOptions::default() };
        let guarded = http::internal(&health, membership.router(server.clone(), drains.clone()));
        let tasks = vec![
            tokio::spawn(serve(listener, router, options, metrics.sockets.clone())),
            tokio::spawn(serve(internal_listener, guarded, options, metrics.sockets.clone())),
            tokio::spawn(drains.clone().run()),
            tokio::spawn(notice::run(server.application().clone())),
            tokio::spawn({
                let (membership, server) = (membership.clone(), server.clone());
                async move { membership.run(server, drains).await }
            }),
        ];
        Self { address, internal, membership, log, held, records, metrics, server, tasks }
    }

    /// Nobody is served any more, and nobody is told.
    pub(crate) fn stop_serving(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }

    /// Says good-bye to the other servers.
    pub(crate) async fn leave(&self) {
        self.membership.registry().leave().await;
    }

    /// How often connections ended for this reason.
    pub(crate) fn closed(&self, reason: &str) -> u64 {
        self.metrics.sockets.closed.with_label_values(&[reason]).get()
    }

    /// How often this limit was reached.
    pub(crate) fn limit(&self, name: &str) -> u64 {
        self.metrics.sockets.limits.with_label_values(&[name]).get()
    }

    /// The value of a counter or gauge of `/metrics`, by its whole name with labels.
    pub(crate) fn series(&self, name: &str) -> u64 {
        let text = self.metrics.text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no series {name}"))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop_serving();
    }
}
