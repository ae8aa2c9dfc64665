//! Servers that are none: they answer on their internal ports as real ones do, and have as many clients as the test says.

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use chat_internal::Boot;
use chat_internal::signature::Keys;
use chat_operator::names;
use parking_lot::Mutex;
use serde_json::json;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// The servers of a namespace.
pub(crate) struct Fleet {
    /// Loopback has addresses for everybody: each fleet takes some of a block. Where another fleet has one, the next is taken.
    block: u8,
    next: u16,
    servers: Vec<Arc<Server>>,
    tasks: JoinSet<()>,
}

/// One of them.
pub(crate) struct Server {
    pub(crate) ip: Ipv4Addr,
    boot: Boot,
    keys: Arc<Keys>,
    state: Mutex<Standing>,
}

#[derive(Default)]
struct Standing {
    connections: u64,
    drain_rate: Option<u64>,
}

impl Fleet {
    pub(crate) fn new() -> Self {
        let block = rand::random_range(1..=254);
        Self { block, next: rand::random(), servers: Vec::new(), tasks: JoinSet::new() }
    }

    /// One more server, that knows these keys.
    pub(crate) async fn start(&mut self, keys: &[Vec<u8>]) -> Arc<Server> {
        let listener = loop {
            self.next = self.next.wrapping_add(1);
            let [high, low] = self.next.to_be_bytes();
            let ip = Ipv4Addr::new(127, self.block, high, low);
            match TcpListener::bind((ip, names::INTERNAL_PORT as u16)).await {
                Ok(listener) => break listener,
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
                Err(error) => panic!("{ip}: {error}"),
            }
        };
        let std::net::IpAddr::V4(ip) = listener.local_addr().expect("an address").ip() else { panic!("IPv4") };
        let keys = Arc::new(Keys::new(keys.iter().map(Vec::as_slice)));
        let server = Arc::new(Server { ip, boot: Boot::random(), keys, state: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(server.clone());
        self.tasks.spawn(async move { axum::serve(listener, router).await.expect("a server") });
        self.servers.push(server.clone());
        server
    }

    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// A second passes: those that drain close as many connections as they were told to.
    pub(crate) fn pass_a_second(&self) {
        for server in &self.servers {
            let mut state = server.state.lock();
            state.connections = state.connections.saturating_sub(state.drain_rate.unwrap_or(0));
        }
    }
}

impl Server {
    pub(crate) fn connect(&self, connections: u64) {
        self.state.lock().connections = connections;
    }
}

async fn answer(State(server): State<Arc<Server>>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let genuine = server.keys.verify(head.method.as_str(), path, &head.headers);
    if genuine.is_err() {
        return StatusCode::FORBIDDEN.into_response();
    }
    let body = axum::body::to_bytes(body, 1 << 16).await.expect("a body");
    let mut state = server.state.lock();
    match path {
        "/internal/v1/status" => {
            let status =
                json!({ "boot": server.boot.to_string(), "connections": state.connections, "sends_per_second": 0.0 });
            return Json(status).into_response();
        }
        "/internal/v1/drain" => {
            let lease: serde_json::Value = serde_json::from_slice(&body).expect("a lease");
            state.drain_rate = lease["rate"].as_u64();
        }
        "/internal/v1/undrain" => state.drain_rate = None,
        "/internal/v1/close" => {}
        _ => return StatusCode::NOT_FOUND.into_response(),
    }
    StatusCode::NO_CONTENT.into_response()
}
