//! What the chapters have in common.

use super::kubelets::Kubelets;
use super::machines::Machines;
use super::witness::{is, is_up};
use crate::control_plane::{ControlPlane, WITHIN};
use crate::reconcile::member::Member;
use chat_api::{ChatCluster, ChatClusterStatus};
use chat_operator::names;
use chat_rig::folder::Folder;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The ChatCluster of every chapter.
pub(crate) const CHAT: &str = "chat";

/// How often something is looked at that is waited for.
const LOOK: Duration = Duration::from_millis(100);

/// A figure, and what it is to be.
pub(crate) struct Fact {
    pub(crate) chapter: &'static str,
    pub(crate) what: String,
    pub(crate) figure: String,
    pub(crate) goal: &'static str,
}

pub(crate) struct Story {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) kubelets: Kubelets,
    pub(crate) operator: Member,
    pub(crate) facts: Vec<Fact>,
    chapter: &'static str,
    // Held until the end.
    _folder: Folder,
}

impl Story {
    pub(crate) async fn begin() -> Self {
        let plane = ControlPlane::with_nodes().await;
        let (client, namespace) = (plane.client().await, plane.namespace("nodes").await);
        let folder = Folder::new().expect("a folder");
        let kubelets = Kubelets::start(client.clone(), &namespace, folder.path().join("volumes")).await;
        let operator = Member::start("operator", &namespace, plane.kubeconfig(), &folder);
        let kubeconfig = plane.kubeconfig().to_owned();
        Self { client, namespace, kubeconfig, kubelets, operator, facts: Vec::new(), chapter: "", _folder: folder }
    }

    pub(crate) fn chapter(&mut self, chapter: &'static str) {
        eprintln!("{chapter}");
        self.chapter = chapter;
    }

    pub(crate) fn note(&mut self, what: impl Into<String>, figure: impl Into<String>, goal: &'static str) {
        let fact = Fact { chapter: self.chapter, what: what.into(), figure: figure.into(), goal };
        eprintln!("  {}: {}", fact.what, fact.figure);
        self.facts.push(fact);
    }

    pub(crate) fn clusters(&self) -> Api<ChatCluster> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create(&self, spec: Value) {
        let wish = json!({ "apiVersion": "chatcluster.dev/v1alpha1", "kind": "ChatCluster", "metadata": { "name": CHAT }, "spec": spec });
        let wish: ChatCluster = serde_json::from_value(wish).expect("a ChatCluster");
        self.clusters().create(&PostParams::default(), &wish).await.expect("a ChatCluster that is taken");
    }

    pub(crate) async fn change(&self, spec: Value) {
        let change = json!({ "spec": spec });
        let changed = self.clusters().patch(CHAT, &PatchParams::default(), &Patch::Merge(&change)).await;
        changed.expect("a change that is taken");
    }

    pub(crate) async fn status(&self) -> ChatClusterStatus {
        self.clusters().get(CHAT).await.expect("the ChatCluster").status.unwrap_or_default()
    }

    /// All pods, as they are seen now.
    pub(crate) fn pods(&self, component: &str) -> Vec<Arc<Pod>> {
        self.kubelets.pods.state().into_iter().filter(|pod| is(pod, component)).collect()
    }

    /// Waits until so many servers and nodes of Redis are up, no others are there, and the ChatCluster says that all is as wanted.
    pub(crate) async fn settled(&self, servers: usize, nodes: usize) -> Duration {
        let begun = Instant::now();
        loop {
            let (of, redis) = (self.pods(names::SERVER), self.pods(names::REDIS));
            let up = |pods: &[Arc<Pod>]| pods.iter().filter(|pod| is_up(pod)).count();
            let counts = [of.len(), up(&of), redis.len(), up(&redis)];
            let status = self.status().await;
            let holds = |kind: &str, wanted: &str| {
                status.conditions.iter().any(|condition| condition.kind == kind && condition.status == wanted)
            };
            let whole = holds("Ready", "True") && holds("RedisHealthy", "True") && holds("Progressing", "False");
            if whole && counts == [servers, servers, nodes, nodes] && status.ready == format!("{servers}/{servers}") {
                return begun.elapsed();
            }
            assert!(begun.elapsed() < WITHIN, "not as wanted: {counts:?}\n{status:#?}");
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The ChatCluster goes, and all that is its own.
    pub(crate) async fn delete(&self, machines: Machines) {
        self.clusters().delete(CHAT, &DeleteParams::foreground()).await.expect("it goes");
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), &self.namespace);
        let begun = Instant::now();
        loop {
            let claims = claims.list_metadata(&ListParams::default()).await.expect("a list").items.len();
            let gone = self.clusters().get_opt(CHAT).await.expect("an answer").is_none();
            if gone && claims == 0 && self.kubelets.pods.state().is_empty() {
                break;
            }
            let left: Vec<_> = self.kubelets.pods.state().iter().map(|pod| pod.name_any()).collect();
            assert!(begun.elapsed() < WITHIN, "it does not go: {claims} claims, {left:?}");
            tokio::time::sleep(LOOK).await;
        }
        machines.remove().await;
    }
}

/// `spec.redis` with a managed one.
pub(crate) fn managed() -> Value {
    json!({ "managed": { "shards": 3, "replicasPerShard": 1, "storage": { "size": "8Gi", "className": super::machines::CLASS } } })
}
