//! What happened when: the histories of a run, cut into slices of time, beside the spans of its faults.
//!
//! Everything here follows from what clients recorded, so that figures and verdict speak of the same run.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::time::Duration;

use crate::check::record::{Event, History};
use crate::latency::Latencies;

/// A stretch of a run in which a fault was in force or its effects were awaited.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// What was done, in words.
    pub label: String,
    /// When it began, since the run began.
    pub from: Duration,
    /// When the cluster was in order again.
    pub to: Duration,
    /// The slots whose master was hit; empty where none was.
    pub slots: Vec<RangeInclusive<u16>>,
    /// How long after its beginning another master served the slots.
    pub promoted_after: Option<Duration>,
}

/// What happened in a slice of time, over all clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slice {
    /// Sends.
    pub sent: u64,
    /// Acknowledgements.
    pub acked: u64,
    /// Entries received.
    pub delivered: u64,
    /// Requests refused.
    pub refused: u64,
    /// Connections lost; attempts that failed are none.
    pub lost: u64,
    /// Connections made, after the first of each client.
    pub back: u64,
    /// Voids and gaps.
    pub notices: u64,
}

/// A run in slices.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// How long a slice is.
    pub slice: Duration,
    /// The slices, from the beginning of the run on.
    pub slices: Vec<Slice>,
    /// The faults.
    pub spans: Vec<Span>,
}

/// A send that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acked {
    /// Microseconds since the run began.
    pub sent_at: u64,
    /// The same.
    pub acked_at: u64,
    /// The slot of its room.
    pub slot: u16,
    /// Whether its sender was connected and in the room then. What is sent otherwise waits for that first.
    pub ready: bool,
}

impl Timeline {
    /// Slices of a run up to `end`.
    pub fn of(histories: &[History], spans: Vec<Span>, slice: Duration, end: Duration) -> Self {
        let count = end.as_micros().div_ceil(slice.as_micros().max(1)) as usize;
        let mut slices = vec![Slice::default(); count];
        for history in histories {
            let mut line = Line::default();
            for record in &history.records {
                let index = u128::from(record.at) / slice.as_micros().max(1);
                if let Some(slice) = slices.get_mut(index as usize) {
                    slice.count(&record.event, &line);
                }
                line.follow(&record.event);
            }
        }
        Self { slice, slices, spans }
    }

    /// From the first fault until the cluster was in order after the last; none where nothing was done.
    pub fn trouble(&self) -> Option<(Duration, Duration)> {
        let from = self.spans.iter().map(|span| span.from).min()?;
        Some((from, self.spans.iter().map(|span| span.to).max()?))
    }
}

/// A client's connection and stays so far.
#[derive(Debug, Default)]
struct Line {
    up: bool,
    was_up: bool,
    rooms: HashSet<String>,
}

impl Line {
    fn is_ready(&self, room: &str) -> bool {
        self.up && self.rooms.contains(room)
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::Connected { recovered: false, .. } => self.rooms.clear(),
            Event::Join { room, .. } | Event::Left { room } => {
                self.rooms.remove(room);
            }
            Event::Joined { room, .. } => {
                self.rooms.insert(room.clone());
            }
            Event::Connected { .. }
            | Event::Disconnected { .. }
            | Event::Sent { .. }
            | Event::Acked { .. }
            | Event::Refused { .. }
            | Event::Entry { .. }
            | Event::Gap { .. }
            | Event::Void { .. }
            | Event::Logged { .. }
            | Event::End => {}
        }
        self.up = matches!(event, Event::Connected { .. }) || (self.up && !matches!(event, Event::Disconnected { .. }));
        self.was_up |= self.up;
    }
}

impl Slice {
    fn count(&mut self, event: &Event, line: &Line) {
        match event {
            Event::Sent { .. } => self.sent += 1,
            Event::Acked { .. } => self.acked += 1,
            Event::Entry { .. } => self.delivered += 1,
            Event::Refused { .. } => self.refused += 1,
            Event::Disconnected { .. } => self.lost += u64::from(line.up),
            Event::Connected { .. } => self.back += u64::from(line.was_up),
            Event::Void { .. } | Event::Gap { .. } => self.notices += 1,
            Event::Join { .. } | Event::Joined { .. } | Event::Left { .. } | Event::Logged { .. } | Event::End => {}
        }
    }
}

/// All acknowledged sends, in the order of their acknowledgements.
pub fn acked(histories: &[History], slot_of: impl Fn(&str) -> u16) -> Vec<Acked> {
    let mut all = Vec::new();
    for history in histories {
        let mut sent: HashMap<&str, (u64, bool)> = HashMap::new();
        let mut line = Line::default();
        for record in &history.records {
            line.follow(&record.event);
            match &record.event {
                Event::Sent { id, room } => {
                    sent.entry(id).or_insert((record.at, line.is_ready(room)));
                }
                Event::Acked { id, room, .. } => {
                    let (sent_at, ready) = sent.get(id.as_str()).copied().unwrap_or((record.at, false));
                    all.push(Acked { sent_at, acked_at: record.at, slot: slot_of(room), ready });
                }
                Event::Connected { .. }
                | Event::Disconnected { .. }
                | Event::Join { .. }
                | Event::Joined { .. }
                | Event::Left { .. }
                | Event::Refused { .. }
                | Event::Entry { .. }
                | Event::Gap { .. }
                | Event::Void { .. }
                | Event::Logged { .. }
                | Event::End => {}
            }
        }
    }
    all.sort_by_key(|ack| ack.acked_at);
    all
}

/// Latencies of the sends that were made in a stretch of time.
pub fn latencies<'a>(acked: impl IntoIterator<Item = &'a Acked>, from: Duration, to: Duration) -> Latencies {
    let mut latencies = Latencies::default();
    let within = from.as_micros()..to.as_micros();
    for ack in acked.into_iter().filter(|ack| within.contains(&u128::from(ack.sent_at))) {
        latencies.note(Duration::from_micros(ack.acked_at.saturating_sub(ack.sent_at)));
    }
    latencies
}

/// The longest time without an acknowledgement in any slot range, between two moments; the ranges are those of masters.
pub fn longest_silence(
    acked: &[Acked],
    ranges: &[RangeInclusive<u16>],
    from: Duration,
    to: Duration,
) -> Option<Duration> {
    let mut last: BTreeMap<usize, u128> = BTreeMap::new();
    let mut longest = None;
    let (from, to) = (from.as_micros(), to.as_micros());
    for ack in acked {
        let (Some(range), at) = (ranges.iter().position(|range| range.contains(&ack.slot)), u128::from(ack.acked_at))
        else {
            continue;
        };
        // What was on its way when the fault came is no sign that one can write.
        let counts = at >= from && at < to && u128::from(ack.sent_at) >= from;
        if counts {
            let before = last.insert(range, at).unwrap_or(from);
            longest = longest.max(Some(at - before));
        }
    }
    longest.map(|us| Duration::from_micros(us as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::position::Position;
    use crate::check::record::Record;

    fn history(events: Vec<(u64, Event)>) -> History {
        let records = events.into_iter().map(|(ms, event)| Record { at: ms * 1000, event }).collect();
        History { client: "a".into(), records }
    }

    fn sent(id: &str) -> Event {
        Event::Sent { room: "r".into(), id: id.into() }
    }

    fn ack(id: &str) -> Event {
        Event::Acked { room: "r".into(), id: id.into(), position: Position::default(), durable: true }
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn slices_hold_what_happened_in_them() {
        let connected = || Event::Connected { recovered: true, presented: true };
        let cut = || Event::Disconnected { how: "cut".into() };
        let events =
            vec![(0, connected()), (10, sent("x")), (120, ack("x")), (130, cut()), (210, cut()), (250, connected())];
        let timeline = Timeline::of(&[history(events)], vec![], ms(100), ms(300));
        let slices = [
            Slice { sent: 1, ..Slice::default() },
            Slice { acked: 1, lost: 1, ..Slice::default() },
            Slice { back: 1, ..Slice::default() },
        ];
        assert_eq!(timeline.slices, slices);
        assert_eq!(timeline.trouble(), None);
    }

    #[test]
    fn a_latency_belongs_to_the_time_of_its_send() {
        let events = vec![(10, sent("x")), (20, ack("x")), (90, sent("y")), (190, ack("y"))];
        let acked = acked(&[history(events)], |_| 7);
        assert_eq!(latencies(&acked, ms(0), ms(50)).count(), 1);
        let later = latencies(&acked, ms(50), ms(100));
        assert!(later.count() == 1 && (100.0..107.0).contains(&later.quantile_ms(0.5)));
    }

    #[test]
    fn a_sender_is_ready_while_it_is_connected_and_in_the_room() {
        let connected = |recovered| Event::Connected { recovered, presented: true };
        let room = |room: &str| room.to_owned();
        let steps = [
            (connected(false), false),
            (Event::Join { room: room("r"), after: None }, false),
            (Event::Joined { room: room("r"), from: Position::default() }, true),
            (Event::Joined { room: room("other"), from: Position::default() }, true),
            (Event::Left { room: room("other") }, true),
            (Event::Disconnected { how: "cut".into() }, false),
            (connected(true), true),
            (connected(false), false),
            (Event::Joined { room: room("r"), from: Position::default() }, true),
            (Event::Left { room: room("r") }, false),
        ];
        let (mut events, mut expected) = (Vec::new(), Vec::new());
        for (n, (event, ready)) in (0..).zip(steps) {
            let id = n.to_string();
            events.extend([(n * 10, event), (n * 10 + 1, sent(&id)), (n * 10 + 2, ack(&id))]);
            expected.push(ready);
        }
        let acked = acked(&[history(events)], |_| 7);
        assert_eq!(acked.iter().map(|ack| ack.ready).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_silence_is_measured_in_each_range_by_itself() {
        let at = |sent_ms: u64, acked_ms: u64, slot| {
            let (sent_at, acked_at) = (sent_ms * 1000, acked_ms * 1000);
            Acked { sent_at, acked_at, slot, ready: true }
        };
        // The first was on its way before the fault at 100 ms; slot 9000 is another master's.
        let acked = [at(50, 110, 1), at(120, 130, 9000), at(140, 400, 1), at(410, 420, 2), at(130, 500, 9000)];
        let silence = |ranges: &[RangeInclusive<u16>]| longest_silence(&acked, ranges, ms(100), ms(600));
        assert_eq!(silence(&[0..=5460]), Some(ms(300)));
        assert_eq!(silence(&[5461..=16383]), Some(ms(370)));
        assert_eq!(silence(&[0..=5460, 5461..=16383]), Some(ms(370)));
        assert_eq!(silence(&[]), None);
    }
}
