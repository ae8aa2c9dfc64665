//! How a server sends its clients elsewhere without a storm on those that stay: to end (SIGTERM), for as long as the operator holds a lease, or some of them
//! alone, so that a new server gets its share.
//!
//! What to do when is decided by one [`Machine`]; here it is done.

mod machine;

pub use machine::{Draining, Goal, Machine, Tick};

use crate::chat::Chat;
use crate::health::Health;
use chat_socket::{CloseReason, Server, Socket};
use parking_lot::Mutex;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How often connections are closed while draining.
const TICK: Duration = Duration::from_millis(20);

/// Drains a server and has it serve again.
pub struct Drains {
    server: Arc<Server<Chat>>,
    health: Arc<Health>,
    machine: Mutex<Machine>,
    refuses: AtomicBool,
    changed: Notify,
    /// Woken when whether the server drains has changed, for whoever tells others of it.
    turned: Notify,
}

/// What a drain is about, for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Clients are sent elsewhere.
    pub draining: bool,
    /// New clients are refused.
    pub refusing: bool,
    /// The process will end.
    pub ending: bool,
    /// How long the lease still runs.
    pub lease_seconds: Option<f64>,
    /// How many of those that were asked to be closed are still to be.
    pub to_close: usize,
}

impl Drains {
    /// Nothing drains yet; see [`run`](Self::run).
    pub fn new(server: Arc<Server<Chat>>, health: Arc<Health>) -> Arc<Self> {
        let (machine, changed, turned) = (Mutex::default(), Notify::new(), Notify::new());
        Arc::new(Self { server, health, machine, refuses: AtomicBool::new(false), changed, turned })
    }

    /// Drains at this pace until the lease lapses; a further call extends it, and may change the pace. `false`: the server is about to end anyway.
    pub fn lease(&self, closes_per_second: usize, lease: Duration) -> bool {
        let accept = self.server.application().settings().drain.drain_accept;
        let granted = self.machine.lock().lease(Instant::now(), accept, closes_per_second, lease);
        self.changed.notify_one();
        granted
    }

    /// Ends a lease. `false`: the server is about to end.
    pub fn release(&self) -> bool {
        let released = self.machine.lock().release();
        self.changed.notify_one();
        released
    }

    /// Closes some connections, idle ones first. Not while it drains: they are closed anyway then.
    pub fn shed(&self, count: usize, closes_per_second: usize) -> Result<(), Draining> {
        let taken = self.machine.lock().shed(count, closes_per_second);
        self.changed.notify_one();
        taken
    }

    /// How it stands.
    pub fn status(&self) -> Status {
        self.machine.lock().status(Instant::now())
    }

    /// Whenever the server has begun or ceased to drain.
    pub async fn turned(&self) {
        self.turned.notified().await;
    }

    /// Drains for good: not ready at once, new connections for a while more, then closes at the set rate, idle ones first, and what is left at the
    /// deadline. Returns when all of them are closed.
    pub async fn end(&self) {
        let settings = self.server.application().settings().drain.clone();
        let (begun, connections) = (Instant::now(), self.server.connections());
        tracing::info!(connections, accept_seconds = settings.drain_accept.as_secs(), "draining");
        let (rate, deadline) = (settings.drain_closes_per_second, settings.drain_deadline);
        self.machine.lock().end(begun, settings.drain_accept, rate, deadline);
        let mut waiting = Vec::new();
        while !self.tick(&mut waiting) {
            tokio::time::sleep(TICK).await;
        }
        tracing::info!(seconds = begun.elapsed().as_secs_f64(), "drained");
    }

    /// Serves leases and requests to close, until it is dropped. Once [`end`](Self::end) is called it has nothing left to do.
    pub async fn run(self: Arc<Self>) {
        let mut waiting = Vec::new();
        loop {
            if self.machine.lock().goal().is_end() {
                return;
            }
            self.tick(&mut waiting);
            if self.machine.lock().is_idle() {
                waiting.clear();
                self.changed.notified().await;
            } else {
                tokio::time::sleep(TICK).await;
            }
        }
    }

    /// Does what is due; `true` when all is done that a drain for good does. `waiting` are those to close next, the first one at the end.
    fn tick(&self, waiting: &mut Vec<Arc<Socket<Chat>>>) -> bool {
        let Tick { draining, refuse, close, ended } =
            self.machine.lock().tick(Instant::now(), self.server.connections());
        self.turn(draining, refuse);
        for _ in 0..close {
            if waiting.is_empty() {
                // Whoever came while others were closed, and those whose close takes its time.
                *waiting = order(self.server.sockets(), close);
            }
            let Some(socket) = waiting.pop() else { break };
            socket.lock().close(CloseReason::Server);
        }
        ended
    }

    fn turn(&self, draining: bool, refuse: bool) {
        // Only where it changes: a server that waits for Redis refuses, too.
        if self.refuses.swap(refuse, Ordering::Relaxed) != refuse {
            if refuse {
                self.server.refuse_new();
            } else {
                self.server.accept_new();
            }
        }
        if self.health.drain(draining) != draining {
            self.server.application().metrics().draining.set(i64::from(draining));
            self.turned.notify_one();
            if !self.machine.lock().goal().is_end() {
                tracing::info!(draining, connections = self.server.connections(), "drain by lease");
            }
        }
    }
}

/// Those that are closed first stand last: connections with nothing on its way to them. Where all are to be closed anyway their order does not matter.
fn order(mut sockets: Vec<Arc<Socket<Chat>>>, close: usize) -> Vec<Arc<Socket<Chat>>> {
    sockets.retain(|socket| socket.lock().is_open());
    if close < sockets.len() {
        sockets.sort_by_cached_key(|socket| socket.lock().is_drained());
    }
    sockets
}
