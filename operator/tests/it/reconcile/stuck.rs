//! What does not come about by itself: pods that do not start, objects that are refused, a Redis that moves. It is said once, with what to do, and nobody
//! is told that it is under way.

use super::nodes::waiting;
use super::stage::Stage;
use super::way::Way;
use crate::control_plane::WITHIN;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ResourceQuota, Secret, Service};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;
use std::time::{Duration, Instant};

async fn pods(stage: &Stage) -> Vec<String> {
    stage.objects().await.into_keys().filter_map(|key| key.strip_prefix("Pod/").map(str::to_owned)).collect()
}

/// Looks until a condition begins like this.
async fn told(stage: &Stage, kind: &str, begin: &str) -> String {
    let begun = Instant::now();
    loop {
        stage.look("chat").await.expect("a look");
        let told = stage.condition("chat", kind).await;
        if told.starts_with(begin) {
            return told;
        }
        assert!(begun.elapsed() < WITHIN, "{kind} is {told}");
    }
}

/// Makes sure that looks write nothing.
async fn stays_so(stage: &Stage) {
    let (versions, writes) = (stage.versions().await, stage.gate.writes());
    for _ in 0..5 {
        stage.look("chat").await.expect("a look");
    }
    assert_eq!((stage.versions().await, stage.gate.writes()), (versions, writes));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_servers_that_there_is_not() {
    let mut stage = Stage::new("image").await;
    stage.nodes.no_image = Some("registry.example/chat:2");
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis(), "image": "registry.example/chat:2" })).await;
    stage.settle("chat").await;
    let first = pods(&stage).await[0].clone();
    let why = format!(
        "2 of 2 servers do not run: the image registry.example/chat:2 cannot be had (ImagePullBackOff; `kubectl describe pod {first}` says why); \
         check spec.image, spec.imagePullPolicy and spec.imagePullSecrets"
    );
    assert_eq!(stage.condition("chat", "Degraded").await, format!("True ImageMissing: {why}"));
    assert_eq!(
        stage.condition("chat", "Ready").await,
        format!("False ImageMissing: 0 of 2 servers take clients; {why}")
    );
    assert_eq!(stage.condition("chat", "Progressing").await, format!("False ImageMissing: {why}"));
    let status = stage.get("chat").await.status.expect("a status");
    assert_eq!(status.message, why);
    // Kubelet's word changes from try to try.
    for reason in ["ImagePullBackOff", "ErrImagePull"] {
        stage.nodes.status(&first, &waiting("server", "registry.example/chat:2", reason)).await;
        stays_so(&stage).await;
    }

    stage.change("chat", json!({ "image": "registry.example/chat:1" })).await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 2 of 2 servers take clients");
    assert_eq!(stage.condition("chat", "Degraded").await, "False AsItShouldBe: nothing is amiss");

    // A rollout to it takes nobody's place.
    let served_by = pods(&stage).await;
    stage.change("chat", json!({ "image": "registry.example/chat:2" })).await;
    stage.settle("chat").await;
    assert!(stage.condition("chat", "Progressing").await.starts_with("False ImageMissing: "));
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 2 of 2 servers take clients");
    let left = pods(&stage).await;
    assert!(served_by.iter().all(|pod| left.contains(pod)), "{served_by:?} {left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_of_redis_that_there_is_not() {
    let mut stage = Stage::new("image").await;
    stage.nodes.no_image = Some("registry.example/valkey:0");
    let redis = json!({ "managed": { "image": "registry.example/valkey:0" } });
    stage.create("chat", json!({ "replicas": 1, "redis": redis })).await;
    stage.settle("chat").await;
    let why = "6 of 6 pods of Redis do not answer, and 16384 slots are not served: the image registry.example/valkey:0 cannot be had \
        (ImagePullBackOff; `kubectl describe pod chat-redis-0-0` says why); check spec.redis.managed.image, spec.imagePullPolicy and spec.imagePullSecrets";
    assert_eq!(stage.condition("chat", "RedisHealthy").await, format!("False ImageMissing: {why}"));
    assert_eq!(stage.condition("chat", "Degraded").await, format!("True RedisUnhealthy: {why}"));
    stage.nodes.status("chat-redis-0-0", &waiting("redis", "registry.example/valkey:0", "ImagePullBackOff")).await;
    stays_so(&stage).await;
    // A server that waits for such a Redis does not get there by itself either.
    let server = pods(&stage).await.into_iter().find(|pod| !pod.contains("redis")).expect("a server");
    stage.nodes.status(&server, &json!({ "conditions": [{ "type": "Ready", "status": "False" }] })).await;
    assert_eq!(told(&stage, "Progressing", "False Red").await, format!("False RedisUnhealthy: {why}"));
    let room = json!({ "containerStatuses": Value::Null, "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available" },
    ] });
    for pod in pods(&stage).await.into_iter().filter(|pod| pod.contains("redis")) {
        stage.nodes.status(&pod, &room).await;
    }
    let told = told(&stage, "RedisHealthy", "False NoRoom").await;
    let wanted = "no node takes chat-redis-0-0 (0/3 nodes are available); add nodes, or lower spec.redis.managed.resources.requests";
    assert!(told.ends_with(wanted), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_do_not_start_or_do_not_become_ready() {
    let mut stage = Stage::new("pods").await;
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    let pod = pods(&stage).await[0].clone();
    let unplaced = json!({ "containerStatuses": Value::Null, "conditions": [
        { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available" },
        { "type": "Ready", "status": "False" },
    ] });
    let mut crashing = waiting("server", "chat-server:1", "CrashLoopBackOff");
    crashing["containerStatuses"][0]["lastState"] = json!({ "terminated": { "exitCode": 2, "reason": "Error" } });
    let unready = json!({ "containerStatuses": Value::Null, "conditions": [
        { "type": "Ready", "status": "False", "lastTransitionTime": "2026-01-01T00:00:00Z" },
    ] });
    let cases = [
        (
            unplaced,
            "ScalingLimited",
            "NoRoom",
            format!("no node takes {pod} (0/3 nodes are available); add nodes, or lower spec.resources.requests"),
        ),
        (
            crashing,
            "Degraded",
            "Crashing",
            format!("{pod} ends again and again (exit code 2); `kubectl logs --previous {pod}` says why"),
        ),
        (
            waiting("server", "chat-server:1", "CreateContainerConfigError"),
            "Degraded",
            "NotStarted",
            format!("{pod} cannot be started (CreateContainerConfigError); `kubectl describe pod {pod}` says why"),
        ),
        (
            unready,
            "Degraded",
            "NotReady",
            format!(
                "{pod} has not been ready for 300 s; `kubectl describe pod {pod}` and `kubectl logs {pod}` say why"
            ),
        ),
    ];
    for (status, kind, reason, why) in cases {
        stage.nodes.status(&pod, &status).await;
        let wanted = format!("1 of 1 servers does not run: {why}");
        assert_eq!(told(&stage, kind, &format!("True {reason}")).await, format!("True {reason}: {wanted}"));
        assert_eq!(stage.condition("chat", "Progressing").await, format!("False {reason}: {wanted}"));
        stays_so(&stage).await;
    }
}

/// A quota that lets nobody make any of these, as Kubernetes' controller would have counted it. `probe` is one of them.
async fn quota<K>(stage: &Stage, resource: &str, probe: Value)
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize,
{
    let quotas: Api<ResourceQuota> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let quota = json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": { "name": resource }, "spec": { "hard": { resource: "0" } } });
    let quota = serde_json::from_value(quota).expect("a quota");
    quotas.create(&PostParams::default(), &quota).await.expect("a quota that is taken");
    let counted = json!({ "status": { "hard": { resource: "0" }, "used": { resource: "0" } } });
    quotas.patch_status(resource, &PatchParams::default(), &Patch::Merge(&counted)).await.expect("a count");
    let all: Api<K> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let probe = serde_json::from_value(probe).expect("an object");
    let begun = Instant::now();
    // The API server hears of its own quotas late.
    while all.create(&PostParams::default(), &probe).await.is_ok() {
        assert!(begun.elapsed() < WITHIN, "the quota is not seen");
        all.delete("probe", &DeleteParams::default()).await.expect("a deletion");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn lift(stage: &Stage, resource: &str) {
    let quotas: Api<ResourceQuota> = Api::namespaced(stage.client.clone(), &stage.namespace);
    quotas.delete(resource, &DeleteParams::default()).await.expect("a deletion");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signing_key_that_cannot_be_made_is_said_too() {
    let mut stage = Stage::new("quota").await;
    let probe = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "probe" } });
    quota::<Secret>(&stage, "secrets", probe).await;
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    stage.look("chat").await.expect("a look");
    for kind in ["Degraded", "Ready"] {
        let told = stage.condition("chat", kind).await;
        assert!(
            told.contains("ObjectRefused: the API server refuses a new Secret: ") && told.contains("exceeded quota"),
            "{told}"
        );
    }
    lift(&stage, "secrets").await;
    let begun = Instant::now();
    while stage.condition("chat", "Degraded").await.contains("ObjectRefused") {
        assert!(begun.elapsed() < WITHIN, "the quota is still seen");
        stage.look("chat").await.expect("a look");
    }
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 1 of 1 servers take clients");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_quota_refuses_is_said_once_and_not_sent_at_each_look() {
    let mut stage = Stage::new("quota").await;
    let probe = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "probe" }, "spec": { "ports": [{ "port": 80 }] } });
    quota::<Service>(&stage, "services", probe).await;
    let services: Api<Service> = Api::namespaced(stage.client.clone(), &stage.namespace);
    let begun = Instant::now();
    stage.create("chat", json!({ "replicas": 1, "redis": stage.redis() })).await;
    let told = told(&stage, "Degraded", "True ObjectRefused").await;
    assert!(told.contains("Service chat cannot be written") && told.contains("exceeded quota: services"), "{told}");
    while pods(&stage).await.is_empty() {
        assert!(begun.elapsed() < WITHIN, "all else is not made");
        stage.look("chat").await.expect("a look");
        stage.nodes.work().await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    stage.look("chat").await.expect("a look");
    let (versions, writes) = (stage.versions().await, stage.gate.writes());
    for _ in 0..20 {
        stage.look("chat").await.expect("a look");
    }
    assert_eq!(stage.versions().await, versions);
    // Once after 10 s, and once after 20 more, and so on: however long these looks took, the 20 of them sent less.
    let sent = stage.gate.writes() - writes;
    assert!(sent <= 1 + begun.elapsed().as_secs() as usize / 10 && sent < 10, "{sent} in {:?}", begun.elapsed());

    lift(&stage, "services").await;
    let begun = Instant::now();
    while services.get_opt("chat").await.expect("an answer").is_none() {
        assert!(begun.elapsed() < WITHIN, "it is not made");
        stage.look("chat").await.expect("a look");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Degraded").await, "False AsItShouldBe: nothing is amiss");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_moves() {
    let mut stage = Stage::new("moves").await;
    let seed = stage.redis()["existing"]["seeds"][0].as_str().expect("a seed").parse().expect("an address");
    let (mut former, latter) = (Way::new(seed).await, Way::new(seed).await);
    let at = |way: &Way| json!({ "existing": { "seeds": [way.from.to_string()] } });
    stage.create("chat", json!({ "replicas": 2, "redis": at(&former) })).await;
    stage.settle("chat").await;
    assert!(stage.condition("chat", "RedisHealthy").await.starts_with("True AllServed"));
    let (settled, revision) = (pods(&stage).await, stage.get("chat").await.status.expect("a status").revisions);

    former.cut().await;
    stage.settle("chat").await;
    let told = stage.condition("chat", "RedisHealthy").await;
    let from = former.from;
    assert!(
        told.starts_with(&format!(
            "False Unreachable: none of the 1 addresses in spec.redis.existing.seeds answers (of {from}: "
        )),
        "{told}"
    );
    assert_eq!(stage.condition("chat", "Degraded").await, told.replace("False Unreachable", "True RedisUnhealthy"));
    // Nobody is sent away, and nothing is made anew: the servers look for it themselves.
    assert_eq!(pods(&stage).await, settled);
    stays_so(&stage).await;
    former.mend().await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Degraded").await, "False AsItShouldBe: nothing is amiss");
    assert_eq!(
        (pods(&stage).await, stage.get("chat").await.status.expect("a status").revisions),
        (settled, revision.clone())
    );

    // It is somewhere else for good.
    former.cut().await;
    stage.change("chat", json!({ "redis": at(&latter) })).await;
    stage.settle("chat").await;
    assert_eq!(stage.condition("chat", "Ready").await, "True AllServe: 2 of 2 servers take clients");
    assert!(stage.condition("chat", "RedisHealthy").await.starts_with("True AllServed"));
    let status = stage.get("chat").await.status.expect("a status");
    assert!(status.revisions.len() == 1 && status.revisions[0].hash != revision[0].hash, "{:?}", status.revisions);
}
