//! The usual load of a chat: single messages to a large room, evenly spaced, nothing to batch.

use std::time::Duration;

use super::gathered;
use crate::crowd::{Options, Pace, RunError};
use crate::report::Report;

/// How fast and how long.
#[derive(Debug, Clone, clap::Args)]
pub struct Fanout {
    /// Messages a second, over all rooms
    #[arg(long, default_value_t = 5.0)]
    pub rate: f64,
    /// Seconds of sending
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Members of a room that send in turn
    #[arg(long, default_value_t = 100)]
    pub senders: usize,
}

/// Sends at a pace and divides the server's CPU by the deliveries.
pub fn run(options: &Options, fanout: &Fanout) -> Result<Report, RunError> {
    let (mut crowd, _) = gathered(options, false)?;
    let pace = Pace {
        rate: fanout.rate,
        duration: Duration::from_secs_f64(fanout.seconds),
        rooms: 0..crowd.layout().rooms(),
        senders: fanout.senders,
    };
    let window = crowd.pace("sending", &pace)?;
    let rss = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("fanout", window.complete);
    window.add_to(&mut report, "");
    if let Some(rss) = rss {
        report.add("rss_kib_a_connection", rss, "KiB");
    }
    Ok(report)
}
