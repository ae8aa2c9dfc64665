//! A way that can be cut: to the API server, or to a Redis.

use crate::control_plane::WITHIN;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The way to somebody, which can be cut: what is under way breaks off, and who comes is refused.
pub(crate) struct Way {
    pub(crate) from: SocketAddr,
    to: SocketAddr,
    open: JoinSet<()>,
}

impl Way {
    pub(crate) async fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let from = listener.local_addr().expect("an address");
        let mut way = Self { from, to, open: JoinSet::new() };
        way.carry(listener);
        way
    }

    fn carry(&mut self, listener: TcpListener) {
        let to = self.to;
        self.open.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                connections.spawn(async move {
                    let mut far = TcpStream::connect(to).await.expect("who is there");
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    }

    pub(crate) async fn cut(&mut self) {
        self.open.shutdown().await;
    }

    pub(crate) async fn mend(&mut self) {
        let begun = Instant::now();
        let listener = loop {
            match TcpListener::bind(self.from).await {
                Ok(listener) => break listener,
                Err(error) => assert!(begun.elapsed() < WITHIN, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        self.carry(listener);
    }
}
