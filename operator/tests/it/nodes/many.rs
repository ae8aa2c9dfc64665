//! 200 pods in one ChatCluster, of which 100 are chosen, recorded, drained and removed.

use super::looks::Looks;
use super::machines::Machines;
use super::story::Story;
use crate::control_plane::WITHIN;
use chat_operator::names;
use chat_rig::RedisCluster;
use serde_json::json;
use std::time::{Duration, Instant};

const NODES: usize = 10;

const PODS: usize = 200;

const CLIENTS: u64 = 500;

const RATE: u64 = 5_000;

pub(crate) async fn tell(story: &mut Story, redis: &RedisCluster) {
    let machines = Machines::new(story.client.clone(), NODES, 2, 0).await;
    let redis = json!({ "existing": { "seeds": [redis.seeds()[0]] } });
    let drain = json!({ "connectionsPerSecond": RATE });
    let began = Instant::now();
    let mut looks = Looks::begin(story);
    let spec = json!({ "replicas": PODS, "redis": redis, "drain": drain, "rebalance": { "enabled": false } });
    story.create(spec).await;
    while story.pods(names::SERVER).len() < PODS || story.status().await.ready != format!("{PODS}/{PODS}") {
        assert!(began.elapsed() < WITHIN * 3, "200 pods are not ready");
        looks.watch(story, Duration::from_millis(200)).await;
    }
    story.note("until 200 servers were ready", format!("{:.0} s", began.elapsed().as_secs_f64()), "");
    story.note("looks while they came", looks.text(), "");
    story.settled(PODS, 0).await;
    story.kubelets.servers.fill(CLIENTS);
    let mut looks = Looks::begin(story);
    looks.watch(story, Duration::from_secs(65)).await;
    story.note("looks at 200 calm servers, in 65 s", looks.text(), "<= 100 ms");

    story.kubelets.servers.closes();
    let (mut choosing, begun) = (Looks::begin(story), Instant::now());
    story.change(json!({ "replicas": PODS / 2 })).await;
    while choosing.times.is_empty() || story.status().await.draining.len() < PODS / 2 {
        assert!(begun.elapsed() < WITHIN, "they are not chosen");
        choosing.watch(story, Duration::from_millis(40)).await;
    }
    story.note("the look that chooses 100 of them and records that", choosing.text(), "<= 100 ms");
    let mut draining = Looks::begin(story);
    while story.pods(names::SERVER).len() > PODS / 2 {
        assert!(begun.elapsed() < WITHIN * 3, "it is not scaled down: {} pods", story.pods(names::SERVER).len());
        draining.watch(story, Duration::from_millis(200)).await;
    }
    story.note("looks while 100 were gated, drained, marked and removed", draining.text(), "<= 100 ms");
    story.note("100 servers fewer", format!("{:.0} s", begun.elapsed().as_secs_f64()), "");
    let closes = story.kubelets.servers.closes();
    story.note(
        format!("closes: in all; at most in a second, of {RATE} that were set"),
        format!("{}; {}", closes.all, closes.in_a_second),
        "never over the rate",
    );
    story.settled(PODS / 2, 0).await;
    let present = story.kubelets.servers.present();
    assert_eq!(present, CLIENTS * PODS as u64, "clients");
    // A second that begins with a tick has one tick more.
    assert!(closes.in_a_second <= RATE + RATE / 20, "{} closes in a second", closes.in_a_second);
    assert!(closes.told <= RATE, "{} closes a second were told", closes.told);
    story.delete(machines).await;
}
