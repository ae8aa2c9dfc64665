//! An API server that cannot be reached for a while.

use super::stage::{NEVER, Stage};
use super::way::Way;
use crate::control_plane::ControlPlane;
use serde_json::json;
use std::net::SocketAddr;

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
