//! The connections of one path, and what they share.

use crate::application::Application;
use crate::config::{Admission, Config};
use crate::counters::Counters;
use crate::frame::Frame;
use crate::peers::{Alone, Peers};
use crate::sid::Sid;
use crate::socket::Socket;
use crate::sweep;
use parking_lot::{Mutex, RwLock};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

/// A server of sockets: one application on one path.
pub struct Server<A: Application> {
    application: Arc<A>,
    config: Config,
    admission: RwLock<Arc<Admission>>,
    counters: Counters,
    peers: Arc<dyn Peers>,
    started: Instant,
    ping: Frame,
    sockets: Mutex<Slab<Arc<Socket<A>>>>,
    /// Sessions that can be found by their sid: those on polling, and none else.
    sids: Mutex<HashMap<Sid, Arc<Socket<A>>>>,
    open: AtomicUsize,
    authenticated: AtomicUsize,
    draining: AtomicBool,
}

impl<A: Application> Server<A> {
    /// Makes a server and starts its sweeper, which lives as long as the server. Needs a tokio runtime.
    pub fn new(application: Arc<A>, config: Config, counters: Counters) -> Arc<Self> {
        Self::among(application, config, counters, Arc::new(Alone))
    }

    /// As [`Self::new`], in a cluster: sessions of other servers are theirs, and asked for through `peers`.
    pub fn among(application: Arc<A>, config: Config, counters: Counters, peers: Arc<dyn Peers>) -> Arc<Self> {
        let server = Arc::new(Self {
            application,
            admission: RwLock::new(Arc::new(config.admission.clone())),
            config,
            counters,
            peers,
            started: Instant::now(),
            ping: Frame::text(b"2"),
            sockets: Mutex::new(Slab::new()),
            sids: Mutex::new(HashMap::new()),
            open: AtomicUsize::new(0),
            authenticated: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
        });
        tokio::spawn(sweep::run(Arc::downgrade(&server)));
        server
    }

    /// The application.
    pub fn application(&self) -> &Arc<A> {
        &self.application
    }

    /// What it was told at its start.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What it counts.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The other servers.
    pub(crate) fn peers(&self) -> &Arc<dyn Peers> {
        &self.peers
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Who is let in now.
    pub(crate) fn admission(&self) -> Arc<Admission> {
        self.admission.read().clone()
    }

    /// Changes who is let in; those who are in stay.
    pub fn admit(&self, admission: Admission) {
        *self.admission.write() = Arc::new(admission);
    }

    /// Refuses handshakes from here on, so that clients go elsewhere.
    pub fn refuse_new(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Takes handshakes again.
    pub fn accept_new(&self) {
        self.draining.store(false, Ordering::Relaxed);
    }

    /// All connections, as they are now.
    pub fn sockets(&self) -> Vec<Arc<Socket<A>>> {
        self.sockets.lock().iter().map(|(_, socket)| socket.clone()).collect()
    }

    /// The connections that want to be looked at by now: a glance at the clock of each, without its lock.
    pub(crate) fn due(&self, now: u32) -> Vec<Arc<Socket<A>>> {
        let sockets = self.sockets.lock();
        sockets.iter().filter(|(_, socket)| socket.is_due(now)).map(|(_, socket)| socket.clone()).collect()
    }

    /// Milliseconds since the server was made; wraps after 49 days, and is only ever compared by difference.
    pub(crate) fn now(&self) -> u32 {
        self.started.elapsed().as_millis() as u32
    }

    pub(crate) fn ping_frame(&self) -> &Frame {
        &self.ping
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.connections() >= self.admission().max_connections
    }

    pub(crate) fn too_many_unauthenticated(&self) -> bool {
        let authenticated = self.authenticated.load(Ordering::Relaxed);
        self.connections().saturating_sub(authenticated) >= self.admission().max_unauthenticated
    }

    pub(crate) fn insert(&self, socket: &Arc<Socket<A>>) -> u32 {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.counters.unauthenticated.inc();
        self.sockets.lock().insert(socket.clone()) as u32
    }

    pub(crate) fn remove(&self, socket: &Arc<Socket<A>>, authenticated: bool) {
        self.open.fetch_sub(1, Ordering::Relaxed);
        if authenticated {
            self.authenticated.fetch_sub(1, Ordering::Relaxed);
        } else {
            self.counters.unauthenticated.dec();
        }
        self.sockets.lock().try_remove(socket.key() as usize);
    }

    pub(crate) fn authenticated(&self) {
        self.authenticated.fetch_add(1, Ordering::Relaxed);
        self.counters.unauthenticated.dec();
    }

    pub(crate) fn unauthenticated(&self) {
        self.authenticated.fetch_sub(1, Ordering::Relaxed);
        self.counters.unauthenticated.inc();
    }

    /// A new sid of this server's.
    pub(crate) fn new_sid(&self) -> Sid {
        Sid::new(self.config.boot, &self.config.sid_keys)
    }

    pub(crate) fn by_sid(&self, sid: Sid) -> Option<Arc<Socket<A>>> {
        self.sids.lock().get(&sid).cloned()
    }

    pub(crate) fn publish_sid(&self, sid: Sid, socket: &Arc<Socket<A>>) {
        self.sids.lock().insert(sid, socket.clone());
    }

    pub(crate) fn forget_sid(&self, sid: Sid) {
        self.sids.lock().remove(&sid);
    }
}
