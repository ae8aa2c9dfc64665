//! What kwok leaves to do of a kubelet's work: what runs in the pods, their readiness probes, and their end. And somebody who watches all pods meanwhile.

use super::redis_pod::RedisPod;
use super::servers::Servers;
use super::witness::Witness;
use chat_operator::names;
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret};
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::reflector::{self, ObjectRef, Store};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, ResourceExt};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashSet;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

/// How often a pod is looked after.
const EVERY: Duration = Duration::from_millis(200);

/// How long the probe of a node of Redis fails until it is not ready any more.
const UNREADY_AFTER: Duration = Duration::from_secs(5);

pub(crate) struct Kubelets {
    pub(crate) servers: Arc<Servers>,
    pub(crate) witness: Arc<Mutex<Witness>>,
    pub(crate) pods: Store<Pod>,
    work: JoinHandle<()>,
}

/// What each pod's life needs.
struct Host {
    client: Client,
    namespace: String,
    /// A folder a volume.
    volumes: PathBuf,
    servers: Arc<Servers>,
    pods: Store<Pod>,
}

impl Kubelets {
    pub(crate) async fn start(client: Client, namespace: &str, volumes: PathBuf) -> Self {
        let servers = Arc::new(Servers::start().await);
        let witness: Arc<Mutex<Witness>> = Arc::default();
        let (pods, writer) = reflector::store();
        let events = watcher(Api::namespaced(client.clone(), namespace), watcher::Config::default());
        let mut events = events.default_backoff().reflect(writer).touched_objects().boxed();
        let host =
            Host { client, namespace: namespace.to_owned(), volumes, servers: servers.clone(), pods: pods.clone() };
        let (host, seen, all) = (Arc::new(host), witness.clone(), pods.clone());
        let work = tokio::spawn(async move {
            let (mut lives, mut known) = (JoinSet::new(), HashSet::new());
            while let Some(pod) = events.next().await {
                seen.lock().see(&all.state());
                let Some(pod) = pod.ok() else { continue };
                let uid = pod.uid().expect("a uid");
                if known.insert(uid.clone()) {
                    let host = host.clone();
                    lives.spawn(async move { host.live(&pod.name_any(), &uid).await });
                }
            }
        });
        Self { servers, witness, pods, work }
    }
}

impl Drop for Kubelets {
    fn drop(&mut self) {
        self.work.abort();
    }
}

impl Host {
    /// From the beginning of a pod to its end.
    async fn live(&self, name: &str, uid: &str) {
        let own = ObjectRef::<Pod>::new(name).within(&self.namespace);
        let (mut redis, mut ready, mut every) = (None, false, tokio::time::interval(EVERY));
        let (mut begun, mut well) = (false, Instant::now());
        loop {
            every.tick().await;
            let Some(pod) = self.pods.get(&own).filter(|pod| pod.uid().as_deref() == Some(uid)) else { break };
            if pod.metadata.deletion_timestamp.is_some() {
                self.end(uid, redis.take()).await;
                self.delete(name).await;
                break;
            }
            let ip = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref()).and_then(|ip| ip.parse().ok());
            let Some(ip) = ip else { continue };
            let is_redis = pod.labels().get(names::COMPONENT).map(String::as_str) == Some(names::REDIS);
            if !begun && is_redis {
                redis = Some(self.redis(&pod, ip).await);
            } else if !begun {
                self.servers.begin(uid, ip, &self.signing_key(&pod).await);
            }
            begun = true;
            let is_ready = match &redis {
                Some(redis) => {
                    let redis: Arc<RedisPod> = Arc::clone(redis);
                    spawn_blocking(move || redis.is_ready()).await.expect("a probe")
                }
                None => self.servers.is_ready(uid).unwrap_or(false),
            };
            well = if is_ready { Instant::now() } else { well };
            // One probe that fails is no reason: the second one, 5 seconds later, is.
            let holds_on = redis.is_some() && ready && well.elapsed() < UNREADY_AFTER;
            if is_ready != ready && !holds_on {
                self.say(name, is_ready).await;
                ready = is_ready;
            }
            let open = pod.labels().get(names::SERVING).map(String::as_str) == Some("true");
            self.servers.let_in(uid, ready && open);
        }
        self.servers.gone(uid);
    }

    async fn end(&self, uid: &str, redis: Option<Arc<RedisPod>>) {
        if let Some(redis) = redis {
            spawn_blocking(move || redis.end()).await.expect("an end");
            return;
        }
        self.servers.end(uid);
        while self.servers.clients(uid).is_some_and(|clients| clients > 0) {
            tokio::time::sleep(EVERY).await;
        }
    }

    async fn redis(&self, pod: &Pod, ip: IpAddr) -> Arc<RedisPod> {
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let files = volumes.filter_map(|volume| volume.config_map.as_ref()).map(|files| files.name.clone()).next();
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        let files = maps.get(&files.expect("files")).await.expect("the ConfigMap");
        // The volume is the claim's: a pod of the same name with another claim finds it empty.
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(self.client.clone(), &self.namespace);
        let claim = claims.get_metadata(&format!("data-{}", pod.name_any())).await.expect("the claim");
        let folder = self.volumes.join(claim.uid().expect("a uid"));
        spawn_blocking(move || Arc::new(RedisPod::start(&folder, ip, &files))).await.expect("a start")
    }

    async fn signing_key(&self, pod: &Pod) -> Vec<u8> {
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let signing = volumes.filter(|volume| volume.name == "signing").find_map(|volume| volume.secret.clone());
        let signing = signing.expect("a signing key");
        let key = signing.items.expect("a key")[0].key.clone();
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let secret = secrets.get(&signing.secret_name.expect("a name")).await.expect("the Secret");
        secret.data.expect("data")[&key].0.clone()
    }

    async fn say(&self, name: &str, ready: bool) {
        let status = if ready { "True" } else { "False" };
        let now = jiff::Timestamp::now().to_string();
        let condition = |kind: &str| json!({ "type": kind, "status": status, "lastTransitionTime": now });
        let change = json!({ "status": { "conditions": [condition("Ready"), condition("ContainersReady")] } });
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        match pods.patch_status(name, &PatchParams::default(), &Patch::Strategic(&change)).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }

    async fn delete(&self, name: &str) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        match pods.delete(name, &now).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}
