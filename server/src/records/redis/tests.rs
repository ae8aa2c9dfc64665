//! Records on a real cluster: the same as the pure [`Record`], however often and however late a call is executed.

use super::*;
use crate::metrics::LastOwner;
use crate::redis_rig::{DEADLINE, cluster, redis};
use crate::user::Users;
use chat_rig::Flavour;
use chat_session::Record;
use proptest::prelude::*;
use std::sync::OnceLock;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep};

const EXPIRY: Duration = Duration::from_secs(600);

/// A server of this name, among those of these names.
fn server(cluster: &Cluster, name: &str, there: &'static [&'static str], expiry: Duration) -> RedisRecords {
    let is_there: Arc<dyn Fn(&str) -> bool + Send + Sync> = Arc::new(|name| there.contains(&name));
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    RedisRecords::new(cluster.clone(), expiry, Owner { name: name.into(), is_there }, metrics)
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

fn pid(number: u128) -> Pid {
    Pid::from_random(number)
}

fn at(epoch: u64, n: u64) -> Position {
    Position::new(epoch, n)
}

async fn eventually<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let until = Instant::now() + DEADLINE;
    while !holds().await {
        assert!(Instant::now() < until, "{what}: not within {DEADLINE:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// What one of two servers does with one of a few sessions; or something that was done before arrives once more.
#[derive(Clone, Debug)]
enum Step {
    Create { session: usize, server: usize },
    Take { session: usize, server: usize, user: usize, stale: bool },
    Join { session: usize, server: usize, room: usize, at: Position },
    Leave { session: usize, server: usize, join: u32 },
    Checkpoint { session: usize, server: usize, places: Vec<(u32, Position)> },
    Renew { server: usize },
    Late { which: prop::sample::Index },
}

fn step() -> impl Strategy<Value = Step> {
    let (session, server) = (0..2_usize, 0..2_usize);
    let position =
        (prop_oneof![1..4_u64, Just(chat_log::NUMBER_MAX)], prop_oneof![0..6_u64, Just(chat_log::NUMBER_MAX)])
            .prop_map(|(epoch, n)| at(epoch, n));
    let both = (session, server);
    prop_oneof![
        1 => both.clone().prop_map(|(session, server)| Step::Create { session, server }),
        3 => (both.clone(), 0..8_usize, any::<bool>())
            .prop_map(|((session, server), user, stale)| Step::Take { session, server, user: usize::from(user == 0), stale }),
        6 => (both.clone(), 0..4_usize, position.clone())
            .prop_map(|((session, server), room, at)| Step::Join { session, server, room, at }),
        3 => (both.clone(), 1..8_u32).prop_map(|((session, server), join)| Step::Leave { session, server, join }),
        4 => (both, prop::collection::vec((1..8_u32, position), 0..4))
            .prop_map(|((session, server), places)| Step::Checkpoint { session, server, places }),
        1 => (0..2_usize).prop_map(|server| Step::Renew { server }),
        6 => any::<prop::sample::Index>().prop_map(|which| Step::Late { which }),
    ]
}

/// Rooms of several kinds, one of them too long for what Redis keeps small.
fn room(number: usize) -> Arc<str> {
    ["lobby", "Zürich {1}", "", "a room of a long name, longer than the sixty-four bytes of small values in Redis"]
        [number]
        .into()
}

fn sorted(taken: &Taken) -> Vec<(Arc<str>, bool, JoinNumber, Position)> {
    let mut rooms: Vec<_> =
        taken.rooms.iter().map(|held| (held.room.clone(), held.private, held.join, held.at)).collect();
    rooms.sort();
    rooms
}

struct World {
    servers: [RedisRecords; 2],
    users: [Arc<User>; 2],
    pids: [Pid; 2],
    records: [Option<Record<Arc<User>>>; 2],
    /// The fence under which each server believes to own each session.
    believed: [[Option<Fence>; 2]; 2],
    /// What was found before somebody else took it.
    stale: [Option<Found>; 2],
}

impl World {
    async fn step(&mut self, step: Step) {
        match step {
            Step::Create { session, server } => {
                if self.records[session].is_none() {
                    let user = self.users[0].clone();
                    self.servers[server].create(self.pids[session], user.clone()).await.expect("a record");
                    self.records[session] = Some(Record::new(user));
                    self.believed[server][session] = Some(Fence::FIRST);
                }
            }
            Step::Take { session, server, user, stale } => self.take(session, server, user, stale).await,
            Step::Join { session, server, room: number, at } => {
                let Some((pid, fence)) = self.owner(session, server) else { return };
                let found = self.servers[server].join(pid, fence, room(number), number % 2 == 1, at).await;
                let record = self.records[session].as_mut().expect("a record");
                assert_eq!(found, record.join(fence, room(number), number % 2 == 1, at).map_err(|_| Failed::Fenced));
            }
            Step::Leave { session, server, join } => {
                let Some((pid, fence)) = self.owner(session, server) else { return };
                // A session names only stays that it was given: what it says of one arrives after the stay began.
                let join = join.min(self.servers[server].last_join(pid));
                let leave = Leave { fence, join: JoinNumber(join) };
                let found = self.servers[server].leave(pid, &leave).await;
                let record = self.records[session].as_mut().expect("a record");
                assert_eq!(found, record.leave(fence, JoinNumber(join)).map_err(|_| Failed::Fenced));
            }
            Step::Checkpoint { session, server, places } => {
                let Some((pid, fence)) = self.owner(session, server) else { return };
                let given = self.servers[server].last_join(pid);
                let places: Box<[_]> = places
                    .into_iter()
                    .filter(|(join, _)| *join <= given)
                    .map(|(join, at)| (JoinNumber(join), at))
                    .collect();
                let checkpoint = Checkpoint { fence, places };
                let found = self.servers[server].checkpoint(pid, &checkpoint).await;
                let record = self.records[session].as_mut().expect("a record");
                assert_eq!(found, record.checkpoint(fence, &checkpoint.places).map_err(|_| Failed::Fenced));
            }
            Step::Renew { server } => {
                let lost = self.servers[server].renew().await;
                for (session, believed) in self.believed[server].iter_mut().enumerate() {
                    let Some(fence) = *believed else { continue };
                    let fenced = self.records[session].as_ref().is_some_and(|record| record.fence() != fence);
                    let expected = Lost { pid: self.pids[session], fence, failed: Failed::Fenced };
                    assert_eq!(lost.contains(&expected), fenced, "{lost:?}");
                    if fenced {
                        *believed = None;
                    }
                }
            }
            Step::Late { which } => {
                let server = &self.servers[which.index(2)].inner;
                let done: Vec<_> = server.journal.lock().clone();
                if !done.is_empty() {
                    let (partition, call) = which.get(&done).clone();
                    let _ = server.cluster.write(partition, call).await.expect("an answer");
                }
            }
        }
    }

    fn owner(&self, session: usize, server: usize) -> Option<(Pid, Fence)> {
        Some((self.pids[session], self.believed[server][session]?))
    }

    async fn take(&mut self, session: usize, server: usize, user: usize, stale: bool) {
        let (pid, user) = (self.pids[session], self.users[user].clone());
        let found = self.servers[server].find(pid).await.expect("an answer");
        let Some(record) = &mut self.records[session] else { return assert_eq!(found, None) };
        let found = found.expect("a record");
        assert_eq!((found.fence, &found.id), (record.fence(), &record.user().id));
        let seen = self.stale[session].replace(found.clone()).filter(|_| stale).unwrap_or(found);
        let taken = self.servers[server].take(pid, &seen, user.clone()).await.expect("an answer");
        let expected = record.take(&user);
        assert_eq!(taken.as_ref().map(|taken| taken.fence), expected.as_ref().map(|taken| taken.fence));
        assert_eq!(taken.as_ref().map(sorted), expected.as_ref().map(sorted));
        if let Some(taken) = taken {
            self.believed[server][session] = Some(taken.fence);
        }
    }
}

/// Two servers on a cluster of this flavour do these steps, and the pure record beside them.
fn follow(flavour: Flavour, place: &OnceLock<(Runtime, Cluster)>, steps: Vec<Step>) {
    let (runtime, cluster) = place.get_or_init(|| {
        let runtime = runtime();
        let cluster = runtime.block_on(cluster(flavour, "property"));
        (runtime, cluster)
    });
    runtime.block_on(async {
        let users = Users::default();
        let mut world = World {
            servers: ["a", "b"].map(|name| server(cluster, name, &["a", "b"], EXPIRY)),
            users: [users.meet("ann-id", "ann", false), users.meet("ben-id", "ben", true)],
            pids: [pid(rand::random()), pid(rand::random())],
            records: [None, None],
            believed: [[None; 2]; 2],
            stale: [None, None],
        };
        for step in steps {
            world.step(step).await;
        }
        for session in 0..2 {
            world.take(session, 0, 0, false).await;
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, max_shrink_time: 20_000, ..ProptestConfig::default() })]
    #[test]
    fn the_store_does_what_the_record_does(steps in prop::collection::vec(step(), 1..60)) {
        static PLACE: OnceLock<(Runtime, Cluster)> = OnceLock::new();
        follow(Flavour::Redis, &PLACE, steps);
    }

    #[test]
    fn so_does_the_store_on_valkey(steps in prop::collection::vec(step(), 1..60)) {
        static PLACE: OnceLock<(Runtime, Cluster)> = OnceLock::new();
        follow(Flavour::Valkey, &PLACE, steps);
    }
}

/// A record that the build before this one wrote: its rooms are none of members alone, and it goes on as one of this build.
#[test]
fn a_record_of_the_first_format_goes_on() {
    runtime().block_on(async {
        let cluster = cluster(Flavour::Redis, "first-format").await;
        let store = server(&cluster, "two", &[], EXPIRY);
        let user = Users::default().meet("ann-id", "ann", true);
        let pid = pid(rand::random());
        let (partition, key) = store.inner.place(pid);
        let node = redis(Flavour::Redis).master_of_slot(cluster.partitions().slot(partition)).expect("a master");
        let key = std::str::from_utf8(&key).expect("a readable key");
        let script = "return redis.call('SET', KEYS[1], cmsgpack.pack({ 1, 3, 7, 'm', '', 'ann-id', 'ann', 1, 'lobby', 6, 2, 40, 'den', 7, 2, 41 }))";
        node.command(&["EVAL", script, "1", key]).expect("a value");
        let found = store.find(pid).await.expect("an answer").expect("a record");
        let taken = store.take(pid, &found, user.clone()).await.expect("an answer").expect("taken");
        assert_eq!(taken.fence, Fence(4));
        let expected = [("den", false, JoinNumber(7), at(2, 41)), ("lobby", false, JoinNumber(6), at(2, 40))];
        assert_eq!(sorted(&taken), expected.map(|(room, private, join, at)| (room.into(), private, join, at)));
        assert_eq!(store.join(pid, Fence(4), "den".into(), true, at(3, 1)).await, Ok(JoinNumber(8)));
        let found = store.find(pid).await.expect("an answer").expect("a record");
        let taken = store.take(pid, &found, user).await.expect("an answer").expect("taken");
        let expected = [("den", true, JoinNumber(8), at(3, 1)), ("lobby", false, JoinNumber(6), at(2, 40))];
        assert_eq!(sorted(&taken), expected.map(|(room, private, join, at)| (room.into(), private, join, at)));
    });
}

#[test]
fn a_record_expires_a_while_after_its_owner_has_gone_and_is_never_made_anew() {
    runtime().block_on(async {
        let cluster = cluster(Flavour::Redis, "expiry").await;
        let expiry = Duration::from_millis(600);
        let (one, two) = (server(&cluster, "one", &[], expiry), server(&cluster, "two", &[], expiry));
        let user = Users::default().meet("ann-id", "ann", true);
        let pid = pid(rand::random());
        one.create(pid, user.clone()).await.expect("a record");
        // Renewed, it outlives its time.
        let begun = Instant::now();
        while begun.elapsed() < 3 * expiry {
            assert_eq!(one.renew().await, []);
            sleep(expiry / 6).await;
        }
        let found = two.find(pid).await.expect("an answer").expect("a record");
        assert_eq!((&*found.id, &*found.name, found.guest, &*found.owner), ("ann-id", "ann", true, "one"));
        one.release(pid, Fence::FIRST);
        assert_eq!(one.len(), 0);
        eventually("it has no owner", || async {
            two.find(pid).await.expect("an answer").is_none_or(|found| found.owner.is_empty())
        })
        .await;
        eventually("it expires", || async { two.find(pid).await.expect("an answer").is_none() }).await;
        assert_eq!(two.take(pid, &found, user.clone()).await, Ok(None));

        // One that expired under its owner: everything that is written to it says so, and it stays away.
        let lost = Pid::from_random(rand::random());
        one.create(lost, user).await.expect("a record");
        eventually("it expires", || async { two.find(lost).await.expect("an answer").is_none() }).await;
        assert_eq!(one.join(lost, Fence::FIRST, "lobby".into(), false, at(1, 1)).await, Err(Failed::Gone));
        let leave = Leave { fence: Fence::FIRST, join: JoinNumber(1) };
        assert_eq!(one.leave(lost, &leave).await, Err(Failed::Gone));
        let checkpoint = Checkpoint { fence: Fence::FIRST, places: Box::default() };
        assert_eq!(one.checkpoint(lost, &checkpoint).await, Err(Failed::Gone));
        assert_eq!(one.renew().await, [Lost { pid: lost, fence: Fence::FIRST, failed: Failed::Gone }]);
        assert_eq!((one.len(), one.inner.metrics.sessions_lost.get()), (0, 1));
        assert_eq!(two.find(lost).await, Ok(None));
    });
}

#[test]
fn sessions_of_servers_that_are_gone_are_counted_and_deleted_ones_are_gone() {
    runtime().block_on(async {
        let cluster = cluster(Flavour::Redis, "leases").await;
        let there: &[&str] = &["one", "two"];
        let (one, two) = (server(&cluster, "one", there, EXPIRY), server(&cluster, "two", there, EXPIRY));
        let dead = server(&cluster, "dead", there, EXPIRY);
        let user = Users::default().meet("ann-id", "ann", true);
        let [of_one, of_dead, of_nobody] = [(); 3].map(|()| pid(rand::random()));
        for (server, pid) in [(&one, of_one), (&dead, of_dead), (&dead, of_nobody)] {
            server.create(pid, user.clone()).await.expect("a record");
        }
        dead.release(of_nobody, Fence::FIRST);
        eventually("it has no owner", || async {
            two.find(of_nobody).await.expect("an answer").expect("a record").owner.is_empty()
        })
        .await;
        for pid in [of_one, of_dead, of_nobody] {
            let found = two.find(pid).await.expect("an answer").expect("a record");
            let taken = two.take(pid, &found, user.clone()).await.expect("an answer").expect("taken");
            assert_eq!(taken.fence, Fence(2));
        }
        let taken = [LastOwner::Here, LastOwner::There, LastOwner::Gone]
            .map(|owner| two.inner.metrics.leases_taken_over(owner));
        assert_eq!(taken, [0, 1, 1]);
        // Whoever lost it can neither end nor keep it.
        one.delete(of_one, Fence::FIRST);
        let fenced = |pid| Lost { pid, fence: Fence::FIRST, failed: Failed::Fenced };
        assert_eq!(dead.renew().await, [fenced(of_dead)]);
        two.delete(of_dead, Fence(2));
        eventually("it is gone", || async { two.find(of_dead).await.expect("an answer").is_none() }).await;
        assert!(two.find(of_one).await.expect("an answer").is_some());
        assert_eq!(two.len(), 2);
    });
}

#[test]
fn foreign_values_are_counted_and_are_no_records() {
    runtime().block_on(async {
        let cluster = cluster(Flavour::Redis, "foreign").await;
        let store = server(&cluster, "one", &[], EXPIRY);
        let user = Users::default().meet("ann-id", "ann", true);
        // Nothing; a text; a list of another format; one with half a room; another type of key.
        let values: [&[&str]; 5] =
            [&["SET", ""], &["SET", "hello"], &["SET", "\u{2}"], &["SET", "x\u{7}y"], &["RPUSH", "1"]];
        for (count, value) in (1..).zip(values) {
            let pid = pid(rand::random());
            let (partition, key) = store.inner.place(pid);
            let node = redis(Flavour::Redis).master_of_slot(cluster.partitions().slot(partition)).expect("a master");
            let key = std::str::from_utf8(&key).expect("a readable key");
            node.command(&[value[0], key, value[1]]).expect("a value");
            assert_eq!(store.find(pid).await, Ok(None));
            assert_eq!(store.inner.metrics.foreign_records.get(), count);
        }
        let pid = pid(rand::random());
        store.create(pid, user.clone()).await.expect("a record");
        let (partition, key) = store.inner.place(pid);
        let node = redis(Flavour::Redis).master_of_slot(cluster.partitions().slot(partition)).expect("a master");
        node.command(&["SET", std::str::from_utf8(&key).expect("a readable key"), "junk"]).expect("a value");
        assert_eq!(store.join(pid, Fence::FIRST, "lobby".into(), false, at(1, 1)).await, Err(Failed::Gone));
        assert_eq!(store.renew().await, [Lost { pid, fence: Fence::FIRST, failed: Failed::Gone }]);
    });
}

/// All that an idle connection in one room costs in Redis.
#[test]
fn a_record_is_small() {
    runtime().block_on(async {
        let cluster = cluster(Flavour::Redis, "size").await;
        let store = server(&cluster, "chat-7f9c8d7b6-x2x4z/0123456789abcdef", &[], EXPIRY);
        let user = Users::default().meet("g-abcdefghijklmnop", "A name as people have", true);
        let bytes = || -> u64 {
            let used = |node: &chat_rig::Node| {
                let info = node.command(&["INFO", "memory"]).expect("an answer");
                let field = |name: &str| {
                    let line = info.lines().find_map(|line| line.strip_prefix(name)).expect("a field");
                    line.trim().parse::<u64>().expect("a number")
                };
                // The backlog of replication has a size of its own and fills up while this runs.
                let other = ["mem_total_replication_buffers:", "mem_clients_normal:", "mem_clients_slaves:"];
                field("used_memory:") - other.iter().map(|name| field(name)).sum::<u64>()
            };
            redis(Flavour::Redis).masters().expect("masters").iter().map(used).sum()
        };
        let before = bytes();
        let pids: Vec<_> = (0..10_000).map(|_| pid(rand::random())).collect();
        let mut running = JoinSet::new();
        for pid in pids.iter().copied() {
            let (store, user) = (store.clone(), user.clone());
            running.spawn(async move {
                store.create(pid, user).await.expect("a record");
                store.join(pid, Fence::FIRST, "lobby".into(), false, at(1_700_000_000, 123_456)).await.expect("a stay");
            });
        }
        running.join_all().await;
        let each = (bytes() - before) / pids.len() as u64;
        println!("{each} bytes a record");
        assert!(each <= 500, "{each} bytes");
    });
}

#[tokio::test]
async fn a_renewal_without_redis_ends_long_before_a_write_would_give_up() {
    let mut options = chat_redis::Options::new(vec!["127.0.0.1:1".into()]);
    options.partitions = 1;
    let deadline = options.write_deadline;
    let cluster = Cluster::start(options, &chat_redis::Library::new().part(LIBRARY));
    let owner = Owner { name: "me".into(), is_there: Arc::new(|_| true) };
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let records = RedisRecords::new(cluster, Duration::from_secs(2), owner, metrics);
    for pid in 0..3 * RENEWED_MAX as u128 {
        records.adopt(Pid::from_random(pid), Fence::FIRST, 0);
    }
    let began = std::time::Instant::now();
    assert!(records.renew().await.is_empty());
    assert!(began.elapsed() < deadline / 2, "{:?}", began.elapsed());
}
