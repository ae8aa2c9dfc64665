//! What is counted of the cluster: closed sets of labels, every row there from the start.

use prometheus::{Gauge, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use std::time::Duration;

/// Why a request on the internal port was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It carries no signature, or not all that belongs to one.
    Unsigned,
    /// The signature is not one under a key of ours, or what was signed is not what came.
    Signature,
    /// It was signed too long ago, or in the future.
    Time,
    /// It came before.
    Replay,
    /// It is for another boot than this one.
    Boot,
    /// Its body is longer than may be.
    TooLarge,
    /// More requests came than can be remembered.
    Crowded,
}

impl Refused {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Unsigned, Self::Signature, Self::Time, Self::Replay, Self::Boot, Self::TooLarge, Self::Crowded];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Signature => "signature",
            Self::Time => "time",
            Self::Replay => "replay",
            Self::Boot => "boot",
            Self::TooLarge => "too_large",
            Self::Crowded => "crowded",
        }
    }
}

/// What a server asks another for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errand {
    /// To answer a client's polling request.
    Forward,
    /// To begin the upgrade of a session.
    Probe,
    /// To end that, since the WebSocket is gone.
    ProbeLost,
    /// To give a session away.
    Take,
}

impl Errand {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Forward, Self::Probe, Self::ProbeLost, Self::Take];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Probe => "probe",
            Self::ProbeLost => "probe_lost",
            Self::Take => "take",
        }
    }
}

/// How a request to another server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With an answer.
    Answered,
    /// The boot is not there any more.
    Gone,
    /// It did not answer in time, or cannot be reached.
    Slow,
    /// It answered what it should not: another version, or other keys.
    Misunderstood,
    /// As many requests as may be were under way already.
    Crowded,
    /// Its answer was not waited for: the client has broken off.
    BrokenOff,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Answered, Self::Gone, Self::Slow, Self::Misunderstood, Self::Crowded, Self::BrokenOff];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Misunderstood => "misunderstood",
            Self::Crowded => "crowded",
            Self::BrokenOff => "broken_off",
        }
    }
}

/// The counters of the cluster.
#[derive(Clone)]
pub struct Counters {
    /// Servers that are known, this one among them.
    pub nodes: IntGauge,
    /// How old the copy of the registry is, in seconds.
    pub registry_age: Gauge,
    /// How far the clock is from Redis's, in seconds.
    pub clock_skew: Gauge,
    /// Other servers that run under this one's node name.
    pub namesakes: IntGauge,
    /// Entries of the registry that were passed over.
    pub foreign_entries: IntCounter,
    beats: IntCounterVec,
    refused: IntCounterVec,
    errands: IntCounterVec,
    errand_seconds: HistogramVec,
}

impl Counters {
    /// Makes and registers them.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let buckets = vec![0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0];
        let counters = Self {
            nodes: IntGauge::new("chat_cluster_nodes", "Servers of this deployment that are known, this one among them.")?,
            registry_age: Gauge::new(
                "chat_cluster_registry_age_seconds",
                "How long ago the registry of servers last answered; the last copy serves meanwhile.",
            )?,
            clock_skew: Gauge::new(
                "chat_cluster_clock_skew_seconds",
                "How far the clock of this server is from that of the registry. Internal requests are refused from 30 s on.",
            )?,
            namesakes: IntGauge::new(
                "chat_cluster_namesakes",
                "Other servers that run under the node name of this one: each needs its own.",
            )?,
            foreign_entries: IntCounter::new(
                "chat_cluster_foreign_entries_total",
                "Entries of the registry that could not be read, or were too many, and were passed over.",
            )?,
            beats: IntCounterVec::new(
                Opts::new("chat_cluster_beats_total", "Times that the server wrote its entry in the registry, by outcome."),
                &["outcome"],
            )?,
            refused: IntCounterVec::new(
                Opts::new("chat_internal_refused_total", "Requests on the internal port that were refused, by reason."),
                &["reason"],
            )?,
            errands: IntCounterVec::new(
                Opts::new("chat_internal_requests_total", "Requests sent to other servers, by kind and outcome."),
                &["request", "outcome"],
            )?,
            errand_seconds: HistogramVec::new(
                HistogramOpts::new(
                    "chat_internal_request_seconds",
                    "How long requests to other servers took, in seconds; a forwarded poll includes the time that it was held.",
                )
                .buckets(buckets),
                &["request"],
            )?,
        };
        registry.register(Box::new(counters.nodes.clone()))?;
        registry.register(Box::new(counters.registry_age.clone()))?;
        registry.register(Box::new(counters.clock_skew.clone()))?;
        registry.register(Box::new(counters.namesakes.clone()))?;
        registry.register(Box::new(counters.foreign_entries.clone()))?;
        registry.register(Box::new(counters.beats.clone()))?;
        registry.register(Box::new(counters.refused.clone()))?;
        registry.register(Box::new(counters.errands.clone()))?;
        registry.register(Box::new(counters.errand_seconds.clone()))?;
        for outcome in ["ok", "failed"] {
            counters.beats.with_label_values(&[outcome]).reset();
        }
        for reason in Refused::ALL {
            counters.refused.with_label_values(&[reason.name()]).reset();
        }
        for errand in Errand::ALL {
            counters.errand_seconds.with_label_values(&[errand.name()]);
            for outcome in Outcome::ALL {
                counters.errands.with_label_values(&[errand.name(), outcome.name()]).reset();
            }
        }
        Ok(counters)
    }

    /// The entry was written, or not.
    pub fn beat(&self, written: bool) {
        self.beats.with_label_values(&[if written { "ok" } else { "failed" }]).inc();
    }

    /// A request was refused.
    pub fn refused(&self, reason: Refused) {
        self.refused.with_label_values(&[reason.name()]).inc();
    }

    /// A request to another server ended.
    pub fn errand(&self, errand: Errand, outcome: Outcome, took: Duration) {
        self.errands.with_label_values(&[errand.name(), outcome.name()]).inc();
        self.errand_seconds.with_label_values(&[errand.name()]).observe(took.as_secs_f64());
    }
}
