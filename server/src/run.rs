//! A server from its settings to its end.

use crate::announcer;
use crate::chat::Chat;
use crate::cluster::{self, Live, Membership};
use crate::drain::Drains;
use crate::health::Health;
use crate::housekeeping;
use crate::http;
use crate::logging::Level;
use crate::metrics::Metrics;
use crate::notice;
use crate::presence;
use crate::stores::{self, BadRedis, Keeper, Redis};
use chat_settings::{Origins, Secret, Settings};
use chat_socket::{Admission, Boot, Config, Protocol, ServeOptions, Server, SidKeys, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
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
    /// Where other servers would reach this one is not known.
    #[error(transparent)]
    Address(#[from] cluster::address::Unknown),
    /// A Redis that cannot hold the rooms, or not with these settings.
    #[error(transparent)]
    Redis(#[from] BadRedis),
    /// Metrics that contradict each other: a defect.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// The process gets no signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT, then drains. `level` changes what is logged.
pub async fn run(settings: Settings, level: Level) -> Result<(), StartError> {
    let mut signals = Signals::new().map_err(StartError::Signals)?;
    let public = listen("listen", settings.network.listen)?;
    let internal = listen("internal-listen", settings.network.internal_listen)?;
    let operations = listen("metrics-listen", settings.network.metrics_listen)?;
    let metrics = Arc::new(Metrics::new()?);
    let redis = Redis::start(&settings)?;
    let health = Arc::new(if redis.is_some() { Health::awaiting_redis() } else { Health::default() });
    let (config, network, node) = (config(&settings), settings.network.clone(), settings.node.clone());
    let options = ServeOptions { header_timeout: settings.limits.header_timeout, ..ServeOptions::default() };
    if settings.signing_keys.is_empty() {
        tracing::warn!("no signing-key: guests are not known any more after a restart");
    }
    let port = internal.local_addr().map_or(network.internal_listen.port(), |address| address.port());
    let board = stores::board(redis.as_ref());
    let membership = Arc::new(Membership::new(&settings, config.boot, port, board, metrics.cluster.clone())?);
    let stores = match &redis {
        None => stores::memory(&settings),
        Some(redis) => stores::on_redis(redis.clone(), &settings, membership.registry(), &metrics)?,
    };
    let keeper = Arc::new(stores.keeper);
    let chat = Chat::sharing(settings, stores.log, stores.records, stores.rooms, metrics.clone(), stores.servers);
    let server = Server::among(chat.clone(), config, metrics.sockets.clone(), membership.peers());
    let live = Live::new(membership.registry().clone(), health.clone(), redis.as_ref().map(Redis::topology));
    let shown = network.cluster_page.then_some(&live);
    let router = http::public(&health, shown).merge(server.router("/socket.io/"));
    let drains = Drains::new(server.clone(), health.clone());
    let serve = |listener, router| tokio::spawn(serve(listener, router, options, metrics.sockets.clone()));
    let mut tasks = vec![
        serve(public, router),
        serve(internal, http::internal(&health, membership.router(server.clone(), drains.clone()))),
        serve(operations, http::operations(&health, &metrics, &live)),
        tokio::spawn(drains.clone().run()),
        tokio::spawn(live.clone().run()),
        tokio::spawn({
            let (membership, server, drains) = (membership.clone(), server.clone(), drains.clone());
            async move { membership.run(server, drains).await }
        }),
        tokio::spawn(announcer::run(chat.clone(), announcer::EVERY)),
        tokio::spawn(presence::watch_servers(chat.clone())),
        tokio::spawn(notice::run(chat.clone())),
        tokio::spawn(housekeeping::run(chat.clone(), keeper.clone())),
        tokio::spawn(housekeeping::renew(chat.clone())),
    ];
    let rooms = keeper.name();
    tracing::info!(listen = %network.listen, metrics = %network.metrics_listen, node, rooms, "serving");
    let ended = match redis {
        None => false,
        Some(redis) => {
            // Clients that come before Redis is there are asked to come again.
            server.refuse_new();
            let ended = tokio::select! {
                fit = redis.fit(&health) => { fit?; false }
                () = signals.end(|| ()) => true,
            };
            server.accept_new();
            let (health, tidying) = (health.clone(), redis.clone());
            tasks.push(tokio::spawn(async move { redis.watch(&health).await }));
            tasks.push(tokio::spawn(async move { tidying.tidy().await }));
            ended
        }
    };
    if !ended {
        signals.end(|| reload(&server, &keeper, &level)).await;
    }
    tokio::select! {
        () = drains.end() => {}
        () = signals.end(|| ()) => tracing::warn!("ended by a second signal"),
    }
    // What was closed last still goes out.
    let _ = tokio::time::timeout(Duration::from_secs(1), closed(&server)).await;
    for task in tasks {
        task.abort();
    }
    membership.registry().leave().await;
    Ok(())
}

/// Reads the settings anew and takes over what may change; a mistake in them changes nothing.
fn reload(server: &Server<Chat>, keeper: &Keeper, level: &Level) {
    let read = |path: &std::path::Path| std::fs::read_to_string(path);
    match Settings::load(std::env::args_os(), std::env::vars_os(), read) {
        Ok(newer) => {
            let restart = server.application().reload(&newer);
            server.admit(admission(&server.application().settings()));
            keeper.reload(&server.application().settings());
            if let Err(error) = level.set(&newer.logging.log_level) {
                tracing::error!(error, "log-level not changed");
            }
            tracing::info!(restart = restart.join(", "), "settings reloaded; those named need a restart");
        }
        Err(error) => tracing::error!(error = %error, "settings not reloaded"),
    }
}

async fn closed(server: &Server<Chat>) {
    while server.connections() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Connections that may wait to be accepted: clients come back all at once after a cut, and the default of 1,024 turns some away for a second.
const BACKLOG: u32 = 4096;

fn listen(setting: &'static str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    open().map_err(|source| StartError::Listen { setting, address, source })
}

/// What the sockets are told of the settings.
pub fn config(settings: &Settings) -> Config {
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
        boot: Boot::random(),
        sid_keys: SidKeys::new(settings.signing_keys.iter().map(Secret::expose)),
        admission: admission(settings),
    }
}

fn admission(settings: &Settings) -> Admission {
    Admission {
        max_connections: settings.limits.max_connections,
        max_unauthenticated: settings.limits.max_unauthenticated,
        origins: match &settings.network.allowed_origins {
            Origins::Any => chat_socket::Origins::Any,
            Origins::Listed(listed) => chat_socket::Origins::Listed(listed.clone()),
        },
    }
}

/// The signals that a server listens to.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one that ends the server; each hangup before it reloads.
    async fn end(&mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => reload(),
            }
        }
    }
}
