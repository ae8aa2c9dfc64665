//! What needs many nodes or many pods, on a real control plane with a scheduler, and kwok in the place of the nodes. Run by make/e2e-nodes, in a network of
//! its own in which every pod's address is this machine's.

mod apart;
mod drained;
mod even;
mod kubelets;
mod looks;
mod machines;
mod many;
mod page;
mod redis_pod;
mod servers;
mod story;
mod witness;

use chat_rig::RedisCluster;
use story::Story;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "minutes long, and in a network of its own: make/e2e-nodes"]
async fn what_needs_many_nodes() {
    let only = std::env::var("CHAT_NODES_ONLY").ok();
    let named = |chapter: &str| only.as_deref() == Some(chapter);
    let told = |chapter: &str| only.is_none() || named(chapter);
    let mut story = Story::begin().await;
    if told("apart") {
        story.chapter("apart");
        for nodes in [6, 3, 2, 1] {
            apart::tell(&mut story, nodes).await;
        }
    }
    if told("drain") {
        story.chapter("node drain");
        drained::tell(&mut story).await;
    }
    // Not shown to pass yet: only when they are asked for.
    if !named("many") && !named("even") {
        write(&story, only.is_some());
        return;
    }
    let start = tokio::task::spawn_blocking(|| RedisCluster::builder().replicas(0).start());
    let redis = start.await.expect("no panic").expect("a Redis Cluster");
    if named("many") {
        story.chapter("200 pods");
        many::tell(&mut story, &redis).await;
    }
    if named("even") {
        story.chapter("rebalance");
        even::tell(&mut story, &redis).await;
    }
}

fn write(story: &Story, in_part: bool) {
    if let Ok(path) = std::env::var("CHAT_NODES_PAGE") {
        assert!(!in_part, "a page is of all chapters");
        std::fs::write(path, page::page(&story.facts)).expect("a page");
    }
}
