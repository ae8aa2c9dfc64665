//! Accepts TCP connections and hands them to hyper, with what a public port needs: deadlines for request heads and a
//! bound on what the kernel queues for a client.

use std::net::SocketAddr;
use std::time::Duration;

use crate::counters::{Bound, Counters};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

/// The address of the other end of the TCP connection, in each request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// What [`serve`] is told.
#[derive(Clone, Copy, Debug)]
pub struct ServeOptions {
    /// How long the head of a request may take.
    pub header_timeout: Duration,
    /// What the kernel may hold for a connection that does not read, in bytes; it takes twice that for its books. Without
    /// a bound it grows to megabytes, and a client that reads nothing is noticed only when they are full.
    pub send_buffer: usize,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { header_timeout: Duration::from_secs(10), send_buffer: 128 * 1024 }
    }
}

/// Serves until the future is dropped. Connections that are under way go on.
pub async fn serve(listener: TcpListener, router: Router, options: ServeOptions, counters: Counters) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => accepted(stream, peer, &router, options, counters.clone()),
            // Out of file descriptors, mostly: those who are here go on, and the next ones wait in the backlog.
            Err(error) => {
                tracing::warn!(error = %error, "accept failed");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn accepted(stream: TcpStream, peer: SocketAddr, router: &Router, options: ServeOptions, counters: Counters) {
    let socket = socket2::SockRef::from(&stream);
    if socket.set_tcp_nodelay(true).is_err() || socket.set_send_buffer_size(options.send_buffer).is_err() {
        return;
    }
    let service = router.clone().map_request(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        request.map(axum::body::Body::new)
    });
    tokio::spawn(async move {
        let served = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(options.header_timeout)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
            .with_upgrades()
            .await;
        // Other errors are the client's: a bad request that hyper has answered, or a connection that went away.
        if served.is_err_and(|error| error.is_timeout()) {
            counters.reached(Bound::HeaderTimeout);
        }
    });
}
