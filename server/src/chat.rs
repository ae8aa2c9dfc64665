//! The chat application behind the sockets: what it holds, and which part of it an input goes to.

use crate::auth::Auth;
use crate::carry;
use crate::connect;
use crate::connection::{Connection, chunk_of};
use crate::directory::Directory;
use crate::metrics::Metrics;
use crate::moving;
use crate::peer;
use crate::presence::Servers;
use crate::records::{Lost, Records};
use crate::requests;
use crate::room::Room;
use crate::rooms::listing::Listing;
use crate::rooms::{Bounds, MemoryRooms, Rooms};
use crate::user::Users;
use axum::http::request::Parts;
use bytes::Bytes;
use chat_log::RoomLog;
use chat_session::{Checkpointed, Fence, Pid};
use chat_settings::{Limit, Settings};
use chat_socket::{Application, CloseReason, Event, Guard, Handling, Namespace, Refusal, Socket};
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The connection that owns a session, and under which fence.
type Owner = (Fence, Weak<Socket<Chat>>);

/// A chat server.
pub struct Chat {
    settings: RwLock<Arc<Settings>>,
    auth: Auth,
    log: Arc<dyn RoomLog>,
    records: Arc<dyn Records>,
    rooms: Arc<dyn Rooms>,
    metrics: Arc<Metrics>,
    directory: Directory,
    /// What there is to join.
    listing: Listing,
    users: Users,
    servers: Servers,
    /// Which connection owns a session on this server.
    owners: Mutex<HashMap<Pid, Owner>>,
    /// Connections by address, where that is limited.
    addresses: Mutex<HashMap<IpAddr, usize>>,
    /// Rooms whose presence has changed.
    changed: Mutex<Vec<Arc<Room>>>,
    /// More memory is used than may be.
    over_memory: AtomicBool,
    started: Instant,
    workers: usize,
}

impl Chat {
    /// A server with these settings, on this log and these records, without others.
    pub fn new(
        settings: Settings,
        log: Arc<dyn RoomLog>,
        records: Arc<dyn Records>,
        metrics: Arc<Metrics>,
    ) -> Arc<Self> {
        Self::among(settings, log, records, metrics, Servers::alone())
    }

    /// A server among others, with rooms of its own.
    pub fn among(
        settings: Settings,
        log: Arc<dyn RoomLog>,
        records: Arc<dyn Records>,
        metrics: Arc<Metrics>,
        servers: Servers,
    ) -> Arc<Self> {
        let rooms = Arc::new(MemoryRooms::new(Bounds::of(&settings.limits)));
        Self::sharing(settings, log, records, rooms, metrics, servers)
    }

    /// A server among others that share these rooms.
    pub fn sharing(
        settings: Settings,
        log: Arc<dyn RoomLog>,
        records: Arc<dyn Records>,
        rooms: Arc<dyn Rooms>,
        metrics: Arc<Metrics>,
        servers: Servers,
    ) -> Arc<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Arc::new(Self {
            auth: Auth::new(&settings.signing_keys, settings.jwt_secret.as_ref()),
            workers: settings.network.workers.unwrap_or(cores),
            directory: Directory::new(settings.limits.max_rooms),
            settings: RwLock::new(Arc::new(settings)),
            log,
            records,
            rooms,
            metrics,
            listing: Listing::default(),
            users: Users::default(),
            servers,
            owners: Mutex::default(),
            addresses: Mutex::default(),
            changed: Mutex::default(),
            over_memory: AtomicBool::new(false),
            started: Instant::now(),
        })
    }

    /// What it was told.
    pub fn settings(&self) -> Arc<Settings> {
        self.settings.read().clone()
    }

    /// Takes over what may change while it runs; returns the names of what differs but needs a restart.
    pub fn reload(&self, newer: &Settings) -> Vec<String> {
        let mut settings = self.settings.write();
        Arc::make_mut(&mut settings).reload(newer)
    }

    /// Notes whether the process uses more memory than it may.
    pub fn set_over_memory(&self, over: bool) {
        self.over_memory.store(over, Ordering::Relaxed);
    }

    /// Who clients are.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// The rooms' logs.
    pub fn log(&self) -> &dyn RoomLog {
        &*self.log
    }

    /// The sessions' records.
    pub fn records(&self) -> &dyn Records {
        &*self.records
    }

    /// What is kept of rooms beside their logs.
    pub fn rooms(&self) -> &dyn Rooms {
        &*self.rooms
    }

    /// The list of public rooms.
    pub fn listing(&self) -> &Listing {
        &self.listing
    }

    /// What it counts.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The rooms.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The users who are here.
    pub fn users(&self) -> &Users {
        &self.users
    }

    /// This server among the others.
    pub fn servers(&self) -> &Servers {
        &self.servers
    }

    /// Threads that large rooms are served by.
    pub fn workers(&self) -> usize {
        self.workers
    }

    /// A clock that does not go back.
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// A connection owns a session from here on, and the one that did before is closed. `false`: somebody has taken it
    /// over with a higher fence meanwhile.
    pub fn own(&self, pid: Pid, fence: Fence, socket: &Arc<Socket<Self>>) -> bool {
        let old = {
            let mut owners = self.owners.lock();
            if owners.get(&pid).is_some_and(|(later, owner)| *later > fence && owner.strong_count() > 0) {
                return false;
            }
            owners.insert(pid, (fence, Arc::downgrade(socket)))
        };
        if let Some(old) = old.and_then(|(_, old)| old.upgrade()) {
            old.lock().close(CloseReason::TakenOver);
        }
        true
    }

    fn disown(&self, pid: Pid, fence: Fence) {
        let mut owners = self.owners.lock();
        if owners.get(&pid).is_some_and(|(owner, _)| *owner == fence) {
            owners.remove(&pid);
        }
    }

    /// A session is over here: its connection is closed, so that the client comes back.
    pub fn lose(&self, lost: Lost) {
        let socket = {
            let owners = self.owners.lock();
            owners.get(&lost.pid).filter(|(fence, _)| *fence == lost.fence).and_then(|(_, socket)| socket.upgrade())
        };
        if let Some(socket) = socket {
            socket.lock().close(carry::closing(lost.failed));
        }
    }

    /// The presence of a room has changed: it is told within a second.
    pub fn announce(&self, room: &Arc<Room>) {
        if !std::mem::replace(&mut room.presence.lock().due, true) {
            self.changed.lock().push(room.clone());
        }
    }

    /// The rooms whose presence has changed since the last call.
    pub fn take_changed(&self) -> Vec<Arc<Room>> {
        std::mem::take(&mut *self.changed.lock())
    }

    /// Forgets what nobody uses; called every few seconds.
    pub fn sweep(&self) {
        self.users.sweep();
        for room in self.directory.all() {
            room.pages.sweep();
            room.forget_glimpse(self.now());
        }
    }
}

impl Application for Chat {
    type State = Connection;

    const MOVES: bool = true;

    fn admit(&self, head: &Parts) -> Result<(), Refusal> {
        if self.over_memory.load(Ordering::Relaxed) {
            self.metrics.limit(Limit::Memory);
            return Err(Refusal::Overloaded);
        }
        let settings = self.settings();
        let (Some(max), Some(address)) = (settings.limits.connections_per_address, self.address(head)) else {
            return Ok(());
        };
        if self.addresses.lock().get(&address).is_some_and(|count| *count >= max) {
            self.metrics.limit(Limit::ConnectionsPerAddress);
            return Err(Refusal::Overloaded);
        }
        Ok(())
    }

    fn open(&self, head: &Parts) -> Connection {
        let limited = self.settings().limits.connections_per_address.is_some();
        let address = limited.then(|| self.address(head)).flatten();
        if let Some(address) = address {
            *self.addresses.lock().entry(address).or_default() += 1;
        }
        Connection { address: address.map(Box::new), ..Connection::default() }
    }

    fn connect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, _namespace: Namespace, auth: &str) -> Handling {
        connect::connect(self, socket, auth)
    }

    fn event(self: &Arc<Self>, socket: &Arc<Socket<Self>>, event: Event<'_>) -> Handling {
        requests::handle(self, socket, &event)
    }

    fn disconnect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, _namespace: Namespace) {
        self.end(socket, End::ForGood);
    }

    fn ping_queued(&self, connection: &mut Connection) {
        if let Some(session) = &mut connection.session {
            session.ping();
        }
    }

    fn pong(self: &Arc<Self>, socket: &Arc<Socket<Self>>) {
        let (pid, checkpoint) = {
            let mut guard = socket.lock();
            let Some(session) = &mut guard.app().session else { return };
            match (session.pid(), session.pong()) {
                (Some(pid), Some(checkpoint)) => (pid, checkpoint),
                _ => return,
            }
        };
        let (chat, socket) = (self.clone(), socket.clone());
        tokio::spawn(async move {
            let written = chat.records.checkpoint(pid, &checkpoint).await;
            let mut guard = socket.lock();
            let Some(session) = &mut guard.app().session else { return };
            match session.checkpointed(checkpoint, written) {
                Checkpointed::Same => {}
                Checkpointed::Freed => {
                    if let Some(feeder) = &guard.app().feeder {
                        feeder.notify_one();
                    }
                }
                Checkpointed::Close(failed) => guard.close(carry::closing(failed)),
            }
        });
    }

    fn export<'a>(self: &Arc<Self>, socket: &'a Arc<Socket<Self>>) -> Option<(Guard<'a, Self>, Vec<u8>)> {
        moving::export(self, socket)
    }

    async fn import(self: &Arc<Self>, head: &Parts, bytes: Bytes) -> Option<Connection> {
        moving::import(self, head, bytes).await
    }

    fn arrived(self: &Arc<Self>, socket: &Arc<Socket<Self>>) {
        moving::arrived(self, socket);
    }

    fn closed(self: &Arc<Self>, socket: &Arc<Socket<Self>>, reason: CloseReason) {
        self.end(socket, End::For(reason));
        if let Some(address) = socket.lock().app().address.take() {
            let mut addresses = self.addresses.lock();
            if let Some(count) = addresses.get_mut(&address) {
                *count -= 1;
                if *count == 0 {
                    addresses.remove(&address);
                }
            }
        }
    }
}

/// How a session ends on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client left by `41`: it will not come back to it.
    ForGood,
    /// The connection ended; the client may come back.
    For(CloseReason),
}

impl Chat {
    /// Takes the session off its connection and out of its rooms.
    fn end(self: &Arc<Self>, socket: &Arc<Socket<Self>>, end: End) {
        let Some((session, user)) = socket.lock().app().end() else { return };
        user.disconnect(socket);
        for stay in session.stays() {
            let chunk = chunk_of(stay.place).and_then(|place| stay.room.group().chunk(place));
            if let Some(chunk) = chunk {
                chunk.lock().remove(socket);
            }
            carry::leave(self, &user, &stay.room);
        }
        if let Some(pid) = session.pid() {
            self.disown(pid, session.fence());
            match end {
                End::ForGood => self.records.delete(pid, session.fence()),
                End::For(CloseReason::Moved) => self.records.hand_over(pid, session.fence()),
                End::For(_) => self.records.release(pid, session.fence()),
            }
        }
        tracing::debug!(connection = socket.key(), user = %user.id, end = ?end, "session ended");
    }

    fn address(&self, head: &Parts) -> Option<IpAddr> {
        peer::address(head, &self.settings().network.trusted_proxies)
    }
}
