//! What the operator counts.

use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The operator's counters. Labels are closed sets, and names of ChatClusters, of which there are few.
pub struct Metrics {
    registry: Registry,
    /// Looks at ChatClusters, by outcome: `ok`, `error`.
    pub reconciles: IntCounterVec,
    /// How long a look takes, in seconds.
    pub reconcile_seconds: Histogram,
    /// Whether this operator leads.
    pub leads: IntGauge,
    /// Servers of a ChatCluster: `wanted`, `serving`, `draining`.
    pub servers: IntGaugeVec,
    /// Clients of a ChatCluster.
    pub connections: IntGaugeVec,
    /// Servers that did not answer when they were asked.
    pub unanswered: IntCounterVec,
}

impl Metrics {
    /// All of them, at zero.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let gauge = |name: &str, help: &str, labels: &[&str]| IntGaugeVec::new(Opts::new(name, help), labels);
        let buckets = vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];
        let metrics = Self {
            reconciles: counter("chat_operator_reconciles_total", "Looks at ChatClusters, by outcome.", &["outcome"])?,
            reconcile_seconds: Histogram::with_opts(
                HistogramOpts::new("chat_operator_reconcile_seconds", "How long a look at a ChatCluster takes.")
                    .buckets(buckets),
            )?,
            leads: IntGauge::new("chat_operator_leads", "Whether this operator leads.")?,
            servers: gauge(
                "chat_operator_servers",
                "Servers of a ChatCluster, by what they do.",
                &["namespace", "cluster", "state"],
            )?,
            connections: gauge("chat_operator_connections", "Clients of a ChatCluster.", &["namespace", "cluster"])?,
            unanswered: counter(
                "chat_operator_servers_unanswered_total",
                "Questions that a server did not answer.",
                &["reason"],
            )?,
            registry,
        };
        let all: [Box<dyn prometheus::core::Collector>; 6] = [
            Box::new(metrics.reconciles.clone()),
            Box::new(metrics.reconcile_seconds.clone()),
            Box::new(metrics.leads.clone()),
            Box::new(metrics.servers.clone()),
            Box::new(metrics.connections.clone()),
            Box::new(metrics.unanswered.clone()),
        ];
        for collector in all {
            metrics.registry.register(collector)?;
        }
        Ok(metrics)
    }

    /// In the text format of Prometheus.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        // Writing to memory fails only for metrics without a name.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut text);
        text
    }
}
