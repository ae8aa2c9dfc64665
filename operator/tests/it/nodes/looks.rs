//! How long the operator's looks take, from its own histogram.

use super::story::Story;
use std::time::{Duration, Instant};

/// The bound that a look is to keep, as a bucket of the histogram.
const BUCKET: &str = "chat_operator_reconcile_seconds_bucket{le=\"0.1\"}";

/// The histogram at one time.
#[derive(Clone, Copy, Default)]
pub(crate) struct Histogram {
    seconds: f64,
    looks: u64,
    quick: u64,
}

/// The looks between two times.
#[derive(Default)]
pub(crate) struct Looks {
    /// One by one where each was seen by itself, else the mean of those that were not.
    pub(crate) times: Vec<f64>,
    last: Histogram,
    first: Histogram,
}

impl Looks {
    pub(crate) fn begin(story: &Story) -> Self {
        let now = read(story);
        Self { times: Vec::new(), last: now, first: now }
    }

    /// Watches for so long.
    pub(crate) async fn watch(&mut self, story: &Story, within: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < within {
            self.see(story);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn see(&mut self, story: &Story) {
        let now = read(story);
        let looks = now.looks - self.last.looks;
        for _ in 0..looks {
            self.times.push((now.seconds - self.last.seconds) / looks as f64);
        }
        self.last = now;
    }

    /// `n looks: median, at most; so many within 100 ms`
    pub(crate) fn text(&mut self) -> String {
        self.times.sort_by(f64::total_cmp);
        let ms = |seconds: f64| format!("{:.0} ms", seconds * 1e3);
        let (Some(most), median) = (self.times.last(), self.times.get(self.times.len() / 2).copied().unwrap_or(0.0))
        else {
            return "none".to_owned();
        };
        let (quick, all) = (self.last.quick - self.first.quick, self.last.looks - self.first.looks);
        format!("{all} looks: median {}, at most {}; {quick} within 100 ms", ms(median), ms(*most))
    }
}

fn read(story: &Story) -> Histogram {
    let text = story.operator.figures();
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap_or("0");
    let count = |name: &str| value(name).parse().unwrap_or(0);
    Histogram {
        seconds: value("chat_operator_reconcile_seconds_sum").parse().unwrap_or(0.0),
        looks: count("chat_operator_reconcile_seconds_count"),
        quick: count(BUCKET),
    }
}
