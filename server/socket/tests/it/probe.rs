//! The application of these tests: it notes what it is called with, answers slowly on request, and keeps who is there.

use crate::wait::eventually;
use crate::wire::{Got, Wire};
use axum::http::request::Parts;
use bytes::Bytes;
use chat_socket::{
    Application, CloseReason, Config, Counters, Event, Guard, Handling, Lane, Lanes, Namespace, Peers, ServeOptions,
    Server, Socket, serve,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// What the application was called with, in order.
pub(crate) type Notes = Arc<Mutex<Vec<String>>>;

/// The application.
pub(crate) struct Probe {
    pub(crate) notes: Notes,
    /// What slow handlers wait for: a permit each.
    pub(crate) gate: Arc<Semaphore>,
    /// The same for those in a lane.
    pub(crate) lanes: Gates,
}

/// A gate for each lane, by its name.
#[derive(Clone, Default)]
pub(crate) struct Gates(Arc<Mutex<HashMap<String, Arc<Semaphore>>>>);

impl Gates {
    pub(crate) fn of(&self, lane: &str) -> Arc<Semaphore> {
        self.0.lock().entry(lane.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(0))).clone()
    }
}

impl Application for Probe {
    /// How many events were handled.
    type State = u64;

    const MOVES: bool = true;

    fn open(&self, _head: &Parts) -> u64 {
        0
    }

    fn connect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, namespace: Namespace, _auth: &str) -> Handling {
        socket.lock().accept(namespace, "sid", None);
        Handling::Done
    }

    /// `fast` is done at once; `slow` waits for the gate, alone; `in` waits in the lane of its second argument for that lane's gate; all
    /// answer with the event's first argument.
    fn event(self: &Arc<Self>, socket: &Arc<Socket<Self>>, event: Event<'_>) -> Handling {
        let argument = event.arguments.first().map_or("null", |argument| argument.get()).to_owned();
        let (name, ack) = (event.name.to_owned(), event.ack);
        let begin = format!("begin {name} {argument}");
        let (notes, socket, gate) = (self.notes.clone(), socket.clone(), self.gate.clone());
        let done = move || {
            notes.lock().push(format!("end {name} {argument}"));
            let mut guard = socket.lock();
            *guard.app() += 1;
            if let Some(ack) = ack {
                guard.acknowledge(ack, &[&argument]);
            }
        };
        let (lanes, gate) = match (event.name, event.arguments.get(1)) {
            ("slow", _) => (Lanes::Every, gate),
            ("in", Some(lane)) => (Lanes::One(Lane::of(lane.get())), self.lanes.of(lane.get())),
            _ => {
                self.notes.lock().push(begin);
                done();
                return Handling::Done;
            }
        };
        let notes = self.notes.clone();
        Handling::within(lanes, async move {
            notes.lock().push(begin);
            gate.acquire().await.expect("the gate").forget();
            done();
        })
    }

    fn disconnect(self: &Arc<Self>, _socket: &Arc<Socket<Self>>, _namespace: Namespace) {
        self.notes.lock().push("disconnect".to_owned());
    }

    fn export<'a>(self: &Arc<Self>, socket: &'a Arc<Socket<Self>>) -> Option<(Guard<'a, Self>, Vec<u8>)> {
        let mut guard = socket.lock();
        let state = guard.app().to_be_bytes().to_vec();
        Some((guard, state))
    }

    async fn import(self: &Arc<Self>, _head: &Parts, bytes: Bytes) -> Option<u64> {
        Some(u64::from_be_bytes(bytes.as_ref().try_into().ok()?))
    }

    fn arrived(self: &Arc<Self>, socket: &Arc<Socket<Self>>) {
        self.notes.lock().push(format!("arrived {}", socket.lock().app()));
    }

    fn closed(self: &Arc<Self>, _socket: &Arc<Socket<Self>>, reason: CloseReason) {
        self.notes.lock().push(format!("closed {}", reason.name()));
    }
}

/// A running server.
pub(crate) struct Probed {
    pub(crate) address: SocketAddr,
    pub(crate) server: Arc<Server<Probe>>,
    pub(crate) notes: Notes,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) lanes: Gates,
    task: JoinHandle<()>,
}

impl Drop for Probed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Probed {
    pub(crate) async fn start() -> Self {
        let config = Config { stall_timeout: Duration::from_millis(500), ..Config::default() };
        Self::with(config, None).await
    }

    /// A server among others.
    pub(crate) async fn with(config: Config, peers: Option<Arc<dyn Peers>>) -> Self {
        let (notes, gate, lanes) = (Notes::default(), Arc::new(Semaphore::new(0)), Gates::default());
        let probe = Arc::new(Probe { notes: notes.clone(), gate: gate.clone(), lanes: lanes.clone() });
        let counters = Counters::new(&prometheus::Registry::new()).expect("counters");
        let server = match peers {
            Some(peers) => Server::among(probe, config, counters.clone(), peers),
            None => Server::new(probe, config, counters.clone()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let options = ServeOptions { send_buffer: 16 * 1024, ..ServeOptions::default() };
        let task = tokio::spawn(serve(listener, server.router("/socket.io/"), options, counters));
        Self { address, server, notes, gate, lanes, task }
    }

    /// A client on `/`, and the server's end of it.
    pub(crate) async fn connect(&self) -> (Wire, Arc<Socket<Probe>>) {
        self.enter(Wire::open(self.address).await).await
    }

    /// The same for a WebSocket that is open already.
    pub(crate) async fn enter(&self, mut wire: Wire) -> (Wire, Arc<Socket<Probe>>) {
        let before = self.server.sockets();
        wire.send("40").await;
        assert_eq!(wire.next().await, Got::Text(r#"40{"sid":"sid"}"#.to_owned()));
        let fresh = self.server.sockets().into_iter().filter(|socket| socket.lock().is_connected(Namespace::MAIN));
        let socket = fresh.max_by_key(|socket| socket.key()).expect("a connection");
        assert!(before.iter().any(|known| Arc::ptr_eq(known, &socket)));
        (wire, socket)
    }

    /// Waits until the application was called so.
    pub(crate) async fn noted(&self, note: &str) {
        eventually(note, || self.notes.lock().iter().any(|noted| noted == note)).await;
    }
}

/// The next message, which has to be a text.
pub(crate) async fn text(wire: &mut Wire) -> String {
    let got = wire.next().await;
    let Got::Text(text) = got else { panic!("instead of a text: {got:?}") };
    text
}
