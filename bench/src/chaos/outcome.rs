//! What a scenario came to: its figures, and whether every promise held.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::scenario::{Allows, Scenario};
use super::timeline::{self, Acked, Span, Timeline};
use crate::check::record::{Event, History};
use crate::check::run::Outcome as Ran;
use crate::check::verify::{Counts, Verdict};

/// Latencies of sends in a stretch of a run, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Half of the sends were acknowledged within this time.
    pub p50_ms: f64,
    /// All but one in a hundred.
    pub p99_ms: f64,
}

/// Clients that all come in at once are slow at first; that is no measure of what comes before a fault.
const WARM_UP: Duration = Duration::from_secs(3);

/// How much slower sends may be in shards that are not hit.
const SLOWER_MAX: f64 = 2.0;

/// What is below this is taken for this: among a few hundred sends the slowest of a hundred varies so much by itself on cores that servers, Redis
/// and clients share.
const NOISE_MS: f64 = 200.0;

/// Fewer sends have no slowest of a hundred worth the name.
const SENDS_MIN: u64 = 200;

/// How long after the promotion of its new master a shard may take no sends.
const WRITABLE_AFTER: Duration = Duration::from_secs(1);

/// What is kept of a run of a scenario.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The scenario's name.
    pub scenario: String,
    /// The seed of its random choices.
    pub seed: u64,
    /// What the histories hold.
    pub counts: Counts,
    /// Refusals by code.
    pub refusals: BTreeMap<String, u64>,
    /// Sends made before the first fault, once all had come in.
    pub before: Latency,
    /// Sends made from the first fault until the cluster was in order again.
    pub during: Latency,
    /// Sends made after that.
    pub after: Latency,
    /// The same as `before` for rooms of shards that are about to be spared, and for senders who are connected and in the room.
    #[serde(default)]
    pub elsewhere_before: Option<Latency>,
    /// The same as `during` for those rooms and senders, where some shards were hit and others were not.
    pub elsewhere: Option<Latency>,
    /// The longest time without an acknowledgement in a shard that was hit, in seconds.
    pub silent_s: Option<f64>,
    /// The longest time until another master served a shard that was hit, in seconds.
    pub promoted_s: Option<f64>,
    /// Promises that did not hold; none is what one wants.
    pub broken: Vec<String>,
}

/// A run of a scenario, as it was recorded.
#[derive(Debug)]
pub struct Run<'a> {
    /// Its scenario.
    pub scenario: &'a Scenario,
    /// The seed of its random choices.
    pub seed: u64,
    /// The clients' histories.
    pub histories: &'a [History],
    /// How the clients' run ended.
    pub ran: &'a Ran,
    /// What the histories prove.
    pub verdict: &'a Verdict,
    /// The run in slices.
    pub timeline: &'a Timeline,
    /// Slots by the masters that served them at the beginning.
    pub masters: &'a [Vec<RangeInclusive<u16>>],
}

impl Run<'_> {
    /// Its figures and verdict.
    pub fn outcome(&self, slot_of: impl Fn(&str) -> u16) -> Outcome {
        let acked = timeline::acked(self.histories, slot_of);
        let end = Duration::from_micros(acked.last().map_or(0, |last| last.acked_at + 1));
        let (from, to) = self.timeline.trouble().unwrap_or((end, end));
        let spans = &self.timeline.spans;
        let is_hit = |slot: u16| spans.iter().any(|span| span.slots.iter().any(|range| range.contains(&slot)));
        let elsewhere: Vec<Acked> = acked.iter().filter(|ack| ack.ready && !is_hit(ack.slot)).copied().collect();
        let hit = spans.iter().any(|span| !span.slots.is_empty()) && !elsewhere.is_empty();
        let warm = WARM_UP.min(from / 2);
        let enough = timeline::latencies(&elsewhere, from, to).count() >= SENDS_MIN;
        let elsewhere_before = hit.then(|| latency(&elsewhere, warm, from));
        let elsewhere = hit.then(|| latency(&elsewhere, from, to));
        let silences: Vec<_> = spans.iter().map(|span| (span, self.silence(&acked, span, end))).collect();
        let mut broken = self.broken();
        if enough {
            broken.extend(not_isolated(elsewhere_before, elsewhere));
        }
        broken.extend(silences.iter().filter_map(|(span, silent)| late(span.promoted_after?, (*silent)?)));
        let promoted = spans.iter().filter_map(|span| span.promoted_after).max();
        Outcome {
            scenario: self.scenario.name.to_owned(),
            seed: self.seed,
            counts: self.verdict.counts,
            refusals: refusals(self.histories),
            before: latency(&acked, warm, from),
            during: latency(&acked, from, to),
            after: latency(&acked, to, end),
            elsewhere_before,
            elsewhere,
            silent_s: silences.iter().filter_map(|(_, silent)| *silent).max().map(|time| time.as_secs_f64()),
            promoted_s: promoted.map(|time| time.as_secs_f64()),
            broken,
        }
    }

    /// How long a shard that a span hit took no sends, until the next span or the end.
    fn silence(&self, acked: &[Acked], span: &Span, end: Duration) -> Option<Duration> {
        let next = self.timeline.spans.iter().map(|other| other.from).filter(|from| *from > span.from).min();
        let shards = self.masters.iter().filter(|slots| overlaps(slots, &span.slots));
        // A shard that is hit in part is looked at by the part.
        let shards = shards.filter_map(|slots| {
            let parts: Vec<_> =
                slots.iter().flat_map(|own| span.slots.iter().filter_map(|hit| common(own, hit))).collect();
            let within: Vec<Acked> =
                acked.iter().filter(|ack| parts.iter().any(|part| part.contains(&ack.slot))).copied().collect();
            timeline::longest_silence(&within, &[0..=16383], span.from, next.unwrap_or(end))
        });
        shards.max()
    }

    fn broken(&self) -> Vec<String> {
        let Self { scenario, ran, verdict, .. } = self;
        let mut broken: Vec<String> = verdict.violations.iter().map(|violation| format!("{violation:?}")).collect();
        broken.extend(ran.trouble.iter().map(|trouble| format!("a client met what no server may do: {trouble}")));
        if !ran.rested {
            broken.push("not every client had everything in time".to_owned());
        }
        broken.extend(not_allowed(scenario.allows, &verdict.counts));
        broken
    }
}

/// What the counts show that the scenario does not allow.
fn not_allowed(allows: Allows, counts: &Counts) -> Vec<String> {
    let Counts { acked, entries, gaps, voids, sessions_lost, unwitnessed, recovered, .. } = *counts;
    let complaints = [
        (acked == 0 || entries == 0, "nothing was sent and received, so that nothing is shown".to_owned()),
        (voids > 0 && !allows.voids, format!("{voids} voids, though no master failed")),
        (gaps > 0 && !allows.reset, format!("{gaps} gaps, though nothing is gone")),
        (gaps == 0 && allows.reset, "data were taken away, and no client was told".to_owned()),
        (
            sessions_lost > 0 && !allows.reset,
            format!("{sessions_lost} sessions were lost, beside {recovered} recovered"),
        ),
        (unwitnessed > 0, format!("{unwitnessed} acknowledged sends that nobody can vouch for")),
    ];
    complaints.into_iter().filter(|(is, _)| *is).map(|(_, complaint)| complaint).collect()
}

/// What a fault in one shard did to the others, if it is more than it may.
fn not_isolated(before: Option<Latency>, during: Option<Latency>) -> Option<String> {
    let (before, during) = (before?.p99_ms, during?.p99_ms);
    (during > before.max(NOISE_MS) * SLOWER_MAX).then(|| {
        format!("sends to shards that were not hit had a p99 of {during:.0} ms, after {before:.0} ms before the fault")
    })
}

/// A shard that took no sends for longer than its promotion explains.
fn late(promoted: Duration, silent: Duration) -> Option<String> {
    (silent > promoted + WRITABLE_AFTER).then(|| {
        let (silent, promoted) = (silent.as_secs_f64(), promoted.as_secs_f64());
        format!("a shard took no sends for {silent:.2} s, though its new master was there after {promoted:.2} s")
    })
}

fn overlaps(slots: &[RangeInclusive<u16>], others: &[RangeInclusive<u16>]) -> bool {
    slots.iter().any(|own| others.iter().any(|other| common(own, other).is_some()))
}

fn common(one: &RangeInclusive<u16>, other: &RangeInclusive<u16>) -> Option<RangeInclusive<u16>> {
    let both = *one.start().max(other.start())..=*one.end().min(other.end());
    (!both.is_empty()).then_some(both)
}

fn latency<'a>(acked: impl IntoIterator<Item = &'a Acked>, from: Duration, to: Duration) -> Latency {
    let latencies = timeline::latencies(acked, from, to);
    Latency { p50_ms: latencies.quantile_ms(0.5), p99_ms: latencies.quantile_ms(0.99) }
}

fn refusals(histories: &[History]) -> BTreeMap<String, u64> {
    let mut refusals = BTreeMap::new();
    for record in histories.iter().flat_map(|history| &history.records) {
        if let Event::Refused { code } = &record.event {
            *refusals.entry(code.clone()).or_default() += 1;
        }
    }
    refusals
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: Counts = Counts {
        clients: 1,
        rooms: 1,
        sent: 1,
        acked: 1,
        entries: 1,
        recovered: 1,
        fresh: 1,
        sessions_lost: 0,
        refused: 0,
        gaps: 0,
        voids: 0,
        unwitnessed: 0,
        unreplicated: 0,
        unreplicated_lost: 0,
        reset: 0,
    };

    fn complaints(allows: Allows, counts: Counts) -> usize {
        not_allowed(allows, &counts).len()
    }

    #[test]
    fn each_thing_that_is_not_allowed_is_a_complaint() {
        let none = Allows::default();
        let reset = Allows { voids: true, reset: true };
        assert_eq!(complaints(none, SOUND), 0);
        assert_eq!(complaints(none, Counts { acked: 0, ..SOUND }), 1);
        assert_eq!(complaints(none, Counts { entries: 0, ..SOUND }), 1);
        assert_eq!(complaints(none, Counts { voids: 1, ..SOUND }), 1);
        assert_eq!(complaints(Allows { voids: true, reset: false }, Counts { voids: 1, ..SOUND }), 0);
        assert_eq!(complaints(none, Counts { gaps: 1, ..SOUND }), 1);
        assert_eq!(complaints(none, Counts { sessions_lost: 1, ..SOUND }), 1);
        assert_eq!(complaints(none, Counts { unwitnessed: 1, ..SOUND }), 1);
        // What was taken away must be told.
        assert_eq!(complaints(reset, SOUND), 1);
        assert_eq!(complaints(reset, Counts { gaps: 1, sessions_lost: 1, ..SOUND }), 0);
    }

    #[test]
    fn other_shards_may_be_a_little_slower_and_no_more() {
        let p99 = |p99_ms| Some(Latency { p50_ms: 1.0, p99_ms });
        assert_eq!(not_isolated(None, None), None);
        assert_eq!(not_isolated(p99(300.0), p99(600.0)), None);
        assert!(not_isolated(p99(300.0), p99(601.0)).is_some());
        // Below the noise nothing is concluded.
        assert_eq!(not_isolated(p99(3.0), p99(400.0)), None);
        assert!(not_isolated(p99(3.0), p99(401.0)).is_some());
    }

    #[test]
    fn a_shard_is_writable_soon_after_its_promotion() {
        let seconds = Duration::from_secs_f64;
        assert_eq!(late(seconds(4.0), seconds(5.0)), None);
        assert!(late(seconds(4.0), seconds(5.1)).is_some());
    }

    #[test]
    fn ranges_have_a_common_part_or_none() {
        assert_eq!(common(&(0..=10), &(5..=20)), Some(5..=10));
        assert_eq!(common(&(0..=10), &(11..=20)), None);
        assert!(overlaps(&[0..=3, 8..=9], &[9..=9]) && !overlaps(&[0..=3], &[4..=5]));
    }
}
