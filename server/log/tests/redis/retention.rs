//! What Redis does by itself with time: streams and ids of rooms that nobody touches any more expire, counters do not. And the bound in bytes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_log::redis::{Options, RedisLog};
use chat_log::{Append, Position, RoomLog, Start};
use chat_redis::Cluster;
use chat_rig::Flavour;
use tokio::task::block_in_place;

use crate::clusters;

struct Bench {
    log: RedisLog,
    cluster: Cluster,
    room: Arc<str>,
}

fn bench(options: Options) -> Bench {
    let nodes = block_in_place(|| clusters::shared(Flavour::Redis));
    let cluster = Cluster::start(clusters::options(nodes, &clusters::prefix()), &clusters::library());
    Bench { log: RedisLog::start(cluster.clone(), options), cluster, room: "room".into() }
}

impl Bench {
    async fn append(&self, id: &str, bytes: usize) -> Position {
        let body = Bytes::from(vec![b'x'; bytes]);
        let wish = Append { room: Arc::clone(&self.room), author: "ann".into(), id: id.into(), body };
        self.log.append(vec![wish]).await.remove(0).unwrap().position
    }

    fn ask(&self, command: &[&str], kind: &str, rest: &[&str]) -> String {
        let partition = self.cluster.partition(&*self.room);
        let room = if kind.starts_with('d') { "" } else { &*self.room };
        let key = String::from_utf8(self.cluster.key(partition, kind, room).to_vec()).unwrap();
        let slot = self.cluster.partitions().slot(partition);
        block_in_place(|| {
            let master = clusters::shared(Flavour::Redis).master_of_slot(slot).unwrap();
            master.command(&[command, &[&key], rest].concat()).unwrap()
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_touches_expires_and_the_counter_stays() {
    let age = Duration::from_secs(2);
    let bench = bench(Options { retained_age: age, dedup_age: age / 2, ..Options::default() });
    let began = Instant::now();
    for i in 0..5 {
        bench.append(&i.to_string(), 10).await;
        tokio::time::sleep(age / 5).await;
    }
    assert_eq!(bench.ask(&["XLEN"], "l", &[]), "5", "nothing expires early");
    while bench.ask(&["EXISTS"], "l", &[]) != "0" || bench.ask(&["EXISTS"], "d0", &[]) != "0" {
        assert!(began.elapsed() < age * 5, "it expires");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let page = bench.log.read(&bench.room, Position::START, 10).await.unwrap();
    assert!(matches!(page.start, Start::Gap { to, .. } if to.n == 5), "{page:?}");
    assert_eq!(bench.append("next", 10).await.n, 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_keeps_about_so_many_bytes() {
    let bytes = 200_000;
    let bench = bench(Options { retained_bytes: bytes, ..Options::default() });
    for i in 0..64 * 4 {
        bench.append(&format!("small {i}"), 2000).await;
    }
    let used = |bench: &Bench| bench.ask(&["MEMORY", "USAGE"], "l", &["SAMPLES", "0"]).parse::<usize>().unwrap();
    let held = used(&bench);
    assert!(held > bytes / 2 && held < bytes * 2, "{held} bytes of {bytes}");
    // Large ones are looked at each time.
    for i in 0..30 {
        bench.append(&format!("large {i}"), 50_000).await;
    }
    let held = used(&bench);
    assert!(held > bytes / 2 && held < bytes * 2, "{held} bytes of {bytes}");
    let page = bench.log.read(&bench.room, Position::START, 100).await.unwrap();
    assert!(matches!(page.start, Start::Gap { .. }) && page.tail.n == 286, "{:?}", page.start);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_bounded_in_bytes() {
    let bench = bench(Options::default());
    for i in 0..40 {
        bench.append(&i.to_string(), 100_000).await;
    }
    let (mut at, mut pages) = (Position::START, 0);
    while at.n < 40 {
        let page = bench.log.read(&bench.room, at, 1000).await.unwrap();
        let bytes: usize = page.entries.iter().map(|entry| entry.body.len()).sum();
        assert!(page.start == Start::Follows && (1..4_500_000).contains(&bytes), "{bytes}");
        (at, pages) = (page.end(at), pages + 1);
    }
    assert!(pages > 1);
    let before = bench.log.read_before(&bench.room, None, 1000).await.unwrap();
    assert!(before.more && before.entries.len() < 40);
}
