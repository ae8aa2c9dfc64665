//! What the clients' histories say: whether every promise held, how often each was sent elsewhere, and how many at a time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chat_bench::check::record::{Event, History};
use chat_bench::check::verify::{Counts, verify};

use crate::crowd::Told;

/// Closes are counted in windows of this length: a client learns of its close a little sooner or later than its neighbour.
const WINDOW: Duration = Duration::from_secs(2);

/// A time in which servers send their clients elsewhere, by plan.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// What went on.
    pub what: &'static str,
    /// When it began.
    pub from: Instant,
    /// When it was over.
    pub to: Instant,
    /// How many connections all servers together may close a second.
    pub rate: u32,
}

/// What clients saw of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// Clients that were sent elsewhere.
    pub clients: usize,
    /// How often the one that was sent most often was.
    pub most: usize,
    /// The most that were sent in [`WINDOW`].
    pub in_window: usize,
}

/// When each client lost a connection that it had.
type Losses = BTreeMap<String, Vec<Instant>>;

/// All of what clients have told, judged.
#[derive(Debug)]
pub struct Judgement {
    /// The figures of all histories.
    pub counts: Counts,
    /// Promises that did not hold.
    pub broken: Vec<String>,
    losses: Losses,
}

impl Judgement {
    /// Judges several crowds, each by itself: no client of one is in a room of another.
    pub fn of(crowds: &[Told]) -> Self {
        let mut all = Self { counts: Counts::default(), broken: Vec::new(), losses: Losses::new() };
        for (number, told) in crowds.iter().enumerate() {
            all.add(number, told);
        }
        if all.counts.acked == 0 || all.counts.entries == 0 {
            all.broken.push("nothing was sent and received, so that nothing is shown".to_owned());
        }
        all
    }

    fn add(&mut self, crowd: usize, told: &Told) {
        let verdict = verify(&told.histories);
        let counts = verdict.counts;
        self.broken.extend(verdict.violations.iter().map(|violation| format!("{violation:?}")));
        self.broken.extend(
            told.outcome.trouble.iter().map(|trouble| format!("a client met what no server may do: {trouble}")),
        );
        let complaints = [
            (!told.outcome.rested, "not every client had everything in time".to_owned()),
            (counts.gaps > 0, format!("{} gaps, though nothing is gone", counts.gaps)),
            (counts.sessions_lost > 0, format!("{} sessions were lost", counts.sessions_lost)),
            (counts.unwitnessed > 0, format!("{} acknowledged sends that nobody can vouch for", counts.unwitnessed)),
        ];
        self.broken.extend(complaints.into_iter().filter(|(is, _)| *is).map(|(_, complaint)| complaint));
        let sum = &mut self.counts;
        for (sum, more) in [
            (&mut sum.clients, counts.clients),
            (&mut sum.rooms, counts.rooms),
            (&mut sum.sent, counts.sent),
            (&mut sum.acked, counts.acked),
            (&mut sum.entries, counts.entries),
            (&mut sum.recovered, counts.recovered),
            (&mut sum.refused, counts.refused),
            (&mut sum.voids, counts.voids),
            (&mut sum.unreplicated, counts.unreplicated),
        ] {
            *sum += more;
        }
        for history in &told.histories {
            self.losses.insert(format!("{crowd}-{}", history.client), losses(history, told.started));
        }
    }

    /// What clients saw of a stretch, and notes what they should not have seen.
    pub fn moves(&mut self, stretch: &Stretch) -> Moves {
        let moves = moves(&self.losses, stretch.from, stretch.to);
        if moves.most > 1 {
            self.broken.push(format!("{}: a client was disconnected {} times", stretch.what, moves.most));
        }
        let may = bound(stretch.rate);
        if moves.in_window > may {
            let window = WINDOW.as_secs();
            self.broken.push(format!(
                "{}: {} clients were disconnected within {window} s, at a rate of {} a second",
                stretch.what, moves.in_window, stretch.rate
            ));
        }
        moves
    }
}

/// How many closes a window may hold at a rate. Clients that get no time learn late, and of several closes at once: as long as the window, at most.
fn bound(rate: u32) -> usize {
    (u64::from(rate) * 2 * WINDOW.as_secs()) as usize
}

fn losses(history: &History, started: Instant) -> Vec<Instant> {
    let (mut up, mut losses) = (false, Vec::new());
    for record in &history.records {
        match &record.event {
            Event::Connected { .. } => up = true,
            // An attempt that failed has ended no connection.
            Event::Disconnected { .. } if up => {
                up = false;
                losses.push(started + Duration::from_micros(record.at));
            }
            Event::Disconnected { .. }
            | Event::Join { .. }
            | Event::Joined { .. }
            | Event::Left { .. }
            | Event::Sent { .. }
            | Event::Acked { .. }
            | Event::Refused { .. }
            | Event::Entry { .. }
            | Event::Gap { .. }
            | Event::Void { .. }
            | Event::Logged { .. }
            | Event::End => {}
        }
    }
    losses
}

fn moves(losses: &Losses, from: Instant, to: Instant) -> Moves {
    let within = |times: &Vec<Instant>| times.iter().filter(|at| (from..to).contains(*at)).copied().collect::<Vec<_>>();
    let each: Vec<Vec<Instant>> = losses.values().map(within).filter(|times| !times.is_empty()).collect();
    let mut all: Vec<Instant> = each.iter().flatten().copied().collect();
    all.sort();
    let until = |first: Instant| all.partition_point(|at| *at < first + WINDOW);
    Moves {
        clients: each.len(),
        most: each.iter().map(Vec::len).max().unwrap_or(0),
        in_window: all.iter().enumerate().map(|(before, first)| until(*first) - before).max().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_bench::check::record::Record;

    fn seconds(n: f64) -> Duration {
        Duration::from_secs_f64(n)
    }

    fn record(at: u64, event: Event) -> Record {
        Record { at: at * 1_000_000, event }
    }

    #[test]
    fn only_a_connection_that_was_there_is_lost() {
        let up = || Event::Connected { recovered: true, presented: true };
        let down = || Event::Disconnected { how: "transport close".to_owned() };
        let records = vec![record(1, down()), record(2, up()), record(3, down()), record(4, down()), record(5, up())];
        let started = Instant::now();
        let history = History { client: "a".to_owned(), records };
        assert_eq!(losses(&history, started), [started + seconds(3.0)]);
    }

    #[test]
    fn moves_are_counted_in_the_fullest_window() {
        let zero = Instant::now();
        let at = |times: &[f64]| times.iter().map(|time| zero + seconds(*time)).collect::<Vec<_>>();
        let losses: Losses =
            [("a".to_owned(), at(&[1.0, 9.0])), ("b".to_owned(), at(&[2.5])), ("c".to_owned(), at(&[3.1]))].into();
        assert_eq!(moves(&losses, zero, zero + seconds(8.0)), Moves { clients: 3, most: 1, in_window: 2 });
        assert_eq!(moves(&losses, zero, zero + seconds(10.0)), Moves { clients: 3, most: 2, in_window: 2 });
        assert_eq!(
            moves(&losses, zero + seconds(20.0), zero + seconds(30.0)),
            Moves { clients: 0, most: 0, in_window: 0 }
        );
    }

    #[test]
    fn a_client_that_is_sent_away_twice_breaks_a_promise() {
        let zero = Instant::now();
        let losses = [("a".to_owned(), vec![zero + seconds(1.0), zero + seconds(2.0)])].into();
        let mut judgement = Judgement { counts: Counts::default(), broken: Vec::new(), losses };
        judgement.moves(&Stretch { what: "rollout", from: zero, to: zero + seconds(3.0), rate: 1 });
        assert_eq!(judgement.broken, ["rollout: a client was disconnected 2 times"]);
    }
}
