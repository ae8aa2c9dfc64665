//! Whether the autoscaler gets the figures that it scales by: in its own words, and with what to do where the metrics API is not ours.

use super::status::Finding;
use crate::custom_metrics::registration::{Held, Standing};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;

/// Where all of it is told.
const PAGE: &str = "docs/autoscaling.md";

/// What is to be said of an autoscaler. `standing` says whose the metrics API is, where this operator serves it.
pub fn scaling(autoscaler: Option<&HorizontalPodAutoscaler>, standing: Option<&Standing>) -> Finding {
    let conditions = autoscaler.and_then(|autoscaler| autoscaler.status.as_ref()?.conditions.as_ref());
    let said = conditions.and_then(|all| all.iter().find(|condition| condition.type_ == "ScalingActive"));
    let other = standing.and_then(Standing::other);
    let unknown_api = standing.is_some_and(|standing| standing.v1beta2 == Held::Nobody);
    let words = || said.and_then(|condition| condition.message.clone()).unwrap_or_default();
    match (said.map(|condition| condition.status.as_str()), other) {
        (Some("True"), None) => Finding::yes("MetricsServed", "the autoscaler gets the metrics of this ChatCluster"),
        (Some("True"), Some((_, service))) => {
            Finding::yes("OtherAdapter", format!("the autoscaler gets the metrics of this ChatCluster from {service}"))
        }
        (_, Some((version, service))) => Finding::no(
            "OtherAdapter",
            format!(
                "{} is served by {service}, which this operator does not displace: give that adapter the rules of {PAGE}, or remove its APIService",
                version.service()
            ),
        ),
        (_, None) if unknown_api => Finding::no(
            "NoMetricsApi",
            format!(
                "the API server does not know custom.metrics.k8s.io: install the chart with metricsApi.enabled ({PAGE})"
            ),
        ),
        (Some("False"), None) => Finding::no("NoMetrics", words()),
        (Some(_) | None, None) => Finding {
            holds: None,
            reason: "NotAskedYet",
            message: "the autoscaler has not asked for metrics yet".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn autoscaler(status: &str, message: &str) -> HorizontalPodAutoscaler {
        serde_json::from_value(json!({
            "metadata": { "name": "chat" },
            "status": { "desiredReplicas": 1, "currentReplicas": 1, "conditions": [
                { "type": "AbleToScale", "status": "True" },
                { "type": "ScalingActive", "status": status, "message": message },
            ] },
        }))
        .expect("an autoscaler")
    }

    fn said(autoscaler: Option<&HorizontalPodAutoscaler>, standing: Option<&Standing>) -> (Option<bool>, &'static str) {
        let Finding { holds, reason, message } = scaling(autoscaler, standing);
        assert!(!message.is_empty());
        (holds, reason)
    }

    #[test]
    fn the_autoscaler_has_its_say() {
        let ours = Standing { v1beta2: Held::Ours, v1beta1: Held::Ours };
        let (well, ill) = (autoscaler("True", "all is well"), autoscaler("False", "1 of 2 servers have not answered"));
        assert_eq!(said(Some(&well), Some(&ours)), (Some(true), "MetricsServed"));
        assert_eq!(said(Some(&ill), Some(&ours)), (Some(false), "NoMetrics"));
        assert_eq!(scaling(Some(&ill), Some(&ours)).message, "1 of 2 servers have not answered");
        assert_eq!(said(None, Some(&ours)), (None, "NotAskedYet"));
        assert_eq!(said(Some(&well), None), (Some(true), "MetricsServed"), "another operator may serve it");
        assert_eq!(said(Some(&ill), None), (Some(false), "NoMetrics"));
    }

    #[test]
    fn another_adapter_is_named_until_it_serves() {
        let other = Standing { v1beta2: Held::Ours, v1beta1: Held::Other("monitoring/adapter".to_owned()) };
        assert_eq!(said(Some(&autoscaler("False", "no")), Some(&other)), (Some(false), "OtherAdapter"));
        assert_eq!(said(None, Some(&other)), (Some(false), "OtherAdapter"));
        assert_eq!(said(Some(&autoscaler("True", "yes")), Some(&other)), (Some(true), "OtherAdapter"));
        let message = scaling(None, Some(&other)).message;
        assert!(message.contains("v1beta1.custom.metrics.k8s.io is served by monitoring/adapter"), "{message}");
    }

    #[test]
    fn an_api_that_is_not_entered_is_missed() {
        let nobody = Standing { v1beta2: Held::Nobody, v1beta1: Held::Nobody };
        assert_eq!(said(Some(&autoscaler("False", "no")), Some(&nobody)), (Some(false), "NoMetricsApi"));
        assert_eq!(said(None, Some(&Standing::default())), (None, "NotAskedYet"));
    }
}
