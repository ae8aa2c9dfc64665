//! Who is there, as far as one server can know: the last copy of the board, and what may be concluded from it.
//!
//! A server that is missing on the board is not gone for that: the board may have lost its data, or may have let everybody's entry expire while it could not
//! be reached. It is gone when it says so, or when its last word is older than the expiry *and* the board has answered without a break for as long, so
//! that it would have been heard if it were there. To take a live server for dead costs its polling clients their sessions; to take a dead one for
//! alive costs a few seconds of 503.

use super::{Boot, Entry, Sheet, State};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How many servers are known at most.
const NODES_MAX: usize = 1000;

/// A server that is known.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it last said.
    pub entry: Arc<Entry>,
    /// When it said so, by our clock.
    pub heard: Instant,
}

/// Everybody who is known, at one moment.
#[derive(Clone, Debug, Default)]
pub struct View {
    nodes: BTreeMap<Boot, Node>,
    answered: Option<Instant>,
}

impl View {
    /// The server of this boot.
    pub fn get(&self, boot: Boot) -> Option<&Node> {
        self.nodes.get(&boot)
    }

    /// All servers.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nobody is known, not even oneself: before the first beat.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// When the board last answered.
    pub fn answered(&self) -> Option<Instant> {
        self.answered
    }
}

/// A server came or went.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// It was not known before.
    Came(Arc<Entry>),
    /// It is not there any more.
    Gone(Arc<Entry>),
}

/// What the last answer of the board said beside who is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Taken {
    /// Who came and went.
    pub changes: Vec<Change>,
    /// Other live boots under our own name: somebody has misconfigured something.
    pub namesakes: Vec<Arc<Entry>>,
    /// Entries beyond what is kept.
    pub beyond: u64,
}

/// Makes views of the answers of the board.
pub(super) struct Roster {
    own: Boot,
    expiry: Duration,
    view: Arc<View>,
    /// Since when the board has answered without a break.
    run_began: Option<Instant>,
    /// When our own first entry was written, by the board's clock.
    first_written_ms: Option<u64>,
}

impl Roster {
    /// Knows nobody. `expiry` is how long an entry is good for.
    pub(super) fn new(own: Boot, expiry: Duration) -> Self {
        Self { own, expiry, view: Arc::default(), run_began: None, first_written_ms: None }
    }

    /// Who is there.
    pub(super) fn view(&self) -> &Arc<View> {
        &self.view
    }

    /// Takes an answer of the board.
    pub(super) fn take(&mut self, sheet: &Sheet, now: Instant) -> Taken {
        let unbroken = self.view.answered.is_some_and(|last| now.duration_since(last) < self.expiry / 2);
        let run_began = *self.run_began.insert(self.run_began.filter(|_| unbroken).unwrap_or(now));
        let (mut nodes, mut taken) = (self.view.nodes.clone(), Taken::default());
        for seen in &sheet.entries {
            let (boot, age) = (seen.entry.boot, Duration::from_millis(sheet.now_ms.saturating_sub(seen.written_ms)));
            match seen.entry.state {
                State::Ended => {
                    taken.changes.extend(nodes.remove(&boot).map(|node| Change::Gone(node.entry)));
                    continue;
                }
                State::Serving | State::Draining | State::Unknown => {}
            }
            if nodes.len() >= NODES_MAX && !nodes.contains_key(&boot) && boot != self.own {
                taken.beyond += 1;
                continue;
            }
            let node = Node { entry: seen.entry.clone(), heard: now.checked_sub(age).unwrap_or(now) };
            if nodes.insert(boot, node).is_none() {
                taken.changes.push(Change::Came(seen.entry.clone()));
            }
        }
        let heard_if_there = now.duration_since(run_began) >= self.expiry;
        let own = self.own;
        nodes.retain(|boot, node| {
            let gone = *boot != own && heard_if_there && now.duration_since(node.heard) >= self.expiry;
            if gone {
                taken.changes.push(Change::Gone(node.entry.clone()));
            }
            !gone
        });
        taken.namesakes = self.namesakes(sheet);
        self.view = Arc::new(View { nodes, answered: Some(now) });
        taken
    }

    /// Boots under our name that still wrote after we had begun to: not our own former self, which is dead by now.
    fn namesakes(&mut self, sheet: &Sheet) -> Vec<Arc<Entry>> {
        let Some(own) = sheet.entries.iter().find(|seen| seen.entry.boot == self.own) else { return Vec::new() };
        let first = *self.first_written_ms.get_or_insert(own.written_ms);
        let others = sheet.entries.iter().filter(|seen| {
            let other = &seen.entry;
            other.boot != self.own
                && other.node == own.entry.node
                && other.state != State::Ended
                && seen.written_ms > first
        });
        others.map(|seen| seen.entry.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{MemoryBoard, Rates, Seen};
    use proptest::prelude::*;

    const EXPIRY: Duration = Duration::from_secs(10);

    fn entry(node: &str, boot: u64) -> Entry {
        Entry {
            node: node.to_owned(),
            boot: Boot(boot),
            address: format!("10.0.0.{boot}:3001"),
            build: "1".to_owned(),
            started_at: 0,
            state: State::Serving,
            connections: 0,
            connections_max: 0,
            rooms: 0,
            rates: Rates::default(),
        }
    }

    /// Several servers on one board, on a clock of the test.
    struct World {
        begun: Instant,
        now_ms: u64,
        board: MemoryBoard,
    }

    impl World {
        fn new() -> Self {
            Self { begun: Instant::now() + Duration::from_secs(1000), now_ms: 1_000_000, board: MemoryBoard::default() }
        }

        fn pass(&mut self, seconds: u64) {
            self.now_ms += seconds * 1000;
        }

        fn beat(&self, roster: &mut Roster, entry: &Entry) -> Taken {
            let sheet = self.board.announce_at(entry, EXPIRY, self.now_ms);
            roster.take(&sheet, self.begun + Duration::from_millis(self.now_ms - 1_000_000))
        }
    }

    fn names(roster: &Roster) -> Vec<u64> {
        roster.view().nodes().map(|node| node.entry.boot.0).collect()
    }

    #[test]
    fn who_falls_silent_is_gone_after_the_expiry_and_comes_back() {
        let (mut world, a, b) = (World::new(), entry("a", 1), entry("b", 2));
        let (mut one, mut other) = (Roster::new(Boot(1), EXPIRY), Roster::new(Boot(2), EXPIRY));
        for _ in 0..10 {
            world.beat(&mut one, &a);
            world.beat(&mut other, &b);
            world.pass(2);
        }
        assert_eq!(names(&one), [1, 2]);
        // b is stopped: it stays until its entry is ten seconds old.
        for _ in 0..4 {
            assert_eq!(world.beat(&mut one, &a).changes, []);
            world.pass(2);
        }
        let changes = world.beat(&mut one, &a).changes;
        assert_eq!(changes, [Change::Gone(Arc::new(b.clone()))]);
        assert_eq!(names(&one), [1]);
        // b goes on: it is back, and has lost nobody.
        assert_eq!(world.beat(&mut other, &b).changes, []);
        assert_eq!(names(&other), [1, 2]);
        assert_eq!(world.beat(&mut one, &a).changes, [Change::Came(Arc::new(b))]);
    }

    #[test]
    fn nobody_is_lost_when_the_board_was_away_or_forgot() {
        let (mut world, a, b) = (World::new(), entry("a", 1), entry("b", 2));
        let (mut one, mut other) = (Roster::new(Boot(1), EXPIRY), Roster::new(Boot(2), EXPIRY));
        for _ in 0..10 {
            world.beat(&mut other, &b);
            world.beat(&mut one, &a);
            world.pass(2);
        }
        // The board was out of reach for a minute: all entries have expired when the first one is back.
        world.pass(60);
        assert_eq!(world.beat(&mut one, &a).changes, []);
        world.pass(2);
        world.beat(&mut other, &b);
        assert_eq!(world.beat(&mut one, &a).changes, []);
        assert_eq!(names(&one), [1, 2]);
        for _ in 0..10 {
            world.beat(&mut other, &b);
            world.beat(&mut one, &a);
            world.pass(2);
        }
        // It lost its data: whoever is alive writes again within a beat.
        world.board.clear();
        assert_eq!(world.beat(&mut one, &a).changes, []);
        world.pass(2);
        world.beat(&mut other, &b);
        assert_eq!(world.beat(&mut one, &a).changes, []);
        // b was among those who did not come back from the outage.
        world.pass(60);
        for _ in 0..5 {
            assert_eq!(world.beat(&mut one, &a).changes, []);
            world.pass(2);
        }
        assert_eq!(world.beat(&mut one, &a).changes, [Change::Gone(Arc::new(b))]);
    }

    #[test]
    fn who_says_good_bye_is_gone_at_once() {
        let (mut world, a, b) = (World::new(), entry("a", 1), entry("b", 2));
        let (mut one, mut other) = (Roster::new(Boot(1), EXPIRY), Roster::new(Boot(2), EXPIRY));
        world.beat(&mut other, &b);
        world.beat(&mut one, &a);
        world.pass(1);
        world.beat(&mut other, &Entry { state: State::Ended, ..b.clone() });
        assert_eq!(world.beat(&mut one, &a).changes, [Change::Gone(Arc::new(b))]);
        assert_eq!(world.beat(&mut one, &a).changes, []);
    }

    #[test]
    fn two_live_boots_of_one_name_are_noticed_and_a_former_self_is_not() {
        let (mut world, old, new) = (World::new(), entry("a", 1), entry("a", 2));
        let (mut one, mut other) = (Roster::new(Boot(1), EXPIRY), Roster::new(Boot(2), EXPIRY));
        world.beat(&mut one, &old);
        world.pass(1);
        assert_eq!(world.beat(&mut other, &new).namesakes, []);
        world.pass(2);
        assert_eq!(world.beat(&mut other, &new).namesakes, []);
        world.pass(1);
        assert_eq!(world.beat(&mut one, &old).namesakes, [Arc::new(new.clone())]);
        assert_eq!(world.beat(&mut other, &new).namesakes, [Arc::new(old)]);
    }

    #[test]
    fn more_servers_than_may_be_are_counted() {
        let mut roster = Roster::new(Boot(u64::MAX), EXPIRY);
        let many = (0..NODES_MAX as u64 + 3).map(|boot| Seen { entry: Arc::new(entry("x", boot)), written_ms: 0 });
        let own = Seen { entry: Arc::new(entry("own", u64::MAX)), written_ms: 0 };
        let sheet = Sheet { now_ms: 0, entries: many.chain([own]).collect(), foreign: 0 };
        assert_eq!(roster.take(&sheet, Instant::now()).beyond, 3);
        assert!(roster.view().get(Boot(u64::MAX)).is_some());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Stop(usize),
        Go(usize),
        Forget,
        Pass(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            2 => (0..3_usize).prop_map(Step::Stop),
            3 => (0..3_usize).prop_map(Step::Go),
            1 => Just(Step::Forget),
            6 => (1..9_u64).prop_map(Step::Pass),
        ]
    }

    /// Three servers that beat every two seconds unless they are stopped, or cut off from the board, which is the same to all others.
    struct Three {
        world: World,
        entries: Vec<Entry>,
        rosters: Vec<Roster>,
        stopped: [bool; 3],
        written: [u64; 3],
        going_since: [u64; 3],
    }

    impl Three {
        fn pass(&mut self, seconds: u64) -> Result<(), TestCaseError> {
            for _ in 0..seconds {
                self.world.pass(1);
                let second = self.world.now_ms / 1000;
                for n in (0..3).filter(|n| (second + n).is_multiple_of(2)) {
                    self.beat(n as usize)?;
                }
            }
            Ok(())
        }

        fn beat(&mut self, n: usize) -> Result<(), TestCaseError> {
            if self.stopped[n] {
                return Ok(());
            }
            self.written[n] = self.world.now_ms;
            for change in self.world.beat(&mut self.rosters[n], &self.entries[n]).changes {
                if let Change::Gone(entry) = change {
                    let other = entry.boot.0 as usize;
                    // Its last word may have been forgotten before anybody read it; and where silence came before that, it was the only one.
                    let silent = self.world.now_ms - self.written[other];
                    let steady = self.written[other].saturating_sub(self.going_since[other]) >= 10_000;
                    prop_assert!(silent >= 6_000 || !steady, "{} was given up after {silent} ms", entry.node);
                }
            }
            Ok(())
        }
    }

    proptest! {
        /// Whatever happens: a server that beats is lost by nobody, and after a quiet time all who beat see the truth.
        #[test]
        fn a_server_that_beats_is_lost_by_nobody(steps in prop::collection::vec(step(), 0..100)) {
            let mut three = Three {
                world: World::new(),
                entries: (0..3).map(|n| entry(&format!("n{n}"), n)).collect(),
                rosters: (0..3).map(|n| Roster::new(Boot(n), EXPIRY)).collect(),
                stopped: [false; 3],
                written: [0; 3],
                going_since: [0; 3],
            };
            let mut forgot = 0;
            for step in steps {
                match step {
                    Step::Stop(n) => three.stopped[n] = true,
                    Step::Go(n) if !three.stopped[n] => {}
                    Step::Go(n) => {
                        three.stopped[n] = false;
                        three.going_since[n] = three.world.now_ms;
                    }
                    // Not again and again just before somebody reads: then nothing can be known.
                    Step::Forget if three.world.now_ms - forgot < 12_000 => {}
                    Step::Forget => {
                        forgot = three.world.now_ms;
                        three.world.board.clear();
                    }
                    Step::Pass(seconds) => three.pass(seconds)?,
                }
            }
            three.pass(30)?;
            let truth: Vec<_> = (0..3_u64).filter(|n| !three.stopped[*n as usize]).collect();
            for n in &truth {
                prop_assert_eq!(names(&three.rosters[*n as usize]), truth.clone());
            }
        }
    }
}
