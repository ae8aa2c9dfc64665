//! Servers that are none, and their clients: they answer on their internal ports as real ones do, close as many connections as they were told to, at the pace
//! at which they were told, and whoever was closed comes back a moment later to any server that takes clients.
//!
//! One listener answers for all pods: every address of the pods' network is this machine's own (see make/e2e-nodes), and the one that was asked says who is meant.

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use axum::{Json, Router};
use chat_internal::Boot;
use chat_internal::signature::Keys;
use chat_operator::names;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How often connections are closed.
const TICK: Duration = Duration::from_millis(20);

/// A pause that counts as one: later ticks do not close more at once for it.
const PAUSE: Duration = Duration::from_millis(100);

/// After how long a client that was closed is back.
const BACK: Duration = Duration::from_secs(1);

/// Closes a second of a server whose pod ends.
const END_RATE: u64 = 500;

/// Nanoseconds of a second.
const BILLION: u64 = 1_000_000_000;

pub(crate) struct Servers {
    crowd: Arc<Mutex<Crowd>>,
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct Crowd {
    servers: BTreeMap<IpAddr, Server>,
    /// Clients that were closed, and when they are back.
    away: VecDeque<(Instant, u64)>,
    closed: Vec<(Instant, u64)>,
    /// The most closes a second that all of them together were told, at any time.
    told: u64,
}

struct Server {
    uid: String,
    boot: Boot,
    keys: Arc<Keys>,
    connections: u64,
    takes_clients: bool,
    goal: Goal,
    rate: u64,
    /// What the time passed so far is worth, in billionths of a close.
    owed: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Serve,
    Shed(u64),
    Lease(Instant),
    End,
}

impl Server {
    /// How many connections it is to close.
    fn to_close(&self) -> u64 {
        match self.goal {
            Goal::Serve => 0,
            Goal::Shed(count) => count.min(self.connections),
            Goal::Lease(_) | Goal::End => self.connections,
        }
    }

    fn tick(&mut self, now: Instant, passed: Duration) -> u64 {
        if matches!(self.goal, Goal::Lease(until) if now >= until) {
            self.goal = Goal::Serve;
        }
        let due = self.to_close();
        if due == 0 {
            self.owed = 0;
            return 0;
        }
        self.owed += passed.as_nanos() as u64 * self.rate;
        let closes = (self.owed / BILLION).min(due);
        self.owed -= closes * BILLION;
        self.connections -= closes;
        if let Goal::Shed(count) = &mut self.goal {
            *count = due - closes;
        }
        closes
    }
}

impl Crowd {
    fn tick(&mut self, now: Instant, passed: Duration) {
        let told = self.servers.values().filter(|server| server.to_close() > 0).map(|server| server.rate).sum();
        self.told = self.told.max(told);
        let closed: u64 = self.servers.values_mut().map(|server| server.tick(now, passed)).sum();
        if closed > 0 {
            self.closed.push((now, closed));
            self.away.push_back((now + BACK, closed));
        }
        let mut takers: Vec<_> = self.servers.values_mut().filter(|server| server.takes_clients).collect();
        while !takers.is_empty() && self.away.front().is_some_and(|(back, _)| now >= *back) {
            let (_, clients) = self.away.pop_front().unwrap_or((now, 0));
            for _ in 0..clients {
                let at = rand::random_range(0..takers.len());
                takers[at].connections += 1;
            }
        }
    }
}

/// Which address was asked.
#[derive(Clone, Copy)]
struct Asked(Option<IpAddr>);

impl Connected<IncomingStream<'_, TcpListener>> for Asked {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(stream.io().local_addr().ok().map(|address| address.ip()))
    }
}

impl Servers {
    /// Nobody yet.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, names::INTERNAL_PORT as u16)).await;
        let listener = listener.expect("the pods' port: this runs in a network of its own, by make/e2e-nodes");
        let crowd: Arc<Mutex<Crowd>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(crowd.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            axum::serve(listener, router.into_make_service_with_connect_info::<Asked>()).await.expect("a server");
        });
        let passing = crowd.clone();
        tasks.spawn(async move {
            let (mut every, mut last) = (tokio::time::interval(TICK), Instant::now());
            loop {
                every.tick().await;
                let now = Instant::now();
                passing.lock().tick(now, (now - last).min(PAUSE));
                last = now;
            }
        });
        Self { crowd, _tasks: tasks }
    }

    /// A pod's server begins.
    pub(crate) fn begin(&self, uid: &str, ip: IpAddr, key: &[u8]) {
        let keys = Arc::new(Keys::new([key]));
        let server = Server {
            uid: uid.to_owned(),
            boot: Boot::random(),
            keys,
            connections: 0,
            takes_clients: false,
            goal: Goal::Serve,
            rate: 0,
            owed: 0,
        };
        self.crowd.lock().servers.insert(ip, server);
    }

    /// A pod's server is gone; whoever was left on it comes back elsewhere.
    pub(crate) fn gone(&self, uid: &str) {
        let mut crowd = self.crowd.lock();
        let is_gone = |server: &Server| server.uid == uid;
        let left: u64 = crowd.servers.values().filter(|server| is_gone(server)).map(|server| server.connections).sum();
        crowd.servers.retain(|_, server| !is_gone(server));
        crowd.away.push_back((Instant::now() + BACK, left));
    }

    /// Whether clients find it.
    pub(crate) fn let_in(&self, uid: &str, takes_clients: bool) {
        self.of(uid, |server| server.takes_clients = takes_clients);
    }

    /// SIGTERM: it closes everybody.
    pub(crate) fn end(&self, uid: &str) {
        self.of(uid, |server| (server.goal, server.rate, server.takes_clients) = (Goal::End, END_RATE, false));
    }

    /// Whether it says that it is ready: not while it drains. Nothing where there is no such server.
    pub(crate) fn is_ready(&self, uid: &str) -> Option<bool> {
        self.of(uid, |server| matches!(server.goal, Goal::Serve | Goal::Shed(_)))
    }

    /// Clients of a server.
    pub(crate) fn clients(&self, uid: &str) -> Option<u64> {
        self.of(uid, |server| server.connections)
    }

    fn of<T>(&self, uid: &str, what: impl FnOnce(&mut Server) -> T) -> Option<T> {
        self.crowd.lock().servers.values_mut().find(|server| server.uid == uid).map(what)
    }

    /// So many clients for each server that takes clients.
    pub(crate) fn fill(&self, connections: u64) {
        for server in self.crowd.lock().servers.values_mut().filter(|server| server.takes_clients) {
            server.connections = connections;
        }
    }

    /// So many clients for the first that takes clients, and more for each that follows.
    pub(crate) fn fill_unevenly(&self, first: u64, more: u64) {
        let mut crowd = self.crowd.lock();
        let takers = crowd.servers.values_mut().filter(|server| server.takes_clients);
        for (number, server) in (0..).zip(takers) {
            server.connections = first + number * more;
        }
    }

    /// Clients of all servers, the fewest first.
    pub(crate) fn spread(&self) -> Vec<u64> {
        let mut spread: Vec<_> = self.crowd.lock().servers.values().map(|server| server.connections).collect();
        spread.sort_unstable();
        spread
    }

    /// Clients that are connected or on their way.
    pub(crate) fn present(&self) -> u64 {
        let crowd = self.crowd.lock();
        crowd.servers.values().map(|server| server.connections).sum::<u64>()
            + crowd.away.iter().map(|(_, clients)| clients).sum::<u64>()
    }

    /// What was closed since this was asked last: how many in all, at most within a second, and how many a second all were told together at most.
    pub(crate) fn closes(&self) -> Closes {
        let mut crowd = self.crowd.lock();
        let closed = std::mem::take(&mut crowd.closed);
        let window = |from: usize| {
            let within = closed[from..].iter().take_while(|(at, _)| *at - closed[from].0 < Duration::from_secs(1));
            within.map(|(_, closes)| closes).sum::<u64>()
        };
        Closes {
            all: closed.iter().map(|(_, closes)| closes).sum(),
            in_a_second: (0..closed.len()).map(window).max().unwrap_or(0),
            told: std::mem::take(&mut crowd.told),
        }
    }

    /// How many are closing connections, or are to.
    pub(crate) fn closing(&self) -> usize {
        self.crowd.lock().servers.values().filter(|server| server.to_close() > 0).count()
    }
}

/// What servers closed.
pub(crate) struct Closes {
    pub(crate) all: u64,
    pub(crate) in_a_second: u64,
    pub(crate) told: u64,
}

async fn answer(
    ConnectInfo(Asked(asked)): ConnectInfo<Asked>,
    State(crowd): State<Arc<Mutex<Crowd>>>,
    request: Request<Body>,
) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let body = axum::body::to_bytes(body, 1 << 16).await.expect("a body");
    let mut crowd = crowd.lock();
    let Some(server) = asked.and_then(|ip| crowd.servers.get_mut(&ip)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if server.keys.verify(head.method.as_str(), path, &head.headers).is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let told = || serde_json::from_slice::<Value>(&body).expect("JSON");
    let number = |told: &Value, name: &str| told[name].as_u64().expect("a number");
    match path {
        "/internal/v1/status" => {
            let (boot, connections) = (server.boot.to_string(), server.connections);
            return Json(json!({ "boot": boot, "connections": connections, "sends_per_second": 0.0 })).into_response();
        }
        _ if server.goal == Goal::End => return StatusCode::CONFLICT.into_response(),
        "/internal/v1/drain" => {
            let lease = told();
            let until = Instant::now() + Duration::from_secs(number(&lease, "lease_seconds"));
            (server.goal, server.rate) = (Goal::Lease(until), number(&lease, "rate"));
        }
        "/internal/v1/undrain" => server.goal = Goal::Serve,
        "/internal/v1/close" if matches!(server.goal, Goal::Lease(_)) => return StatusCode::CONFLICT.into_response(),
        "/internal/v1/close" => {
            let close = told();
            (server.goal, server.rate) = (Goal::Shed(number(&close, "count")), number(&close, "rate"));
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}
