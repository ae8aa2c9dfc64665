//! What Deployments' controllers and kubelets do, as far as the operator can tell: pods come, run and go.

use super::fleet::Fleet;
use chat_operator::controller::observe::DELETION_COST;
use chat_operator::names;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Pod, PodSpec, Secret, Volume};
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

/// The nodes of a namespace.
pub(crate) struct Nodes {
    client: Client,
    namespace: String,
    pub(crate) fleet: Fleet,
    /// The image that no registry has: its pods stay as they are.
    pub(crate) no_image: Option<&'static str>,
}

impl Nodes {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), fleet: Fleet::new(), no_image: None }
    }

    pub(crate) fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Gives every Deployment its pods, and takes those that are too many, as a ReplicaSet chooses them. Returns whether there was anything to do.
    pub(crate) async fn work(&mut self) -> bool {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let deployments = deployments.list(&ListParams::default()).await.expect("Deployments").items;
        let pods = self.pods().list(&ListParams::default()).await.expect("pods").items;
        let mut worked = false;
        for deployment in &deployments {
            let spec = deployment.spec.as_ref().expect("a spec");
            let wanted = usize::try_from(spec.replicas.unwrap_or(1)).expect("a number");
            let mut own: Vec<_> = pods.iter().filter(|pod| belongs(pod, deployment)).collect();
            for _ in own.len()..wanted {
                self.make(deployment).await;
                worked = true;
            }
            // Those that are marked go first, then the youngest.
            own.sort_by_key(|pod| (cost(pod), std::cmp::Reverse(pod.creation_timestamp())));
            for pod in own.iter().take(own.len().saturating_sub(wanted)) {
                self.end(pod).await;
                worked = true;
            }
        }
        worked |= Box::pin(self.wait_for_redis(&pods)).await;
        let of_servers = |pod: &&Pod| !is_of_redis(pod);
        for pod in
            pods.iter().filter(of_servers).filter(|pod| !deployments.iter().any(|deployment| belongs(pod, deployment)))
        {
            self.end(pod).await;
            worked = true;
        }
        worked
    }

    /// Gives StatefulSets their pods, if they wait for an image. There is no Redis here that could run in others.
    async fn wait_for_redis(&self, pods: &[Pod]) -> bool {
        let sets: Api<StatefulSet> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut worked = false;
        for set in sets.list(&ListParams::default()).await.expect("StatefulSets").items {
            let spec = set.spec.clone().expect("a spec");
            let template = spec.template;
            if !self.lacks_image(template.spec.as_ref().expect("pods")) {
                continue;
            }
            for number in 0..spec.replicas.unwrap_or(1) {
                let name = format!("{}-{number}", set.name_any());
                if pods.iter().any(|pod| pod.name_any() == name) {
                    continue;
                }
                let metadata = ObjectMeta { name: Some(name.clone()), ..template.metadata.clone().unwrap_or_default() };
                let mut pod = Pod { metadata, spec: template.spec.clone(), status: None };
                let claimed = Volume { name: "data".to_owned(), ..Volume::default() };
                pod.spec.as_mut().expect("a spec").volumes.get_or_insert_default().push(claimed);
                self.pods().create(&PostParams::default(), &pod).await.expect("a pod that is taken");
                self.have_wait(&name, "redis").await;
                worked = true;
            }
        }
        worked
    }

    fn lacks_image(&self, pod: &PodSpec) -> bool {
        self.no_image.is_some() && pod.containers[0].image.as_deref() == self.no_image
    }

    async fn have_wait(&self, name: &str, container: &str) {
        self.status(name, &waiting(container, self.no_image.unwrap_or_default(), "ErrImagePull")).await;
    }

    pub(crate) async fn status(&self, name: &str, status: &Value) {
        let status = json!({ "status": status });
        self.pods().patch_status(name, &PatchParams::default(), &Patch::Merge(&status)).await.expect("a pod's status");
    }

    async fn make(&mut self, deployment: &Deployment) {
        let template = deployment.spec.clone().expect("a spec").template;
        let metadata = template.metadata.unwrap_or_default();
        let pod = Pod {
            metadata: ObjectMeta { generate_name: Some(format!("{}-", deployment.name_any())), ..metadata },
            spec: template.spec,
            status: None,
        };
        let made = self.pods().create(&PostParams::default(), &pod).await.expect("a pod that is taken");
        if self.lacks_image(made.spec.as_ref().expect("a spec")) {
            return self.have_wait(&made.name_any(), "server").await;
        }
        let mut keys = vec![self.key(&made, "signing").await.expect("a signing key")];
        keys.extend(self.key(&made, "signing-accepted").await);
        let server = self.fleet.start(&keys).await;
        let status = json!({
            "phase": "Running", "podIP": server.ip.to_string(), "podIPs": [{ "ip": server.ip.to_string() }],
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{ "name": "server", "image": "x", "imageID": "", "ready": true, "started": true, "restartCount": 0 }],
        });
        self.status(&made.name_any(), &status).await;
    }

    /// A key that a pod mounts.
    async fn key(&self, pod: &Pod, mounted: &str) -> Option<Vec<u8>> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let signing = volumes.filter(|volume| volume.name == mounted).find_map(|volume| volume.secret.clone())?;
        let key = signing.items.expect("a key")[0].key.clone();
        let secret = secrets.get(&signing.secret_name.expect("a name")).await.expect("the Secret");
        Some(secret.data.expect("data")[&key].0.clone())
    }

    async fn end(&self, pod: &Pod) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        match self.pods().delete(&pod.name_any(), &now).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// The status of a pod whose container waits.
pub(crate) fn waiting(container: &str, image: &str, reason: &str) -> Value {
    json!({
        "phase": "Pending",
        "conditions": [{ "type": "Ready", "status": "False" }],
        "containerStatuses": [{
            "name": container, "image": image, "imageID": "", "ready": false, "started": false, "restartCount": 0,
            "state": { "waiting": { "reason": reason } },
        }],
    })
}

fn is_of_redis(pod: &Pod) -> bool {
    pod.labels().get(names::COMPONENT).map(String::as_str) == Some(names::REDIS)
}

fn belongs(pod: &Pod, deployment: &Deployment) -> bool {
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
}

fn cost(pod: &Pod) -> i64 {
    pod.annotations().get(DELETION_COST).and_then(|cost| cost.parse().ok()).unwrap_or(0)
}
