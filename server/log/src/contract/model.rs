//! The log beside a plain list: random schedules of appends, retries and rollbacks, with every read answered from the list as well.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::steps::{read, tail, wish_of};
use super::{Harness, Terms};
use crate::{BoxFuture, Entry, GapReason, Position, Reach, RoomLog, Start};

const ROOMS: usize = 3;
const AUTHORS: [&str; 2] = ["ann", "bob"];

/// One step of a schedule. Small ranges, so that rooms, ids and positions meet often.
#[derive(Clone, Debug)]
enum Step {
    /// A batch: room, author, id each.
    Append(Vec<(usize, usize, u8)>),
    /// A failover of a room that lost so many entries.
    RollBack(usize, u64),
    /// Reads from a position that was seen in the room, moved by so much in `n`.
    Read(usize, usize, i64, usize),
    /// Reads back from a number.
    ReadBefore(usize, Option<u64>, usize),
}

fn step() -> impl Strategy<Value = Step> {
    let room = 0..ROOMS;
    prop_oneof![
        6 => prop::collection::vec((room.clone(), 0..AUTHORS.len(), 0..30_u8), 1..12).prop_map(Step::Append),
        1 => (room.clone(), 0..5_u64).prop_map(|(room, count)| Step::RollBack(room, count)),
        6 => (room.clone(), any::<prop::sample::Index>(), -1..=1_i64, 0..20_usize)
            .prop_map(|(room, seen, by, limit)| Step::Read(room, seen.index(1 << 16), by, limit)),
        2 => (room, prop::option::of(0..40_u64), 0..20_usize)
            .prop_map(|(room, before, limit)| Step::ReadBefore(room, before, limit)),
    ]
}

/// A room as a list.
#[derive(Default)]
struct List {
    entries: Vec<(Position, &'static str, String)>,
    /// Every position that an entry ever had.
    seen: Vec<Position>,
}

impl List {
    fn append(&mut self, author: &'static str, id: &str, position: Position, duplicate: bool) {
        let there = self.entries.iter().find(|(_, of, own)| *of == author && own == id);
        if let Some((first, ..)) = there {
            assert!(duplicate && position == *first, "{id} of {author} is a duplicate of {first}, not {position}");
            return;
        }
        assert!(!duplicate, "{id} of {author} is new");
        assert_eq!(position.n, self.entries.len() as u64 + 1);
        assert!(self.entries.last().is_none_or(|(last, ..)| *last < position));
        assert!(!self.seen.contains(&position), "{position} was an entry before");
        self.entries.push((position, author, id.to_owned()));
        self.seen.push(position);
    }

    fn same(&self, from: usize, entries: &[Arc<Entry>]) {
        for (entry, (position, author, id)) in entries.iter().zip(&self.entries[from..]) {
            assert_eq!((entry.position, &*entry.author, &*entry.id), (*position, *author, &**id));
        }
    }

    async fn read(&self, log: &dyn RoomLog, room: &Arc<str>, after: Position, limit: usize) {
        let page = read(log, room, after, limit).await;
        let reach = log.reach(room, after).await.expect("an answer");
        let common = self.entries.iter().take_while(|(at, ..)| at.epoch <= after.epoch).count() as u64;
        let from = match page.start {
            Start::Follows => {
                assert!(after.n <= common && reach == Reach::To(after.n), "{after} does not follow");
                after.n
            }
            Start::Void { after: end } => {
                assert!(common > 0 && common < after.n && end.n == common, "{after}: void after {end}");
                assert!(end > after || !self.seen.contains(&after), "{after}, an entry once: void after {end}");
                assert_eq!(reach, Reach::To(common));
                common
            }
            Start::Gap { to, reason: GapReason::Reset } => {
                assert!(common == 0 && after.n > 0 && to.n == 0 && reach == Reach::Reset, "{after}: reset");
                0
            }
            Start::Gap { reason: GapReason::Trimmed, .. } | Start::Ahead => panic!("{after}: {page:?}"),
        };
        assert_eq!(page.entries.len(), limit.min(self.entries.len() - from as usize));
        assert_eq!(page.tail.n, self.entries.len() as u64);
        self.same(from as usize, &page.entries);
    }

    async fn read_before(&self, log: &dyn RoomLog, room: &Arc<str>, before: Option<u64>, limit: usize) {
        let epoch = self.entries.last().map_or(1, |(last, ..)| last.epoch);
        let before = before.map(|n| Position::new(epoch, n));
        let page = log.read_before(room, before, limit).await.expect("history");
        let end = before.map_or(self.entries.len(), |at| self.entries.len().min((at.n as usize).saturating_sub(1)));
        let start = end.saturating_sub(limit);
        assert_eq!((page.entries.len(), page.more), (end - start, start > 0));
        self.same(start, &page.entries);
    }
}

async fn run<H: Harness>(steps: Vec<Step>) {
    let harness = H::start(Terms::default()).await;
    let log = harness.log();
    let rooms: Vec<_> = (0..ROOMS).map(|i| harness.room(&format!("model {i}"))).collect();
    let mut lists: BTreeMap<usize, List> = (0..ROOMS).map(|i| (i, List::default())).collect();
    for step in steps {
        match step {
            Step::Append(batch) => {
                let id = |id: u8| format!("id{id}");
                let wishes = batch.iter().map(|(room, author, n)| wish_of(&rooms[*room], AUTHORS[*author], &id(*n)));
                let answers = log.append(wishes.collect()).await;
                assert_eq!(answers.len(), batch.len());
                for ((room, author, n), answer) in batch.into_iter().zip(answers) {
                    let appended = answer.expect("an append");
                    let list = lists.entry(room).or_default();
                    list.append(AUTHORS[author], &id(n), appended.position, appended.duplicate);
                }
            }
            Step::RollBack(room, count) => {
                let list = lists.entry(room).or_default();
                list.entries.truncate(list.entries.len().saturating_sub(count as usize));
                harness.roll_back(&rooms[room], list.entries.len() as u64).await;
            }
            Step::Read(room, seen, by, limit) => {
                let list = &lists[&room];
                let at = list.seen.get(seen % list.seen.len().max(1)).copied().unwrap_or(Position::START);
                let after = Position::new(at.epoch, at.n.saturating_add_signed(by));
                list.read(&*log, &rooms[room], after, limit).await;
            }
            Step::ReadBefore(room, before, limit) => {
                lists[&room].read_before(&*log, &rooms[room], before, limit).await;
            }
        }
    }
    for (room, list) in &lists {
        list.read(&*log, &rooms[*room], Position::START, usize::MAX).await;
        assert_eq!(tail(&*log, &rooms[*room]).await.n, list.entries.len() as u64);
    }
}

/// Runs [`Harness::MODEL_CASES`] schedules; `block_on` drives one to its end. What fails is made smaller before it is shown.
pub fn agrees_with_a_plain_list<H: Harness>(block_on: impl Fn(BoxFuture<'static, ()>)) {
    let config = Config { cases: H::MODEL_CASES, failure_persistence: None, ..Config::default() };
    let schedules = prop::collection::vec(step(), 1..40);
    let outcome = TestRunner::new(config).run(&schedules, |steps| {
        block_on(Box::pin(run::<H>(steps)));
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}
