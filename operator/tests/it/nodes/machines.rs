//! Nodes that kwok keeps, and disks that any of them can have.

use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::{Api, Client};
use serde_json::{Value, json};

/// Disks of it can be had by any node, as those of a network can.
pub(crate) const CLASS: &str = "network";

pub(crate) struct Machines {
    client: Client,
    pub(crate) nodes: usize,
    disks: Vec<String>,
}

/// The name of a node.
pub(crate) fn node(number: usize) -> String {
    format!("node-{number}")
}

/// The zone that it is in: as many nodes in each as can be.
pub(crate) fn zone(number: usize, zones: usize) -> String {
    format!("zone-{}", number % zones)
}

impl Machines {
    /// So many nodes in so many zones, and so many disks.
    pub(crate) async fn new(client: Client, nodes: usize, zones: usize, disks: usize) -> Self {
        // One that is deleted may stay for a while: no name is used again.
        let disks = (0..disks).map(|_| format!("disk-{:08x}", rand::random::<u32>())).collect();
        let machines = Self { client, nodes, disks };
        let class = json!({ "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "Immediate" });
        machines.apply(("storage.k8s.io", "v1", "StorageClass"), CLASS, class).await;
        for number in 0..nodes {
            let name = node(number);
            let size = json!({ "cpu": "16", "memory": "64Gi", "pods": "110" });
            let labels = json!({
                "kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "topology.kubernetes.io/zone": zone(number, zones),
            });
            let wish = json!({
                "metadata": { "labels": labels },
                "spec": { "podCIDR": format!("10.208.{number}.0/24") },
                "status": { "capacity": size, "allocatable": size },
            });
            machines.create(("", "v1", "Node"), &name, wish).await;
        }
        for disk in &machines.disks {
            let spec = json!({
                "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "8Gi" }, "storageClassName": CLASS,
                "persistentVolumeReclaimPolicy": "Retain", "hostPath": { "path": format!("/{disk}") },
            });
            machines.apply(("", "v1", "PersistentVolume"), disk, json!({ "spec": spec })).await;
        }
        machines
    }

    /// All of them go.
    pub(crate) async fn remove(self) {
        for number in 0..self.nodes {
            self.delete(("", "v1", "Node"), &node(number)).await;
        }
        for disk in &self.disks {
            self.delete(("", "v1", "PersistentVolume"), disk).await;
        }
    }

    fn api(&self, (group, version, kind): (&str, &str, &str)) -> Api<DynamicObject> {
        Api::all_with(self.client.clone(), &ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
    }

    async fn create(&self, kind: (&str, &str, &str), name: &str, wish: Value) {
        let mut object =
            DynamicObject::new(name, &ApiResource::from_gvk(&GroupVersionKind::gvk(kind.0, kind.1, kind.2)));
        object.metadata.labels = serde_json::from_value(wish["metadata"]["labels"].clone()).expect("labels");
        object.data = json!({ "spec": wish["spec"], "status": wish["status"] });
        self.api(kind).create(&kube::api::PostParams::default(), &object).await.expect("an object that is taken");
    }

    async fn apply(&self, kind: (&str, &str, &str), name: &str, mut wish: Value) {
        wish["apiVersion"] =
            json!(if kind.0.is_empty() { kind.1.to_owned() } else { format!("{}/{}", kind.0, kind.1) });
        wish["kind"] = json!(kind.2);
        wish["metadata"] = json!({ "name": name });
        let ours = PatchParams::apply("tests").force();
        self.api(kind).patch(name, &ours, &Patch::Apply(&wish)).await.expect("an object that is taken");
    }

    async fn delete(&self, kind: (&str, &str, &str), name: &str) {
        let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
        self.api(kind).delete(name, &now).await.expect("an object that goes");
    }
}
