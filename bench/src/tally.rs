//! What was delivered, and what went wrong: exact counts, over all connections and rooms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::fleet::Ended;
use crate::seen::Arrival;

/// Counts of a run. All but `delivered` and `acked` should be zero.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Entries that came to a connection, each counted once.
    pub delivered: u64,
    /// Sends that were acknowledged.
    pub acked: u64,
    /// Entries that never came to a connection that should have had them.
    pub lost: u64,
    /// Entries that came to a connection once more.
    pub doubled: u64,
    /// Entries that came after a later one.
    pub late: u64,
    /// `gap` events.
    pub gaps: u64,
    /// `void` events.
    pub voids: u64,
    /// Sends and joins that were refused, by error code.
    pub refused: BTreeMap<String, u64>,
    /// Connections that the server ended or that failed, by how.
    pub ended: BTreeMap<String, u64>,
    /// Joins that had to be asked again, since no answer came.
    pub asked_again: u64,
    /// Packets that made no sense here.
    pub puzzling: u64,
}

impl Tally {
    /// Counts an entry that came.
    pub(crate) fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Next => self.delivered += 1,
            Arrival::Skipped(count) => {
                self.delivered += 1;
                self.lost += count;
            }
            Arrival::Late => {
                self.delivered += 1;
                self.late += 1;
                self.lost -= 1;
            }
            Arrival::Doubled => self.doubled += 1,
        }
    }

    /// Counts a connection's end.
    pub(crate) fn ended(&mut self, how: Ended) {
        *self.ended.entry(format!("{how:?}")).or_default() += 1;
    }

    /// Counts a refusal.
    pub(crate) fn refused(&mut self, code: &[u8]) {
        *self.refused.entry(String::from_utf8_lossy(code).into_owned()).or_default() += 1;
    }

    /// Nothing was lost, doubled, reordered, refused or cut.
    pub fn is_clean(&self) -> bool {
        let Self { delivered: _, acked: _, lost, doubled, late, gaps, voids, refused, ended, asked_again: _, puzzling } =
            self;
        [lost, doubled, late, gaps, voids, puzzling].iter().all(|count| **count == 0)
            && refused.is_empty()
            && ended.is_empty()
    }
}
