//! The figures that the server has to reach, and whether it does.

use super::Results;
use crate::compare::server::Kind;
use crate::compare::step::Step;
use crate::report::number;

/// A figure and its bound.
struct Goal {
    what: &'static str,
    to_reach: String,
    measured: Option<f64>,
    unit: &'static str,
    met: bool,
}

/// All goals as a table; those without a measurement say so.
pub(super) fn table(results: &Results) -> String {
    let mut out = String::from("| | to reach | measured | |\n|---|---|---|---|\n");
    for Goal { what, to_reach, measured, unit, met } in goals(results) {
        let (measured, mark) = match measured {
            Some(value) if value.is_infinite() => ("never".to_owned(), "✗"),
            Some(value) => (format!("{} {unit}", number(value)).trim_end().to_owned(), if met { "✓" } else { "✗" }),
            None => ("not measured".to_owned(), ""),
        };
        out.push_str(&format!("| {what} | {to_reach} | {measured} | {mark} |\n"));
    }
    out
}

fn goals(results: &Results) -> Vec<Goal> {
    let ours = |step, figure| results.median(step, Kind::Ours, figure);
    let at_most = |what, bound: f64, unit, measured: Option<f64>| Goal {
        what,
        to_reach: format!("≤ {} {unit}", number(bound)).trim_end().to_owned(),
        measured,
        unit,
        met: measured.is_some_and(|value| value <= bound),
    };
    let whole = Step::Whole;
    let paced = results.to_floor(whole, Kind::Ours, "paced_cpu_us_a_delivery");
    let delay = ours(Step::Slow, "with_latency_p99").zip(ours(Step::Slow, "without_latency_p99"));
    let never_closed = results.of(Step::Slow, Kind::Ours).next().map(|_| f64::INFINITY);
    let closed = ours(Step::Slow, "ended_after_kernel_full").or(never_closed);
    let pages = ours(Step::Return, "log_pages_read");
    vec![
        at_most(
            "memory an idle joined WebSocket connection, one room",
            2.0,
            "KiB",
            ours(whole, "rss_kib_a_connection_idle"),
        ),
        at_most("the same in 20 rooms each", 4.0, "KiB", ours(Step::TwentyRooms, "rss_kib_a_connection")),
        at_most(
            "memory a connection after bursts of 50 messages",
            3.0,
            "KiB",
            ours(whole, "rss_kib_a_connection_after_bursts"),
        ),
        at_most("CPU a delivery, paced, to the floor's", 1.25, "x", paced),
        at_most("CPU a delivery, paced, in user space", 0.6, "us", ours(whole, "paced_cpu_user_us_a_delivery")),
        at_most("CPU a delivery in a burst", 0.6, "us", ours(whole, "burst_cpu_us_a_delivery")),
        at_most(
            "members active in five rooms: CPU a delivery, to shared frames",
            1.5,
            "x",
            ours(Step::Active, "own_to_shared"),
        ),
        at_most("all back at once, 200 entries behind: pages read of the log", 20.0, "", pages),
        at_most("all back at once: peak memory of the process", 512.0, "MiB", ours(Step::Return, "rss_mib_peak")),
        at_most(
            "a client that reads nothing: p99 latency of the others, to without it",
            1.2,
            "x",
            delay.map(|(with, without)| with / without),
        ),
        Goal {
            what: "a client that reads nothing is closed, after the kernel took no more for it, in",
            to_reach: "30 s".to_owned(),
            measured: closed,
            unit: "s",
            met: closed.is_some_and(|seconds| (25.0..=40.0).contains(&seconds)),
        },
        lost_or_doubled(results),
        incomplete(results),
    ]
}

fn lost_or_doubled(results: &Results) -> Goal {
    let runs = results.runs.iter().filter(|run| run.server == Kind::Ours);
    let tallies: Vec<_> = runs.map(|run| &run.report.tally).collect();
    let faults: u64 = tallies.iter().map(|tally| tally.lost + tally.doubled + tally.late).sum();
    Goal {
        what: "deliveries lost, doubled or out of order in all of the runs",
        to_reach: "0".to_owned(),
        measured: (!tallies.is_empty()).then_some(faults as f64),
        unit: "",
        met: faults == 0,
    }
}

fn incomplete(results: &Results) -> Goal {
    let mut ours = results.runs.iter().filter(|run| run.server == Kind::Ours).peekable();
    let measured = ours.peek().is_some();
    let count = ours.filter(|run| !run.report.complete).count();
    Goal {
        what: "runs in which not everything came in time",
        to_reach: "0".to_owned(),
        measured: measured.then_some(count as f64),
        unit: "",
        met: count == 0,
    }
}
