//! How much one user may do: a burst, and a rate that refills it.
//!
//! The generic cell rate algorithm (ITU-T I.371) in one word a user, with the time passed in. Rate limiters of the field keep their
//! clock, quota and state in each instance; here a million users share one quota and keep eight bytes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What is allowed to everybody alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Microseconds between two at the sustained rate.
    interval: u64,
    /// How far ahead of the sustained rate a burst may run, in microseconds.
    burst: u64,
}

impl Quota {
    /// `burst` at once, and `per_second` in the long run; both at least 1.
    pub fn new(burst: u32, per_second: u32) -> Self {
        let interval = 1_000_000 / u64::from(per_second.max(1));
        Self { interval, burst: interval * u64::from(burst.max(1)) }
    }
}

/// One user's use of a quota: the time at which the last one would have been due at the sustained rate, in µs.
#[derive(Debug, Default)]
pub struct Allowance(AtomicU64);

impl Allowance {
    /// Takes one; else says how long until there is one. `now` is any clock that does not go back.
    pub fn take(&self, quota: Quota, now: Duration) -> Result<(), Duration> {
        let now = now.as_micros() as u64;
        let mut due = self.0.load(Ordering::Relaxed);
        loop {
            let next = due.max(now) + quota.interval;
            if next > now + quota.burst {
                return Err(Duration::from_micros(next - now - quota.burst));
            }
            match self.0.compare_exchange_weak(due, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(other) => due = other,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_then_the_rate() {
        let (quota, allowance) = (Quota::new(3, 10), Allowance::default());
        let at = |ms| allowance.take(quota, Duration::from_secs(5) + Duration::from_millis(ms));
        assert_eq!([at(0), at(0), at(0)], [Ok(()); 3]);
        assert_eq!(at(0), Err(Duration::from_millis(100)));
        assert_eq!(at(99), Err(Duration::from_millis(1)));
        assert_eq!(at(100), Ok(()));
    }

    proptest! {
        #[test]
        fn never_more_than_burst_and_rate(burst in 1_u32..50, rate in 1_u32..50, steps in prop::collection::vec(0_u64..200, 1..200)) {
            let (quota, allowance) = (Quota::new(burst, rate), Allowance::default());
            let (mut now, mut taken) = (0, 0_u64);
            for step in steps {
                now += step;
                taken += u64::from(allowance.take(quota, Duration::from_millis(now)).is_ok());
                prop_assert!(taken <= u64::from(burst) + now * u64::from(rate) / 1000 + 1);
            }
        }
    }
}
