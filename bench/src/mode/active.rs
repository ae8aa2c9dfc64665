//! Members active in several rooms at once: each gets frames of its own, since its offset names several rooms.
//!
//! Two stretches on the same connections and rooms, with equally many deliveries of equal rooms: first only one room of
//! each member is busy (frames shared by all), then all of them are.

use std::time::Duration;

use super::{fanout::Fanout, gathered};
use crate::crowd::{Options, Pace, RunError};
use crate::report::Report;

/// Measures both stretches and their ratio.
pub fn run(options: &Options, load: &Fanout) -> Result<Report, RunError> {
    let (mut crowd, _) = gathered(options, false)?;
    let layout = crowd.layout();
    let duration = Duration::from_secs_f64(load.seconds);
    let pace = |rooms| Pace { rate: load.rate, duration, rooms, senders: load.senders };
    let shared = crowd.pace("one busy room", &pace(0..layout.groups()))?;
    let own = crowd.pace("all busy", &pace(0..layout.rooms()))?;
    let rss = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("active", shared.complete && own.complete);
    report.add("busy_rooms_a_member", layout.each() as f64, "");
    shared.add_to(&mut report, "shared_");
    own.add_to(&mut report, "own_");
    if let (Some(shared), Some(own)) = (report.get("shared_cpu_us_a_delivery"), report.get("own_cpu_us_a_delivery")) {
        report.add("own_to_shared", own / shared, "x");
    }
    if let Some(rss) = rss {
        report.add("rss_kib_a_connection", rss, "KiB");
    }
    Ok(report)
}
