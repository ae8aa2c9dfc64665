//! The HorizontalPodAutoscaler on the ChatCluster, by its connections.

use super::metadata;
use crate::controller::validate::Validated;
use chat_api::{Autoscaling, ChatCluster};
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, MetricIdentifier, MetricSpec, MetricTarget,
    ObjectMetricSource,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::Resource;

/// All connections of a ChatCluster.
pub const CONNECTIONS: &str = "chat_connections";

/// The messages that it takes a second.
pub const SENDS: &str = "chat_sends_per_second";

/// The autoscaler; none where the number of servers is written by people.
pub fn autoscaler(cluster: &Validated) -> Option<HorizontalPodAutoscaler> {
    let own = cluster.spec.autoscaling.as_ref()?;
    let target = CrossVersionObjectReference {
        api_version: Some(ChatCluster::api_version(&()).into_owned()),
        kind: ChatCluster::kind(&()).into_owned(),
        name: cluster.name.clone(),
    };
    let mut metrics = vec![metric(&target, CONNECTIONS, own.connections_per_pod)];
    metrics.extend(own.sends_per_second_per_pod.map(|sends| metric(&target, SENDS, sends)));
    Some(HorizontalPodAutoscaler {
        metadata: metadata(cluster, cluster.name.clone()),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: target,
            min_replicas: Some(own.min_replicas),
            max_replicas: own.max_replicas,
            metrics: Some(metrics),
            behavior: Some(behavior(own)),
        }),
        status: None,
    })
}

/// A total, to be shared: the number wanted is the total divided by the target, however many pods there are.
fn metric(target: &CrossVersionObjectReference, name: &str, each: i32) -> MetricSpec {
    MetricSpec {
        type_: "Object".to_owned(),
        object: Some(ObjectMetricSource {
            described_object: target.clone(),
            metric: MetricIdentifier { name: name.to_owned(), selector: None },
            target: MetricTarget {
                type_: "AverageValue".to_owned(),
                average_value: Some(Quantity(each.to_string())),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    }
}

/// Up soon, since clients wait; down late and slowly, since each server that goes sends its clients away.
fn behavior(own: &Autoscaling) -> HorizontalPodAutoscalerBehavior {
    let policy = |kind: &str, value, period_seconds| HPAScalingPolicy { type_: kind.to_owned(), value, period_seconds };
    let rules = |window, select: &str, policies| HPAScalingRules {
        stabilization_window_seconds: Some(window),
        select_policy: Some(select.to_owned()),
        policies: Some(policies),
        ..HPAScalingRules::default()
    };
    let up = rules(15, "Max", vec![policy("Percent", 100, 30), policy("Pods", 4, 30)]);
    let down = rules(600, "Max", vec![policy("Percent", 10, 60), policy("Pods", 1, 60)]);
    let given = own.behavior.clone().unwrap_or_default();
    HorizontalPodAutoscalerBehavior {
        scale_up: Some(given.scale_up.unwrap_or(up)),
        scale_down: Some(given.scale_down.unwrap_or(down)),
    }
}
