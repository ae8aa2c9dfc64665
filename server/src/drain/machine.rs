//! What a drain does when: pure, on a clock that is passed in.

use super::Status;
use std::time::{Duration, Instant};

/// Why connections are closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Goal {
    /// They are not.
    #[default]
    Serve,
    /// The operator wants the server empty for as long as it says so.
    Lease {
        /// When that is over, unless it says so again.
        until: Instant,
    },
    /// The process ends.
    End {
        /// When whoever is left is closed.
        deadline: Instant,
    },
}

impl Goal {
    /// The process ends.
    pub fn is_end(&self) -> bool {
        matches!(self, Self::End { .. })
    }
}

/// The server drains: it closes everybody anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draining;

/// What is due now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// Balancers are to send nobody.
    pub draining: bool,
    /// Who comes is refused.
    pub refuse: bool,
    /// How many connections to close.
    pub close: usize,
    /// Everybody is closed, and the process may end.
    pub ended: bool,
}

/// One drain at a time, or a request to close some.
#[derive(Debug, Default)]
pub struct Machine {
    goal: Goal,
    /// Until when new connections are taken, since balancers learn late that the server drains.
    accept_until: Option<Instant>,
    pace: Pace,
    /// How many are still to be closed without a drain.
    shed: usize,
}

impl Machine {
    /// What it is about.
    pub fn goal(&self) -> Goal {
        self.goal
    }

    /// Begins a drain by lease, or extends it. `false`: the process ends already.
    pub fn lease(&mut self, now: Instant, accept: Duration, closes_per_second: usize, lease: Duration) -> bool {
        match self.goal {
            Goal::End { .. } => return false,
            Goal::Serve => self.accept_until = Some(now + accept),
            Goal::Lease { .. } => {}
        }
        (self.goal, self.shed) = (Goal::Lease { until: now + lease }, 0);
        self.pace.set(closes_per_second);
        true
    }

    /// Ends a lease. `false`: the process ends.
    pub fn release(&mut self) -> bool {
        match self.goal {
            Goal::End { .. } => false,
            Goal::Serve | Goal::Lease { .. } => {
                (self.goal, self.accept_until) = (Goal::Serve, None);
                true
            }
        }
    }

    /// Closes so many.
    pub fn shed(&mut self, count: usize, closes_per_second: usize) -> Result<(), Draining> {
        match self.goal {
            Goal::Lease { .. } | Goal::End { .. } => Err(Draining),
            Goal::Serve => {
                self.shed = count;
                self.pace.set(closes_per_second);
                Ok(())
            }
        }
    }

    /// Drains for good. Where a lease has drained already, balancers have had that time to learn of it.
    pub fn end(&mut self, now: Instant, accept: Duration, closes_per_second: usize, deadline: Duration) {
        let accept_until = self.accept_until.unwrap_or(now + accept.min(deadline));
        (self.accept_until, self.shed) = (Some(accept_until), 0);
        self.goal = Goal::End { deadline: now + deadline };
        self.pace.set(closes_per_second);
    }

    /// Nothing is to be done until somebody asks for something.
    pub fn is_idle(&self) -> bool {
        self.goal == Goal::Serve && self.shed == 0
    }

    /// What is due, with so many connected.
    pub fn tick(&mut self, now: Instant, connections: usize) -> Tick {
        if let Goal::Lease { until } = self.goal
            && now >= until
        {
            self.release();
        }
        let refuse = self.accept_until.is_some_and(|until| now >= until);
        match self.goal {
            Goal::Serve => {
                let close = self.pace.take(now, self.shed.min(connections));
                // Whoever has left meanwhile need not be closed.
                self.shed = self.shed.min(connections) - close;
                Tick { draining: false, refuse: false, close, ended: false }
            }
            Goal::Lease { .. } => {
                let close = if refuse { self.pace.take(now, connections) } else { 0 };
                Tick { draining: true, refuse, close, ended: false }
            }
            Goal::End { deadline } => {
                let late = now >= deadline;
                let refuse = refuse || late || connections == 0;
                let close = if late {
                    connections
                } else if refuse {
                    self.pace.take(now, connections)
                } else {
                    0
                };
                Tick { draining: true, refuse, close, ended: late || connections == 0 }
            }
        }
    }

    /// How it stands.
    pub fn status(&self, now: Instant) -> Status {
        let lease = match self.goal {
            Goal::Lease { until } => Some(until.saturating_duration_since(now).as_secs_f64()),
            Goal::Serve | Goal::End { .. } => None,
        };
        Status {
            draining: self.goal != Goal::Serve,
            refusing: self.accept_until.is_some_and(|until| now >= until),
            ending: self.goal.is_end(),
            lease_seconds: lease,
            to_close: self.shed,
        }
    }
}

/// Closes a second, evenly: what was not used is not saved up.
#[derive(Debug, Default)]
struct Pace {
    per_second: usize,
    last: Option<Instant>,
    /// What the time passed so far is worth: closes, times [`WHOLE`].
    owed: u64,
}

/// A whole close, in [`Pace::owed`]: so many nanoseconds at one a second.
const WHOLE: u64 = 1_000_000_000;

/// Closes a second beyond which no pace goes.
const RATE_MAX: usize = 1_000_000;

/// A pause that counts as one: later ticks do not close more at once for it.
const PAUSE_MAX: Duration = Duration::from_millis(100);

impl Pace {
    fn set(&mut self, per_second: usize) {
        self.per_second = per_second.min(RATE_MAX);
    }

    /// How many of so many.
    fn take(&mut self, now: Instant, wanted: usize) -> usize {
        let passed = self.last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last)).min(PAUSE_MAX);
        self.last = Some(now);
        if wanted == 0 {
            self.owed = 0;
            return 0;
        }
        // At most a million a second, over a tenth of one.
        self.owed += self.per_second as u64 * passed.as_nanos() as u64;
        let taken = ((self.owed / WHOLE) as usize).min(wanted);
        self.owed = (self.owed - taken as u64 * WHOLE).min(WHOLE);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCEPT: Duration = Duration::from_secs(10);
    const TICKS_PER_SECOND: u32 = 50;

    struct World {
        machine: Machine,
        now: Instant,
        connections: usize,
        last: Tick,
    }

    impl World {
        fn new(connections: usize) -> Self {
            let last = Tick { draining: false, refuse: false, close: 0, ended: false };
            Self { machine: Machine::default(), now: Instant::now(), connections, last }
        }

        /// So many seconds of ticks; how many were closed.
        fn pass(&mut self, seconds: u32) -> usize {
            let before = self.connections;
            for _ in 0..seconds * TICKS_PER_SECOND {
                self.now += Duration::from_secs(1) / TICKS_PER_SECOND;
                self.last = self.machine.tick(self.now, self.connections);
                self.connections -= self.last.close;
            }
            before - self.connections
        }
    }

    fn about(closed: usize, wanted: usize) -> bool {
        closed.abs_diff(wanted) <= 2
    }

    #[test]
    fn a_lease_drains_at_its_pace_and_lapses() {
        let mut world = World::new(1000);
        assert!(world.machine.lease(world.now, ACCEPT, 30, Duration::from_secs(15)));
        assert_eq!(world.pass(9), 0);
        assert!(world.last.draining && !world.last.refuse);
        assert!(about(world.pass(5), 4 * 30), "{}", world.connections);
        assert!(world.last.refuse);
        // Extended at another pace, it goes on without taking new ones again.
        assert!(world.machine.lease(world.now, ACCEPT, 100, Duration::from_secs(4)));
        assert!(about(world.pass(3), 300));
        let status = world.machine.status(world.now);
        assert!(
            status.draining
                && status.refusing
                && !status.ending
                && status.lease_seconds.is_some_and(|left| left <= 1.1)
        );
        let left = world.connections;
        world.pass(2);
        assert!(about(left - world.connections, 100));
        assert_eq!(world.last, Tick { draining: false, refuse: false, close: 0, ended: false });
        assert!(world.machine.is_idle());
        assert_eq!(world.pass(5), 0);
    }

    #[test]
    fn an_empty_server_under_a_lease_does_not_end() {
        let mut world = World::new(0);
        world.machine.lease(world.now, ACCEPT, 30, Duration::from_secs(30));
        world.pass(20);
        assert_eq!(world.last, Tick { draining: true, refuse: true, close: 0, ended: false });
        assert!(world.machine.release());
        world.pass(1);
        assert_eq!(world.last, Tick { draining: false, refuse: false, close: 0, ended: false });
    }

    #[test]
    fn the_end_accepts_closes_and_meets_its_deadline() {
        let mut world = World::new(1000);
        world.machine.end(world.now, ACCEPT, 20, Duration::from_secs(20));
        assert_eq!(world.pass(9), 0);
        assert!(about(world.pass(6), 5 * 20));
        assert!(!world.last.ended);
        world.pass(6);
        assert_eq!(world.connections, 0);
        assert!(world.last.ended);
        assert!(!world.machine.lease(world.now, ACCEPT, 1, ACCEPT) && !world.machine.release());
        assert_eq!(world.machine.shed(1, 1), Err(Draining));
    }

    #[test]
    fn nobody_connected_is_the_end_at_once() {
        let mut world = World::new(0);
        world.machine.end(world.now, ACCEPT, 20, Duration::from_secs(60));
        assert!(world.machine.tick(world.now, 0).ended);
    }

    #[test]
    fn an_end_after_a_lease_does_not_wait_again() {
        let mut world = World::new(1000);
        world.machine.lease(world.now, ACCEPT, 10, Duration::from_secs(60));
        world.pass(12);
        world.machine.end(world.now, ACCEPT, 50, Duration::from_secs(60));
        assert!(about(world.pass(1), 50));
    }

    #[test]
    fn some_are_closed_without_a_drain() {
        let mut world = World::new(100);
        assert_eq!(world.machine.shed(30, 10), Ok(()));
        assert!(about(world.pass(2), 20));
        assert!(!world.last.draining);
        assert!(about(world.pass(3), 10), "{}", world.connections);
        assert_eq!(world.connections, 70);
        assert!(world.machine.is_idle());
        // More than there are.
        world.machine.shed(500, 1000).expect("no drain");
        world.pass(1);
        assert_eq!(world.connections, 0);
        assert!(world.machine.is_idle());
    }

    #[test]
    fn a_long_pause_closes_no_crowd() {
        let mut world = World::new(10_000);
        world.machine.lease(world.now, Duration::ZERO, 1000, Duration::from_secs(600));
        world.pass(1);
        world.now += Duration::from_secs(60);
        assert!(world.machine.tick(world.now, world.connections).close <= 100);
    }
}
