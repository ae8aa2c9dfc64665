//! A server without chat, for protocol test suites: a plain Engine.IO echo at `/engine.io/`, and at `/socket.io/`, on the
//! namespaces `/` and `/custom`, `auth` on connect, `message` answered by `message-back`, `message-with-ack` by an
//! acknowledgement, each with what came.

use axum::Router;
use axum::http::request::Parts;
use bytes::Bytes;
use chat_socket::{
    Application, CloseReason, Config, Counters, Data, Event, Frame, Handling, Namespace, Protocol, ServeOptions,
    Server, Socket, serve,
};
use clap::Parser;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// A Socket.IO server for protocol test suites.
#[derive(Parser)]
struct Options {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// Milliseconds between two pings.
    #[arg(long, default_value_t = 300)]
    ping_interval: u64,
    /// Milliseconds in which a ping has to be answered.
    #[arg(long, default_value_t = 200)]
    ping_timeout: u64,
    /// The longest message or payload, in bytes.
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
    /// Hands out a `pid`, as servers do that can recover sessions. Nothing is recovered here.
    #[arg(long)]
    recovery: bool,
}

struct Echo {
    recovery: bool,
}

impl Application for Echo {
    type State = ();

    fn namespaces(&self) -> &[&'static str] {
        &["/", "/custom"]
    }

    fn open(&self, _head: &Parts) {}

    fn connect(self: &Arc<Self>, socket: &Arc<Socket<Self>>, namespace: Namespace, auth: &str) -> Handling {
        let mut guard = socket.lock();
        let pid = self.recovery.then(|| format!("pid-{}", rand::random::<u64>()));
        guard.accept(namespace, &format!("sid-{}", rand::random::<u64>()), pid.as_deref());
        guard.emit(namespace, "auth", &[if auth.is_empty() { "{}" } else { auth }]);
        Handling::Done
    }

    fn event(self: &Arc<Self>, socket: &Arc<Socket<Self>>, event: Event<'_>) -> Handling {
        let arguments: Vec<&str> = event.arguments.iter().map(|argument| argument.get()).collect();
        let mut guard = socket.lock();
        match (event.name, event.ack) {
            ("message", _) => guard.emit_binary(event.namespace, "message-back", &arguments, event.attachments),
            ("message-with-ack", Some(ack)) => guard.acknowledge_binary(ack, &arguments, event.attachments),
            _ => {}
        }
        Handling::Done
    }

    fn message(self: &Arc<Self>, socket: &Arc<Socket<Self>>, data: Data<'_>) -> Handling {
        let frame = match data {
            Data::Text(text) => Frame::text_of(&[b"4", text.as_bytes()]),
            Data::Binary(bytes) => Frame::binary(&Bytes::copy_from_slice(bytes)),
        };
        socket.lock().send(&frame);
        Handling::Done
    }

    fn closed(self: &Arc<Self>, _socket: &Arc<Socket<Self>>, _reason: CloseReason) {}
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let config = |protocol| Config {
        protocol,
        ping_interval: Duration::from_millis(options.ping_interval),
        ping_timeout: Duration::from_millis(options.ping_timeout),
        connect_timeout: Duration::from_secs(1),
        upgrade_timeout: Duration::from_secs(1),
        max_payload: options.max_payload,
        ..Config::default()
    };
    let counters = Counters::new(&prometheus::Registry::new())?;
    let echo = Arc::new(Echo { recovery: options.recovery });
    let engine = Server::new(echo.clone(), config(Protocol::EngineIo), counters.clone());
    let socket = Server::new(echo, config(Protocol::SocketIo), counters.clone());
    let router = Router::new().merge(engine.router("/engine.io/")).merge(socket.router("/socket.io/"));
    let listener = TcpListener::bind(options.listen).await?;
    println!("listening on http://{}", listener.local_addr()?);
    serve(listener, router, ServeOptions::default(), counters).await;
    Ok(())
}
