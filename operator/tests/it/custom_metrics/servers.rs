//! Servers without nodes: the controller manager makes their pods, this gives each an address of 127.0.0.0/8 where something answers as a server would.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use chat_operator::names;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What all servers say.
#[derive(Default)]
pub(crate) struct Said {
    /// Connections of all of them: the first has them.
    pub(crate) connections: AtomicU64,
    /// Nothing.
    pub(crate) silent: AtomicBool,
}

/// Answers for every server of a namespace, until it is dropped.
pub(crate) struct Servers {
    pub(crate) said: Arc<Said>,
    _tasks: JoinSet<()>,
}

impl Servers {
    /// Begins to look for pods.
    pub(crate) fn start(client: Client, namespace: &str) -> Self {
        let said = Arc::new(Said::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(follow(Api::namespaced(client, namespace), said.clone()));
        Self { said, _tasks: tasks }
    }
}

/// Gives each new pod an address, and has it run and be ready.
async fn follow(pods: Api<Pod>, said: Arc<Said>) {
    let ours = ListParams::default().labels(&format!("{}={}", names::COMPONENT, names::SERVER));
    let (mut known, mut serving) = (HashMap::new(), JoinSet::new());
    loop {
        for pod in pods.list(&ours).await.map(|list| list.items).unwrap_or_default() {
            let name = pod.name_any();
            if known.contains_key(&name) || pod.metadata.deletion_timestamp.is_some() {
                continue;
            }
            // Of this process, so that tests beside each other do not meet.
            let [.., high, low] = std::process::id().to_be_bytes();
            let address = Ipv4Addr::new(127, high | 0x40, low, known.len() as u8 + 1);
            let router =
                Router::new().route("/internal/v1/status", get(status)).with_state((said.clone(), known.is_empty()));
            let listener = TcpListener::bind((address, names::INTERNAL_PORT as u16)).await.expect("an address");
            serving.spawn(async move { drop(axum::serve(listener, router).await) });
            let status = running(address);
            let patched = pods.patch_status(&name, &PatchParams::default(), &Patch::Merge(&status)).await;
            if patched.is_ok() {
                known.insert(name, address);
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn status(State((said, is_first)): State<(Arc<Said>, bool)>) -> Result<String, StatusCode> {
    if said.silent.load(Ordering::Relaxed) {
        return Err(StatusCode::GATEWAY_TIMEOUT);
    }
    let connections = if is_first { said.connections.load(Ordering::Relaxed) } else { 0 };
    Ok(json!({ "boot": "00000000000000aa", "connections": connections, "sends_per_second": 2.5 }).to_string())
}

fn running(address: Ipv4Addr) -> serde_json::Value {
    let now = jiff::Timestamp::now().to_string();
    json!({ "status": {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{ "ip": address }],
        "conditions": [{ "type": "Ready", "status": "True", "lastTransitionTime": now }],
        "containerStatuses": [{
            "name": "server", "image": "server", "imageID": "server", "ready": true, "started": true, "restartCount": 0,
            "state": { "running": { "startedAt": now } },
        }],
    } })
}
