//! One client that reads nothing, among others that do: what it costs them, and when the server ends it.
//!
//! The server's end of its connection shows in `/proc/net/tcp`: our own end cannot see a close behind a full window.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::GATHER;
use crate::crowd::{Crowd, Options, Pace, RunError};
use crate::report::Report;

/// The receive buffer of the slow client; the kernel's smallest is a little more.
const RECEIVE_BYTES: usize = 4096;

/// Established, as `/proc/net/tcp` writes it.
const ESTABLISHED: &str = "01";

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
    let senders = slow.senders.min(id);
    let pace = |seconds: f64| Pace {
        rate: slow.rate,
        duration: Duration::from_secs_f64(seconds),
        rooms: 0..crowd_rooms(options),
        senders,
    };
    let without = crowd.pace("all read", &pace(slow.seconds))?;
    let before = crowd.rss()?;

    crowd.fleet.connect(id, Some(RECEIVE_BYTES))?;
    crowd.members.connecting(id);
    let joining_until = Instant::now() + GATHER;
    while crowd.members.stage(id) != crate::members::Stage::Live && Instant::now() < joining_until {
        crowd.fleet.turn(&mut crowd.members, Duration::from_millis(5))?;
    }
    crowd.members.exclude(id);
    let port = crowd.fleet.stall(id)?;
    let stalled_at = Instant::now();
    let with = crowd.pace("one does not", &pace(slow.seconds))?;
    let mut peak = crowd.rss()?;
    let mut complete = without.complete && with.complete;
    let mut ended_after = None;
    while ended_after.is_none() && stalled_at.elapsed().as_secs_f64() < slow.deadline {
        complete &= crowd.pace("until it ends", &pace(1.0))?.complete;
        peak = peak.max(crowd.rss()?);
        if port.is_some_and(|port| !is_established(options, port).unwrap_or(true)) {
            ended_after = Some(stalled_at.elapsed());
        }
    }
    let mut report = crowd.report("slow", complete);
    without.add_to(&mut report, "without_");
    with.add_to(&mut report, "with_");
    if let Some(after) = ended_after {
        report.add("ended_after", after.as_secs_f64(), "s");
    }
    if let (Some(before), Some(peak)) = (before, peak) {
        report.add("rss_kib_growth_peak", (peak as f64 - before as f64) / 1024.0, "KiB");
    }
    Ok(report)
}

fn crowd_rooms(options: &Options) -> usize {
    options.rooms.max(1) * options.groups.max(1)
}

/// Whether the server's socket towards our port is still established.
fn is_established(options: &Options, our_port: u16) -> io::Result<bool> {
    let server_port = options.url.rsplit(':').next().and_then(|port| port.trim_end_matches('/').parse::<u16>().ok());
    let (local, remote) = (format!(":{:04X}", server_port.unwrap_or(80)), format!(":{our_port:04X}"));
    let table = fs::read_to_string("/proc/net/tcp")?;
    Ok(table.lines().skip(1).any(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (ours, theirs, state) = (fields.next(), fields.next(), fields.next());
        ours.is_some_and(|address| address.ends_with(&local))
            && theirs.is_some_and(|address| address.ends_with(&remote))
            && state == Some(ESTABLISHED)
    }))
}
