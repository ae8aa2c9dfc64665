//! Measurements, whose figures stand in docs/operator.md, with the command.

use crate::control_plane::{ControlPlane, WITHIN};
use crate::reconcile::member::Member;
use crate::reconcile::stage::Stage;
use chat_operator::drain::{Pace, Recorded, Revision, Server, Wanted, World, plan};
use chat_rig::folder::Folder;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::time::{Duration, Instant};

const PODS: usize = 200;

const CLUSTERS: usize = 100;

fn server(number: usize) -> Server {
    Server {
        name: format!("chat-0123456789-{number:05}"),
        uid: format!("uid-{number}"),
        revision: "0123456789".to_owned(),
        ready: true,
        open: true,
        deleting: false,
        connections: Some(9_000 + (number as u64 * 7_919) % 2_000),
        marked: false,
    }
}

fn world() -> World {
    let pace = Pace {
        drain_rate: 500,
        drain_deadline: SignedDuration::from_secs(300),
        rollout_rate: 500,
        wave_percent: 25,
        rebalance_rate: Some(50),
        rebalance_cooldown: SignedDuration::from_secs(120),
    };
    World {
        now: Timestamp::from_second(1_800_000_000).expect("a time"),
        wanted: Wanted { replicas: PODS, revision: "0123456789".to_owned(), pace },
        revisions: vec![Revision { hash: "0123456789".to_owned(), replicas: PODS }],
        servers: (0..PODS).map(server).collect(),
        recorded: Vec::new(),
        rollout: None,
        service: Some("0123456789".to_owned()),
        rebalanced_at: None,
        redis_healthy: true,
    }
}

fn median(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort();
    (times[times.len() / 2], times[times.len() - 1])
}

fn told(what: &str, times: Vec<Duration>) {
    let (median, most) = median(times);
    println!("{what}: median {:.2} ms, at most {:.2} ms", median.as_secs_f64() * 1e3, most.as_secs_f64() * 1e3);
}

fn times(world: &World) -> Vec<Duration> {
    let time = |_| {
        let begun = Instant::now();
        let plan = plan(world);
        assert!(!plan.replicas.is_empty());
        begun.elapsed()
    };
    (0..1_000).map(time).collect()
}

#[test]
#[ignore = "a measurement"]
fn figures_of_the_plan() {
    let mut world = world();
    told("plan, 200 pods, steady", times(&world));
    world.wanted.replicas = PODS / 2;
    told("plan, 200 pods, 100 chosen and recorded", times(&world));
    let since = world.now;
    let record = |record: Recorded| Recorded { since, ..record };
    world.recorded = plan(&world).recorded.into_iter().map(record).collect();
    assert_eq!(world.recorded.len(), PODS / 2);
    told("plan, 200 pods, 100 draining", times(&world));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn figures_of_a_look_at_200_pods() {
    let mut stage = Stage::new("figures").await;
    let drain = json!({ "connectionsPerSecond": 100_000 });
    stage.create("chat", json!({ "replicas": PODS, "redis": stage.redis(), "drain": drain })).await;
    stage.settle("chat").await;
    for server in stage.nodes.fleet.servers() {
        server.connect(1_000);
    }
    let (writes, versions) = (stage.gate.writes(), stage.versions().await);
    let mut times = Vec::new();
    for _ in 0..30 {
        times.push(stage.timed_look("chat").await);
    }
    // The connections are new to the status: that is one write.
    println!(
        "steady, 200 pods: {} writes, {} objects moved",
        stage.gate.writes() - writes,
        stage.moved(&versions).await
    );
    told("look at 200 pods, steady", times);

    stage.change("chat", json!({ "replicas": PODS / 2 })).await;
    let mut times = Vec::new();
    let begun = Instant::now();
    while stage.pods().await > PODS / 2 {
        assert!(begun.elapsed() < WITHIN * 3, "it is not scaled down");
        let writes = stage.gate.writes();
        let time = stage.timed_look("chat").await;
        println!("  {:.1} ms, {} writes", time.as_secs_f64() * 1e3, stage.gate.writes() - writes);
        times.push(time);
        stage.nodes.fleet.pass_a_second();
        stage.nodes.work().await;
    }
    told("look at 200 pods, 100 of them drained", times);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn figures_of_memory_with_100_chat_clusters() {
    let plane = ControlPlane::bare().await;
    let (client, namespace) = (plane.client().await, plane.namespace("memory").await);
    let mut stage = Stage::at(plane.config().await, client, namespace).await;
    let folder = Folder::new().expect("a folder");
    let member = Member::start("operator", &stage.namespace, plane.kubeconfig(), &folder);
    let name = |number: usize| format!("chat-{number}");
    for number in 0..CLUSTERS {
        stage.create(&name(number), json!({ "replicas": 2, "redis": stage.redis() })).await;
    }
    let begun = Instant::now();
    for number in 0..CLUSTERS {
        loop {
            stage.nodes.work().await;
            let status = stage.get(&name(number)).await.status;
            if status.is_some_and(|status| status.ready == "2/2") {
                break;
            }
            assert!(begun.elapsed() < WITHIN * 5, "{} is not ready", name(number));
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    println!("{CLUSTERS} ChatClusters with 2 servers each were ready after {:.0} s", begun.elapsed().as_secs_f64());
    // Two calm looks at each.
    tokio::time::sleep(Duration::from_secs(65)).await;
    println!("operator's memory: {}", member.memory());
}
