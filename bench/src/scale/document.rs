//! The part of `docs/benchmarks.md` on several servers, from nothing but the results.

use std::fmt::{self, Write as _};

use super::{Results, Step};
use crate::compare::plot::{Bar, Chart};
use crate::report::number;

/// A figure to be reached.
#[derive(Debug, Clone, PartialEq)]
pub struct Goal {
    /// What is measured.
    pub what: &'static str,
    /// What it may be at most.
    pub at_most: f64,
    /// What it is; none where it was not measured.
    pub measured: Option<f64>,
    /// Its unit.
    pub unit: &'static str,
    /// Whether it is reached.
    pub met: bool,
}

impl fmt::Display for Goal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, at_most, measured, unit, met: _ } = self;
        let measured = measured.map_or_else(|| "–".to_owned(), number);
        write!(out, "{what}: {measured} {unit}, at most {} {unit}", number(*at_most))
    }
}

/// All goals.
pub fn goals(results: &Results) -> Vec<Goal> {
    let goal = |what, at_most, unit, measured: Option<f64>| Goal {
        what,
        at_most,
        measured,
        unit,
        met: measured.is_some_and(|value| value <= at_most),
    };
    let shares = (1..=3).map(|master| results.get(Step::Durable, &format!("share_of_master_{master}")));
    let off: Option<Vec<f64>> = shares.map(|share| Some((share? * 3.0 - 1.0).abs() * 100.0)).collect();
    let off = off.map(|off| off.into_iter().fold(0.0, f64::max));
    vec![
        goal(
            "CPU of the server a durable send, to the master's an append",
            1.5,
            "x",
            results.get(Step::Durable, "server_to_master"),
        ),
        goal("how far a master's share of appends is from a third", 10.0, "%", off),
        goal(
            "CPU a message, all in all, three masters to one, at a pace",
            1.2,
            "x",
            results.get(Step::Durable, "paced_three_to_one"),
        ),
        goal(
            "the same, as many sends as there is room for",
            1.2,
            "x",
            results.get(Step::Durable, "pressed_three_to_one"),
        ),
        goal("send to deliver, p50, to the bare loop", 3.0, "x", results.get(Step::Latency, "p50_to_bare")),
        goal("send to deliver, p99, to the bare loop", 3.0, "x", results.get(Step::Latency, "p99_to_bare")),
        goal(
            "bytes a recovery reads, ten times the other traffic to once",
            1.1,
            "x",
            results.get(Step::Recovery, "tenfold_to_once"),
        ),
        goal("failed of 10,000 long-polling requests", 0.0, "", results.get(Step::Polling, "failed")),
        goal("memory a connection in the server", 2.5, "KiB", results.get(Step::Memory, "server_kib_a_connection")),
        goal("memory a connection in Redis", 700.0, "B", results.get(Step::Memory, "redis_bytes_a_connection")),
    ]
}

/// The section of the page.
pub fn section(results: &Results, folder: &str) -> String {
    let mut out = format!(
        "\n## Several servers on a Redis Cluster\n\n\
         By `chat-bench scale` from [cluster.json]({folder}/cluster.json): {} as processes beside the servers and the load generator on {}\n\
         cores, so absolute times are those of a crowded machine; what is to be reached are ratios within a run. The bare loop\n\
         is FCALL and WAIT on one connection a master with SPUBLISH inside the function: the least that can be done.\n\n\
         | | to reach | measured | |\n|---|---|---|---|\n",
        results.redis, results.cores
    );
    for goal in goals(results) {
        let measured = goal.measured.map_or_else(|| "–".to_owned(), |value| format!("{} {}", number(value), goal.unit));
        let mark = if goal.met { "✓" } else { "✗" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "| {} | ≤ {} {} | {} | {mark} |",
            goal.what,
            number(goal.at_most),
            goal.unit,
            measured.trim_end()
        );
    }
    let _ = writeln!(out, "\n![From send to delivery]({folder}/cluster-latency.svg)");
    for report in &results.reports {
        let _ = write!(out, "\n### {}, {} connections\n\n| figure | |\n|---|---|\n", report.mode, report.connections);
        for figure in &report.figures {
            let value = format!("{} {}", number(figure.value), figure.unit);
            let _ = writeln!(out, "| {} | {} |", figure.name.replace('_', " "), value.trim_end());
        }
    }
    out.push_str("\nA fault in one shard, and what the others feel of it, stands in [chaos.md](chaos.md).\n");
    out
}

/// From send to delivery and to acknowledgement, beside the bare loop.
pub fn chart(results: &Results) -> Chart {
    let bar = |label: &str, figure: &str, accent: bool| {
        let value = results.get(Step::Latency, figure)?;
        Some(Bar { label: label.to_owned(), parts: vec![value], accent })
    };
    let bars = [
        bar("bare loop, p50", "bare_latency_p50", false),
        bar("three servers, p50", "latency_p50", true),
        bar("bare loop, p99", "bare_latency_p99", false),
        bar("three servers, p99", "latency_p99", true),
    ];
    Chart {
        title: "From send to delivery, 500 sends a second over 1,000 rooms".to_owned(),
        unit: "ms".to_owned(),
        parts: Vec::new(),
        bars: bars.into_iter().flatten().collect(),
        target: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fleet::Transport;
    use crate::report::Report;
    use crate::tally::Tally;

    #[test]
    fn a_goal_that_is_missed_or_not_measured_is_not_met() {
        let mut report = Report {
            mode: "durable".into(),
            server: "chat-server".into(),
            transport: Transport::Ws,
            connections: 1,
            figures: vec![],
            tally: Tally::default(),
            complete: true,
        };
        for (master, share) in [(1, 0.30), (2, 0.30), (3, 0.40)] {
            report.add(&format!("share_of_master_{master}"), share, "");
        }
        report.add("server_to_master", 1.4, "x");
        let results = Results { reports: vec![report], ..Results::default() };
        let goals = goals(&results);
        assert!(goals[0].met && !goals[1].met && !goals[2].met);
        assert_eq!(goals[1].measured.map(f64::round), Some(20.0));
        assert!(section(&results, "benchmarks").contains("| ≤ 1.50 x | 1.40 x | ✓ |"));
    }
}
