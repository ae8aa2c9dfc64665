//! The whole way: servers say how many clients they have, the operator tells the API server, and the autoscaler of a real controller manager scales by it.

use super::https::{Asker, Pair};
use super::operators::{ADAPTER, Operator};
use super::servers::Servers;
use crate::control_plane::{ControlPlane, WITHIN};
use chat_api::ChatCluster;
use http::Request;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::{Secret, Service, ServiceAccount};
use k8s_openapi::api::rbac::v1::RoleBinding;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::{Value, json};
use std::future::Future;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::timeout;

const GROUP: &str = "/apis/custom.metrics.k8s.io";

/// Waits until something is so, and says what it was last.
async fn until<F: Future<Output = Result<(), String>>>(what: &str, mut is_so: impl FnMut() -> F) {
    let mut last = String::new();
    let waiting = async {
        loop {
            match is_so().await {
                Ok(()) => return,
                Err(said) => last = said,
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let done = timeout(WITHIN, waiting).await;
    assert!(done.is_ok(), "never: {what}; last: {last}");
}

/// All that the chart makes for the metrics API, as it makes it, but for the way to the operator: there are no pods here.
async fn install(plane: &ControlPlane, client: &Client, namespace: &str) {
    let script = r#"
        . "$0/../e2e/environment"
        export KUBECONFIG=$1
        helm template chat "$0/../charts/chatcluster" --namespace "$2" --kube-version "$kubernetes_version" --set watchNamespace="$2" \
          -s templates/metrics-api.yaml -s templates/role.yaml -s templates/serviceaccount.yaml | kubectl apply -f -"#;
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script, folder]).arg(plane.kubeconfig()).arg(namespace);
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it runs").expect("bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // A Service that has had an address keeps it: it is made anew.
    let services: Api<Service> = Api::namespaced(client.clone(), namespace);
    services.delete(ADAPTER, &DeleteParams::default()).await.expect("it was there");
    let service: Service = serde_json::from_value(json!({
        "metadata": { "name": ADAPTER },
        "spec": { "type": "ExternalName", "externalName": "localhost", "ports": [{ "port": 443 }] },
    }))
    .expect("a Service");
    services.create(&PostParams::default(), &service).await.expect("a Service");
}

/// Has the API server find this operator.
async fn route(client: &Client, operator: &Operator) {
    let services: Api<APIService> = Api::all(client.clone());
    let patch = json!({ "spec": { "service": { "port": operator.api.port() } } });
    for version in ["v1beta1", "v1beta2"] {
        let name = format!("{version}.custom.metrics.k8s.io");
        services.patch(&name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("an APIService");
    }
}

/// Asks the API server for a path, as whoever the client is.
async fn get(client: &Client, path: &str) -> Result<Value, kube::error::Error> {
    client.request(Request::get(path).body(Vec::new()).expect("a request")).await
}

async fn refusal(client: &Client, path: &str) -> (u16, String) {
    match get(client, path).await {
        Err(kube::Error::Api(status)) => (status.code, status.message.clone()),
        other => panic!("{path} was not refused: {other:?}"),
    }
}

/// The administrator, or whoever it poses as. A refusal is a refusal: it is not asked again.
async fn client(plane: &ControlPlane, posing_as: Option<&str>) -> Client {
    let mut config = plane.config().await;
    config.auth_info.impersonate = posing_as.map(str::to_owned);
    config.default_retry = false;
    Client::try_from(config).expect("a client")
}

fn chat_cluster(namespace: &str) -> ChatCluster {
    serde_json::from_value(json!({
        "apiVersion": "chatcluster.dev/v1alpha1",
        "kind": "ChatCluster",
        "metadata": { "name": "shop", "namespace": namespace, "labels": { "tier": "gold" } },
        "spec": {
            "replicas": 1,
            "redis": { "existing": { "seeds": ["127.0.0.1:1"] } },
            "autoscaling": {
                "minReplicas": 1, "maxReplicas": 5, "connectionsPerPod": 100,
                "behavior": {
                    "scaleUp": { "stabilizationWindowSeconds": 0 },
                    "scaleDown": { "stabilizationWindowSeconds": 0 },
                },
            },
        },
    }))
    .expect("a ChatCluster")
}

struct World {
    plane: ControlPlane,
    client: Client,
    namespace: String,
    servers: Servers,
}

impl World {
    fn path(&self, version: &str, name: &str, metric: &str) -> String {
        format!("{GROUP}/{version}/namespaces/{}/chatclusters.chatcluster.dev/{name}/{metric}", self.namespace)
    }

    fn clusters(&self) -> Api<ChatCluster> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn replicas(&self) -> i32 {
        self.clusters().get("shop").await.expect("a ChatCluster").spec.replicas
    }

    async fn scaled_to(&self, wanted: i32) {
        until(&format!("{wanted} servers are wanted"), async || {
            let replicas = self.replicas().await;
            if replicas == wanted { Ok(()) } else { Err(format!("{replicas}")) }
        })
        .await;
    }

    /// Waits until the API server answers with this value.
    async fn says(&self, version: &str, metric: &str, value: &str) -> Value {
        let path = self.path(version, "shop", metric);
        until(&format!("{path} is {value}"), async || match get(&self.client, &path).await {
            Ok(list) if list["items"][0]["value"] == value => Ok(()),
            other => Err(format!("{other:?}")),
        })
        .await;
        get(&self.client, &path).await.expect("a list")
    }

    async fn authorities(&self) -> String {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut data = secrets.get(ADAPTER).await.expect("a Secret").data.expect("data");
        String::from_utf8(data.remove("ca.crt").expect("authorities").0).expect("text")
    }

    async fn token(&self, account: &str) -> String {
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client.clone(), &self.namespace);
        let named = serde_json::from_value(json!({ "metadata": { "name": account } })).expect("an account");
        accounts.create(&PostParams::default(), &named).await.expect("an account");
        let wish = TokenRequest { spec: TokenRequestSpec::default(), ..TokenRequest::default() };
        let made = accounts.create_token_request(account, &PostParams::default(), &wish).await.expect("a token");
        made.status.expect("a token").token
    }

    async fn let_view(&self, account: &str) {
        let bindings: Api<RoleBinding> = Api::namespaced(self.client.clone(), &self.namespace);
        let binding = serde_json::from_value(json!({
            "metadata": { "name": account },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "ServiceAccount", "name": account, "namespace": self.namespace }],
        }))
        .expect("a binding");
        bindings.create(&PostParams::default(), &binding).await.expect("a binding");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chatcluster_is_scaled_by_its_connections() {
    // Its own: while nobody answers for an APIService, no namespace of its cluster can be deleted.
    let plane = ControlPlane::alone().await;
    let client = client(&plane, None).await;
    let namespace = plane.namespace("metrics").await;
    install(&plane, &client, &namespace).await;
    let mut leader = Operator::start(&plane, &namespace, "a");
    leader.ready().await;
    let mut follower = Operator::start(&plane, &namespace, "b");
    follower.ready().await;
    // Who is asked need not lead.
    route(&client, &follower).await;
    let servers = Servers::start(client.clone(), &namespace);
    servers.said.connections.store(40, Ordering::Relaxed);
    let world = World { plane, client, namespace, servers };
    world.clusters().create(&PostParams::default(), &chat_cluster(&world.namespace)).await.expect("a ChatCluster");

    documents(&world).await;
    scaling(&world).await;
    callers(&world, &follower).await;
    silence(&world).await;
    restart(&world, &mut leader, &mut follower).await;
    displaced(&world, &follower).await;
}

/// What the API server passes on, in both versions.
async fn documents(world: &World) {
    let list = world.says("v1beta2", "chat_connections", "40").await;
    assert_eq!(list["kind"], "MetricValueList");
    let item = &list["items"][0];
    assert_eq!(item["metric"]["name"], "chat_connections");
    assert_eq!(
        (&item["describedObject"]["kind"], &item["describedObject"]["name"]),
        (&json!("ChatCluster"), &json!("shop"))
    );
    let older = world.says("v1beta1", "chat_sends_per_second", "2500m").await;
    assert_eq!(older["items"][0]["metricName"], "chat_sends_per_second");
    let discovery = get(&world.client, &format!("{GROUP}/v1beta2")).await.expect("a document");
    assert_eq!(discovery["resources"][0]["name"], "chatclusters.chatcluster.dev/chat_connections");
    let any = world.path("v1beta2", "*", "chat_connections");
    for (selector, count) in [("tier%3Dgold", 1), ("tier%20in%20(tin)", 0)] {
        let list = get(&world.client, &format!("{any}?labelSelector={selector}")).await.expect("a list");
        assert_eq!(list["items"].as_array().map(Vec::len), Some(count), "{selector}");
    }
    let absent = refusal(&world.client, &world.path("v1beta2", "absent", "chat_connections")).await;
    assert_eq!(absent, (404, format!("there is no ChatCluster absent in namespace {}", world.namespace)));
    let unknown = refusal(&world.client, &world.path("v1beta2", "shop", "tea")).await;
    assert_eq!(unknown.0, 404);
    let bad = refusal(&world.client, &format!("{any}?labelSelector=a%20b%20c")).await;
    assert_eq!(bad.0, 400);
}

/// Up and down, by the total divided by the target.
async fn scaling(world: &World) {
    world.servers.said.connections.store(350, Ordering::Relaxed);
    world.scaled_to(4).await;
    world.servers.said.connections.store(150, Ordering::Relaxed);
    world.scaled_to(2).await;
}

/// Who may ask, and who may not.
async fn callers(world: &World, operator: &Operator) {
    let path = world.path("v1beta2", "shop", "chat_connections");
    let nobody = client(&world.plane, Some(&format!("system:serviceaccount:{}:nobody", world.namespace))).await;
    let (code, why) = refusal(&nobody, &path).await;
    // The API server asks by itself, too, whether a caller may.
    assert_eq!(code, 403, "{why}");

    let host = format!("{ADAPTER}.{}.svc", world.namespace);
    let asker = Asker { at: operator.api, host, authorities: world.authorities().await };
    let posing = [("x-remote-user", "admin"), ("x-remote-group", "system:masters")];
    let code = async |shown: Option<&Pair>, headers: &[(&str, &str)]| {
        asker.get(shown, &path, headers).await.map(|(code, _)| code)
    };
    assert_eq!(code(None, &posing).await, Some(401), "headers without a certificate");
    let folder = world.plane.kubeconfig().parent().expect("a folder");
    let read = |file: &Path| std::fs::read_to_string(file).expect("a file");
    let pair = |name: &str| Pair {
        certificate: read(&folder.join(format!("{name}.crt"))),
        key: read(&folder.join(format!("{name}.key"))),
    };
    assert_eq!(code(Some(&pair("front")), &posing).await, Some(200), "the front proxy itself");
    assert_eq!(code(Some(&pair("front-ca").sign("impostor")), &posing).await, Some(401), "another name");
    assert_eq!(code(Some(&pair("admin")), &posing).await, None, "a certificate of another authority");

    assert_eq!(code(None, &[("authorization", "Bearer nonsense")]).await, Some(401));
    let token = format!("Bearer {}", world.token("reader").await);
    let bearer = [("authorization", token.as_str())];
    let (refused, status) = asker.get(None, &path, &bearer).await.expect("an answer");
    let who = format!("system:serviceaccount:{}:reader may not get", world.namespace);
    assert!(refused == 403 && status["message"].as_str().is_some_and(|said| said.starts_with(&who)), "{status}");
    world.let_view("reader").await;
    // A refusal counts for a few seconds, and the role is made of others by a controller.
    until("the reader may", async || match code(None, &bearer).await {
        Some(200) => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
}

/// A total without a server would be too small: there is none, and nothing is scaled.
async fn silence(world: &World) {
    let path = world.path("v1beta2", "shop", "chat_connections");
    let before = world.replicas().await;
    world.servers.said.silent.store(true, Ordering::Relaxed);
    until("there is no figure", async || match get(&world.client, &path).await {
        Err(kube::Error::Api(status)) if status.code == 503 && status.message.contains("have not answered") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    assert_eq!(world.replicas().await, before);
    world.servers.said.silent.store(false, Ordering::Relaxed);
    world.servers.said.connections.store(450, Ordering::Relaxed);
    world.scaled_to(5).await;
}

/// The authority outlives the operators.
async fn restart(world: &World, leader: &mut Operator, follower: &mut Operator) {
    let authorities = world.authorities().await;
    leader.kill();
    follower.kill();
    *leader = Operator::start(&world.plane, &world.namespace, "a");
    leader.ready().await;
    route(&world.client, leader).await;
    assert_eq!(world.authorities().await, authorities);
    let path = world.path("v1beta2", "shop", "chat_connections");
    until("the new operator is asked", async || {
        get(&world.client, &path).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    *follower = Operator::start(&world.plane, &world.namespace, "b");
    follower.ready().await;
    assert_eq!(world.authorities().await, authorities);
    assert!(leader.get("/metrics").await.is_some_and(|text| text.contains("chat_operator_metrics_api_requests_total")));
}

/// Another adapter's APIService is left alone, and that is said.
async fn displaced(world: &World, follower: &Operator) {
    let row = |value: u8| format!("chat_operator_metrics_api_registered{{version=\"v1beta1\"}} {value}");
    let shows = async |value: u8| {
        until(&format!("registered: {value}"), async || {
            let text = follower.get("/metrics").await.unwrap_or_default();
            if text.contains(&row(value)) { Ok(()) } else { Err(text) }
        })
        .await;
    };
    shows(1).await;
    let services: Api<APIService> = Api::all(world.client.clone());
    let name = "v1beta1.custom.metrics.k8s.io";
    let theirs = json!({ "spec": { "service": { "name": "adapter", "namespace": "monitoring" }, "caBundle": null } });
    services.patch(name, &PatchParams::default(), &Patch::Merge(&theirs)).await.expect("an APIService");
    shows(0).await;
    let left = services.get(name).await.expect("an APIService").spec.expect("a spec");
    assert_eq!((left.service.and_then(|service| service.name).as_deref(), left.ca_bundle), (Some("adapter"), None));
    let ours = json!({ "spec": { "service": { "name": ADAPTER, "namespace": world.namespace } } });
    services.patch(name, &PatchParams::default(), &Patch::Merge(&ours)).await.expect("an APIService");
    shows(1).await;
    let bundle = async || services.get(name).await.ok().and_then(|service| service.spec?.ca_bundle);
    until("it has our authority again", async || bundle().await.map(drop).ok_or_else(String::new)).await;
    assert!(follower.said().contains("the metrics API is another adapter's"), "it is logged");
}
