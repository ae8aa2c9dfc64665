//! What a connection costs that does nothing: memory, and the CPU of its heartbeats.

use std::time::Duration;

use super::gathered;
use crate::crowd::{Options, RunError};
use crate::report::Report;

/// How long, beside the common options.
#[derive(Debug, Clone, clap::Args)]
pub struct Idle {
    /// Seconds of idling to measure
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
}

/// Connects, joins, waits.
pub fn run(options: &Options, idle: &Idle) -> Result<Report, RunError> {
    let (mut crowd, took) = gathered(options, false)?;
    let joined = crowd.rss_kib_a_connection()?;
    let mark = crowd.mark()?;
    crowd.idle(Duration::from_secs_f64(idle.seconds))?;
    let window = crowd.finish(&mark)?;
    let settled = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("idle", true);
    for (name, value) in [("rss_kib_a_connection_joined", joined), ("rss_kib_a_connection", settled)] {
        if let Some(value) = value {
            report.add(name, value, "KiB");
        }
    }
    report.add("joined_a_second", options.connections as f64 / took.as_secs_f64(), "1/s");
    if let Some(spent) = window.spent {
        report.add("server_cores", spent.total_s() / window.wall.as_secs_f64(), "cores");
    }
    Ok(report)
}
