//! Many messages at once to everybody: what batching saves, and what memory stays behind.

use std::io;
use std::time::Duration;

use super::gathered;
use crate::crowd::{Crowd, Options, RunError, Window};
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
    pub burst_senders: usize,
}

impl Burst {
    /// What servers are compared by: three bursts of 50.
    pub(crate) fn usual() -> Self {
        Self { messages: 50, bursts: 3, burst_senders: 1 }
    }

    /// Sends the bursts, each after all of the one before has come.
    pub(super) fn play(&self, crowd: &mut Crowd) -> io::Result<Window> {
        let bar = crowd.bar("bursts", self.bursts as u64);
        let mark = crowd.mark()?;
        let mut complete = true;
        for round in 0..self.bursts {
            for k in 0..self.messages {
                // Other senders each time, so that nobody's allowance runs out.
                crowd.send(0, round * self.burst_senders + k % self.burst_senders.max(1));
            }
            complete &= crowd.drain()?;
            bar.inc(1);
        }
        bar.finish_and_clear();
        let window = crowd.finish(&mark)?;
        Ok(Window { complete: complete && window.complete, ..window })
    }
}

/// Sends bursts; the figures are sums over all bursts.
pub fn run(options: &Options, burst: &Burst) -> Result<Report, RunError> {
    let (mut crowd, _) = gathered(options, false)?;
    let window = burst.play(&mut crowd)?;
    let at_once = crowd.rss()?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    let after = crowd.rss_kib_a_connection()?;
    let mut report = crowd.report("burst", window.complete);
    window.add_to(&mut report, "");
    if let Some(after) = after {
        report.add("rss_kib_a_connection_after", after, "KiB");
    }
    if let Some(at_once) = at_once {
        report.add("rss_mib_at_once", at_once as f64 / 1_048_576.0, "MiB");
    }
    Ok(report)
}
