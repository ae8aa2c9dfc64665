//! Watches the server's end of a connection in `/proc/net/tcp`: our own end cannot see a close behind a full window.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks.
const EVERY: Duration = Duration::from_millis(200);

/// Established, as the table writes it.
const ESTABLISHED: &str = "01";

/// What was seen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// When the kernel last had more bytes to send than before.
    pub(super) grown: Option<Instant>,
    /// The most bytes that it had to send.
    pub(super) queued: u64,
    /// When the connection was not established any more.
    pub(super) ended: Option<Instant>,
}

/// A thread that looks until the connection ends.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Seen>,
}

impl Watch {
    /// Watches the connection from the server's port to ours.
    pub(super) fn start(theirs: u16, ours: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = thread::spawn(move || {
            let mut seen = Seen::default();
            while seen.ended.is_none() && !stopped.load(Ordering::Relaxed) {
                // A table that cannot be read says nothing; the next one will.
                if let Ok(table) = fs::read_to_string("/proc/net/tcp") {
                    seen.look(queued(&table, theirs, ours));
                }
                thread::sleep(EVERY);
            }
            seen
        });
        Self { stop, thread }
    }

    /// Whether the connection has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops to look.
    pub(super) fn finish(self) -> Seen {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

impl Seen {
    fn look(&mut self, queued: Option<u64>) {
        match queued {
            None => self.ended = Some(Instant::now()),
            Some(bytes) if bytes > self.queued => {
                self.queued = bytes;
                self.grown = Some(Instant::now());
            }
            Some(_) => {}
        }
    }
}

/// Bytes that the kernel has to send from `theirs` to `ours`; none if they are not connected.
fn queued(table: &str, theirs: u16, ours: u16) -> Option<u64> {
    let (local, remote) = (format!(":{theirs:04X}"), format!(":{ours:04X}"));
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let connects = fields.next()?.ends_with(&local) && fields.next()?.ends_with(&remote);
        let established = fields.next()? == ESTABLISHED;
        let to_send = fields.next()?.split(':').next()?;
        (connects && established).then(|| u64::from_str_radix(to_send, 16).ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt
   0: 0100007F:0BB8 0100007F:9C40 01 00001000:00000000 01:00000014 00000000 0 0 1 1
   1: 0100007F:0BB8 0100007F:9C41 04 00001000:00000000 01:00000014 00000000 0 0 2 1
   2: 0100007F:9C40 0100007F:0BB8 01 00000000:00000000 00:00000000 00000000 0 0 3 1
";

    #[test]
    fn the_queue_is_that_of_the_servers_end() {
        assert_eq!(queued(TABLE, 3000, 40_000), Some(4096));
    }

    #[test]
    fn one_that_closes_is_not_connected() {
        assert_eq!(queued(TABLE, 3000, 40_001), None);
        assert_eq!(queued(TABLE, 3000, 40_002), None);
    }
}
