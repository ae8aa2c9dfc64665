//! What the room log counts. Labels come from closed sets.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

use super::follow::Found;
use crate::{AppendError, Appended, Bound, GapReason, Page, Start};

/// The counters of a log on Redis; cheap to clone.
#[derive(Clone, Debug)]
pub struct Counters {
    appends: Appends,
    calls: Histogram,
    disturbances: Disturbances,
    pub(super) looks: IntCounter,
    pub(super) looks_failed: IntCounter,
    pub(super) ghosts: IntCounter,
    pub(super) reads: IntCounter,
    pub(super) reads_failed: IntCounter,
    starts: Starts,
    pub(super) corrupt: Corrupt,
    families: Vec<IntCounterVec>,
}

#[derive(Clone, Debug)]
struct Appends {
    appended: IntCounter,
    duplicate: IntCounter,
    unreplicated: IntCounter,
    unknown: IntCounter,
    unavailable: IntCounter,
    overloaded: IntCounter,
    too_large: IntCounter,
    full: IntCounter,
}

#[derive(Clone, Debug)]
struct Disturbances {
    message: IntCounter,
    corrupt: IntCounter,
    tail: IntCounter,
    epoch: IntCounter,
    subscription: IntCounter,
}

#[derive(Clone, Debug)]
struct Starts {
    void: IntCounter,
    trimmed: IntCounter,
    reset: IntCounter,
    ahead: IntCounter,
}

/// Values that were none of ours.
#[derive(Clone, Debug)]
pub(super) struct Corrupt {
    /// A key, or an answer made of it.
    pub(super) value: IntCounter,
    /// An entry of a stream.
    pub(super) entry: IntCounter,
    /// A message on a channel.
    pub(super) message: IntCounter,
}

impl Default for Counters {
    fn default() -> Self {
        let mut families = Vec::new();
        let mut family = |name: &str, help: &str, label: &str| {
            let family = IntCounterVec::new(Opts::new(name, help), &[label]).expect("a valid name");
            families.push(family.clone());
            move |value: &str| family.with_label_values(&[value])
        };
        let appends = family("chat_log_appends_total", "Appends to the log, by outcome.", "outcome");
        let found = family("chat_log_gaps_found_total", "Times that followers were told to read, by why.", "how");
        let looks =
            family("chat_log_tail_checks_total", "Looks at the tails of followed rooms, by outcome.", "outcome");
        let reads = family("chat_log_reads_total", "Reads of the log, by outcome.", "outcome");
        let starts = family("chat_log_page_starts_total", "Pages that did not follow on, by how.", "start");
        let corrupt =
            family("chat_log_corrupt_total", "Values in Redis that were not the log's own, by where.", "where");
        let ghosts = family("chat_log_messages_ignored_total", "Messages that told nothing new, by why.", "why");
        let calls = HistogramOpts::new("chat_log_call_appends", "Appends in one call.")
            .buckets(vec![1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0]);
        Self {
            appends: Appends {
                appended: appends("appended"),
                duplicate: appends("duplicate"),
                unreplicated: appends("unreplicated"),
                unknown: appends("unknown"),
                unavailable: appends("unavailable"),
                overloaded: appends("overloaded"),
                too_large: appends("too_large"),
                full: appends("full"),
            },
            calls: Histogram::with_opts(calls).expect("a valid name"),
            disturbances: Disturbances {
                message: found("message"),
                corrupt: found("corrupt_message"),
                tail: found("tail"),
                epoch: found("epoch"),
                subscription: found("subscription"),
            },
            looks: looks("done"),
            looks_failed: looks("failed"),
            ghosts: ghosts("told_before"),
            reads: reads("done"),
            reads_failed: reads("failed"),
            starts: Starts {
                void: starts("void"),
                trimmed: starts("trimmed"),
                reset: starts("reset"),
                ahead: starts("ahead"),
            },
            corrupt: Corrupt { value: corrupt("value"), entry: corrupt("entry"), message: corrupt("message") },
            families,
        }
    }
}

impl Counters {
    /// Makes them known to whoever serves metrics.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.calls.clone()))?;
        self.families.iter().try_for_each(|family| registry.register(Box::new(family.clone())))
    }

    /// A call carries this many appends.
    pub(super) fn called(&self, appends: usize) {
        self.calls.observe(appends as f64);
    }

    /// So many appends were refused because too much waits. They are counted as unavailable, too.
    pub(super) fn overloaded(&self, appends: usize) {
        self.appends.overloaded.inc_by(appends as u64);
    }

    /// An append was answered.
    pub(super) fn answered(&self, answer: &Result<Appended, AppendError>) {
        let Appends { appended, duplicate, unreplicated, unknown, unavailable, overloaded: _, too_large, full } =
            &self.appends;
        let outcome = match answer {
            Ok(Appended { duplicate: true, .. }) => duplicate,
            Ok(Appended { replicated: false, .. }) => unreplicated,
            Ok(_) => appended,
            Err(AppendError::Unavailable) => unavailable,
            Err(AppendError::UnknownOutcome) => unknown,
            Err(AppendError::TooLarge { .. }) => too_large,
            Err(AppendError::Full(Bound::Rooms | Bound::Bytes | Bound::Ids | Bound::Numbers)) => full,
        };
        outcome.inc();
    }

    /// Followers were told to read.
    pub(super) fn disturbed(&self, found: Found) {
        let Disturbances { message, corrupt, tail, epoch, subscription } = &self.disturbances;
        let how = match found {
            Found::Message => message,
            Found::CorruptMessage => corrupt,
            Found::Tail => tail,
            Found::Epoch => epoch,
            Found::Subscription => subscription,
        };
        how.inc();
    }

    /// A page goes to a reader.
    pub(super) fn shown(&self, page: &Page) {
        let Starts { void, trimmed, reset, ahead } = &self.starts;
        let start = match page.start {
            Start::Follows => return,
            Start::Void { .. } => void,
            Start::Gap { reason: GapReason::Trimmed, .. } => trimmed,
            Start::Gap { reason: GapReason::Reset, .. } => reset,
            Start::Ahead => ahead,
        };
        start.inc();
    }
}
