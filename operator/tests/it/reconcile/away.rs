//! An API server that cannot be reached for a while.

use super::stage::{NEVER, Stage};
use crate::control_plane::{ControlPlane, WITHIN};
use serde_json::json;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The way to the API server, which can be cut: what is under way breaks off, and who comes is refused.
struct Way {
    from: SocketAddr,
    to: SocketAddr,
    open: JoinSet<()>,
}

impl Way {
    async fn new(to: SocketAddr) -> Self {
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
                    let mut far = TcpStream::connect(to).await.expect("the API server");
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    }

    async fn cut(&mut self) {
        self.open.shutdown().await;
    }

    async fn mend(&mut self) {
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

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_is_away_is_waited_for() {
    let plane = ControlPlane::bare().await;
    let (client, namespace) = (plane.client().await, plane.namespace("away").await);
    let mut config = plane.config().await;
    let port = config.cluster_url.port_u16().expect("a port");
    let mut way = Way::new(SocketAddr::from(([127, 0, 0, 1], port))).await;
    config.cluster_url = format!("https://{}", way.from).parse().expect("a URL");
    let mut stage = Stage::at(config, client, namespace).await;
    stage.start(NEVER).await;
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    let versions = stage.versions().await;

    way.cut().await;
    // After an error the next look comes 5 seconds later: these are a minute's.
    for _ in 0..12 {
        let error = stage.look("chat").await.expect_err("nobody to look at");
        assert!(error.to_string().contains("cannot be asked for"), "{error}");
    }
    assert_eq!(stage.versions().await, versions);
    way.mend().await;
    stage.look("chat").await.expect("a look");
    assert_eq!(stage.versions().await, versions, "nothing has changed meanwhile, so nothing is written");

    way.cut().await;
    stage.change("chat", json!({ "replicas": 2 })).await;
    way.mend().await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 2 of 2 servers take clients");
}
