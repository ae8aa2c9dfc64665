//! A server from its settings to its end.

use crate::announcer;
use crate::chat::Chat;
use crate::drain;
use crate::http::{self, Health};
use crate::metrics::Metrics;
use crate::records::{MemoryRecords, RecordOptions};
use chat_log::{MemoryLog, Options};
use chat_settings::{Origins, Settings};
use chat_socket::{Config, Protocol, ServeOptions, Server, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that it cannot listen on.
    #[error("{setting}: cannot listen on {address}")]
    Listen {
        /// The setting that names it.
        setting: &'static str,
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Metrics that contradict each other: a defect.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// The process gets no signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

/// How often what nobody uses is forgotten.
const SWEEP: Duration = Duration::from_secs(5);

/// Serves until SIGTERM or SIGINT, then drains.
pub async fn run(settings: Settings) -> Result<(), StartError> {
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    let public = listen("listen", settings.network.listen).await?;
    let operations = listen("metrics-listen", settings.network.metrics_listen).await?;
    let metrics = Arc::new(Metrics::new()?);
    let health = Arc::new(Health::default());
    let (log, records) = stores(&settings);
    let chat = Chat::new(settings, log.clone(), records.clone(), metrics.clone());
    let server = Server::new(chat.clone(), config(chat.settings()), metrics.sockets.clone());
    let router = http::public(&health).merge(server.router("/socket.io/"));
    let options = ServeOptions { header_timeout: chat.settings().limits.header_timeout, ..ServeOptions::default() };
    let tasks = [
        tokio::spawn(serve(operations, http::operations(&health, &metrics), options)),
        tokio::spawn(announcer::run(chat.clone())),
        tokio::spawn(sweep(chat.clone(), log, records)),
    ];
    let address = chat.settings().network.listen;
    let public = tokio::spawn(serve(public, router, options));
    tracing::info!(address = %address, metrics = %chat.settings().network.metrics_listen, node = %chat.settings().node, log = "memory", "serving");
    signals.end().await;
    tokio::select! {
        () = drain::drain(&server, &health) => {}
        () = signals.end() => tracing::warn!("ended by a second signal"),
    }
    // What was closed last still goes out.
    let _ = tokio::time::timeout(Duration::from_secs(1), closed(&server)).await;
    public.abort();
    for task in tasks {
        task.abort();
    }
    Ok(())
}

async fn closed(server: &Server<Chat>) {
    while server.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { setting, address, source })
}

fn stores(settings: &Settings) -> (Arc<MemoryLog>, Arc<MemoryRecords>) {
    let (retention, limits) = (&settings.retention, &settings.limits);
    let options = Options {
        retained_entries: retention.retention_entries,
        retained_age: retention.retention_age,
        retained_bytes: retention.retention_bytes,
        dedup_age: retention.dedup_age,
        rooms_max: limits.max_rooms,
        bytes_max: limits.max_log_bytes,
        ..Options::default()
    };
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let log = MemoryLog::new(options, Arc::new(clock));
    let records = RecordOptions { expiry: settings.recovery.session_expiry, records_max: limits.max_sessions };
    (Arc::new(log), Arc::new(MemoryRecords::new(records)))
}

fn config(settings: &Settings) -> Config {
    let (transport, limits) = (&settings.transport, &settings.limits);
    Config {
        protocol: Protocol::SocketIo,
        ping_interval: transport.ping_interval,
        ping_timeout: transport.ping_timeout,
        connect_timeout: limits.connect_timeout,
        upgrade_timeout: limits.upgrade_timeout,
        stall_timeout: limits.stall_timeout,
        body_timeout: limits.body_timeout,
        max_payload: limits.max_payload,
        outbox_bytes: limits.outbox,
        max_connections: limits.max_connections,
        max_unauthenticated: limits.max_unauthenticated,
        origins: match &settings.network.allowed_origins {
            Origins::Any => chat_socket::Origins::Any,
            Origins::Listed(listed) => chat_socket::Origins::Listed(listed.clone()),
        },
    }
}

async fn sweep(chat: Arc<Chat>, log: Arc<MemoryLog>, records: Arc<MemoryRecords>) {
    let mut interval = tokio::time::interval(SWEEP);
    loop {
        interval.tick().await;
        log.sweep();
        records.sweep();
        chat.sweep();
        let stats = log.stats();
        chat.metrics().log_bytes.set(stats.bytes as i64);
        chat.metrics().log_entries.set(stats.entries as i64);
        chat.metrics().sessions.set(records.len() as i64);
    }
}

/// The signals that end a server.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
