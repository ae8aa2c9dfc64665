//! All rules on, many random schedules: no violation, and enough of everything reached for that to mean something.
//!
//! `CHAT_MODEL_SCHEDULES` raises how many are run; a failure names its seed and shows the end of its schedule.

use crate::world::{Reached, World};
use std::fmt::Write;
use std::thread;

/// How many schedules a usual run takes: half a minute on two cores.
const SCHEDULES: u64 = 300_000;

/// How much of a failing schedule is shown.
const TRACE_LINES: usize = 80;

#[test]
fn no_schedule_breaks_the_promise() {
    let schedules = std::env::var("CHAT_MODEL_SCHEDULES").ok().map_or(SCHEDULES, |count| count.parse().unwrap());
    let workers = thread::available_parallelism().map_or(1, usize::from) as u64;
    let runs: Vec<(Reached, Option<u64>)> = thread::scope(|scope| {
        let workers: Vec<_> =
            (0..workers).map(|at| scope.spawn(move || run((at..schedules).step_by(workers as usize)))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let mut reached = Reached::default();
    for (part, broken) in runs {
        if let Some(seed) = broken {
            panic!("{}", explain(seed));
        }
        reached += part;
    }
    println!("{schedules} schedules: {reached:?}");
    assert!(reached.recovered_with_rooms > 0, "recoveries");
    assert!(reached.takeovers_from_a_live_owner > 0 && reached.fenced_off > 0, "take-overs");
    assert!(reached.voids > 0 && reached.gaps > 0, "voids and gaps");
    assert!(reached.shared_frames > 0 && reached.own_frames > 0, "both kinds of frames");
    assert!(reached.at_the_bound > 0 && reached.early_pings > 0 && reached.checkpoints > 0, "bounds and checkpoints");
    assert!(reached.moved_with_unsent > 0 && reached.moved_dirty > 0 && reached.moved_and_lost > 0, "moves");
    assert!(reached.failed_writes > 0 && reached.connected_afresh > 0, "failed writes and fresh starts");
}

/// Runs schedules up to the first violation, and names its seed.
fn run(seeds: impl Iterator<Item = u64>) -> (Reached, Option<u64>) {
    let mut reached = Reached::default();
    for seed in seeds {
        let ended = World::run(seed, false);
        reached += ended.reached;
        if ended.violation.is_some() {
            return (reached, Some(seed));
        }
    }
    (reached, None)
}

/// Runs a seed again and shows how it came to its end.
fn explain(seed: u64) -> String {
    let ended = World::run(seed, true);
    let mut report = format!("seed {seed}: {}\n", ended.violation.unwrap_or("no violation"));
    for line in &ended.trace[ended.trace.len().saturating_sub(TRACE_LINES)..] {
        writeln!(report, "{line}").unwrap();
    }
    report
}
