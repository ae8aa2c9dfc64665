//! Many small rooms, all with some traffic: what a room costs, and what its fan-out costs.

use std::time::Duration;

use super::{GATHER, fanout::Fanout};
use crate::crowd::{Crowd, Options, Pace, RunError};
use crate::report::Report;

/// Connects everybody into `groups` x `rooms` rooms and sends to all of them in turn.
pub fn run(options: &Options, load: &Fanout) -> Result<Report, RunError> {
    let mut crowd = Crowd::new(options, false)?;
    let before = crowd.rss()?;
    let took = crowd.gather(0..options.connections, options.in_flight, GATHER)?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let joined = crowd.rss()?;
    let rooms = crowd.layout().rooms();
    let pace = Pace {
        rate: load.rate,
        duration: Duration::from_secs_f64(load.seconds),
        rooms: 0..rooms,
        senders: load.senders,
    };
    let window = crowd.pace("sending", &pace)?;
    let after = crowd.rss()?;
    let mut report = crowd.report("rooms", window.complete);
    report.add("rooms", rooms as f64, "");
    report.add("joins_a_second", (options.connections * options.rooms) as f64 / took.as_secs_f64(), "1/s");
    if let (Some(before), Some(joined), Some(after)) = (before, joined, after) {
        let growth = |now: u64, per: usize| (now as f64 - before as f64) / 1024.0 / per as f64;
        report.add("rss_kib_a_connection", growth(joined, options.connections), "KiB");
        report.add("rss_kib_a_membership", growth(joined, options.connections * options.rooms), "KiB");
        report.add("rss_kib_a_connection_after", growth(after, options.connections), "KiB");
    }
    window.add_to(&mut report, "");
    Ok(report)
}
