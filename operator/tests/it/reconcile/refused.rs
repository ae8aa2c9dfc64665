//! What cannot be carried out is said, with what to do; all else goes on, and nothing is written twice.

use super::stage::{NEVER, Stage};
use crate::control_plane::{ControlPlane, WITHIN};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Looks until nothing is written, and makes sure that it stays so.
async fn rests(stage: &mut Stage, name: &str) {
    stage.settle(name).await;
    let (versions, writes) = (stage.versions().await, stage.gate.writes());
    for _ in 0..5 {
        stage.look(name).await.expect("a look");
    }
    assert_eq!((stage.versions().await, stage.gate.writes()), (versions, writes));
}

async fn secret(stage: &Stage, name: &str, value: &str) {
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let wish = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "stringData": { "secret": value } });
    secrets.patch(name, &PatchParams::apply("tests").force(), &Patch::Apply(&wish)).await.expect("a Secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_empty_or_changed() {
    let mut stage = Stage::new("secrets").await;
    let spec = json!({ "replicas": 1, "redis": stage.redis(), "auth": { "jwtSecretRef": { "name": "tokens", "key": "secret" } } });
    stage.create("chat", spec).await;
    rests(&mut stage, "chat").await;
    let told =
        "spec.auth.jwtSecretRef: Secret tokens, key secret: there is no such Secret in this namespace; put it there";
    assert_eq!(stage.condition("chat", "Degraded").await, format!("True Invalid: {told}"));
    assert_eq!(stage.condition("chat", "Ready").await, format!("False Invalid: {told}"));
    let status = stage.get("chat").await.status.expect("a status");
    assert_eq!((status.conditions.len(), status.ready.as_str()), (5, "0/1"), "complete from the first answer on");

    secret(&stage, "tokens", "").await;
    rests(&mut stage, "chat").await;
    assert!(stage.condition("chat", "Degraded").await.contains("the value is empty"));

    secret(&stage, "tokens", &"a".repeat(32)).await;
    rests(&mut stage, "chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 1 of 1 servers take clients");
    let first = revision(&stage).await;

    secret(&stage, "tokens", &"b".repeat(32)).await;
    rests(&mut stage, "chat").await;
    assert_ne!(revision(&stage).await, first, "servers that know the new secret have taken over");
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 1 of 1 servers take clients");

    // What runs goes on when it goes away.
    let secrets: Api<Secret> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let pods = stage.objects().await.keys().filter(|key| key.starts_with("Pod/")).cloned().collect::<Vec<_>>();
    secrets.delete("tokens", &DeleteParams::default()).await.expect("a deletion");
    rests(&mut stage, "chat").await;
    assert!(stage.condition("chat", "Degraded").await.contains("there is no such Secret"));
    let left = stage.objects().await.keys().filter(|key| key.starts_with("Pod/")).cloned().collect::<Vec<_>>();
    assert_eq!((left.len(), left), (1, pods));
}

async fn revision(stage: &Stage) -> String {
    let status = stage.get("chat").await.status.expect("a status");
    assert_eq!(status.revisions.len(), 1, "{:?}", status.revisions);
    status.revisions[0].hash.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_somebody_else_is_left_alone() {
    // It even bears our labels.
    let labels = [("app.kubernetes.io/managed-by", "chat-operator"), ("chatcluster.dev/cluster", "chat")];
    let labels: BTreeMap<_, _> = labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    for labels in [None, Some(labels)] {
        let mut stage = Stage::new("foreign").await;
        let services: Api<Service> = Api::namespaced(stage.client.clone(), &stage.namespace);
        let metadata = ObjectMeta { name: Some("chat".to_owned()), labels, ..ObjectMeta::default() };
        let mut theirs = Service { metadata, ..Service::default() };
        theirs.spec = serde_json::from_value(json!({ "ports": [{ "port": 8080 }] })).expect("a spec");
        let theirs = services.create(&PostParams::default(), &theirs).await.expect("a Service");
        stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
        rests(&mut stage, "chat").await;
        assert_eq!(services.get("chat").await.expect("theirs").resource_version(), theirs.resource_version());
        let told = "Service chat is there and does not belong to this ChatCluster: rename one of the two, or delete it if nobody needs it";
        assert_eq!(stage.condition("chat", "Degraded").await, format!("True NameTaken: {told}"));
        assert_eq!(stage.condition("chat", "Ready").await, format!("False NameTaken: {told}"));
        assert!(has(&stage, "Deployment").await, "all else is made");

        services.delete("chat", &DeleteParams::default()).await.expect("a deletion");
        rests(&mut stage, "chat").await;
        assert_eq!(stage.condition("chat", "Degraded").await, "False AsItShouldBe: nothing is amiss");
        assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 1 of 1 servers take clients");
    }
}

async fn has(stage: &Stage, kind: &str) -> bool {
    stage.objects().await.keys().any(|key| key.starts_with(&format!("{kind}/")))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_that_the_api_server_refuses_keeps_no_other_from_being_made() {
    let mut stage = Stage::new("invalid").await;
    let service = json!({ "type": "NodePort", "nodePort": 80 });
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis(), "service": service })).await;
    // It is tried again at each look, in vain.
    let mut versions = stage.versions().await;
    loop {
        stage.look("chat").await.expect("a look");
        stage.nodes.work().await;
        let now = stage.versions().await;
        if has(&stage, "Pod").await && now == versions {
            break;
        }
        versions = now;
    }
    let told = stage.condition("chat", "Degraded").await;
    assert!(
        told.starts_with("True ObjectRefused: Service chat cannot be written, since the API server says: "),
        "{told}"
    );
    assert!(told.contains("80") && told.contains("valid range"), "{told}");
    assert!(has(&stage, "Deployment").await && has(&stage, "Pod").await);
    stage.change("chat", json!({ "service": { "nodePort": Value::Null } })).await;
    rests(&mut stage, "chat").await;
    assert_eq!(stage.condition("chat", "Degraded").await, "False AsItShouldBe: nothing is amiss");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_ends_is_let_end() {
    let mut stage = Stage::new("ending").await;
    stage.create("before", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("before").await;
    stage.create("late", json!({ "replicas": 1, "redis": stage.redis() })).await;
    let namespaces: Api<k8s_openapi::api::core::v1::Namespace> = Api::all(stage.client.clone());
    namespaces.delete(&stage.namespace, &DeleteParams::default()).await.expect("a deletion");
    let services: Api<Service> = Api::namespaced(stage.client.clone(), &stage.namespace);
    services.delete("before", &DeleteParams::default()).await.expect("a deletion");
    // Nothing can be made in it any more, and that is no error.
    for name in ["before", "late"] {
        for _ in 0..3 {
            stage.look(name).await.expect("a look that asks for nothing more");
        }
    }
    assert!(services.get_opt("before").await.expect("an answer").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_deleted_is_let_go() {
    let mut stage = Stage::new("deleted").await;
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    for (key, object) in stage.objects().await {
        let owner = &object["metadata"]["ownerReferences"][0];
        let is_own = owner["kind"] == "ChatCluster" && owner["name"] == "chat" && owner["controller"] == true;
        // The pods are their Deployment's, of which there is no controller here.
        let others = ["ChatCluster/", "Pod/", "ConfigMap/kube-root-ca.crt", "ServiceAccount/default"];
        assert!(is_own || others.iter().any(|other| key.starts_with(other)), "{key} would stay behind");
    }
    // Held by somebody's finalizer, it is on its way all the same.
    let hold = json!({ "metadata": { "finalizers": ["example.org/hold"] } });
    stage.clusters().patch("chat", &PatchParams::default(), &Patch::Merge(&hold)).await.expect("a finalizer");
    stage.clusters().delete("chat", &DeleteParams::default()).await.expect("a deletion");
    let writes = stage.gate.writes();
    for _ in 0..3 {
        stage.look("chat").await.expect("a look");
    }
    assert_eq!(stage.gate.writes(), writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_deleted_leaves_nothing_behind() {
    let plane = ControlPlane::with_controllers().await;
    let (client, namespace) = (plane.client().await, plane.namespace("gone").await);
    let mut stage = Stage::at(plane.config().await, client, namespace).await;
    stage.start(NEVER).await;
    let spec = json!({ "replicas": 2, "redis": { "managed": { "replicasPerShard": 0 } }, "autoscaling": {}, "ingress": { "host": "a.example" } });
    stage.create("chat", spec).await;
    let begun = Instant::now();
    // Of the servers and of Redis.
    while stage.pods().await < 5 {
        assert!(begun.elapsed() < WITHIN, "there are no pods");
        stage.look("chat").await.expect("a look");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.clusters().delete("chat", &DeleteParams::background()).await.expect("a deletion");
    let begun = Instant::now();
    loop {
        let mut left = stage.objects().await;
        // These are the namespace's own.
        left.retain(|key, _| !["ConfigMap/kube-root-ca.crt", "ServiceAccount/default"].contains(&key.as_str()));
        if left.is_empty() {
            return;
        }
        assert!(begun.elapsed() < WITHIN, "left: {:?}", left.keys());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
