//! What is made for Prometheus and Grafana.

use super::metadata;
use crate::controller::validate::Validated;
use crate::names;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::json;
use std::collections::BTreeMap;

/// The kind of the Prometheus operator, which a cluster may know or not.
pub fn pod_monitor_kind() -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("monitoring.coreos.com", "v1", "PodMonitor"),
        "podmonitors",
    )
}

/// Has Prometheus ask every server, where that is wished for.
pub fn pod_monitor(cluster: &Validated) -> Option<DynamicObject> {
    if !cluster.spec.monitoring.pod_monitor {
        return None;
    }
    let spec = json!({ "spec": {
        "selector": { "matchLabels": names::selector(&cluster.name, names::SERVER) },
        "podTargetLabels": [names::CLUSTER, names::REVISION],
        "podMetricsEndpoints": [{ "port": "metrics", "interval": "15s" }],
    }});
    let mut object = DynamicObject::new(&cluster.name, &pod_monitor_kind()).data(spec);
    object.metadata = metadata(cluster, cluster.name.clone());
    Some(object)
}

/// The dashboard, for Grafana's sidecar, where it is wished for. `json` is the dashboard's text.
pub fn dashboard(cluster: &Validated, json: &str) -> Option<ConfigMap> {
    if !cluster.spec.monitoring.dashboard {
        return None;
    }
    let mut metadata = metadata(cluster, dashboard_name(cluster));
    metadata.labels.get_or_insert_default().insert("grafana_dashboard".to_owned(), "1".to_owned());
    let file = format!("chatcluster-{}.json", cluster.name);
    Some(ConfigMap { metadata, data: Some(BTreeMap::from([(file, json.to_owned())])), ..ConfigMap::default() })
}

/// The ConfigMap of the dashboard.
pub fn dashboard_name(cluster: &Validated) -> String {
    format!("{}-dashboard", cluster.name)
}
