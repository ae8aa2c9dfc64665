//! A namespace with ChatClusters in it, nodes, and an operator that looks when it is told to.

use super::gate::Gate;
use super::nodes::Nodes;
use crate::control_plane::{ControlPlane, WITHIN};
use chat_api::ChatCluster;
use chat_operator::controller::reconcile::{Operator, ReconcileError, reconcile};
use chat_operator::events::Announcer;
use chat_operator::metrics::Metrics;
use chat_operator::stores::{self, Guarded};
use chat_rig::RedisCluster;
use futures_util::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::client::ClientBuilder;
use kube::core::NamespaceResourceScope;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, Config, Resource, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// No operator is ended.
pub(crate) const NEVER: usize = usize::MAX;

pub(crate) struct Stage {
    config: Config,
    /// The administrator, who is not counted.
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) nodes: Nodes,
    pub(crate) gate: Gate,
    redis: Arc<RedisCluster>,
    operator: Option<Running>,
}

struct Running {
    operator: Arc<Operator>,
    sees: JoinHandle<()>,
}

impl Stage {
    /// On the API server that has no controllers, with an operator.
    pub(crate) async fn new(name: &str) -> Self {
        let plane = ControlPlane::bare().await;
        let (client, namespace) = (plane.client().await, plane.namespace(name).await);
        let mut stage = Self::at(plane.config().await, client, namespace).await;
        stage.start(NEVER).await;
        stage
    }

    /// In this namespace, without an operator.
    pub(crate) async fn at(config: Config, client: Client, namespace: String) -> Self {
        let nodes = Nodes::new(client.clone(), &namespace);
        Self { config, client, namespace, nodes, gate: Gate::new(NEVER), redis: redis().await, operator: None }
    }

    /// Starts an operator that ends after so many writes. One that runs is ended.
    pub(crate) async fn start(&mut self, ends_after: usize) {
        self.stop();
        self.gate = Gate::new(ends_after);
        let client = ClientBuilder::try_from(self.config.clone()).expect("a client").with_layer(&self.gate).build();
        let (stores, mut changes) = stores::watch(&client, Some(&self.namespace));
        // Events are no step of a look: they are not counted.
        let metrics = Arc::new(Metrics::new().expect("metrics"));
        let announcer = Announcer::new(self.client.clone(), "tests".to_owned(), metrics);
        let image = Some("chat-server:1".to_owned());
        let operator = Arc::new(Operator::new(client, Arc::new(stores), announcer, image, "{}"));
        let sees = tokio::spawn(async move { while changes.next().await.is_some() {} });
        tokio::time::timeout(WITHIN, operator.stores.ready()).await.expect("in time").expect("all is seen");
        self.operator = Some(Running { operator, sees });
    }

    /// Ends the operator where it stands.
    pub(crate) fn stop(&mut self) {
        if let Some(running) = self.operator.take() {
            running.sees.abort();
        }
    }

    /// What the operator counts.
    pub(crate) fn metrics(&self) -> Arc<Metrics> {
        self.operator.as_ref().expect("an operator").operator.metrics.clone()
    }

    /// `spec.redis` with the Redis Cluster that is there.
    pub(crate) fn redis(&self) -> Value {
        json!({ "existing": { "seeds": [self.redis.seeds()[0]] } })
    }

    pub(crate) fn clusters(&self) -> Api<ChatCluster> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) async fn create(&self, name: &str, spec: Value) -> ChatCluster {
        let wish = json!({ "apiVersion": "chatcluster.dev/v1alpha1", "kind": "ChatCluster", "metadata": { "name": name }, "spec": spec });
        let wish: ChatCluster = serde_json::from_value(wish).expect("a ChatCluster");
        self.clusters().create(&PostParams::default(), &wish).await.expect("a ChatCluster that is taken")
    }

    /// ChatClusters, whether they can be read or not.
    fn raw(&self) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &ApiResource::erase::<ChatCluster>(&()))
    }

    pub(crate) async fn create_raw(&self, name: &str, spec: Value) {
        let mut wish = DynamicObject::new(name, &ApiResource::erase::<ChatCluster>(&()));
        wish.data = json!({ "spec": spec });
        self.raw().create(&PostParams::default(), &wish).await.expect("a ChatCluster that is taken");
    }

    pub(crate) async fn status_raw(&self, name: &str) -> Value {
        self.raw().get(name).await.expect("the ChatCluster").data["status"].clone()
    }

    pub(crate) async fn change(&self, name: &str, spec: Value) {
        let change = json!({ "spec": spec });
        let changed = self.clusters().patch(name, &PatchParams::default(), &Patch::Merge(&change)).await;
        changed.expect("a change that is taken");
    }

    pub(crate) async fn get(&self, name: &str) -> ChatCluster {
        self.clusters().get(name).await.expect("the ChatCluster")
    }

    /// Looks once, at what there is now: the watch may be late, and a look at what was is another test's matter.
    pub(crate) async fn look(&self, name: &str) -> Result<Action, ReconcileError> {
        let (operator, seen) = self.seen(name).await;
        reconcile(seen, operator).await
    }

    /// The operator, when it sees what there is.
    async fn seen(&self, name: &str) -> (Arc<Operator>, Arc<Guarded>) {
        let operator = &self.operator.as_ref().expect("an operator").operator;
        let wanted = self.raw().get_metadata(name).await.expect("the ChatCluster").resource_version();
        let own = ObjectRef::new(name).within(&self.namespace);
        let begun = Instant::now();
        loop {
            match operator.stores.clusters.get(&own) {
                Some(seen) if seen.resource_version() == wanted => return (operator.clone(), seen),
                Some(_) | None => {}
            }
            assert!(begun.elapsed() < WITHIN, "the watch shows nothing of {name}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Looks, has nodes work and seconds pass, until nothing is written any more. An operator that ends meanwhile is not started again.
    pub(crate) async fn settle(&mut self, name: &str) {
        let (begun, mut quiet) = (Instant::now(), 0);
        while quiet < 3 {
            assert!(begun.elapsed() < WITHIN, "{name} does not settle: {:#?}", self.get(name).await.status);
            let before = self.gate.writes();
            let looked = self.look(name).await;
            if self.gate.is_shut() {
                return;
            }
            looked.expect("a look that goes well");
            let worked = Box::pin(self.nodes.work()).await;
            self.nodes.fleet.pass_a_second();
            // What was written comes back by the watch.
            tokio::time::sleep(Duration::from_millis(20)).await;
            quiet = if self.gate.writes() == before && !worked { quiet + 1 } else { 0 };
        }
    }

    /// How long a look takes, the wait for what it looks at not counted.
    pub(crate) async fn timed_look(&self, name: &str) -> Duration {
        let (operator, seen) = self.seen(name).await;
        let begun = Instant::now();
        reconcile(seen, operator).await.expect("a look that goes well");
        begun.elapsed()
    }

    pub(crate) async fn pods(&self) -> usize {
        self.nodes.pods().list_metadata(&ListParams::default()).await.expect("pods").items.len()
    }

    /// How many objects are not as they were.
    pub(crate) async fn moved(&self, before: &BTreeMap<String, String>) -> usize {
        self.versions().await.iter().filter(|(key, version)| before.get(*key) != Some(*version)).count()
    }

    /// A condition, as `status reason: message`.
    pub(crate) async fn condition(&self, name: &str, kind: &str) -> String {
        let status = self.get(name).await.status.unwrap_or_default();
        let found = status.conditions.iter().find(|condition| condition.kind == kind);
        let found = found.unwrap_or_else(|| panic!("no condition {kind} in {status:?}"));
        format!("{} {}: {}", found.status, found.reason, found.message)
    }

    /// All that there is in the namespace, by kind and name.
    pub(crate) async fn objects(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        for object in self.raw().list(&ListParams::default()).await.expect("a list") {
            all.insert(format!("ChatCluster/{}", object.name_any()), serde_json::to_value(&object).expect("JSON"));
        }
        self.gather::<Deployment>(&mut all).await;
        self.gather::<StatefulSet>(&mut all).await;
        self.gather::<Service>(&mut all).await;
        self.gather::<ConfigMap>(&mut all).await;
        self.gather::<Secret>(&mut all).await;
        self.gather::<ServiceAccount>(&mut all).await;
        self.gather::<PodDisruptionBudget>(&mut all).await;
        self.gather::<HorizontalPodAutoscaler>(&mut all).await;
        self.gather::<NetworkPolicy>(&mut all).await;
        self.gather::<Ingress>(&mut all).await;
        self.gather::<Pod>(&mut all).await;
        all
    }

    async fn gather<K>(&self, all: &mut BTreeMap<String, Value>)
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + Serialize,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), &self.namespace);
        for object in api.list(&ListParams::default()).await.expect("a list") {
            let key = format!("{}/{}", K::kind(&()), object.name_any());
            all.insert(key, serde_json::to_value(&object).expect("JSON"));
        }
    }

    /// The version of each object: what moves was written.
    pub(crate) async fn versions(&self) -> BTreeMap<String, String> {
        let version = |object: &Value| object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        self.objects().await.iter().map(|(key, object)| (key.clone(), version(object))).collect()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A Redis Cluster that is well, one for all tests: they only look at it. It is gone with the last that holds it.
async fn redis() -> Arc<RedisCluster> {
    static REDIS: Mutex<Weak<RedisCluster>> = Mutex::const_new(Weak::new());
    let mut shared = REDIS.lock().await;
    if let Some(running) = shared.upgrade() {
        return running;
    }
    let start = tokio::task::spawn_blocking(|| RedisCluster::builder().replicas(0).start());
    let cluster = Arc::new(start.await.expect("no panic").expect("a Redis Cluster"));
    *shared = Arc::downgrade(&cluster);
    cluster
}
