//! Waiting for conditions, with a deadline.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long to wait between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Looks until `look` yields a value. What it last gave as the reason stands in the error when the time is over.
pub(crate) fn until<T>(what: &str, within: Duration, mut look: impl FnMut() -> Result<T, String>) -> io::Result<T> {
    let deadline = Instant::now() + within;
    loop {
        match look() {
            Ok(value) => return Ok(value),
            Err(reason) if Instant::now() >= deadline => {
                let waited = format!("waited {:.1} s for {what}: {reason}", within.as_secs_f32());
                return Err(io::Error::new(io::ErrorKind::TimedOut, waited));
            }
            Err(_) => sleep(LOOK_EVERY),
        }
    }
}
