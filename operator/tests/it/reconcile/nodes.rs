//! What Deployments' controllers and kubelets do, as far as the operator can tell: pods come, run and go.

use super::fleet::Fleet;
use chat_operator::controller::observe::DELETION_COST;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

/// The nodes of a namespace.
pub(crate) struct Nodes {
    client: Client,
    namespace: String,
    pub(crate) fleet: Fleet,
}

impl Nodes {
    pub(crate) fn new(client: Client, namespace: &str) -> Self {
        Self { client, namespace: namespace.to_owned(), fleet: Fleet::new() }
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
        for pod in pods.iter().filter(|pod| !deployments.iter().any(|deployment| belongs(pod, deployment))) {
            self.end(pod).await;
            worked = true;
        }
        worked
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
        let key = self.signing_key(&made).await;
        let server = self.fleet.start(&key).await;
        let status = json!({ "status": {
            "phase": "Running", "podIP": server.ip.to_string(), "podIPs": [{ "ip": server.ip.to_string() }],
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{ "name": "server", "image": "x", "imageID": "", "ready": true, "started": true, "restartCount": 0 }],
        }});
        let pods = self.pods();
        pods.patch_status(&made.name_any(), &PatchParams::default(), &Patch::Merge(&status))
            .await
            .expect("a pod's status");
    }

    async fn signing_key(&self, pod: &Pod) -> Vec<u8> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &self.namespace);
        let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
        let signing = volumes.filter(|volume| volume.name == "signing").find_map(|volume| volume.secret.clone());
        let signing = signing.expect("a signing key");
        let key = signing.items.expect("a key")[0].key.clone();
        let secret = secrets.get(&signing.secret_name.expect("a name")).await.expect("the Secret");
        secret.data.expect("data")[&key].0.clone()
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

fn belongs(pod: &Pod, deployment: &Deployment) -> bool {
    let selector = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone()).unwrap_or_default();
    selector.iter().all(|(key, value)| pod.labels().get(key) == Some(value))
}

fn cost(pod: &Pod) -> i64 {
    pod.annotations().get(DELETION_COST).and_then(|cost| cost.parse().ok()).unwrap_or(0)
}
