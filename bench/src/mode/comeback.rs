//! Everybody is cut off, the rooms go on without them, and everybody comes back at once.

use std::time::{Duration, Instant};

use super::{GATHER, gathered};
use crate::crowd::{Options, RunError};
use crate::members::Stage;
use crate::report::Report;

/// The server's counter of reads of the log.
const PAGES_READ: &str = "chat_pages_read_total";

/// How far behind.
#[derive(Debug, Clone, clap::Args)]
pub struct Comeback {
    /// Entries a room that the members miss
    #[arg(long, default_value_t = 200)]
    pub entries: usize,
    /// Connections that stay and send the entries, at most 90 each
    #[arg(long, default_value_t = 10)]
    pub stayers: usize,
    /// Seconds within which all must have caught up
    #[arg(long, default_value_t = 120.0)]
    pub deadline: f64,
}

/// Cuts all but the stayers, sends, brings all back and waits until everybody has everything.
pub fn run(options: &Options, comeback: &Comeback) -> Result<Report, RunError> {
    let (mut crowd, _) = gathered(options, true)?;
    let rooms = crowd.layout().rooms();
    // The stayers are the first members of each room.
    let stayers = (comeback.stayers * crowd.layout().groups()).min(options.connections);
    // One entry each before, so that every client has an offset.
    for room in 0..rooms {
        crowd.send(room, 0);
    }
    let mut complete = crowd.drain()?;
    for id in stayers..options.connections {
        crowd.fleet.close(id);
        crowd.members.dropped(id);
    }
    crowd.idle(Duration::from_secs(1))?;
    let bar = crowd.bar("entries", (comeback.entries * rooms) as u64);
    for k in 0..comeback.entries {
        for room in 0..rooms {
            crowd.send(room, (k + 1) % comeback.stayers.max(1));
        }
        bar.inc(rooms as u64);
        // As fast as the stayers get them, no faster.
        while crowd.members.outstanding().1 > 0 {
            crowd.fleet.turn(&mut crowd.members, Duration::from_millis(5))?;
        }
    }
    bar.finish_and_clear();
    crowd.idle(Duration::from_secs(1))?;
    let before = crowd.rss()?;
    let pages_before = crowd.counter(PAGES_READ);
    let mark = crowd.mark()?;
    let returning = stayers..options.connections;
    let count = returning.len();
    let back = crowd.gather(returning, options.in_flight, GATHER)?;
    let until = Instant::now() + Duration::from_secs_f64(comeback.deadline);
    let bar = crowd.bar("catching up", count as u64);
    let mut peak = crowd.rss()?;
    let mut behind = crowd.members.behind();
    while behind > 0 && Instant::now() < until {
        crowd.idle(Duration::from_millis(50))?;
        peak = peak.max(crowd.rss()?);
        behind = crowd.members.behind();
        bar.set_position((count - behind.min(count)) as u64);
    }
    bar.finish_and_clear();
    complete &= behind == 0;
    let window = crowd.finish(&mark)?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let after = crowd.rss_kib_a_connection()?;
    let pages = crowd.counter(PAGES_READ).zip(pages_before).map(|(now, then)| now - then);
    let (live, recovered) = (crowd.members.at(Stage::Live), crowd.members.recovered());
    let mut report = crowd.report("return", complete);
    report.add("entries_behind", comeback.entries as f64, "");
    report.add("live", live as f64, "");
    report.add("recovered", recovered as f64, "");
    report.add("seconds_until_connected", back.as_secs_f64(), "s");
    report.add("seconds_until_caught_up", window.wall.as_secs_f64(), "s");
    if let (Some(before), Some(peak)) = (before, peak) {
        report.add("rss_mib_before", before as f64 / 1_048_576.0, "MiB");
        report.add("rss_mib_peak", peak as f64 / 1_048_576.0, "MiB");
    }
    if let Some(after) = after {
        report.add("rss_kib_a_connection_after", after, "KiB");
    }
    if let Some(pages) = pages {
        report.add("log_pages_read", pages, "");
    }
    window.add_to(&mut report, "");
    Ok(report)
}
