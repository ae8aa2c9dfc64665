//! A Redis that will not do: one clear reason each.

use std::time::Duration;

use chat_redis::{Cluster, Options, Unfit};
use chat_rig::redis::Flavour;
use chat_rig::{Host, Process, RedisCluster, folder, port};
use tokio::task::spawn_blocking;

use crate::bed::{Bed, library, put};

/// The rule that docs/redis.md gives.
const DOCUMENTED: &str = "on >g ~chat:* &chat:* +@read +@write +@pubsub +@connection +@scripting -@dangerous +cluster|info +cluster|nodes +asking +info +wait +time";

async fn verdict(seeds: Vec<String>, change: impl FnOnce(&mut Options)) -> Result<(), Unfit> {
    let mut options = Options::new(seeds);
    change(&mut options);
    Cluster::start(options, &library()).check().await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_answers() {
    let port = port::free(&Host::local()).expect("a port");
    let unfit = verdict(vec![format!("127.0.0.1:{port}")], |_| {}).await.expect_err("nobody is there");
    assert!(matches!(&unfit, Unfit::Unreachable(why) if why.contains(&format!("127.0.0.1:{port}: "))), "{unfit}");
    assert!(unfit.to_string().to_lowercase().contains("refused"), "{unfit}");
    assert!(unfit.may_pass());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_stands_alone() {
    let (redis, seed) = spawn_blocking(|| {
        let (host, folder) = (Host::local(), folder::Folder::new().expect("a folder"));
        let port = port::free(&host).expect("a port");
        let program = Flavour::Redis.program().expect("redis-server");
        let redis = Process::start(&host, &program, &folder.path().join("log"), |command| {
            command.args(["--bind", "127.0.0.1", "--save", "", "--port", &port.to_string()]).current_dir(folder.path());
        });
        ((redis.expect("started"), folder), format!("127.0.0.1:{port}"))
    })
    .await
    .expect("no panic");
    let mut last = None;
    for _ in 0..50 {
        last = Some(verdict(vec![seed.clone()], |_| {}).await.expect_err("no cluster"));
        if last == Some(Unfit::NoCluster { address: seed.clone() }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(last, Some(Unfit::NoCluster { address: seed }));
    drop(redis);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_that_may_not() {
    let builder = RedisCluster::builder()
        .password("secret")
        .user("good", "on >g ~chat:* &chat:* +@all")
        .user("documented", DOCUMENTED)
        .user("silent", "on >g ~chat:* &chat:* +@all -spublish")
        .user("hasty", "on >g ~chat:* &chat:* +@all -wait")
        .user("keyless", "on >g ~other:* &chat:* +@all");
    let bed = Bed::with(builder, |options| options.password = Some(b"secret".to_vec())).await;
    bed.cluster.check().await.expect("fit");
    let seeds = bed.rig.seeds();
    let login = |user: Option<&'static str>, password: Option<&'static [u8]>| {
        verdict(seeds.clone(), move |options| {
            options.user = user.map(str::to_owned);
            options.password = password.map(<[u8]>::to_vec);
        })
    };
    for (user, password) in [(None, None), (None, Some(&b"wrong"[..])), (Some("nobody"), Some(b"g"))] {
        let unfit = login(user, password).await.expect_err("must not");
        assert!(matches!(unfit, Unfit::Denied { .. }), "{user:?} {password:?}: {unfit}");
    }
    login(Some("good"), Some(b"g")).await.expect("fit");
    login(Some("documented"), Some(b"g")).await.expect("fit");
    let mut options = Options::new(bed.rig.seeds());
    (options.user, options.password) = (Some("documented".into()), Some(b"g".to_vec()));
    let cluster = Cluster::start(options, &library());
    assert!(put(cluster.clone(), cluster.partition("x"), 1).await.is_ok());
    for (user, missing) in [("silent", "SPUBLISH"), ("hasty", "wait"), ("keyless", "one of the keys")] {
        let unfit = login(Some(user), Some(b"g")).await.expect_err("must not");
        assert!(matches!(&unfit, Unfit::NotPermitted { what, .. } if what.contains(missing)), "{user}: {unfit}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stored_and_set_does_not_fit() {
    let bed = Bed::new().await;
    bed.cluster.check().await.expect("fit");
    let seeds = bed.rig.seeds();
    let other = verdict(seeds.clone(), |options| options.partitions = 64).await;
    assert_eq!(other, Err(Unfit::Partitions { here: 64, stored: 256 }));
    let braces = verdict(seeds.clone(), |options| options.prefix = "a{b".into()).await;
    assert!(matches!(braces, Err(Unfit::Options(_))), "{braces:?}");
    verdict(seeds.clone(), |options| (options.partitions, options.prefix) = (64, "second".into())).await.expect("fit");

    bed.rig(|rig| {
        let first = "chat:{2977}:layout";
        rig.master_of_slot(0).expect("a master").command(&["HSET", first, "format", "2"]).expect("set");
    })
    .await;
    assert_eq!(verdict(seeds.clone(), |_| {}).await, Err(Unfit::Newer { stored: 2 }));

    bed.rig(|rig| {
        for node in rig.nodes() {
            node.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]).expect("set");
            node.command(&["CONFIG", "SET", "maxmemory", "100mb"]).expect("set");
        }
    })
    .await;
    let evicts = verdict(seeds.clone(), |_| {}).await;
    assert!(matches!(&evicts, Err(Unfit::Evicts { policy, .. }) if policy == "allkeys-lru"), "{evicts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_replicas_it_will_do_and_says_what_is_not_promised() {
    let bed = Bed::with(RedisCluster::builder().replicas(0), |_| {}).await;
    let fitness = bed.cluster.check().await.expect("fit");
    assert_eq!(fitness.without_replica.len(), 3);
    assert!(fitness.warning().expect("a warning").contains("add a replica"));
    let written = bed.put(bed.cluster.partition("x"), 1).await.expect("written");
    assert!(!written.replicated);
    bed.cluster.set_unreplicated_allowed(false);
    assert_eq!(bed.put(bed.cluster.partition("x"), 2).await, Err(chat_redis::WriteError::Unreplicated));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_there_can_be_read_though_nothing_may_be_written() {
    let bed = Bed::with(RedisCluster::builder().replicas(0), |_| {}).await;
    let partition = bed.cluster.partition("x");
    bed.put(partition, 1).await.expect("written");
    let meta = String::from_utf8(bed.cluster.meta(partition).to_vec()).expect("text");
    let slot = bed.cluster.partitions().slot(partition);
    // As after a failover: the epoch holds for a tenure that is over.
    let forget = move |rig: &RedisCluster, full: bool| {
        let master = rig.master_of_slot(slot).expect("a master");
        master.command(&["CONFIG", "SET", "maxmemory", "0"]).expect("set");
        master.command(&["HSET", &meta, "o", "another", "p", "another"]).expect("set");
        if full {
            master.command(&["CONFIG", "SET", "maxmemory", "1"]).expect("set");
        }
    };
    let and_again = forget.clone();
    bed.rig(move |rig| forget(rig, true)).await;
    assert_eq!(bed.all(partition).await, Ok([1].into()), "full");
    assert_eq!(bed.put(partition, 2).await, Err(chat_redis::WriteError::OutOfMemory));

    bed.cluster.set_unreplicated_allowed(false);
    bed.rig(move |rig| and_again(rig, false)).await;
    assert_eq!(bed.all(partition).await, Ok([1].into()), "without a replica");
    assert_eq!(bed.put(partition, 2).await, Err(chat_redis::WriteError::Unreplicated));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_that_redis_does_not_take() {
    let bed = Bed::new().await;
    let seeds = bed.rig.seeds();
    let verdict =
        async |part| Cluster::start(Options::new(seeds.clone()), &library().part(part)).check().await.map(drop);
    // Redis's own words, whatever it is.
    let twice =
        verdict("register('put', function() return 1 end)").await.expect_err("a function of this name is there");
    assert!(matches!(&twice, Unfit::Refused(why) if why.contains("Function already exists")), "{twice}");
    let broken = verdict("register('x', function(").await.expect_err("this is no Lua");
    assert!(matches!(&broken, Unfit::Refused(why) if why.contains("Error compiling")), "{broken}");
    assert!(!twice.may_pass() && !broken.may_pass());
    // The same library twice is none of these: somebody else has loaded it.
    assert_eq!(verdict("").await, Ok(()));
    assert_eq!(verdict("").await, Ok(()));
}
