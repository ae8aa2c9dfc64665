//! The ChatCluster under test: what it says of itself, its servers, and its nodes of Redis.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::kube::{Wrong, get, kubectl, list, name, until};

/// Its name, as the examples have it.
pub const NAME: &str = "chat";

/// Where its clients connect: the NodePort of the examples.
pub const URL: &str = "http://127.0.0.1:30080";

/// How long anything may take that is waited for. Figures say how long it took; this only ends what never comes.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// The ChatCluster as it is.
pub fn shown() -> Result<Value, Wrong> {
    get(&["chatcluster", NAME])
}

/// Changes its spec.
pub fn patch(spec: &Value) -> Result<(), Wrong> {
    let patch = serde_json::json!({ "spec": spec }).to_string();
    kubectl(&["patch", "chatcluster", NAME, "--type", "merge", "--patch", &patch]).map(drop)
}

/// The value, reason and message of one of its conditions.
pub fn condition<'a>(cluster: &'a Value, kind: &str) -> (&'a str, &'a str, &'a str) {
    let of = cluster["status"]["conditions"].as_array().into_iter().flatten().find(|found| found["type"] == kind);
    let text = |field: &str| of.and_then(|found| found[field].as_str()).unwrap_or("-");
    (text("status"), text("reason"), text("message"))
}

/// What it says, in a line.
pub fn words(cluster: &Value) -> String {
    let status = &cluster["status"];
    let text = |field: &str| status[field].as_str().unwrap_or("-");
    format!("{}, {}: {}", text("phase"), text("ready"), text("message"))
}

/// Waits until nothing is left to do for the spec as it is now. Returns how long that took.
pub fn settled() -> Result<Duration, Wrong> {
    let begun = Instant::now();
    until("a ChatCluster in which nothing is left to do", PATIENCE, || {
        let cluster = shown()?;
        let status = &cluster["status"];
        let up_to_date = status["observedGeneration"] == cluster["metadata"]["generation"];
        let one_revision = status["revisions"].as_array().is_some_and(|revisions| revisions.len() == 1);
        let emptied = status["draining"].as_array().is_none_or(Vec::is_empty);
        let holds = |kind, value| condition(&cluster, kind).0 == value;
        let settled = up_to_date
            && one_revision
            && emptied
            && holds("Ready", "True")
            && holds("Progressing", "False")
            && holds("RedisHealthy", "True");
        Ok(if settled { Ok(begun.elapsed()) } else { Err(words(&cluster)) })
    })
}

/// The pods of a component: `server` or `redis`.
pub fn pods(component: &str) -> Result<Vec<Value>, Wrong> {
    list(&["pods", "-l", &format!("chatcluster.dev/cluster={NAME},app.kubernetes.io/component={component}")])
}

/// Whether a pod says that it is ready.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Clients that each server has, by its own metrics. One that does not answer has none.
pub fn spread() -> Result<Vec<u64>, Wrong> {
    let namespace = "/api/v1/namespaces/default/pods";
    let of = |pod: &Value| {
        let metrics = kubectl(&["get", "--raw", &format!("{namespace}/{}:9090/proxy/metrics", name(pod))]);
        metrics.map_or(0, |metrics| total(&metrics, "chat_connections{"))
    };
    Ok(pods("server")?.iter().map(of).collect())
}

/// Clients that all servers together have.
pub fn connections() -> Result<u64, Wrong> {
    Ok(spread()?.iter().sum())
}

/// The sum of a metric's series.
fn total(metrics: &str, series: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with(series));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// Waits until the servers have so many clients.
pub fn gathered(wanted: u64) -> Result<(), Wrong> {
    until(&format!("{wanted} connected clients"), PATIENCE, || {
        let connected = connections()?;
        Ok(if connected >= wanted { Ok(()) } else { Err(format!("{connected} are connected")) })
    })
}

/// The id of a pod's only container.
pub fn container(pod: &Value) -> Result<&str, Wrong> {
    let id = pod["status"]["containerStatuses"][0]["containerID"].as_str();
    id.ok_or_else(|| Wrong::NotSo(format!("pod {} has no container", name(pod))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_of_a_metric_are_added_up() {
        let metrics = "# TYPE chat_connections gauge\nchat_connections{transport=\"polling\"} 3\n\
                       chat_connections{transport=\"websocket\"} 4\nchat_connections_unauthenticated 9\n";
        assert_eq!(total(metrics, "chat_connections{"), 7);
    }

    #[test]
    fn a_condition_is_found_by_its_type() {
        let cluster = serde_json::json!({ "status": { "conditions": [
            { "type": "Ready", "status": "False", "reason": "Invalid", "message": "why" },
        ] } });
        assert_eq!(condition(&cluster, "Ready"), ("False", "Invalid", "why"));
        assert_eq!(condition(&cluster, "Degraded"), ("-", "-", "-"));
    }
}
