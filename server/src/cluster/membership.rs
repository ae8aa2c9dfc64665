//! A server's place among the others: all parts of it, put together once.

use super::internal::{self, Internal};
use super::signature::Keys;
use super::{Board, Boot, Client, Counters, Guard, Identity, Network, OVERHEAD_MAX, Registry, address};
use crate::chat::Chat;
use crate::drain::Drains;
use axum::Router;
use chat_settings::Settings;
use chat_socket::Server;
use std::sync::Arc;
use std::time::Duration;

/// The build, as the other servers and the operator are told.
pub const BUILD: &str = env!("CARGO_PKG_VERSION");

/// A server's place among the others.
pub struct Membership {
    registry: Arc<Registry>,
    keys: Arc<Keys>,
    counters: Counters,
    ping_interval: Duration,
    body_bytes_max: usize,
}

impl Membership {
    /// Of this boot, whose internal port is `port`, on this board.
    pub fn new(
        settings: &Settings,
        boot: Boot,
        port: u16,
        board: Arc<dyn Board>,
        counters: Counters,
    ) -> Result<Self, address::Unknown> {
        let address = address::advertised(settings, port)?;
        let own = Identity { node: settings.node.clone(), boot, address, build: BUILD.to_owned() };
        Ok(Self {
            registry: Registry::new(own, board, counters.clone()),
            keys: Arc::new(Keys::new(settings.signing_keys.iter().map(chat_settings::Secret::expose))),
            counters,
            ping_interval: settings.transport.ping_interval,
            body_bytes_max: settings.limits.max_payload + OVERHEAD_MAX,
        })
    }

    /// Who is there.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// How the sockets ask the other servers.
    pub fn peers(&self) -> Arc<Network> {
        let client = Client::new(self.keys.clone(), self.registry.own().boot);
        Network::new(self.registry.clone(), Arc::new(client), self.counters.clone(), self.ping_interval)
    }

    /// What the others, and the operator, may ask of this server.
    pub fn router(&self, server: Arc<Server<Chat>>, drains: Arc<Drains>) -> Router {
        let guard = Guard::new(self.keys.clone(), self.registry.own().boot, self.body_bytes_max, self.counters.clone());
        internal::router(Arc::new(Internal { server, drains, registry: self.registry.clone() }), guard)
    }

    /// Keeps the server in the registry, until it is dropped; then [`Registry::leave`] says good-bye.
    pub async fn run(&self, server: Arc<Server<Chat>>, drains: Arc<Drains>) {
        let load = || internal::load(&server, &drains);
        let told_at_once = async {
            loop {
                drains.turned().await;
                self.registry.poke();
            }
        };
        tokio::select! {
            () = self.registry.clone().run(load) => {}
            () = told_at_once => {}
        }
    }
}
