//! What the layer counts. Labels come from closed sets, and every row is there from the start.

use std::sync::Arc;
use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::call::WriteError;
use crate::fault::Fault;
use crate::topology::{Role, Topology};

/// The counters of a cluster; cheap to clone.
#[derive(Clone, Debug)]
pub struct Counters {
    all: Arc<All>,
}

#[derive(Debug)]
struct All {
    write_seconds: Histogram,
    batch_seconds: Histogram,
    wait_seconds: Histogram,
    batch_calls: Histogram,
    writes: IntCounterVec,
    batches: IntCounterVec,
    faults: IntCounterVec,
    broken: IntCounterVec,
    connects: IntCounterVec,
    rounds: IntCounter,
    topology_changes: IntCounter,
    posts_dropped: IntCounter,
    queue_refusals: IntCounter,
    library_loads: IntCounter,
    libraries_deleted: IntCounter,
    raises: IntCounter,
    channels: IntGauge,
    subscribes: IntCounterVec,
    messages: IntCounter,
    messages_lost: IntCounter,
    disturbances: IntCounter,
}

/// Whom a connection serves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Write,
    Read,
    Subscribe,
    Topology,
}

impl Purpose {
    const ALL: [Self; 4] = [Self::Write, Self::Read, Self::Subscribe, Self::Topology];

    const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Subscribe => "subscribe",
            Self::Topology => "topology",
        }
    }
}

/// What the node was, as far as one knew, that an error came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    Master,
    Replica,
    /// It was in no view yet, or in none any more.
    Unknown,
}

impl Sender {
    const ALL: [Self; 3] = [Self::Master, Self::Replica, Self::Unknown];

    const fn name(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
            Self::Unknown => "unknown",
        }
    }

    /// What the node of this address is in this view.
    pub(crate) fn at(address: &str, topology: &Topology) -> Self {
        match topology.nodes.iter().find(|node| *node.address == *address).map(|node| &node.role) {
            Some(Role::Master) => Self::Master,
            Some(Role::Replica { .. }) => Self::Replica,
            None => Self::Unknown,
        }
    }
}

/// How a batch of writes ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BatchEnd {
    Replicated,
    Unreplicated,
    Short,
    Broken,
    Unreachable,
    Replaced,
}

impl BatchEnd {
    const ALL: [Self; 6] =
        [Self::Replicated, Self::Unreplicated, Self::Short, Self::Broken, Self::Unreachable, Self::Replaced];

    const fn name(self) -> &'static str {
        match self {
            Self::Replicated => "replicated",
            Self::Unreplicated => "unreplicated",
            Self::Short => "short",
            Self::Broken => "broken",
            Self::Unreachable => "unreachable",
            Self::Replaced => "replaced",
        }
    }
}

const WRITE_OUTCOMES: [&str; 7] =
    ["ok", "ok_unreplicated", "unavailable", "unknown", "unreplicated", "out_of_memory", "refused"];

impl Default for Counters {
    fn default() -> Self {
        let seconds = vec![0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0];
        let sizes = vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
        let all = All {
            write_seconds: histogram(
                "write_seconds",
                "From the call of a write until it counts or fails.",
                seconds.clone(),
            ),
            batch_seconds: histogram(
                "batch_seconds",
                "A batch of writes with its WAIT, as one pipeline.",
                seconds.clone(),
            ),
            wait_seconds: histogram(
                "wait_seconds",
                "How long the replicas took to have a batch: its WAIT, by the master's own clock.",
                seconds,
            ),
            batch_calls: histogram("batch_calls", "Writes in a batch.", sizes),
            writes: vector("writes_total", "Writes by outcome.", &["outcome"]),
            batches: vector("batches_total", "Batches of writes by what their WAIT said.", &["outcome"]),
            faults: vector(
                "faults_total",
                "Error replies by kind, redirects among them, and by the role of the node as it was known.",
                &["kind", "role"],
            ),
            broken: vector(
                "broken_connections_total",
                "Connections that were given up, by what they served and by the role of the node as it was known.",
                &["purpose", "role"],
            ),
            connects: vector("connects_total", "Connections that were made, or not.", &["outcome"]),
            rounds: counter("topology_rounds_total", "Times that the nodes were asked who owns what."),
            topology_changes: counter("topology_changes_total", "Times that the answer had changed."),
            posts_dropped: counter("posts_dropped_total", "Posts that were not sent, or not executed."),
            queue_refusals: counter(
                "queue_refusals_total",
                "Writes that were refused since too many waited for the master.",
            ),
            library_loads: counter("library_loads_total", "Times that the library was loaded on a master."),
            libraries_deleted: counter(
                "libraries_deleted_total",
                "Function libraries of other builds that nobody used any more and that were deleted.",
            ),
            raises: counter("tenure_raises_total", "Times that a master's partitions had their epochs raised."),
            channels: gauge("channels", "Channels that are subscribed."),
            subscribes: vector("subscribes_total", "Channels put in place at their owner, or not.", &["outcome"]),
            messages: counter("messages_total", "Messages that came on channels."),
            messages_lost: counter("messages_lost_total", "Messages that came faster than they were taken."),
            disturbances: counter(
                "disturbances_total",
                "Times that a subscriber was told that it may have missed something.",
            ),
        };
        for outcome in WRITE_OUTCOMES {
            all.writes.with_label_values(&[outcome]);
        }
        for end in BatchEnd::ALL {
            all.batches.with_label_values(&[end.name()]);
        }
        for role in Sender::ALL {
            for kind in Fault::NAMES {
                all.faults.with_label_values(&[kind, role.name()]);
            }
            for purpose in Purpose::ALL {
                all.broken.with_label_values(&[purpose.name(), role.name()]);
            }
        }
        for outcome in ["ok", "failed"] {
            all.connects.with_label_values(&[outcome]);
            all.subscribes.with_label_values(&[outcome]);
        }
        Self { all: Arc::new(all) }
    }
}

impl Counters {
    /// Makes them known to whoever serves metrics.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        let All {
            write_seconds,
            batch_seconds,
            wait_seconds,
            batch_calls,
            writes,
            batches,
            faults,
            broken,
            connects,
            rounds,
            topology_changes,
            posts_dropped,
            queue_refusals,
            library_loads,
            libraries_deleted,
            raises,
            channels,
            subscribes,
            messages,
            messages_lost,
            disturbances,
        } = &*self.all;
        for histogram in [write_seconds, batch_seconds, wait_seconds, batch_calls] {
            registry.register(Box::new(histogram.clone()))?;
        }
        for vector in [writes, batches, faults, broken, connects, subscribes] {
            registry.register(Box::new(vector.clone()))?;
        }
        for counter in [
            rounds,
            topology_changes,
            posts_dropped,
            queue_refusals,
            library_loads,
            libraries_deleted,
            raises,
            messages,
            messages_lost,
            disturbances,
        ] {
            registry.register(Box::new(counter.clone()))?;
        }
        registry.register(Box::new(channels.clone()))
    }

    /// Batches of writes that were sent since the start.
    pub fn batches(&self) -> u64 {
        self.all.batch_calls.get_sample_count()
    }

    /// Batches that replicas were waited for, and how long in all.
    pub fn waits(&self) -> (u64, Duration) {
        let waits = &self.all.wait_seconds;
        (waits.get_sample_count(), Duration::from_secs_f64(waits.get_sample_sum()))
    }

    /// Times that subscribers were told that they may have missed something.
    pub fn disturbances(&self) -> u64 {
        self.all.disturbances.get()
    }

    /// How many batches were handed back since their master was replaced before it answered.
    pub fn replaced(&self) -> u64 {
        self.all.batches.with_label_values(&[BatchEnd::Replaced.name()]).get()
    }

    /// Times that the epochs of a master's partitions were raised.
    pub fn raises(&self) -> u64 {
        self.all.raises.get()
    }

    pub(crate) fn write(&self, took: Duration, outcome: Result<bool, &WriteError>) {
        self.all.write_seconds.observe(took.as_secs_f64());
        let name = match outcome {
            Ok(true) => "ok",
            Ok(false) => "ok_unreplicated",
            Err(WriteError::Unavailable) => "unavailable",
            Err(WriteError::Unknown) => "unknown",
            Err(WriteError::Unreplicated) => "unreplicated",
            Err(WriteError::OutOfMemory) => "out_of_memory",
            Err(WriteError::Refused(_)) => "refused",
        };
        self.all.writes.with_label_values(&[name]).inc();
    }

    pub(crate) fn batch(&self, calls: usize, took: Duration) {
        self.all.batch_calls.observe(calls as f64);
        self.all.batch_seconds.observe(took.as_secs_f64());
    }

    /// The replicas had a batch after this long.
    pub(crate) fn waited(&self, took: Duration) {
        self.all.wait_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn batch_end(&self, end: BatchEnd) {
        self.all.batches.with_label_values(&[end.name()]).inc();
    }

    pub(crate) fn fault(&self, fault: &Fault, from: Sender) {
        self.all.faults.with_label_values(&[fault.name(), from.name()]).inc();
    }

    pub(crate) fn broken(&self, purpose: Purpose, to: Sender) {
        self.all.broken.with_label_values(&[purpose.name(), to.name()]).inc();
    }

    pub(crate) fn connects(&self, ok: bool) {
        self.all.connects.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
    }

    pub(crate) fn subscribed(&self, ok: bool) {
        self.all.subscribes.with_label_values(&[if ok { "ok" } else { "failed" }]).inc();
    }

    pub(crate) fn round(&self) {
        self.all.rounds.inc();
    }

    pub(crate) fn topology_changed(&self) {
        self.all.topology_changes.inc();
    }

    pub(crate) fn posts_dropped(&self, count: usize) {
        self.all.posts_dropped.inc_by(count as u64);
    }

    pub(crate) fn queue_refusal(&self) {
        self.all.queue_refusals.inc();
    }

    pub(crate) fn library_load(&self) {
        self.all.library_loads.inc();
    }

    pub(crate) fn library_deleted(&self) {
        self.all.libraries_deleted.inc();
    }

    pub(crate) fn raise(&self) {
        self.all.raises.inc();
    }

    pub(crate) fn channels(&self, count: usize) {
        self.all.channels.set(count as i64);
    }

    pub(crate) fn message(&self) {
        self.all.messages.inc();
    }

    pub(crate) fn messages_lost(&self, count: u64) {
        self.all.messages_lost.inc_by(count);
    }

    pub(crate) fn disturbance(&self) {
        self.all.disturbances.inc();
    }
}

fn counter(name: &str, help: &str) -> IntCounter {
    IntCounter::new(full(name), help).expect("a valid name")
}

fn gauge(name: &str, help: &str) -> IntGauge {
    IntGauge::new(full(name), help).expect("a valid name")
}

fn vector(name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
    IntCounterVec::new(Opts::new(full(name), help), labels).expect("a valid name")
}

fn histogram(name: &str, help: &str, buckets: Vec<f64>) -> Histogram {
    Histogram::with_opts(HistogramOpts::new(full(name), help).buckets(buckets)).expect("a valid name")
}

fn full(name: &str) -> String {
    format!("chat_redis_{name}")
}
