//! Faults of real processes under load: nothing acknowledged is lost or there twice, rooms have no holes, and followers end up with all of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chat_log::redis::{Options, RedisLog};
use chat_log::{Append, AppendError, Position, RoomLog};
use chat_redis::Cluster;
use chat_rig::{Flavour, Node, RedisCluster};
use tokio::task::{JoinHandle, block_in_place};

use crate::clusters;
use crate::reader::{Reader, Seen};

const ROOMS: usize = 12;
const WRITERS: usize = 8;
const PROMOTION_MAX: Duration = Duration::from_secs(20);

/// Two servers on a cluster of their own: one writes, the other one follows.
struct World {
    nodes: RedisCluster,
    cluster: Cluster,
    writing: Arc<dyn RoomLog>,
    following: Arc<dyn RoomLog>,
    rooms: Vec<Arc<str>>,
}

impl World {
    async fn start(flavour: Flavour) -> Self {
        let nodes = block_in_place(|| clusters::start(flavour));
        let log = || {
            let cluster = Cluster::start(clusters::options(&nodes, "chat"), &clusters::library());
            let options = Options { tail_check: Duration::from_secs(1), ..Options::default() };
            (cluster.clone(), Arc::new(RedisLog::start(cluster, options)) as Arc<dyn RoomLog>)
        };
        let ((cluster, writing), (_, following)) = (log(), log());
        let rooms: Vec<Arc<str>> = (0..ROOMS).map(|i| Arc::from(format!("room {i}"))).collect();
        // Begins when all shards take appends.
        for room in &rooms {
            send(&*writing, room, "first").await;
        }
        Self { nodes, cluster, writing, following, rooms }
    }

    /// The slot of the first room.
    fn slot(&self) -> u16 {
        self.cluster.partitions().slot(self.cluster.partition(&*self.rooms[0]))
    }
}

/// Sends until it is acknowledged, as a client does. Returns the place, and whether a replica holds it.
async fn send(log: &dyn RoomLog, room: &Arc<str>, id: &str) -> Position {
    let wish = Append { room: Arc::clone(room), author: "ann".into(), id: id.into(), body: Bytes::from(id.to_owned()) };
    loop {
        match log.append(vec![wish.clone()]).await.remove(0) {
            Ok(appended) => return appended.position,
            Err(AppendError::Unavailable | AppendError::UnknownOutcome) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

type Acked = Vec<(usize, String, Position)>;

/// Writers that go on until they are told to stop, each waiting for its acknowledgement.
struct Load {
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<(Acked, Duration)>>,
    readers: Vec<Reader>,
}

impl Load {
    fn start(world: &World) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let write = |writer: usize| {
            let (log, rooms, stop) = (Arc::clone(&world.writing), world.rooms.clone(), Arc::clone(&stop));
            tokio::spawn(async move {
                let (mut acked, mut longest) = (Vec::new(), Duration::ZERO);
                for i in 0.. {
                    if stop.load(Ordering::SeqCst) {
                        break;
                    }
                    let (room, id) = ((writer * 5 + i) % ROOMS, format!("{writer}/{i}"));
                    let began = Instant::now();
                    let position = send(&*log, &rooms[room], &id).await;
                    longest = longest.max(began.elapsed());
                    acked.push((room, id, position));
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                (acked, longest)
            })
        };
        let readers = world.rooms.iter().map(|room| Reader::follow(&world.following, room)).collect();
        Self { tasks: (0..WRITERS).map(write).collect(), stop, readers }
    }

    /// Ends the load, and judges.
    async fn finish(self, world: &World) -> Vec<Seen> {
        self.stop.store(true, Ordering::SeqCst);
        let (mut acked, mut longest) = (Acked::new(), Duration::ZERO);
        for task in self.tasks {
            let (own, waited) = task.await.unwrap();
            acked.extend(own);
            longest = longest.max(waited);
        }
        let mut found: HashMap<(usize, String), Position> = HashMap::new();
        let mut counts = Vec::new();
        for (at, room) in world.rooms.iter().enumerate() {
            let entries = read_all(&*world.writing, room).await;
            for (n, (id, position)) in (1..).zip(&entries) {
                assert_eq!(position.n, n, "{room} has a hole");
                let before = found.insert((at, id.clone()), *position);
                assert_eq!(before, None, "{room}: {id} is there twice");
            }
            counts.push(entries.len());
        }
        let lost = acked.iter().filter(|(room, id, position)| found.get(&(*room, id.clone())) != Some(position));
        let lost: Vec<_> = lost.collect();
        assert!(lost.is_empty(), "of {} acknowledged these are lost: {lost:?}", acked.len());
        let mut all = Vec::new();
        for (reader, (room, count)) in self.readers.into_iter().zip(world.rooms.iter().zip(counts)) {
            let seen = reader.finish(count).await;
            let own: Vec<_> = seen.entries.iter().map(|entry| (entry.id.to_string(), entry.position)).collect();
            assert_eq!(own, read_all(&*world.writing, room).await, "{room}: the follower has something else");
            all.push(seen);
        }
        let sum = |count: fn(&Seen) -> usize| all.iter().map(count).sum::<usize>();
        println!(
            "{} acknowledged, longest {longest:?}; {} entries followed, {} by hint, {} voids that withdrew {}",
            acked.len(),
            sum(|seen| seen.entries.len()),
            sum(|seen| seen.by_hint),
            sum(|seen| seen.voids),
            sum(|seen| seen.withdrawn),
        );
        assert!(acked.len() > 200, "only {} were acknowledged: this is no load", acked.len());
        all
    }
}

async fn read_all(log: &dyn RoomLog, room: &Arc<str>) -> Vec<(String, Position)> {
    let (mut at, mut entries) = (Position::START, Vec::new());
    loop {
        let page = log.read(room, at, 100).await.unwrap();
        entries.extend(page.entries.iter().map(|entry| (entry.id.to_string(), entry.position)));
        at = page.end(at);
        if page.is_last(at) {
            return entries;
        }
    }
}

async fn for_a_while(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

async fn a_master_is_killed(flavour: Flavour) {
    let world = World::start(flavour).await;
    let load = Load::start(&world);
    for_a_while(1000).await;
    block_in_place(|| {
        let master = world.nodes.master_of_slot(world.slot()).unwrap();
        master.kill().unwrap();
        world.nodes.await_promotion(world.slot(), &master, PROMOTION_MAX).unwrap();
    });
    for_a_while(1500).await;
    load.finish(&world).await;
}

async fn a_master_stops_and_goes_on(flavour: Flavour) {
    let world = World::start(flavour).await;
    let load = Load::start(&world);
    for_a_while(1000).await;
    let master = block_in_place(|| {
        let master = world.nodes.master_of_slot(world.slot()).unwrap();
        master.pause().unwrap();
        world.nodes.await_promotion(world.slot(), &master, PROMOTION_MAX).unwrap();
        master
    });
    for_a_while(1000).await;
    block_in_place(|| master.resume().unwrap());
    for_a_while(2000).await;
    load.finish(&world).await;
}

async fn shards_are_handed_over(flavour: Flavour) {
    let world = World::start(flavour).await;
    let load = Load::start(&world);
    for_a_while(1000).await;
    for _ in 0..2 {
        block_in_place(|| {
            for master in world.nodes.masters().unwrap() {
                let slot = world.nodes.view().unwrap();
                let own = slot.iter().find(|member| master.id().unwrap() == member.id).unwrap();
                let slot = *own.slots[0].start();
                let replica = world.nodes.replica_of(&master).unwrap();
                world.nodes.fail_over(&replica).unwrap();
                world.nodes.await_promotion(slot, &master, PROMOTION_MAX).unwrap();
            }
            world.nodes.await_healthy(PROMOTION_MAX).unwrap();
        });
        for_a_while(500).await;
    }
    load.finish(&world).await;
}

async fn slots_move(flavour: Flavour) {
    let world = World::start(flavour).await;
    let load = Load::start(&world);
    for_a_while(1000).await;
    block_in_place(|| {
        let masters = world.nodes.masters().unwrap();
        let slots = world.cluster.partitions().all().map(|partition| world.cluster.partitions().slot(partition));
        for (slot, to) in slots.zip(masters.iter().cycle().skip(1)) {
            world.nodes.move_slot(slot, to).unwrap();
        }
    });
    for_a_while(1500).await;
    load.finish(&world).await;
}

/// The master A hands over to B; B appends what A does not get, and dies; A takes over again. Followers that saw B's entry are told that it is void,
/// and A never gives its place to another one under the same epoch.
async fn what_a_dead_master_had_alone_is_void(flavour: Flavour) {
    let world = World::start(flavour).await;
    let room = Arc::clone(&world.rooms[0]);
    let load = Load::start(&world);
    for_a_while(1000).await;
    let (a, b) = block_in_place(|| {
        let a = world.nodes.master_of_slot(world.slot()).unwrap();
        let b = world.nodes.replica_of(&a).unwrap();
        world.nodes.fail_over(&b).unwrap();
        world.nodes.await_promotion(world.slot(), &a, PROMOTION_MAX).unwrap();
        world.nodes.await_healthy(PROMOTION_MAX).unwrap();
        (a, b)
    });
    for_a_while(1000).await;
    world.cluster.set_unreplicated_allowed(false);
    let shown = block_in_place(|| {
        a.pause().unwrap();
        // What lies in A's socket already would reach it in the end.
        b.command(&["CLIENT", "KILL", "TYPE", "replica"]).unwrap();
        append_alone(&world, &b, &room, "unconfirmed")
    });
    let began = Instant::now();
    while world.following.get(&room, shown).await.unwrap().is_none() {
        assert!(began.elapsed() < Duration::from_secs(1), "it can be read, though nobody confirmed it");
    }
    for_a_while(200).await;
    block_in_place(|| {
        b.kill().unwrap();
        a.resume().unwrap();
        world.nodes.await_promotion(world.slot(), &b, PROMOTION_MAX).unwrap();
        b.start().unwrap();
    });
    let again = send(&*world.writing, &room, "unconfirmed").await;
    assert!(again.epoch > shown.epoch, "{again} after {shown}");
    for_a_while(1000).await;
    let seen = load.finish(&world).await;
    assert!(seen[0].withdrawn > 0, "the follower had seen what B had alone");
}

/// What a server sends that ends before it hears whether a replica has it.
fn append_alone(world: &World, master: &Node, room: &str, id: &str) -> Position {
    let functions = master.command(&["FUNCTION", "LIST"]).unwrap();
    let function = functions.lines().find(|line| line.starts_with("room_append_")).unwrap();
    let partition = world.cluster.partition(room);
    let key = |kind, rest| String::from_utf8(world.cluster.key(partition, kind, rest).to_vec()).unwrap();
    let keys = [key("m", ""), key("d0", ""), key("d1", ""), key("r", room), key("l", room)];
    let keys: Vec<_> = keys.iter().map(String::as_str).collect();
    let (channel, packed) = (key("c", room), format!("\u{1}\u{3}ann\u{b}{id}body"));
    let options = ["0", "10000", "86400000", "8388608", "120000", "1048576", "1", &channel];
    let append = ["1", "16 bytes of an id", &packed];
    // The load goes on: the heads of its batches say that nothing may be written without a replica. This writer has not heard of that.
    let head = function.replace("room_append_", "tenure_");
    let began = Instant::now();
    let answer = loop {
        master.command(&["FCALL", &head, "0", "0"]).unwrap();
        match master.command(&[&["FCALL", function, "5"], &keys[..], &options, &append].concat()) {
            Ok(answer) => break answer,
            Err(error) if error.to_string().contains("UNREPLICATED") && began.elapsed() < PROMOTION_MAX => {}
            Err(error) => panic!("{error}"),
        }
    };
    let place = answer.strip_prefix('a').unwrap_or_else(|| panic!("{answer}"));
    place.rsplit_once('-').unwrap().0.parse().unwrap()
}

macro_rules! on_both {
    ($($fault:ident),+ $(,)?) => {
        mod redis {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fault() {
                    super::$fault(chat_rig::Flavour::Redis).await;
                }
            )+
        }
        mod valkey {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $fault() {
                    super::$fault(chat_rig::Flavour::Valkey).await;
                }
            )+
        }
    };
}

on_both!(
    a_master_is_killed,
    a_master_stops_and_goes_on,
    shards_are_handed_over,
    slots_move,
    what_a_dead_master_had_alone_is_void,
);
