//! What is counted of what servers tell each other without keeping it.

use crate::volatile::Kind;
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// Counts of volatile events between servers, and of presence.
pub struct Volatile {
    published: IntCounterVec,
    published_bytes: IntCounterVec,
    received: IntCounterVec,
    /// Words that this server cannot read, passed over.
    pub foreign: IntCounter,
    /// Words that had to go since too many waited.
    pub overrun: IntCounter,
    /// Reads of the store of presence.
    pub reads: IntCounter,
    /// Reads that the store did not answer.
    pub reads_failed: IntCounter,
    /// Parts of the store that had lost what this server said, and were told again.
    pub repeats: IntCounter,
}

impl Volatile {
    /// Makes and registers them.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let by_kind = |name: &str, help: &str| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), &["kind"])?;
            registry.register(Box::new(counters.clone()))?;
            for kind in Kind::ALL {
                counters.with_label_values(&[kind.name()]).reset();
            }
            Ok(counters)
        };
        Ok(Self {
            published: by_kind("chat_volatile_published_total", "Volatile events told to the other servers.")?,
            published_bytes: by_kind("chat_volatile_published_bytes_total", "Bytes of those events.")?,
            received: by_kind("chat_volatile_received_total", "Volatile events that other servers told.")?,
            foreign: counter(
                "chat_volatile_foreign_total",
                "Volatile events of other servers that could not be read and were passed over.",
            )?,
            overrun: counter(
                "chat_volatile_overrun_total",
                "Volatile events of other servers that were dropped since too many of their room waited.",
            )?,
            reads: counter("chat_presence_reads_total", "Answered reads of the store of presence.")?,
            reads_failed: counter(
                "chat_presence_reads_failed_total",
                "Reads that the store of presence did not answer.",
            )?,
            repeats: counter(
                "chat_presence_repeats_total",
                "Times that a part of the store of presence had lost what this server said, and was told again.",
            )?,
        })
    }

    /// The other servers were told something.
    pub fn published(&self, kind: Kind, bytes: usize) {
        self.published.with_label_values(&[kind.name()]).inc();
        self.published_bytes.with_label_values(&[kind.name()]).inc_by(bytes as u64);
    }

    /// Another server told something.
    pub fn received(&self, kind: Kind) {
        self.received.with_label_values(&[kind.name()]).inc();
    }
}
