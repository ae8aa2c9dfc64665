//! One client that reads nothing, among others that do: what it costs them, and when the server ends it.

mod watch;

use std::io;
use std::time::{Duration, Instant};

use super::GATHER;
use crate::crowd::{Crowd, Options, Pace, RunError};
use crate::members::Stage;
use crate::report::Report;
use watch::Watch;

/// The receive buffer of the slow client; the kernel's smallest is a little more.
const RECEIVE_BYTES: usize = 4096;

/// How fast and how long.
#[derive(Debug, Clone, clap::Args)]
pub struct Slow {
    /// Messages a second
    #[arg(long, default_value_t = 50.0)]
    pub rate: f64,
    /// Seconds of sending before there is a slow client
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Seconds within which the server must have ended the slow client
    #[arg(long, default_value_t = 90.0)]
    pub deadline: f64,
    /// Members that send in turn
    #[arg(long, default_value_t = 100)]
    pub senders: usize,
}

/// Sends without and with a slow client, until the server has ended it. The last connection is the slow one.
pub fn run(options: &Options, slow: &Slow) -> Result<Report, RunError> {
    let mut crowd = Crowd::new(options, false)?;
    let id = options.connections.saturating_sub(1);
    crowd.gather(0..id, options.in_flight, GATHER)?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let (rooms, senders) = (crowd.layout().rooms(), slow.senders.min(id));
    let pace =
        |seconds: f64| Pace { rate: slow.rate, duration: Duration::from_secs_f64(seconds), rooms: 0..rooms, senders };
    let without = crowd.pace("all read", &pace(slow.seconds))?;
    let before = crowd.rss()?;

    let watch = stall(&mut crowd, id, options)?;
    let stalled_at = Instant::now();
    let with = crowd.pace("one does not", &pace(slow.seconds))?;
    let mut peak = crowd.rss()?;
    let mut complete = without.complete && with.complete;
    while !watch.has_ended() && stalled_at.elapsed().as_secs_f64() < slow.deadline {
        complete &= crowd.pace("until it ends", &pace(1.0))?.complete;
        peak = peak.max(crowd.rss()?);
    }
    let seen = watch.finish();
    let mut report = crowd.report("slow", complete);
    without.add_to(&mut report, "without_");
    with.add_to(&mut report, "with_");
    if let Some(ended) = seen.ended {
        report.add("ended_after_stall", (ended - stalled_at).as_secs_f64(), "s");
        // The server can only know from then on that nobody reads.
        report.add("ended_after_kernel_full", (ended - seen.grown.unwrap_or(stalled_at)).as_secs_f64(), "s");
    }
    report.add("kernel_kib_queued", seen.queued as f64 / 1024.0, "KiB");
    if let (Some(before), Some(peak)) = (before, peak) {
        report.add("rss_kib_growth_peak", (peak as f64 - before as f64) / 1024.0, "KiB");
    }
    Ok(report)
}

/// Lets the slow client join, leaves it out of the counts and stops to read it.
fn stall(crowd: &mut Crowd, id: usize, options: &Options) -> Result<Watch, RunError> {
    crowd.fleet.connect(id, Some(RECEIVE_BYTES))?;
    crowd.members.connecting(id);
    let until = Instant::now() + GATHER;
    while crowd.members.stage(id) != Stage::Live && Instant::now() < until {
        crowd.fleet.turn(&mut crowd.members, Duration::from_millis(5))?;
    }
    crowd.members.exclude(id);
    let ours = crowd.fleet.stall(id)?.ok_or_else(|| io::Error::other("the slow client did not get in"))?;
    let theirs = options.url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse().ok()).unwrap_or(80);
    Ok(Watch::start(theirs, ours))
}
