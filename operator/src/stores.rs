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
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::hash::Hash;

/// The objects of all ChatClusters, by kind.
pub struct Stores {
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

/// ChatClusters of which something has changed.
pub type Changes = BoxStream<'static, ObjectRef<ChatCluster>>;

/// Begins to watch, in one namespace or in all. Nothing is known before the changes are polled.
pub fn watch(client: &Client, namespace: Option<&str>) -> (Stores, Changes) {
    let mut changes = Vec::new();
    let stores = Stores {
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
    let api: Api<K> = match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
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
fn owner<K: Resource>(object: &K) -> Option<ObjectRef<ChatCluster>> {
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
