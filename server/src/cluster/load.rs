//! How much a server carries, as it tells the others.

use super::{Rates, State};
use std::time::Duration;

/// What a server carries now: gauges, and counters since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What it does with clients.
    pub state: State,
    /// Connections that are open.
    pub connections: u64,
    /// How many it takes.
    pub connections_max: u64,
    /// Rooms that it keeps.
    pub rooms: u64,
    /// Entries appended for its clients since the start.
    pub sends: u64,
    /// Entries sent to members since the start.
    pub deliveries: u64,
    /// Connections opened since the start.
    pub accepts: u64,
}

impl Load {
    /// What happened a second since an earlier look.
    pub fn rates_since(&self, earlier: &Self, passed: Duration) -> Rates {
        let seconds = passed.as_secs_f64();
        let rate = |now: u64, then: u64| {
            let rate = if seconds > 0.0 { now.saturating_sub(then) as f64 / seconds } else { 0.0 };
            (rate * 10.0).round() / 10.0
        };
        Rates {
            sends: rate(self.sends, earlier.sends),
            deliveries: rate(self.deliveries, earlier.deliveries),
            accepts: rate(self.accepts, earlier.accepts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_differences_over_time() {
        let load = |sends| Load {
            state: State::Serving,
            connections: 0,
            connections_max: 0,
            rooms: 0,
            sends,
            deliveries: 2 * sends,
            accepts: 0,
        };
        let rates = load(10).rates_since(&load(5), Duration::from_secs(2));
        assert_eq!(rates, Rates { sends: 2.5, deliveries: 5.0, accepts: 0.0 });
        assert_eq!(load(10).rates_since(&load(5), Duration::ZERO), Rates::default());
    }
}
