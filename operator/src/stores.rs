//! What the API server holds of our objects, kept up to date by one watch a kind: a reconcile reads here, and asks the API server nothing.

use crate::names;
use chat_api::ChatCluster;
use futures_util::StreamExt;
use futures_util::stream::{BoxStream, select_all};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount};
use k8s_openapi::api::networking::v1::{Ingress, NetworkPolicy};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, predicates, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::hash::Hash;

/// A ChatCluster, or one that cannot be read: it does not keep others from being seen.
pub type Guarded = DeserializeGuard<ChatCluster>;

/// All ChatClusters, and their objects by kind.
pub struct Stores {
    /// The ChatClusters.
    pub clusters: Store<Guarded>,
    /// The servers' pods and those of managed Redises.
    pub pods: Store<Pod>,
    /// A revision each.
    pub deployments: Store<Deployment>,
    /// Nodes of managed Redises.
    pub stateful_sets: Store<StatefulSet>,
    /// For clients, and headless ones.
    pub services: Store<Service>,
    /// Settings of revisions; dashboards.
    pub config_maps: Store<ConfigMap>,
    /// Those that the operator makes.
    pub secrets: Store<Secret>,
    /// The servers' accounts.
    pub service_accounts: Store<ServiceAccount>,
    /// Disruption budgets.
    pub budgets: Store<PodDisruptionBudget>,
    /// Autoscalers.
    pub autoscalers: Store<HorizontalPodAutoscaler>,
    /// Network policies.
    pub policies: Store<NetworkPolicy>,
    /// Ingresses.
    pub ingresses: Store<Ingress>,
}

/// ChatClusters of which something has changed: of the wish itself or of an object, not of the operator's own answer.
pub type Changes = BoxStream<'static, ObjectRef<Guarded>>;

/// Begins to watch, in one namespace or in all. Nothing is known before the changes are polled.
pub fn watch(client: &Client, namespace: Option<&str>) -> (Stores, Changes) {
    let mut changes = Vec::new();
    let stores = Stores {
        clusters: clusters(client, namespace, &mut changes),
        pods: kind(client, namespace, &mut changes),
        deployments: kind(client, namespace, &mut changes),
        stateful_sets: kind(client, namespace, &mut changes),
        services: kind(client, namespace, &mut changes),
        config_maps: kind(client, namespace, &mut changes),
        secrets: kind(client, namespace, &mut changes),
        service_accounts: kind(client, namespace, &mut changes),
        budgets: kind(client, namespace, &mut changes),
        autoscalers: kind(client, namespace, &mut changes),
        policies: kind(client, namespace, &mut changes),
        ingresses: kind(client, namespace, &mut changes),
    };
    (stores, select_all(changes).boxed())
}

impl Stores {
    /// Waits until all that is there has been seen once.
    pub async fn ready(&self) -> Result<(), reflector::store::WriterDropped> {
        self.clusters.wait_until_ready().await?;
        self.pods.wait_until_ready().await?;
        self.deployments.wait_until_ready().await?;
        self.stateful_sets.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.config_maps.wait_until_ready().await?;
        self.secrets.wait_until_ready().await?;
        self.service_accounts.wait_until_ready().await?;
        self.budgets.wait_until_ready().await?;
        self.autoscalers.wait_until_ready().await?;
        self.policies.wait_until_ready().await?;
        self.ingresses.wait_until_ready().await
    }
}

/// What one namespace holds, or all.
pub fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

fn clusters(client: &Client, namespace: Option<&str>, all: &mut Vec<Changes>) -> Store<Guarded> {
    let (store, writer) = reflector::store();
    let events = watcher(scoped::<Guarded>(client, namespace), watcher::Config::default()).default_backoff();
    let changes = events
        .modify(|cluster| cluster.managed_fields_mut().clear())
        .reflect(writer)
        .touched_objects()
        .predicate_filter(predicates::generation, kube::runtime::PredicateConfig::default())
        .filter_map(|cluster| std::future::ready(cluster.ok().map(|cluster| ObjectRef::from_obj(&cluster))));
    all.push(changes.boxed());
    store
}

fn kind<K>(client: &Client, namespace: Option<&str>, all: &mut Vec<Changes>) -> Store<K>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + DeserializeOwned
        + Send
        + Sync
        + 'static,
    K::DynamicType: Hash + Eq,
{
    let api: Api<K> = scoped(client, namespace);
    let ours = watcher::Config::default().labels(&format!("app.kubernetes.io/managed-by={}", names::MANAGER));
    let (store, writer) = reflector::store();
    let events = watcher(api, ours).default_backoff().modify(|object| {
        // Nobody here looks at it, and it is most of an object.
        object.managed_fields_mut().clear();
    });
    let changes = events
        .reflect(writer)
        .touched_objects()
        .filter_map(|object| std::future::ready(object.ok().and_then(|object| owner(&object))));
    all.push(changes.boxed());
    store
}

/// The ChatCluster that an object belongs to.
fn owner<K: Resource>(object: &K) -> Option<ObjectRef<Guarded>> {
    let cluster = object.labels().get(names::CLUSTER)?;
    Some(ObjectRef::new(cluster).within(&object.namespace()?))
}

/// The objects of one ChatCluster in a store.
pub fn of<'a, K>(store: &'a Store<K>, cluster: &'a ChatCluster) -> impl Iterator<Item = std::sync::Arc<K>> + 'a
where
    K: Resource<DynamicType = ()> + Clone + 'static,
    K::DynamicType: Hash + Eq,
{
    let (name, namespace) = (cluster.name_any(), cluster.namespace());
    store
        .state()
        .into_iter()
        .filter(move |object| object.namespace() == namespace && object.labels().get(names::CLUSTER) == Some(&name))
}
