//! The memory log's own bounds: what is refused when it is full, what it counts, what it gives back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chat_log::{
    Append, AppendError, Appended, Bound, Follower, Hint, MemoryLog, Options, Position, RoomLog, Start, Stats,
};

const NOW_MS: u64 = 1_800_000_000_000;

struct Bench {
    log: MemoryLog,
    now_ms: Arc<AtomicU64>,
}

fn bench(options: Options) -> Bench {
    let now_ms = Arc::new(AtomicU64::new(NOW_MS));
    let clock = Arc::clone(&now_ms);
    Bench { log: MemoryLog::new(options, Arc::new(move || clock.load(Ordering::SeqCst))), now_ms }
}

impl Bench {
    async fn append(&self, room: &str, id: &str, bytes: usize) -> Result<Appended, AppendError> {
        let body = Bytes::from(vec![b'x'; bytes]);
        let append = Append { room: room.into(), author: "ann".into(), id: id.into(), body };
        self.log.append(vec![append]).await.remove(0)
    }

    fn elapse(&self, time: Duration) {
        self.now_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn the_epoch_is_the_second_of_the_start() {
    let bench = bench(Options::default());
    assert_eq!(bench.append("a", "1", 1).await.unwrap().position, Position::new(NOW_MS / 1000, 1));
}

#[tokio::test]
async fn times_do_not_go_back_with_the_clock() {
    let bench = bench(Options::default());
    let first = bench.append("a", "1", 1).await.unwrap();
    bench.now_ms.fetch_sub(5000, Ordering::SeqCst);
    let second = bench.append("a", "2", 1).await.unwrap();
    let elsewhere = bench.append("b", "1", 1).await.unwrap();
    assert_eq!((first.at_ms, second.at_ms, elsewhere.at_ms), (NOW_MS, NOW_MS, NOW_MS - 5000));
}

#[tokio::test]
async fn an_entry_past_its_size_is_refused() {
    let bench = bench(Options { entry_bytes_max: 100, ..Options::default() });
    let around = "ann".len() + "1".len();
    assert_eq!(bench.append("a", "1", 101 - around).await, Err(AppendError::TooLarge { max: 100 }));
    assert_eq!(bench.append("a", "1", 100 - around).await.unwrap().position.n, 1);
    assert_eq!(bench.log.stats().refused_too_large, 1);
}

#[tokio::test]
async fn a_room_too_many_is_refused_and_the_others_go_on() {
    let bench = bench(Options { rooms_max: 2, ..Options::default() });
    for room in ["a", "b"] {
        bench.append(room, "1", 1).await.unwrap();
    }
    assert_eq!(bench.append("c", "1", 1).await, Err(AppendError::Full(Bound::Rooms)));
    assert_eq!(bench.append("a", "2", 1).await.unwrap().position.n, 2);
    let Stats { rooms, refused_rooms, appended, .. } = bench.log.stats();
    assert_eq!((rooms, refused_rooms, appended), (2, 1, 3));
}

#[tokio::test]
async fn bytes_past_the_bound_are_refused_until_age_gives_them_back() {
    let age = Duration::from_secs(60);
    let options = Options { bytes_max: 10_000, retained_age: age, dedup_age: age / 3, ..Options::default() };
    let bench = bench(options);
    let mut fitted = 0;
    let refused = loop {
        match bench.append("a", &fitted.to_string(), 1000).await {
            Ok(_) => fitted += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, AppendError::Full(Bound::Bytes));
    assert!((5..10).contains(&fitted), "{fitted} entries of 1000 bytes in 10000");
    assert_eq!(bench.append("b", "1", 1000).await, Err(AppendError::Full(Bound::Bytes)), "nor in another room");
    let full = bench.log.stats();
    assert_eq!((full.rooms, full.entries, full.refused_bytes), (1, fitted, 2));
    assert!(full.bytes > 5000 && full.bytes <= 10_000);

    bench.elapse(age);
    bench.log.sweep();
    let swept = bench.log.stats();
    assert_eq!((swept.entries, swept.bytes, swept.trimmed), (0, 0, fitted as u64));
    assert_eq!(bench.append("b", "1", 1000).await.unwrap().position.n, 1);
    assert_eq!(bench.append("a", "next", 1000).await.unwrap().position.n, fitted as u64 + 1, "the number survives");
}

#[tokio::test]
async fn a_full_log_still_turns_over_a_room_that_is_at_its_own_bound() {
    let options = Options { bytes_max: 10_000, retained_entries: 3, dedup_age: Duration::ZERO, ..Options::default() };
    let bench = bench(options);
    for i in 0..3 {
        bench.append("a", &i.to_string(), 1000).await.unwrap();
    }
    while bench.append("b", &bench.log.stats().appended.to_string(), 700).await.is_ok() && bench.log.stats().rooms < 2 {
    }
    for i in 3..40 {
        bench.append("a", &i.to_string(), 1000).await.unwrap();
    }
    let page = bench.log.read(&"a".into(), Position::START, 100).await.unwrap();
    assert_eq!((page.entries.len(), page.tail.n), (3, 40));
}

#[tokio::test]
async fn a_room_keeps_so_many_bytes_and_always_its_newest_entry() {
    let bench = bench(Options { retained_bytes: 5000, ..Options::default() });
    for i in 0..20 {
        bench.append("a", &i.to_string(), 1000).await.unwrap();
    }
    let page = bench.log.read(&"a".into(), Position::START, 100).await.unwrap();
    assert_eq!((page.entries.len(), page.tail.n), (4, 20));
    assert!(matches!(page.start, Start::Gap { to, .. } if to.n == 16));
    bench.append("a", "large", 50_000).await.unwrap();
    let page = bench.log.read(&"a".into(), Position::START, 100).await.unwrap();
    assert_eq!((page.entries.len(), page.tail.n), (1, 21));
}

#[tokio::test]
async fn an_id_is_never_forgotten_early_to_make_place() {
    let age = Duration::from_secs(10);
    let bench = bench(Options { dedup_ids_max: 3, dedup_age: age, ..Options::default() });
    for id in ["1", "2", "3"] {
        bench.append("a", id, 1).await.unwrap();
    }
    assert_eq!(bench.append("a", "4", 1).await, Err(AppendError::Full(Bound::Ids)));
    assert!(bench.append("a", "1", 1).await.unwrap().duplicate, "a duplicate needs no place");
    assert_eq!(bench.append("b", "4", 1).await.unwrap().position.n, 1, "another room has its own");
    bench.elapse(age);
    assert!(!bench.append("a", "4", 1).await.unwrap().duplicate);
    assert_eq!(bench.log.stats().refused_ids, 1);
}

#[tokio::test]
async fn what_is_held_is_counted_to_the_byte() {
    let age = Duration::from_secs(10);
    let options = Options { retained_entries: 4, retained_age: age, dedup_age: age, ..Options::default() };
    let bench = bench(options);
    for i in 0..50 {
        bench.append("a", &format!("long id number {i}"), i * 10).await.unwrap();
        bench.append("b", &format!("{}", i / 2), 5).await.unwrap();
        bench.elapse(Duration::from_millis(700));
    }
    let stats = bench.log.stats();
    assert_eq!((stats.appended, stats.duplicates), (75, 25));
    assert!(stats.entries <= 8 && stats.bytes > 0);
    bench.log.roll_back("a", 48);
    bench.elapse(age * 3);
    bench.log.sweep();
    let stats = bench.log.stats();
    assert_eq!((stats.entries, stats.bytes, stats.rooms), (0, 0, 2));
    bench.log.restart();
    assert_eq!(bench.log.stats().rooms, 0);
}

#[tokio::test]
async fn a_room_that_was_only_watched_leaves_nothing() {
    struct Deaf;
    impl Follower for Deaf {
        fn hint(&self, _: Hint) {}
    }
    let bench = bench(Options { rooms_max: 1, ..Options::default() });
    let watches: Vec<_> = (0..100).map(|i| bench.log.watch(&format!("{i}").into(), Arc::new(Deaf))).collect();
    assert_eq!(bench.log.stats().rooms, 0, "a watched room without entries takes no place");
    drop(watches);
    bench.append("100", "1", 1).await.unwrap();
    assert_eq!(bench.log.stats().rooms, 1);
}

#[tokio::test]
async fn more_epochs_than_can_be_told_apart_are_a_reset_and_not_a_loop() {
    let bench = bench(Options::default());
    let room = "a".into();
    let mut old = Vec::new();
    for i in 0..200 {
        old.push(bench.append("a", &i.to_string(), 1).await.unwrap().position);
        bench.log.roll_back("a", i + 1);
    }
    for position in old {
        let (mut at, mut pages) = (position, 0);
        while at.n < 200 {
            at = bench.log.read(&room, at, 10).await.unwrap().end(at);
            pages += 1;
            assert!(pages < 40, "{position} never comes to the end");
        }
    }
}

#[test]
fn a_first_entry_survives_a_watch_that_ends_at_the_same_time() {
    struct Deaf;
    impl Follower for Deaf {
        fn hint(&self, _: Hint) {}
    }
    let bench = bench(Options::default());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for round in 0..2000 {
        let name = format!("{round}");
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let watch = bench.log.watch(&name.as_str().into(), Arc::new(Deaf));
                barrier.wait();
                drop(watch);
            });
            barrier.wait();
            runtime.block_on(bench.append(&name, "1", 1)).unwrap();
        });
        let page = runtime.block_on(bench.log.read(&name.as_str().into(), Position::START, 10)).unwrap();
        assert_eq!((page.entries.len(), page.tail.n), (1, 1), "round {round}");
    }
    assert_eq!(bench.log.stats().rooms, 2000);
}
