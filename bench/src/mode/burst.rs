//! Many messages at once to everybody: what batching saves, and what memory stays behind.

use std::time::Duration;

use super::gathered;
use crate::crowd::{Options, RunError};
use crate::report::Report;

/// How many and how often.
#[derive(Debug, Clone, clap::Args)]
pub struct Burst {
    /// Messages of a burst, to the first room
    #[arg(long, default_value_t = 50)]
    pub messages: usize,
    /// Bursts, each after all of the one before has come
    #[arg(long, default_value_t = 3)]
    pub bursts: usize,
    /// Members that send the messages of a burst
    #[arg(long, default_value_t = 1)]
    pub senders: usize,
}

/// Sends bursts; the figures are sums over all bursts.
pub fn run(options: &Options, burst: &Burst) -> Result<Report, RunError> {
    let (mut crowd, _) = gathered(options, false)?;
    let bar = crowd.bar("bursts", burst.bursts as u64);
    let mark = crowd.mark()?;
    let (mut complete, mut peak) = (true, None);
    for round in 0..burst.bursts {
        for k in 0..burst.messages {
            // Another sender each time, so that nobody's allowance runs out.
            crowd.send(0, round * burst.senders + k % burst.senders.max(1));
        }
        complete &= crowd.drain()?;
        peak = peak.max(crowd.rss()?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    let window = crowd.finish(&mark)?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let after = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("burst", complete && window.complete);
    window.add_to(&mut report, "");
    if let Some(after) = after {
        report.add("rss_kib_a_connection_after", after, "KiB");
    }
    if let Some(peak) = peak {
        report.add("rss_mib_peak", peak as f64 / 1_048_576.0, "MiB");
    }
    Ok(report)
}
