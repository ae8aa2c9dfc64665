//! Bar charts as SVG: one measure, one bar a server, readable on light and dark pages.

use std::fmt::Write as _;

use crate::report::number;

const WIDTH: f64 = 720.0;
const LABELS: f64 = 150.0;
const VALUES: f64 = 110.0;
const BAR: f64 = 22.0;
const GAP: f64 = 10.0;
const TOP: f64 = 44.0;

/// A bar, in one or two parts laid end to end.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What stands before it.
    pub label: String,
    /// The lengths of its parts.
    pub parts: Vec<f64>,
    /// Drawn in the accent colour.
    pub accent: bool,
}

/// A chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What stands above it.
    pub title: String,
    /// The unit behind each sum.
    pub unit: String,
    /// The names of the parts where there are two.
    pub parts: Vec<String>,
    /// The bars, from the top.
    pub bars: Vec<Bar>,
    /// A line to be reached, with its label.
    pub target: Option<(f64, String)>,
}

impl Chart {
    /// Draws it.
    pub fn svg(&self) -> String {
        let sum = |bar: &Bar| bar.parts.iter().sum::<f64>();
        let longest =
            self.bars.iter().map(sum).chain(self.target.iter().map(|(at, _)| *at)).fold(f64::EPSILON, f64::max);
        let scale = (WIDTH - LABELS - VALUES) / longest;
        let height = TOP + (BAR + GAP) * self.bars.len() as f64 + 24.0;
        let mut out = String::new();
        let title = escaped(&self.title);
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">
<style>
  text {{ font: 13px system-ui, sans-serif; fill: #1f2937 }}
  .title {{ font-weight: 600; font-size: 15px }} .end {{ text-anchor: end }} .small {{ font-size: 11px; fill: #6b7280 }}
  .a0 {{ fill: #2563eb }} .a1 {{ fill: #93c5fd }} .p0 {{ fill: #6b7280 }} .p1 {{ fill: #c3c8d0 }}
  .target {{ stroke: #b45309; stroke-width: 1.5; stroke-dasharray: 4 3 }}
  @media (prefers-color-scheme: dark) {{ text {{ fill: #e5e7eb }} .small {{ fill: #9ca3af }} .p1 {{ fill: #4b5563 }} .a1 {{ fill: #1e3a8a }} }}
</style>
<text class="title" x="0" y="18">{title}</text>"#
        );
        if let [first, second] = &self.parts[..] {
            let _ = writeln!(
                out,
                r#"<rect class="a0" x="{x}" y="25" width="9" height="9"/><text class="small" x="{x1}" y="33">{first}</text><rect class="a1" x="{x2}" y="25" width="9" height="9"/><text class="small" x="{x3}" y="33">{second}</text>"#,
                x = LABELS,
                x1 = LABELS + 13.0,
                x2 = LABELS + 110.0,
                x3 = LABELS + 123.0,
                first = escaped(first),
                second = escaped(second),
            );
        }
        for (index, bar) in self.bars.iter().enumerate() {
            let y = TOP + (BAR + GAP) * index as f64;
            let middle = y + BAR * 0.7;
            let _ =
                writeln!(out, r#"<text class="end" x="{}" y="{middle}">{}</text>"#, LABELS - 8.0, escaped(&bar.label));
            let mut x = LABELS;
            for (part, value) in bar.parts.iter().enumerate() {
                let class = if bar.accent { "a" } else { "p" };
                let width = (value * scale).max(0.0);
                let _ = writeln!(
                    out,
                    r#"<rect class="{class}{part}" x="{x:.1}" y="{y}" width="{width:.1}" height="{BAR}"/>"#
                );
                x += width;
            }
            let _ = writeln!(
                out,
                r#"<text x="{:.1}" y="{middle}">{} {}</text>"#,
                x + 6.0,
                number(sum(bar)),
                escaped(&self.unit)
            );
        }
        if let Some((at, label)) = &self.target {
            let x = LABELS + at * scale;
            let bottom = height - 18.0;
            let _ = writeln!(
                out,
                r#"<line class="target" x1="{x:.1}" x2="{x:.1}" y1="{}" y2="{bottom:.1}"/><text class="small" x="{:.1}" y="{:.1}">{}</text>"#,
                TOP - 4.0,
                x + 4.0,
                height - 8.0,
                escaped(label)
            );
        }
        out.push_str("</svg>\n");
        out
    }
}

/// A text as it may stand in SVG.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_fills_the_width() {
        let bar = |label: &str, parts: &[f64]| Bar { label: label.into(), parts: parts.into(), accent: false };
        let chart = Chart {
            title: "a < b".into(),
            unit: "us".into(),
            parts: vec!["user".into(), "system".into()],
            bars: vec![bar("long", &[1.0, 3.0]), bar("short", &[1.0])],
            target: Some((2.0, "to reach".into())),
        };
        let svg = chart.svg();
        assert!(svg.contains("a &lt; b"));
        assert!(svg.contains(r#"width="345.0""#) && svg.contains(r#"width="115.0""#), "{svg}");
        assert!(svg.contains("4 us") && svg.contains("1 us"), "{svg}");
    }
}
