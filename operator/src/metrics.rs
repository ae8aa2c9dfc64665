//! What the operator counts. Labels are closed sets, each row of which is there from the start, and names of ChatClusters, whose rows go with them.

use crate::custom_metrics::api::Outcome;
use crate::custom_metrics::path::Version;
use crate::custom_metrics::serve::Admission;
use crate::servers::Unheard;
use parking_lot::Mutex;
use prometheus::proto::Metric;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

/// What a server of a ChatCluster does.
const STATES: [&str; 3] = ["wanted", "serving", "draining"];

/// How a look at a ChatCluster failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The API server did not answer, or refused.
    Api,
    /// What was decided was decided on an older version: it is decided anew.
    Conflict,
    /// An object could not be applied.
    Apply,
    /// An object cannot be as wished until somebody does something: its name is somebody else's, mostly.
    Refused,
    /// The spec cannot be carried out.
    Invalid,
    /// It took too long.
    Late,
}

impl Failure {
    const ALL: [Self; 6] = [Self::Api, Self::Conflict, Self::Apply, Self::Refused, Self::Invalid, Self::Late];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Conflict => "conflict",
            Self::Apply => "apply",
            Self::Refused => "refused",
            Self::Invalid => "invalid",
            Self::Late => "late",
        }
    }
}

/// The operator's counters.
pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    reconcile_seconds: Histogram,
    failures: IntCounterVec,
    /// Whether this operator leads.
    pub leads: IntGauge,
    servers: IntGaugeVec,
    connections: IntGaugeVec,
    /// The ChatClusters that have rows in the two.
    named: Mutex<HashSet<(String, String)>>,
    unanswered: IntCounterVec,
    drains: IntCounterVec,
    scalings: IntCounterVec,
    events: IntCounterVec,
    requests: IntCounterVec,
    admissions: IntCounterVec,
    /// Whether the API server asks this operator for a version of the metrics API.
    pub api_registered: IntGaugeVec,
}

impl Metrics {
    /// All of them, at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let buckets = vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
        let metrics = Self {
            registry: Registry::new(),
            reconciles: counter("chat_operator_reconciles_total", "Looks at ChatClusters, by outcome.", &["outcome"])?,
            reconcile_seconds: Histogram::with_opts(
                HistogramOpts::new("chat_operator_reconcile_seconds", "How long a look at a ChatCluster takes.")
                    .buckets(buckets),
            )?,
            failures: counter(
                "chat_operator_reconcile_errors_total",
                "Looks at ChatClusters that did not get what was wished, by reason.",
                &["reason"],
            )?,
            leads: IntGauge::new("chat_operator_leads", "Whether this operator leads.")?,
            servers: gauge(
                "chat_operator_servers",
                "Servers of a ChatCluster, by what they do; from the operator that leads.",
                &["namespace", "cluster", "state"],
            )?,
            connections: gauge(
                "chat_operator_connections",
                "Clients of a ChatCluster, those of draining servers too; from the operator that leads.",
                &["namespace", "cluster"],
            )?,
            named: Mutex::default(),
            unanswered: counter(
                "chat_operator_servers_unanswered_total",
                "Questions that a server did not answer, by reason.",
                &["reason"],
            )?,
            drains: counter(
                "chat_operator_drains_total",
                "Drains of servers that were begun, came to their end, or were undone.",
                &["event"],
            )?,
            scalings: counter("chat_operator_scalings_total", "Changes of the number of servers.", &["direction"])?,
            events: counter(
                "chat_operator_events_total",
                "Events for people, by whether the API server took them.",
                &["outcome"],
            )?,
            requests: counter(
                "chat_operator_metrics_api_requests_total",
                "Requests of the metrics API, by outcome.",
                &["outcome"],
            )?,
            admissions: counter(
                "chat_operator_metrics_api_connections_total",
                "Connections to the metrics API, by what became of them.",
                &["outcome"],
            )?,
            api_registered: gauge(
                "chat_operator_metrics_api_registered",
                "Whether the API server asks this operator for a version of custom.metrics.k8s.io.",
                &["version"],
            )?,
        };
        metrics.begin();
        metrics.register()?;
        Ok(metrics)
    }

    /// Every row of a closed set is there from the start.
    fn begin(&self) {
        let rows = |counter: &IntCounterVec, labels: &[&str]| {
            for label in labels {
                counter.with_label_values(&[*label]);
            }
        };
        rows(&self.reconciles, &["ok", "error"]);
        rows(&self.failures, &Failure::ALL.map(Failure::name));
        rows(&self.unanswered, &Unheard::ALL.map(Unheard::name));
        rows(&self.drains, &["begun", "ended", "undone"]);
        rows(&self.scalings, &["up", "down"]);
        rows(&self.events, &["taken", "refused", "held_back"]);
        rows(&self.requests, &Outcome::ALL.map(Outcome::name));
        rows(&self.admissions, &Admission::ALL.map(Admission::name));
        for version in Version::ALL {
            self.api_registered.with_label_values(&[version.name()]);
        }
    }

    fn register(&self) -> Result<(), prometheus::Error> {
        self.registry.register(Box::new(self.reconcile_seconds.clone()))?;
        self.registry.register(Box::new(self.leads.clone()))?;
        for counter in [
            &self.reconciles,
            &self.failures,
            &self.unanswered,
            &self.drains,
            &self.scalings,
            &self.events,
            &self.requests,
            &self.admissions,
        ] {
            self.registry.register(Box::new(counter.clone()))?;
        }
        for gauge in [&self.servers, &self.connections, &self.api_registered] {
            self.registry.register(Box::new(gauge.clone()))?;
        }
        Ok(())
    }

    /// A look at a ChatCluster took so many seconds.
    pub fn looked(&self, seconds: f64, ok: bool) {
        self.reconcile_seconds.observe(seconds);
        self.reconciles.with_label_values(&[if ok { "ok" } else { "error" }]).inc();
    }

    /// A look did not get what was wished.
    pub fn failed(&self, failure: Failure) {
        self.failures.with_label_values(&[failure.name()]).inc();
    }

    /// How a ChatCluster is. Connections stay as they were where a server is silent: the sum of the others would look like a loss.
    pub fn cluster(
        &self,
        namespace: &str,
        name: &str,
        [wanted, serving, draining]: [usize; 3],
        connections: Option<u64>,
    ) {
        self.named.lock().insert((namespace.to_owned(), name.to_owned()));
        for (state, count) in STATES.into_iter().zip([wanted, serving, draining]) {
            self.servers.with_label_values(&[namespace, name, state]).set(count as i64);
        }
        if let Some(connections) = connections {
            self.connections.with_label_values(&[namespace, name]).set(connections as i64);
        }
    }

    /// Removes the rows of ChatClusters that are gone.
    pub fn keep(&self, is_there: impl Fn(&str, &str) -> bool) {
        self.named.lock().retain(|(namespace, name)| {
            let stays = is_there(namespace, name);
            if !stays {
                // A row that was never written is not there to be removed.
                let _ = self.connections.remove_label_values(&[namespace, name]);
                for state in STATES {
                    let _ = self.servers.remove_label_values(&[namespace.as_str(), name, state]);
                }
            }
            stays
        });
    }

    /// A server did not say how it is.
    pub fn unheard(&self, reason: Unheard) {
        self.unanswered.with_label_values(&[reason.name()]).inc();
    }

    /// Drains were begun, came to their end, or were undone.
    pub fn drained(&self, begun: usize, ended: usize, undone: usize) {
        for (event, count) in [("begun", begun), ("ended", ended), ("undone", undone)] {
            self.drains.with_label_values(&[event]).inc_by(count as u64);
        }
    }

    /// The number of servers was changed.
    pub fn scaled(&self, up: bool) {
        self.scalings.with_label_values(&[if up { "up" } else { "down" }]).inc();
    }

    /// An event was written, refused by the API server, or held back since there were too many.
    pub fn told(&self, outcome: Option<bool>) {
        let outcome = match outcome {
            Some(true) => "taken",
            Some(false) => "refused",
            None => "held_back",
        };
        self.events.with_label_values(&[outcome]).inc();
    }

    /// The metrics API was asked.
    pub fn asked(&self, outcome: Outcome) {
        self.requests.with_label_values(&[outcome.name()]).inc();
    }

    /// Somebody connected to the metrics API.
    pub fn admitted(&self, admission: Admission) {
        self.admissions.with_label_values(&[admission.name()]).inc();
    }

    /// The table of all metrics, for the documentation.
    pub fn document() -> Result<String, prometheus::Error> {
        let metrics = Self::new()?;
        // Those that a ChatCluster has.
        metrics.cluster("", "", [0; 3], Some(0));
        let mut table = String::from(
            "# Metrics of the operator\n\nGenerated from the code by `make generate`. Served at `/metrics` on port 9090. Those of the servers: [metrics.md](metrics.md).\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n",
        );
        for family in metrics.registry.gather() {
            let rows = family.get_metric().iter();
            let labels: BTreeSet<_> =
                rows.flat_map(Metric::get_label).map(|label| format!("`{}`", label.name())).collect();
            let labels: Vec<_> = labels.into_iter().collect();
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            // A String takes all that is written.
            let _ = writeln!(table, "| `{}` | {kind} | {} | {} |", family.name(), labels.join(", "), family.help());
        }
        Ok(table)
    }

    /// In the text format of Prometheus.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory fails only for metrics without a name.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_chatcluster_go_with_it() {
        let metrics = Metrics::new().expect("metrics");
        metrics.cluster("team", "shop", [3, 2, 1], Some(40));
        metrics.cluster("team", "other", [1, 1, 0], None);
        let text = || String::from_utf8(metrics.text()).expect("text");
        assert!(text().contains(r#"chat_operator_servers{cluster="shop",namespace="team",state="draining"} 1"#));
        assert!(text().contains(r#"chat_operator_connections{cluster="shop",namespace="team"} 40"#));
        metrics.cluster("team", "shop", [3, 2, 1], None);
        assert!(text().contains(r#"chat_operator_connections{cluster="shop",namespace="team"} 40"#));
        metrics.keep(|_, name| name != "shop");
        assert!(!text().contains("shop"));
        assert!(text().contains(r#"cluster="other""#));
    }

    #[test]
    fn closed_sets_are_there_from_the_start() {
        let metrics = Metrics::new().expect("metrics");
        let text = String::from_utf8(metrics.text()).expect("text");
        for row in [
            r#"chat_operator_metrics_api_requests_total{outcome="forbidden"} 0"#,
            r#"chat_operator_reconcile_errors_total{reason="refused"} 0"#,
            r#"chat_operator_metrics_api_registered{version="v1beta2"} 0"#,
            r#"chat_operator_servers_unanswered_total{reason="silent"} 0"#,
        ] {
            assert!(text.contains(row), "{row}");
        }
    }
}
