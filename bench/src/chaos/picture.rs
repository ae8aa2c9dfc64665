//! A timeline as SVG: panels over one axis of time, faults as marked spans behind them, readable on light and dark pages.

use std::fmt::Write as _;

use super::timeline::{Slice, Timeline};
use crate::compare::plot::escaped;
use crate::report::number;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 14.0;
const PANEL: f64 = 84.0;
const SPACE: f64 = 34.0;
/// Height of a line of a fault's label.
const LABEL_LINE: f64 = 15.0;
/// Characters of a label may be taken for this wide.
const LABEL_CHAR: f64 = 6.2;

/// A curve of a panel.
struct Curve {
    name: &'static str,
    /// Its class in the style: `c0` to `c3`.
    class: &'static str,
    value: fn(&Slice) -> u64,
}

const PANELS: [(&str, &[Curve]); 3] = [
    (
        "texts a second",
        &[
            Curve { name: "sent", class: "c1", value: |slice| slice.sent },
            Curve { name: "acknowledged", class: "c0", value: |slice| slice.acked },
        ],
    ),
    ("deliveries a second", &[Curve { name: "received", class: "c0", value: |slice| slice.delivered }]),
    (
        "a second",
        &[
            Curve { name: "refused", class: "c2", value: |slice| slice.refused },
            Curve { name: "connections lost", class: "c1", value: |slice| slice.lost },
            Curve { name: "back", class: "c0", value: |slice| slice.back },
            Curve { name: "voids and gaps", class: "c3", value: |slice| slice.notices },
        ],
    ),
];

/// Draws it under a title.
pub fn svg(title: &str, timeline: &Timeline) -> String {
    let end_s = timeline.slice.as_secs_f64() * timeline.slices.len().max(1) as f64;
    let scale = (WIDTH - LEFT - RIGHT) / end_s;
    let labels = labels(timeline, scale);
    let lines = labels.iter().map(|label| label.line + 1).max().unwrap_or(0);
    let top = 30.0 + LABEL_LINE * lines as f64 + 22.0;
    let bottom = top + PANELS.len() as f64 * (PANEL + SPACE) - SPACE + 8.0;
    let height = bottom + 34.0;
    let title = escaped(title);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">
<style>
  text {{ font: 12px system-ui, sans-serif; fill: #1f2937 }}
  .title {{ font-weight: 600; font-size: 15px }} .end {{ text-anchor: end }} .mid {{ text-anchor: middle }} .small {{ font-size: 11px; fill: #6b7280 }}
  .grid {{ stroke: #9ca3af; stroke-opacity: .35 }} .axis {{ stroke: #9ca3af }}
  .span {{ fill: #f59e0b; fill-opacity: .18 }} .edge {{ stroke: #d97706; stroke-opacity: .8 }} .fault {{ fill: #92400e; font-size: 11px }}
  .line {{ fill: none; stroke-width: 1.6; stroke-linejoin: round }}
  .c0 {{ stroke: #2563eb }} .c1 {{ stroke: #9ca3af }} .c2 {{ stroke: #dc2626 }} .c3 {{ stroke: #9333ea }}
  @media (prefers-color-scheme: dark) {{
    text {{ fill: #e5e7eb }} .small {{ fill: #9ca3af }} .fault {{ fill: #fcd34d }} .c0 {{ stroke: #60a5fa }} .c1 {{ stroke: #6b7280 }}
    .c2 {{ stroke: #f87171 }} .c3 {{ stroke: #c084fc }}
  }}
</style>
<text class="title" x="0" y="18">{title}</text>
"#
    );
    // Writing to a string cannot fail.
    for (span, label) in timeline.spans.iter().zip(&labels) {
        let (x, width) =
            (LEFT + span.from.as_secs_f64() * scale, span.to.saturating_sub(span.from).as_secs_f64() * scale);
        let y = 38.0 + LABEL_LINE * label.line as f64;
        let _ = writeln!(
            out,
            r#"<rect class="span" x="{x:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/><line class="edge" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{bottom:.1}"/><text class="fault" x="{:.1}" y="{:.1}">{}</text>"#,
            width.max(2.0),
            bottom - top,
            y - 8.0,
            label.x,
            y + 2.0,
            escaped(&span.label),
        );
    }
    for (index, (unit, curves)) in PANELS.iter().enumerate() {
        panel(&mut out, timeline, top + index as f64 * (PANEL + SPACE), scale, unit, curves);
    }
    axis(&mut out, end_s, scale, bottom);
    out.push_str("</svg>\n");
    out
}

/// Where a fault's label stands.
struct Label {
    x: f64,
    line: usize,
}

/// Labels next to the beginnings of their spans, on as many lines as keep them apart.
fn labels(timeline: &Timeline, scale: f64) -> Vec<Label> {
    let mut ends: Vec<f64> = Vec::new();
    let place = |span: &super::timeline::Span| {
        let width = span.label.chars().count() as f64 * LABEL_CHAR;
        let x = (LEFT + span.from.as_secs_f64() * scale + 4.0).min(WIDTH - width).max(0.0);
        let line = ends.iter().position(|end| *end < x).unwrap_or(ends.len());
        if line == ends.len() {
            ends.push(0.0);
        }
        ends[line] = x + width + 8.0;
        Label { x, line }
    };
    timeline.spans.iter().map(place).collect()
}

fn panel(out: &mut String, timeline: &Timeline, top: f64, scale: f64, unit: &str, curves: &[Curve]) {
    let a_second = 1.0 / timeline.slice.as_secs_f64();
    let values = |curve: &Curve| -> Vec<f64> {
        timeline.slices.iter().map(|slice| (curve.value)(slice) as f64 * a_second).collect()
    };
    let most = round_up(curves.iter().flat_map(values).fold(1.0, f64::max));
    let floor = top + PANEL;
    for (value, y) in [(0.0, floor), (most / 2.0, floor - PANEL / 2.0), (most, top)] {
        let _ = writeln!(
            out,
            r#"<line class="grid" x1="{LEFT}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="small end" x="{:.1}" y="{:.1}">{}</text>"#,
            WIDTH - RIGHT,
            LEFT - 6.0,
            y + 4.0,
            number(value),
        );
    }
    let mut x = LEFT;
    let _ = writeln!(out, r#"<text class="small" x="{x}" y="{:.1}">{unit}</text>"#, top - 7.0);
    x += unit.len() as f64 * LABEL_CHAR + 14.0;
    for curve in curves {
        let (y, class) = (top - 11.0, curve.class);
        let _ = writeln!(
            out,
            r#"<line class="line {class}" x1="{x:.1}" x2="{:.1}" y1="{y:.1}" y2="{y:.1}"/><text class="small" x="{:.1}" y="{:.1}">{}</text>"#,
            x + 14.0,
            x + 18.0,
            top - 7.0,
            curve.name,
        );
        x += 18.0 + curve.name.len() as f64 * LABEL_CHAR + 16.0;
        let step = timeline.slice.as_secs_f64() * scale;
        if timeline.slices.iter().all(|slice| (curve.value)(slice) == 0) {
            continue; // It would only hide the others.
        }
        let mut path = String::new();
        for (index, value) in values(curve).into_iter().enumerate() {
            let (x, y) = (LEFT + (index as f64 + 0.5) * step, floor - value / most * PANEL);
            let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { 'M' } else { 'L' });
        }
        let _ = writeln!(out, r#"<path class="line {class}" d="{path}"/>"#);
    }
}

/// The next number that reads well on an axis.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let mut steps = [1.0, 2.0, 4.0, 6.0, 8.0].into_iter().map(|step| step * power);
    steps.find(|step| *step >= value).unwrap_or(10.0 * power)
}

fn axis(out: &mut String, end_s: f64, scale: f64, bottom: f64) {
    let _ = writeln!(
        out,
        r#"<line class="axis" x1="{LEFT}" x2="{:.1}" y1="{bottom:.1}" y2="{bottom:.1}"/>"#,
        WIDTH - RIGHT
    );
    let step = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0].into_iter().find(|step| end_s / step <= 15.0).unwrap_or(120.0);
    let mut at = 0.0;
    while at <= end_s {
        let _ = writeln!(
            out,
            r#"<text class="small mid" x="{:.1}" y="{:.1}">{at:.0} s</text>"#,
            LEFT + at * scale,
            bottom + 17.0
        );
        at += step;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::chaos::timeline::Span;

    fn span(label: &str, from: u64, to: u64) -> Span {
        let (from, to) = (Duration::from_secs(from), Duration::from_secs(to));
        Span { label: label.into(), from, to, slots: vec![], promoted_after: None }
    }

    #[test]
    fn curves_fill_their_panels_and_faults_are_named() {
        let slices = (0..20).map(|k| Slice { sent: 10, acked: k, ..Slice::default() }).collect();
        let spans = vec![span("a < b and its effects", 2, 4), span("kill again", 3, 5)];
        let svg = svg("one", &Timeline { slice: Duration::from_millis(500), slices, spans });
        assert!(svg.contains("a &lt; b and"), "{svg}");
        // Close to each other they stand on two lines.
        let lines: Vec<_> = svg.lines().filter(|line| line.contains("class=\"fault\"")).collect();
        assert!(lines[0].contains(r#"y="40.0">a &lt;"#) && lines[1].contains(r#"y="55.0">kill"#), "{lines:?}");
        // The largest value is 19 in half a second.
        assert!(svg.contains(">40<"), "{svg}");
    }

    #[test]
    fn axes_end_at_round_numbers() {
        let ends = [1.0, 3.0, 38.0, 40.0, 61.0, 99.0, 1888.0].map(|value| number(round_up(value)));
        assert_eq!(ends, ["1", "4", "40", "40", "80", "100", "2000"]);
    }
}
