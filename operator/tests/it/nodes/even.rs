//! Rebalance after a scale-up: 20 unevenly loaded servers become 40.

use super::machines::Machines;
use super::story::Story;
use crate::control_plane::WITHIN;
use chat_rig::RedisCluster;
use serde_json::json;
use std::time::{Duration, Instant};

const NODES: usize = 5;

const BEFORE: usize = 20;

const AFTER: usize = 40;

const RATE: u64 = 400;

const COOLDOWN: u64 = 10;

/// How long nothing may happen until it counts as the end: a calm ChatCluster is looked at every 30 seconds.
const QUIET: Duration = Duration::from_secs(60);

pub(crate) async fn tell(story: &mut Story, redis: &RedisCluster) {
    let machines = Machines::new(story.client.clone(), NODES, 2, 0).await;
    let redis = json!({ "existing": { "seeds": [redis.seeds()[0]] } });
    let rebalance = json!({ "closesPerSecond": RATE, "cooldownSeconds": COOLDOWN });
    story.create(json!({ "replicas": BEFORE, "redis": redis, "rebalance": { "enabled": false } })).await;
    story.settled(BEFORE, 0).await;
    let servers = story.kubelets.servers.clone();
    servers.fill_unevenly(600, 60);
    let (all, before) = (servers.present(), servers.spread());
    servers.closes();
    story.change(json!({ "replicas": AFTER, "rebalance": rebalance })).await;
    story.settled(AFTER, 0).await;
    let (begun, mut last, mut rounds, mut at) = (Instant::now(), Instant::now(), 0, story.status().await.rebalanced_at);
    rounds += usize::from(at.is_some());
    let mut most = vec![*servers.spread().last().expect("servers")];
    while last.elapsed() < QUIET {
        assert!(begun.elapsed() < WITHIN * 3, "it does not come to rest: {:?}", servers.spread());
        let now = story.status().await.rebalanced_at;
        if now != at {
            rounds += 1;
            most.push(*servers.spread().last().expect("servers"));
            at = now;
        }
        if servers.closing() > 0 {
            last = Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let (took, after, closes) = (last - begun, servers.spread(), servers.closes());
    let mean = all / AFTER as u64;
    let range = |spread: &[u64]| format!("{} to {}", spread[0], spread[spread.len() - 1]);
    let too_many: u64 = before.iter().map(|clients| clients.saturating_sub(mean)).sum();
    story.note(format!("clients of a server, {BEFORE} servers"), range(&before), "");
    story.note(format!("the same, {AFTER} servers, at rest"), range(&after), "no server above the mean + 100");
    story.note("mean", mean.to_string(), "");
    story.note("clients that had to move", too_many.to_string(), "");
    story.note("clients that were closed", closes.all.to_string(), "");
    story.note("rounds", rounds.to_string(), "");
    story.note("until it came to rest", format!("{:.0} s", took.as_secs_f64()), "");
    let rate = format!("{}; {}", closes.in_a_second, closes.told);
    story.note(
        format!("closes in a second, at most; told at once, at most; set were {RATE}"),
        rate,
        "never over the rate",
    );
    let bound = (mean * 110 / 100).max(mean + 100);
    assert!(after[AFTER - 1] <= bound, "{after:?}, and the bound is {bound}");
    assert!(most.windows(2).all(|pair| pair[1] <= pair[0] + 20), "it oscillates: {most:?}");
    assert!(closes.told <= RATE, "{} closes a second were told", closes.told);
    // A second that begins with a tick has one tick more.
    assert!(closes.in_a_second <= RATE + RATE / 20, "{} closes in a second", closes.in_a_second);
    assert_eq!(servers.present(), all, "clients");
    story.delete(machines).await;
}
