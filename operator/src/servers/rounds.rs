//! Asks all servers of all ChatClusters every few seconds. Each operator does, whether it leads or not: any of them may be asked for the figures.

use super::{Askers, Servers};
use crate::controller::reconcile::Operator;
use crate::controller::validate::mounted;
use crate::metrics::Metrics;
use crate::names;
use crate::stores::{self, Guarded, Stores};
use chat_api::ChatCluster;
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, ResourceExt};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// How often servers are asked.
const EVERY: Duration = Duration::from_secs(5);

/// ChatClusters that are asked at a time.
const AT_A_TIME: usize = 8;

/// How long a signing key is taken for granted that somebody else keeps: it is not watched.
const KEY_AGE: Duration = Duration::from_secs(60);

/// What is needed for asking.
pub struct Rounds {
    /// The API server, for signing keys that somebody else keeps.
    pub client: Client,
    /// ChatClusters, their pods and the keys that are ours.
    pub stores: Arc<Stores>,
    /// Who asks.
    pub askers: Arc<Askers>,
    /// Where the answers go.
    pub servers: Arc<Servers>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
}

/// Signing keys that somebody else keeps, by namespace, Secret and key.
type Keys = HashMap<[String; 3], (Vec<u8>, Instant)>;

impl Rounds {
    /// For what an operator works with.
    pub fn of(operator: &Operator) -> Self {
        Self {
            client: operator.client.clone(),
            stores: operator.stores.clone(),
            askers: operator.askers.clone(),
            servers: operator.servers.clone(),
            metrics: operator.metrics.clone(),
        }
    }

    /// Asks again and again. Never ends.
    pub async fn run(self) {
        let mut keys = Keys::new();
        let mut times = interval(EVERY);
        times.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            times.tick().await;
            self.round(&mut keys).await;
        }
    }

    async fn round(&self, keys: &mut Keys) {
        let seen = self.stores.clusters.state();
        let clusters: Vec<_> = seen.iter().filter_map(|cluster| cluster.0.as_ref().ok()).collect();
        let mut asked = Vec::with_capacity(clusters.len());
        for &cluster in &clusters {
            let Some(uid) = cluster.uid() else { continue };
            let Some(key) = self.key(cluster, keys).await else { continue };
            let asker = self.askers.of(&uid, &key);
            let pods: Vec<_> = stores::of(&self.stores.pods, cluster).filter(is_server).collect();
            asked.push(async move { asker.poll(&pods, &self.servers).await });
        }
        let unheard: Vec<_> = futures_util::stream::iter(asked).buffer_unordered(AT_A_TIME).collect().await;
        for reason in unheard.into_iter().flatten() {
            self.metrics.unheard(reason);
        }
        self.forget(&seen, keys);
    }

    /// What is gone is forgotten, in the figures too.
    fn forget(&self, clusters: &[Arc<Guarded>], keys: &mut Keys) {
        let pods: HashSet<_> = self.stores.pods.state().iter().filter_map(|pod| pod.uid()).collect();
        self.servers.keep(|uid| pods.contains(uid));
        let uids: HashSet<_> = clusters.iter().filter_map(|cluster| cluster.uid()).collect();
        self.askers.keep(|uid| uids.contains(uid));
        let there: HashSet<_> =
            clusters.iter().map(|cluster| (cluster.namespace().unwrap_or_default(), cluster.name_any())).collect();
        self.metrics.keep(|namespace, name| there.contains(&(namespace.to_owned(), name.to_owned())));
        keys.retain(|_, (_, at)| at.elapsed() < KEY_AGE);
    }

    /// The key that a ChatCluster's servers know.
    async fn key(&self, cluster: &ChatCluster, keys: &mut Keys) -> Option<Vec<u8>> {
        let reference = mounted(&cluster.name_any(), &cluster.spec).ok()?.signing;
        let namespace = cluster.namespace().unwrap_or_default();
        if reference.name == names::signing(&cluster.name_any())
            && let Some(own) = self.stores.secrets.get(&ObjectRef::new(&reference.name).within(&namespace))
        {
            return own.data.as_ref()?.get(&reference.key).map(|value| value.0.clone());
        }
        let place = [namespace.clone(), reference.name.clone(), reference.key.clone()];
        if let Some((key, _)) = keys.get(&place).filter(|(_, at)| at.elapsed() < KEY_AGE) {
            return Some(key.clone());
        }
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &namespace);
        match secrets.get_opt(&reference.name).await {
            Ok(found) => {
                let key = found?.data?.remove(&reference.key)?.0;
                keys.insert(place, (key.clone(), Instant::now()));
                Some(key)
            }
            Err(error) => {
                tracing::debug!(error = %error, "a signing key cannot be read");
                None
            }
        }
    }
}

/// Whether a pod is a server, and not a node of a managed Redis.
pub fn is_server(pod: &Arc<Pod>) -> bool {
    pod.labels().get(names::COMPONENT).map(String::as_str) == Some(names::SERVER)
}
