//! Everybody connects at once, as after an outage of the network in between.

use std::time::Duration;

use super::GATHER;
use crate::crowd::{Crowd, Options, RunError};
use crate::report::Report;

/// Starts connections as fast as `in_flight` allows and takes the time until the last one is in its rooms.
pub fn run(options: &Options) -> Result<Report, RunError> {
    let mut crowd = Crowd::new(options, false)?;
    let mark = crowd.mark()?;
    let took = crowd.gather(0..options.connections, options.in_flight, GATHER)?;
    let window = crowd.finish(&mark)?;
    let peak = crowd.rss_kib_a_connection()?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let settled = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("storm", window.complete);
    report.add("seconds", took.as_secs_f64(), "s");
    report.add("connects_a_second", options.connections as f64 / took.as_secs_f64(), "1/s");
    if let Some(spent) = window.spent {
        report.add("cpu_us_a_connect", spent.total_s() * 1e6 / options.connections as f64, "us");
        report.add("other_cores", spent.others_s / took.as_secs_f64(), "cores");
    }
    for (name, value) in [("rss_kib_a_connection_at_once", peak), ("rss_kib_a_connection", settled)] {
        if let Some(value) = value {
            report.add(name, value, "KiB");
        }
    }
    Ok(report)
}
