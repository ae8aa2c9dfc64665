//! The tables of the page.

use super::Results;
use crate::compare::server::Kind;
use crate::compare::step::Step;
use crate::report::number;

/// Columns of the comparison: heading, figure, unit, and whether the ratio to the floor is worth showing.
const COLUMNS: [(&str, &str, &str, bool); 8] = [
    ("idle memory a connection", "rss_kib_a_connection_idle", "KiB", false),
    ("after bursts", "rss_kib_a_connection_after_bursts", "KiB", false),
    ("CPU a delivery, paced", "paced_cpu_us_a_delivery", "us", true),
    ("of it user", "paced_cpu_user_us_a_delivery", "us", false),
    ("latency p99, paced", "paced_latency_p99", "ms", false),
    ("CPU a delivery, burst", "burst_cpu_us_a_delivery", "us", true),
    ("deliveries a second, burst", "burst_deliveries_a_second", "", false),
    ("connects a second", "connects_a_second", "", false),
];

/// A row a server.
pub(super) fn side_by_side(results: &Results, step: Step) -> String {
    let mut out = String::from("| |");
    for (heading, ..) in COLUMNS {
        out.push_str(&format!(" {heading} |"));
    }
    out.push_str(" lost or doubled |\n|---|");
    out.push_str(&"---|".repeat(COLUMNS.len() + 1));
    out.push('\n');
    for kind in results.servers(step) {
        out.push_str(&format!("| {} |", kind.name()));
        for (_, figure, unit, to_floor) in COLUMNS {
            let value = results.median(step, kind, figure);
            let ratio = results.to_floor(step, kind, figure).filter(|_| to_floor && kind != Kind::Floor);
            let value = value.map_or_else(|| "–".to_owned(), |value| format!("{} {unit}", number(value)));
            let ratio = ratio.map_or_else(String::new, |ratio| format!(" ({ratio:.2} x)"));
            out.push_str(&format!(" {}{ratio} |", value.trim_end()));
        }
        let faults: u64 = results.of(step, kind).map(|run| run.report.tally.lost + run.report.tally.doubled).sum();
        out.push_str(&format!(" {faults} |\n"));
    }
    out
}

/// The steps that not all servers can do: every figure, for each server that ran them.
pub(super) fn own(results: &Results) -> String {
    let mut out = String::new();
    let steps = Step::ALL.into_iter().filter(|step| !matches!(step, Step::Whole | Step::Polling));
    for step in steps {
        for kind in results.servers(step) {
            let Some(first) = results.of(step, kind).next() else { continue };
            let connections = first.report.connections;
            out.push_str(&format!("\n## {}: {}, {connections} connections\n\n", heading(step), kind.name()));
            out.push_str("| figure | median |\n|---|---|\n");
            for figure in &first.report.figures {
                if let Some(value) = results.median(step, kind, &figure.name) {
                    let value = format!("{} {}", number(value), figure.unit);
                    out.push_str(&format!("| {} | {} |\n", figure.name.replace('_', " "), value.trim_end()));
                }
            }
        }
    }
    out
}

fn heading(step: Step) -> &'static str {
    match step {
        Step::Whole => "Side by side",
        Step::Polling => "Long polling",
        Step::TwentyRooms => "Idle in 20 rooms each",
        Step::Active => "Active in five busy rooms each",
        Step::ManyRooms => "Many rooms of ten, three each",
        Step::Storm => "All connect at once",
        Step::Return => "All come back at once, 200 entries behind",
        Step::Slow => "One client reads nothing",
    }
}
