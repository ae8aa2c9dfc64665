//! What every server carried during the last minutes, as this one heard it: for the lines of the page.

use super::{Boot, View};
use serde::Serialize;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// How often a sample is taken.
pub(super) const EVERY: Duration = Duration::from_secs(5);

/// How many are kept: five minutes.
pub(super) const SAMPLES: usize = 60;

/// The samples of all servers.
#[derive(Debug, Default)]
pub(super) struct History(HashMap<Boot, VecDeque<Sample>>);

#[derive(Clone, Copy, Debug)]
struct Sample {
    connections: u64,
    sends: f64,
    deliveries: f64,
}

/// The samples of one server, the oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Lines {
    connections: Vec<u64>,
    sends: Vec<f64>,
    deliveries: Vec<f64>,
}

impl History {
    /// Takes a sample of everybody, and forgets who is not there any more.
    pub(super) fn sample(&mut self, view: &View) {
        self.0.retain(|boot, _| view.get(*boot).is_some());
        for node in view.nodes() {
            let entry = &node.entry;
            let samples = self.0.entry(entry.boot).or_default();
            if samples.len() == SAMPLES {
                samples.pop_front();
            }
            let (sends, deliveries) = (entry.rates.sends, entry.rates.deliveries);
            samples.push_back(Sample { connections: entry.connections, sends, deliveries });
        }
    }

    /// The samples of a server.
    pub(super) fn of(&self, boot: Boot) -> Lines {
        let Some(samples) = self.0.get(&boot) else { return Lines::default() };
        Lines {
            connections: samples.iter().map(|sample| sample.connections).collect(),
            sends: samples.iter().map(|sample| sample.sends).collect(),
            deliveries: samples.iter().map(|sample| sample.deliveries).collect(),
        }
    }
}
