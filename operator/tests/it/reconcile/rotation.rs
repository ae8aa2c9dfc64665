//! A change of the signing key: in each of its steps servers of both revisions, and the operator, understand each other.

use super::stage::Stage;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

async fn secret(stage: &Stage, name: &str, letter: &str) {
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let wish = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { "key": letter.repeat(48) } });
    let wish = serde_json::from_value(wish).expect("a Secret");
    secrets.create(&PostParams::default(), &wish).await.expect("a Secret that is taken");
}

fn reference(name: &str) -> Value {
    json!({ "name": name, "key": "key" })
}

/// Requests of the operator that a server took for forged.
fn refused(stage: &Stage) -> String {
    let text = String::from_utf8(stage.metrics().text()).expect("text");
    let row = r#"chat_operator_servers_unanswered_total{reason="refused"} "#;
    text.lines().find_map(|line| line.strip_prefix(row)).expect("a row").to_owned()
}

async fn step(stage: &mut Stage, auth: Value) -> usize {
    stage.nodes.fleet.servers().iter().for_each(|server| server.connect(5));
    let revision = stage.get("chat").await.status.expect("a status").revisions[0].hash.clone();
    stage.change("chat", json!({ "auth": auth })).await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 2 of 2 servers take clients");
    let revisions = stage.get("chat").await.status.expect("a status").revisions;
    assert!(revisions.len() == 1 && revisions[0].hash != revision, "{revisions:?}");
    stage.nodes.fleet.servers().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_is_changed_in_three_steps() {
    let mut stage = Stage::new("rotation").await;
    secret(&stage, "next", "n").await;
    let drain = json!({ "connectionsPerSecond": 100 });
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis(), "drain": drain })).await;
    stage.settle("chat").await;

    // The key that the operator made itself is the first one.
    step(&mut stage, json!({ "acceptedSigningKeyRef": reference("next") })).await;
    step(&mut stage, json!({ "signingKeyRef": reference("next"), "acceptedSigningKeyRef": reference("chat-signing") }))
        .await;
    let servers = step(&mut stage, json!({ "acceptedSigningKeyRef": Value::Null })).await;
    assert!(servers >= 8, "{servers} servers were made");
    assert_eq!(refused(&stage), "0", "the operator is understood all the time");

    // In one step it is not: the servers that are to be emptied take it for a stranger.
    secret(&stage, "other", "o").await;
    stage
        .change("chat", json!({ "auth": { "signingKeyRef": reference("other") }, "drain": { "deadlineSeconds": 15 } }))
        .await;
    for _ in 0..3 {
        stage.look("chat").await.expect("a look");
        stage.nodes.work().await;
    }
    assert_ne!(refused(&stage), "0");
}
