//! What the server counts. Labels come from closed sets, and every row is there from the start.

mod volatile;

pub use volatile::Volatile;

use crate::cluster;
use crate::refusal::Code;
use crate::requests::Name;
use chat_settings::Limit;
use chat_socket::Counters;
use prometheus::proto::Metric;
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use std::collections::BTreeSet;
use std::fmt::Write;

/// How a connect with a `pid` ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// The session goes on.
    Recovered,
    /// It was not there any more, or another user's.
    Unknown,
    /// The store did not answer.
    Unavailable,
}

impl Recovery {
    const ALL: [Self; 3] = [Self::Recovered, Self::Unknown, Self::Unavailable];

    const fn name(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Unknown => "unknown",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Who owned a session and had not let go of it when it was taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastOwner {
    /// This server: its client was cut off, and the connection looks alive.
    Here,
    /// A server that is there, as far as one knows: cut off from its client, or killed just now.
    There,
    /// A server that is not there any more.
    Gone,
}

impl LastOwner {
    const ALL: [Self; 3] = [Self::Here, Self::There, Self::Gone];

    const fn name(self) -> &'static str {
        match self {
            Self::Here => "here",
            Self::There => "there",
            Self::Gone => "gone",
        }
    }
}

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    /// What the sockets count.
    pub sockets: Counters,
    /// What is counted of the other servers.
    pub cluster: cluster::Counters,
    /// Requests, by event and outcome (`ok`, or the code of the error).
    requests: IntCounterVec,
    recoveries: IntCounterVec,
    /// Sessions that are kept, connected or not.
    pub sessions: IntGauge,
    /// Sessions that went on here though their last owner had not let go of them.
    leases_taken_over: IntCounterVec,
    /// Sessions that turned out to be over when they were renewed.
    pub sessions_lost: IntCounter,
    /// Values where a record should be that are none.
    pub foreign_records: IntCounter,
    /// Values where a room, a member or a list should be that are none.
    pub foreign_rooms: IntCounter,
    /// Rooms that are kept.
    pub rooms: IntGauge,
    /// Entries sent to members, each counted once a member.
    pub deliveries: IntCounter,
    /// Members that went from live to reading the log.
    pub fell_behind: IntCounter,
    /// Pages read from the log for members that were behind.
    pub pages_read: IntCounter,
    /// `gap` events.
    pub gaps: IntCounter,
    /// `void` events.
    pub voids: IntCounter,
    /// Times that a room found its log to go on elsewhere than it was followed to.
    pub disturbances: IntCounter,
    /// Entries of the log that this server cannot read, passed over.
    pub foreign_entries: IntCounter,
    /// Volatile events that were not sent to somebody who had not read what came before.
    pub volatile_dropped: IntCounter,
    /// Volatile events between servers, and presence.
    pub volatile: Volatile,
    /// Bytes of the entries and ids that the memory log holds.
    pub log_bytes: IntGauge,
    /// Entries that the memory log holds.
    pub log_entries: IntGauge,
    /// Rooms that are followed on Redis.
    pub rooms_followed: IntGauge,
    /// How long appends took.
    pub append_seconds: Histogram,
    /// Whether the server drains.
    pub draining: IntGauge,
}

impl Metrics {
    /// Makes and registers them.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let counters = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        let requests = counters("chat_requests_total", "Requests, by event and outcome.", &["event", "outcome"])?;
        for name in Name::ALL {
            for outcome in Code::ALL.iter().map(|code| code.name()).chain(["ok"]) {
                requests.with_label_values(&[name.text(), outcome]).reset();
            }
        }
        let sockets = Counters::new(&registry)?;
        for limit in Limit::ALL {
            sockets.limits.with_label_values(&[limit.name()]).reset();
        }
        let recoveries =
            counters("chat_recoveries_total", "Connects with a session to recover, by outcome.", &["outcome"])?;
        for outcome in Recovery::ALL {
            recoveries.with_label_values(&[outcome.name()]).reset();
        }
        let leases_taken_over = counters(
            "chat_leases_taken_over_total",
            "Sessions that went on here though their last owner had not let go of them, by who that was: this server, one that the registry had, one that it had not. \
             A server that was killed is in the registry for 10 s more.",
            &["owner"],
        )?;
        for owner in LastOwner::ALL {
            leases_taken_over.with_label_values(&[owner.name()]).reset();
        }
        let append_seconds = Histogram::with_opts(
            HistogramOpts::new("chat_append_seconds", "How long appends to the log took, in seconds.")
                .buckets(vec![0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
        )?;
        registry.register(Box::new(append_seconds.clone()))?;
        Ok(Self {
            cluster: cluster::Counters::new(&registry)?,
            sockets,
            requests,
            recoveries,
            sessions: gauge(
                "chat_sessions",
                "Sessions that this server keeps: with the memory log all that can go on, with Redis those with a connection here.",
            )?,
            leases_taken_over,
            sessions_lost: counter(
                "chat_sessions_lost_total",
                "Sessions of this server that had expired or gone to another one when they were to be renewed.",
            )?,
            foreign_rooms: counter(
                "chat_rooms_foreign_values_total",
                "Values in the place of a room, its members or a list of rooms that could not be read.",
            )?,
            foreign_records: counter(
                "chat_session_foreign_records_total",
                "Values in the place of a session's record that could not be read.",
            )?,
            rooms: gauge("chat_rooms", "Rooms that are kept.")?,
            deliveries: counter("chat_deliveries_total", "Entries sent to members, once for each.")?,
            fell_behind: counter("chat_members_fell_behind_total", "Members that went from live to reading the log.")?,
            pages_read: counter("chat_pages_read_total", "Pages read from the log for members that were behind.")?,
            gaps: counter("chat_gaps_total", "Times that a client was told of entries that cannot be had any more.")?,
            voids: counter("chat_voids_total", "Times that a client was told to withdraw entries.")?,
            disturbances: counter(
                "chat_log_disturbances_total",
                "Times that a room found its log to go on elsewhere than it had followed it to.",
            )?,
            foreign_entries: counter(
                "chat_log_foreign_entries_total",
                "Entries of the log that could not be read and were passed over.",
            )?,
            volatile_dropped: counter(
                "chat_volatile_dropped_total",
                "Volatile events not sent to a member that had not read what came before.",
            )?,
            volatile: Volatile::new(&registry)?,
            log_bytes: gauge("chat_log_bytes", "Bytes that the memory log holds.")?,
            log_entries: gauge("chat_log_entries", "Entries that the memory log holds.")?,
            rooms_followed: gauge("chat_rooms_followed", "Rooms with members here that are followed on Redis.")?,
            append_seconds,
            draining: gauge("chat_draining", "1 while the server drains.")?,
            registry,
        })
    }

    /// A request was answered.
    pub fn request(&self, name: Name, outcome: Result<(), Code>) {
        let outcome = outcome.err().map_or("ok", Code::name);
        self.requests.with_label_values(&[name.text(), outcome]).inc();
    }

    /// A limit was reached.
    pub fn limit(&self, limit: Limit) {
        self.sockets.limits.with_label_values(&[limit.name()]).inc();
    }

    /// A session was taken from an owner that had not let go of it.
    pub fn lease_taken_over(&self, owner: LastOwner) {
        self.leases_taken_over.with_label_values(&[owner.name()]).inc();
    }

    /// How often that was so.
    pub fn leases_taken_over(&self, owner: LastOwner) -> u64 {
        self.leases_taken_over.with_label_values(&[owner.name()]).get()
    }

    /// A connect with a `pid` ended.
    pub fn recovery(&self, outcome: Recovery) {
        self.recoveries.with_label_values(&[outcome.name()]).inc();
    }

    /// Adds what is counted of Redis, and of the rooms on it.
    pub fn register_redis(
        &self,
        redis: &chat_redis::Counters,
        log: &chat_log::redis::Counters,
    ) -> prometheus::Result<()> {
        redis.register(&self.registry)?;
        log.register(&self.registry)
    }

    /// The metrics in the text format of Prometheus.
    pub fn text(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap_or_default()
    }

    /// The table of all metrics, for the documentation.
    pub fn document(&self) -> String {
        let mut table = String::from(
            "# Metrics\n\nGenerated from the code by `make generate`. Served at `/metrics` on the metrics port.\n\n| metric | type | labels | meaning |\n|---|---|---|---|\n",
        );
        for family in self.registry.gather() {
            let metrics = family.get_metric().iter();
            let labels: BTreeSet<_> =
                metrics.flat_map(Metric::get_label).map(|label| format!("`{}`", label.name())).collect();
            let labels: Vec<_> = labels.into_iter().collect();
            let kind = format!("{:?}", family.get_field_type()).to_lowercase();
            // A String takes all that is written.
            let _ = writeln!(table, "| `{}` | {kind} | {} | {} |", family.name(), labels.join(", "), family.help());
        }
        table
    }
}
