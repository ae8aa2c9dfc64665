//! One life of a server: everybody connects, idles, is talked to at a pace, then in bursts, then rests. What servers
//! are compared by, since all of them can do it.

use std::time::Duration;

use super::{GATHER, burst::Burst, fanout::Fanout};
use crate::crowd::{Crowd, Options, Pace, RunError};
use crate::report::Report;

/// Runs the four parts on the same connections.
pub fn run(options: &Options, fanout: &Fanout, burst: &Burst) -> Result<Report, RunError> {
    let settle = Duration::from_secs_f64(options.settle);
    let mut crowd = Crowd::new(options, false)?;
    let took = crowd.gather(0..options.connections, options.in_flight, GATHER)?;
    crowd.idle(settle)?;
    let idle = crowd.rss_kib_a_connection()?;
    let pace = Pace {
        rate: fanout.rate,
        duration: Duration::from_secs_f64(fanout.seconds),
        rooms: 0..crowd.layout().rooms(),
        senders: fanout.senders,
    };
    let paced = crowd.pace("sending", &pace)?;
    let after_paced = crowd.rss_kib_a_connection()?;
    let bursts = burst.play(&mut crowd)?;
    crowd.idle(settle)?;
    let after_bursts = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("whole", paced.complete && bursts.complete);
    report.add("connects_a_second", options.connections as f64 / took.as_secs_f64(), "1/s");
    let memory = [("idle", idle), ("after_paced", after_paced), ("after_bursts", after_bursts)];
    for (when, value) in memory {
        if let Some(value) = value {
            report.add(&format!("rss_kib_a_connection_{when}"), value, "KiB");
        }
    }
    paced.add_to(&mut report, "paced_");
    bursts.add_to(&mut report, "burst_");
    Ok(report)
}
