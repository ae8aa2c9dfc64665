//! All objects of a ChatCluster, as they are applied: of the smallest one, of one on an existing Redis, and of one for production.

use chat_api::ChatCluster;
use chat_operator::controller::build;
use chat_operator::controller::dereference::Referred;
use chat_operator::controller::validate::{Validated, validate};
use chat_operator::redis;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

const MINIMAL: &str = "redis: {managed: {}}";

const EXISTING: &str = "
redis:
  unreplicated: Refuse
  existing:
    seeds: ['redis-0.redis:6379', 'redis-1.redis:6379']
    auth: {user: chat, passwordSecretRef: {name: redis, key: password}}
    tls: {caSecretRef: {name: redis, key: ca.crt}}
";

const PRODUCTION: &str = "
image: registry.example.org/chat-server:1.2.3
imagePullPolicy: Always
imagePullSecrets: [{name: registry}]
replicas: 5
resources: {requests: {cpu: '2', memory: 2Gi}, limits: {memory: 4Gi}}
podTemplate:
  labels: {team: talk}
  annotations: {example.org/owner: talk}
  nodeSelector: {pool: chat}
  tolerations: [{key: chat, operator: Exists, effect: NoSchedule}]
  topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]
  priorityClassName: high
  runtimeClassName: gvisor
env: [{name: TZ, value: UTC}]
settings: {retention-age: 30d, max-connections: '50000'}
autoscaling:
  minReplicas: 5
  maxReplicas: 50
  connectionsPerPod: 20000
  sendsPerSecondPerPod: 2000
  behavior: {scaleDown: {stabilizationWindowSeconds: 900}}
redis:
  managed: {image: 'valkey/valkey:8.1.4', shards: 6, replicasPerShard: 2, storage: {size: 64Gi, className: fast}}
auth:
  guests: false
  jwtSecretRef: {name: tokens, key: secret}
  signingKeyRef: {name: tokens, key: signing}
drain: {connectionsPerSecond: 1000, deadlineSeconds: 1800}
service: {type: LoadBalancer, port: 443, nodePort: 30443, annotations: {example.org/internal: 'true'}}
ingress: {host: chat.example.org, className: nginx, tlsSecretName: chat-tls, annotations: {example.org/timeout: 1h}}
monitoring: {podMonitor: true, dashboard: true}
";

/// A self-signed certificate: what it says is never looked at.
fn certificate() -> String {
    let key = rcgen::KeyPair::generate().expect("a key");
    rcgen::CertificateParams::new(Vec::new()).expect("parameters").self_signed(&key).expect("a certificate").pem()
}

fn validated(name: &str, namespace: &str, spec: &str) -> Validated {
    let spec: Value = serde_yaml::from_str(spec).expect("a spec");
    let cluster = serde_json::json!({
        "apiVersion": "chatcluster.dev/v1alpha1",
        "kind": "ChatCluster",
        "metadata": { "name": name, "namespace": namespace, "uid": "u-1" },
        "spec": spec,
    });
    let cluster: ChatCluster = serde_json::from_value(cluster).expect("a ChatCluster");
    let mut referred = Referred::default();
    let key = |key: &str, value: Vec<u8>| (key.to_owned(), value);
    referred.found(&format!("{name}-signing"), BTreeMap::from([key("key", vec![b'k'; 64])]));
    let redis = [key("password", b"open sesame".to_vec()), key("ca.crt", certificate().into_bytes())];
    referred.found("redis", BTreeMap::from(redis));
    referred.found("tokens", BTreeMap::from([key("secret", vec![b's'; 48]), key("signing", vec![b't'; 48])]));
    validate(&cluster, &referred, Some("chat-server:1")).expect("a ChatCluster that can be carried out")
}

/// Every object that a ChatCluster has, servers first.
fn objects(cluster: &Validated) -> Vec<Value> {
    let template = build::template(cluster);
    let replicas = usize::try_from(cluster.spec.replicas).expect("a number");
    let mut all = vec![
        json(&build::service_account(cluster)),
        json(&build::config_map(cluster, &template.hash)),
        json(&build::deployment(cluster, &template, replicas)),
        json(&build::service(cluster, &template.hash)),
        json(&build::budget(cluster)),
    ];
    all.extend(build::autoscaler(cluster).iter().map(json));
    all.extend(build::network_policy(cluster).iter().map(json));
    all.extend(build::ingress(cluster).iter().map(json));
    all.extend(build::pod_monitor(cluster).iter().map(json));
    all.extend(build::dashboard(cluster, "{}").iter().map(json));
    if let Some(managed) = &cluster.spec.redis.managed {
        let pods = usize::try_from(managed.replicas_per_shard).expect("a number") + 1;
        all.push(json(&redis::build::config_map(cluster)));
        all.push(json(&redis::build::service(cluster)));
        all.push(json(&redis::build::budget(cluster)));
        all.extend(redis::build::network_policy(cluster).iter().map(json));
        for shard in 0..usize::try_from(managed.shards).expect("a number") {
            all.push(json(&redis::build::stateful_set(cluster, managed, shard, pods)));
        }
    }
    all
}

fn json(object: &impl Serialize) -> Value {
    serde_json::to_value(object).expect("JSON")
}

/// As YAML. Scripts of Redis stand in their own files, and its shards differ by their number alone.
fn yaml(objects: &[Value]) -> String {
    let mut text = String::new();
    let mut shards = 0;
    for object in objects {
        let mut object = object.clone();
        let kind = object["kind"].as_str().expect("a kind").to_owned();
        shards += usize::from(kind == "StatefulSet");
        if shards > 1 {
            continue;
        }
        if kind == "ConfigMap" && object["data"].get("start.sh").is_some() {
            for (_, file) in object["data"].as_object_mut().expect("files") {
                *file = Value::from("...");
            }
        }
        text.push_str("---\n");
        text.push_str(&serde_yaml::to_string(&object).expect("YAML"));
    }
    text
}

#[test]
fn minimal() {
    insta::assert_snapshot!("minimal", yaml(&objects(&validated("chat", "talk", MINIMAL))));
}

#[test]
fn existing() {
    let cluster = validated("chat", "talk", EXISTING);
    // The certificate is another at each run, and so is the hash of the secrets.
    let hash = build::template(&cluster).hash;
    insta::assert_snapshot!("existing", yaml(&objects(&cluster)).replace(&hash, "<hash>"));
}

#[test]
fn production() {
    insta::assert_snapshot!("production", yaml(&objects(&validated("chat", "talk", PRODUCTION))));
}

/// The pods of all objects that make any.
fn pods(objects: &[Value]) -> Vec<&Value> {
    objects.iter().filter_map(|object| object["spec"].get("template")).map(|template| &template["spec"]).collect()
}

#[test]
fn pods_may_do_no_more_than_the_restricted_standard_lets_them() {
    for spec in [MINIMAL, EXISTING, PRODUCTION] {
        let objects = objects(&validated("chat", "talk", spec));
        let pods = pods(&objects);
        assert!(!pods.is_empty());
        for pod in pods {
            let whole = &pod["securityContext"];
            assert_eq!(whole["runAsNonRoot"], true);
            assert_ne!(whole["runAsUser"].as_i64().expect("a user"), 0);
            assert_eq!(whole["seccompProfile"]["type"], "RuntimeDefault");
            assert_eq!(pod["automountServiceAccountToken"], false);
            for field in ["hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"] {
                assert_eq!(pod.get(field), None, "{field}");
            }
            let volumes = pod["volumes"].as_array().expect("volumes");
            for volume in volumes {
                let kinds = ["configMap", "secret"];
                assert!(kinds.iter().any(|kind| volume.get(kind).is_some()), "{volume}");
            }
            for container in pod["containers"].as_array().expect("containers") {
                let own = &container["securityContext"];
                assert_eq!(own["allowPrivilegeEscalation"], false);
                assert_eq!(own["readOnlyRootFilesystem"], true);
                assert_eq!(own["capabilities"]["drop"], serde_json::json!(["ALL"]));
                assert!(own["capabilities"].get("add").is_none() && own.get("privileged").is_none());
                let ports = container["ports"].as_array().expect("ports");
                assert!(ports.iter().all(|port| port.get("hostPort").is_none()));
            }
        }
    }
}

#[test]
fn names_fit_where_they_stand_at_their_longest() {
    // The longest name that the definition lets pass, and the longest namespace that there is.
    let (name, namespace) = ("a".repeat(40), "n".repeat(63));
    let spec = PRODUCTION.replace("shards: 6", "shards: 64");
    let objects = objects(&validated(&name, &namespace, &spec));
    assert!(objects.len() > 70);
    for object in &objects {
        let (kind, name) =
            (object["kind"].as_str().expect("a kind"), object["metadata"]["name"].as_str().expect("a name"));
        // What Kubernetes makes of it: pods of a Deployment get 17 more characters, and the label of a StatefulSet's revision 11.
        let (more, longest) = match kind {
            "Deployment" => (11, 63),
            "StatefulSet" => (11, 63),
            _ => (0, 63),
        };
        assert!(name.len() + more <= longest, "{kind} {name}");
        labels_fit(object);
    }
}

/// Those of an object and of all in it.
fn labels_fit(value: &Value) {
    if let Some(labels) = value.get("labels").and_then(Value::as_object) {
        for (key, value) in labels {
            assert!(value.as_str().is_some_and(|value| value.len() <= 63), "{key}: {value}");
        }
    }
    match value {
        Value::Object(fields) => fields.values().for_each(labels_fit),
        Value::Array(items) => items.iter().for_each(labels_fit),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn two_on_one_redis_have_prefixes_of_their_own() {
    let config = |name: &str| validated(name, "talk", EXISTING).config;
    assert!(config("chat").contains("redis-prefix: talk/chat\n"), "{}", config("chat"));
    assert!(config("support").contains("redis-prefix: talk/support\n"));
}

#[test]
fn the_revision_follows_all_that_pods_are_made_of_and_nothing_else() {
    let hash = |spec: &str| build::template(&validated("chat", "talk", spec)).hash;
    let base = hash(PRODUCTION);
    assert_eq!(base, hash(PRODUCTION));
    // Nobody is disconnected for these.
    for (from, to) in [
        ("replicas: 5", "replicas: 7"),
        ("maxReplicas: 50", "maxReplicas: 60"),
        ("type: LoadBalancer", "type: NodePort"),
        ("chat.example.org", "talk.example.org"),
        ("podMonitor: true", "podMonitor: false"),
        ("size: 64Gi", "size: 32Gi"),
        ("valkey:8.1.4", "valkey:8.1.5"),
        ("connectionsPerSecond: 1000", "connectionsPerSecond: 2000"),
    ] {
        assert_eq!(hash(&PRODUCTION.replace(from, to)), base, "{from} -> {to}");
    }
    for (from, to) in [
        ("chat-server:1.2.3", "chat-server:1.2.4"),
        ("memory: 4Gi", "memory: 8Gi"),
        ("team: talk", "team: chat"),
        ("value: UTC", "value: CET"),
        ("retention-age: 30d", "retention-age: 31d"),
        ("guests: false", "guests: true"),
        ("key: signing", "key: secret"),
        // It is in the pod: the time that it is given to end.
        ("deadlineSeconds: 1800", "deadlineSeconds: 900"),
        ("key: signing}", "key: signing}\n  acceptedSigningKeyRef: {name: tokens, key: secret}"),
    ] {
        assert_ne!(hash(&PRODUCTION.replace(from, to)), base, "{from} -> {to}");
    }
}
