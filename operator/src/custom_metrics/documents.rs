//! What the API answers, as JSON: discovery, lists of values, refusals. Always JSON, whatever else a caller would rather have.

use super::GROUP;
use super::path::Version;
use crate::controller::build::{CONNECTIONS, SENDS};
use crate::servers::Total;
use chat_api::ChatCluster;
use http::StatusCode;
use jiff::Timestamp;
use kube::Resource;
use serde_json::{Value, json};

/// A metric of a ChatCluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// Clients that are connected, to draining servers too.
    Connections,
    /// Messages taken a second.
    SendsPerSecond,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Connections, Self::SendsPerSecond];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => CONNECTIONS,
            Self::SendsPerSecond => SENDS,
        }
    }

    /// The metric of this name.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|metric| metric.name() == name)
    }

    /// Its value, as Kubernetes writes quantities.
    pub fn quantity(self, total: &Total) -> String {
        match self {
            Self::Connections => total.connections.to_string(),
            // Thousandths: a float is no quantity.
            Self::SendsPerSecond => {
                let thousandths = format!("{:.0}", total.sends_per_second.max(0.0).abs() * 1000.0);
                match thousandths.strip_suffix("000") {
                    Some(whole) => whole.to_owned(),
                    None if thousandths == "0" => thousandths,
                    None => format!("{thousandths}m"),
                }
            }
        }
    }
}

/// The resource that has metrics, with its group.
pub fn resource() -> String {
    format!("{}.{}", ChatCluster::plural(&()), ChatCluster::group(&()))
}

/// The versions of the group.
pub fn group() -> Value {
    let version =
        |version: Version| json!({ "groupVersion": format!("{GROUP}/{}", version.name()), "version": version.name() });
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": GROUP,
        "versions": Version::ALL.map(version),
        "preferredVersion": version(Version::ALL[0]),
    })
}

/// What a version has.
pub fn resources(version: Version) -> Value {
    let entry = |metric: Metric| {
        json!({
            "name": format!("{}/{}", resource(), metric.name()),
            "singularName": "",
            "namespaced": true,
            "kind": "MetricValueList",
            "verbs": ["get"],
        })
    };
    json!({
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": format!("{GROUP}/{}", version.name()),
        "resources": Metric::ALL.map(entry),
    })
}

/// A metric of one ChatCluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The ChatCluster.
    pub name: String,
    /// What all its servers carry.
    pub total: Total,
    /// As of when: the oldest word that is in it.
    pub at: Timestamp,
}

/// A list of values, in the form of a version.
pub fn values(version: Version, namespace: &str, metric: Metric, figures: &[Figure]) -> Value {
    let items: Vec<_> = figures.iter().map(|figure| item(version, namespace, metric, figure)).collect();
    json!({
        "kind": "MetricValueList",
        "apiVersion": format!("{GROUP}/{}", version.name()),
        "metadata": {},
        "items": items,
    })
}

fn item(version: Version, namespace: &str, metric: Metric, figure: &Figure) -> Value {
    let object = json!({
        "kind": ChatCluster::kind(&()),
        "namespace": namespace,
        "name": figure.name,
        "apiVersion": ChatCluster::api_version(&()),
    });
    let (timestamp, value) = (seconds(figure.at), metric.quantity(&figure.total));
    match version {
        Version::V1Beta1 => json!({
            "describedObject": object,
            "metricName": metric.name(),
            "timestamp": timestamp,
            "value": value,
            "selector": null,
        }),
        Version::V1Beta2 => json!({
            "describedObject": object,
            "metric": { "name": metric.name(), "selector": null },
            "timestamp": timestamp,
            "value": value,
        }),
    }
}

/// Kubernetes' times have whole seconds.
fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A refusal: its message is what a person reads in the HorizontalPodAutoscaler's condition.
pub fn status(code: StatusCode, message: &str) -> Value {
    let reason = match code {
        StatusCode::BAD_REQUEST => "BadRequest",
        StatusCode::UNAUTHORIZED => "Unauthorized",
        StatusCode::FORBIDDEN => "Forbidden",
        StatusCode::NOT_FOUND => "NotFound",
        StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
        StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
        StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
        _ => "InternalError",
    };
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code.as_u16(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figure() -> Figure {
        Figure {
            name: "shop".to_owned(),
            total: Total { connections: 450, sends_per_second: 12.5, at: None },
            at: "2026-01-02T03:04:05.678Z".parse().expect("a time"),
        }
    }

    #[test]
    fn discovery_names_every_metric() {
        insta::assert_json_snapshot!("group", group());
        insta::assert_json_snapshot!("resources", resources(Version::V1Beta2));
        assert_eq!(resources(Version::V1Beta1)["groupVersion"], "custom.metrics.k8s.io/v1beta1");
    }

    #[test]
    fn values_have_the_form_of_their_version() {
        insta::assert_json_snapshot!("v1beta1", values(Version::V1Beta1, "team", Metric::Connections, &[figure()]));
        insta::assert_json_snapshot!("v1beta2", values(Version::V1Beta2, "team", Metric::SendsPerSecond, &[figure()]));
    }

    #[test]
    fn rates_are_quantities() {
        let of =
            |sends_per_second| Metric::SendsPerSecond.quantity(&Total { connections: 0, sends_per_second, at: None });
        assert_eq!(of(0.0), "0");
        assert_eq!(of(3.0), "3");
        assert_eq!(of(0.1), "100m");
        assert_eq!(of(1234.5678), "1234568m");
        assert_eq!(of(-0.0), "0");
    }

    #[test]
    fn refusals_are_status_objects() {
        let status = status(StatusCode::NOT_FOUND, "there is no such thing");
        assert_eq!(
            (&status["kind"], &status["reason"], &status["code"]),
            (&json!("Status"), &json!("NotFound"), &json!(404))
        );
    }
}
