//! `kubectl drain` of one node after another: evictions go at the budgets' pace, whoever has to go comes back elsewhere, and no shard is without a node.

use super::machines::{Machines, node};
use super::story::{Story, managed};
use crate::control_plane::WITHIN;
use chat_operator::names;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NODES: usize = 4;

const SERVERS: usize = 8;

const NODES_OF_REDIS: usize = 6;

const CLIENTS: u64 = 200;

pub(crate) async fn tell(story: &mut Story) {
    let machines = Machines::new(story.client.clone(), NODES, 2, NODES_OF_REDIS).await;
    story.create(json!({ "replicas": SERVERS, "redis": managed(), "rebalance": { "enabled": false } })).await;
    story.settled(SERVERS, NODES_OF_REDIS).await;
    story.kubelets.servers.fill(CLIENTS);
    story.kubelets.witness.lock().begin();
    let (mut moved, mut times, mut whole) = (0, Vec::new(), Vec::new());
    let mut least_said = SERVERS;
    for number in 0..NODES {
        let on_it = |story: &Story| {
            let all = [story.pods(names::SERVER), story.pods(names::REDIS)].concat();
            let on = |pod: &&_| place(pod).as_deref() == Some(node(number).as_str());
            all.iter().filter(on).count()
        };
        let before = on_it(story);
        assert!(before > 0, "nothing is on {}", node(number));
        moved += before;
        let begun = Instant::now();
        let mut drain = kubectl(story, &["drain", &node(number), "--timeout=300s"]);
        let ended = loop {
            let ready = story.status().await.ready;
            let said = ready.split('/').next().and_then(|ready| ready.parse().ok()).unwrap_or(0);
            least_said = least_said.min(said);
            if let Some(status) = drain.try_wait().expect("a process") {
                break status;
            }
            assert!(begun.elapsed() < WITHIN * 4, "the drain of {} does not end", node(number));
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert!(ended.success(), "kubectl drain {}: {ended}", node(number));
        assert_eq!(on_it(story), 0, "pods are left on {}", node(number));
        times.push(begun.elapsed().as_secs_f64());
        story.settled(SERVERS, NODES_OF_REDIS).await;
        whole.push(begun.elapsed().as_secs_f64());
        let back = kubectl(story, &["uncordon", &node(number)]).wait().expect("a process");
        assert!(back.success());
    }
    let (servers, shard, nodes) = {
        let witness = story.kubelets.witness.lock();
        (witness.servers.expect("servers"), witness.shard.expect("shards"), witness.nodes.expect("nodes"))
    };
    let present = story.kubelets.servers.present();
    let list = |times: &[f64]| times.iter().map(|time| format!("{time:.0} s")).collect::<Vec<_>>().join(", ");
    story.note(format!("pods that had to go, {NODES} nodes drained one after another"), moved.to_string(), "");
    story.note("`kubectl drain` of a node", list(&times), "ends");
    story.note("until all pods were ready again elsewhere", list(&whole), "");
    story.note(format!("fewest servers that took clients, of {SERVERS}"), servers.to_string(), ">= 7: the budget");
    story.note("fewest servers that the status said", least_said.to_string(), "< 8: it follows");
    story.note("fewest nodes of Redis that were ready, of 6", nodes.to_string(), ">= 5: the budget");
    story.note("fewest ready nodes of a shard, of 2", shard.to_string(), ">= 1");
    story.note("clients afterwards", present.to_string(), "as before: 1600");
    assert!(servers >= SERVERS - 1, "only {servers} servers took clients");
    assert!(nodes >= NODES_OF_REDIS - 1 && shard >= 1, "only {nodes} nodes of Redis, {shard} of a shard");
    assert!(least_said < SERVERS, "the status says nothing of it");
    assert_eq!(present, CLIENTS * SERVERS as u64, "clients");
    story.delete(machines).await;
}

fn place(pod: &std::sync::Arc<k8s_openapi::api::core::v1::Pod>) -> Option<String> {
    pod.spec.as_ref()?.node_name.clone()
}

fn kubectl(story: &Story, words: &[&str]) -> std::process::Child {
    let mut command = Command::new("kubectl");
    command.env("KUBECONFIG", &story.kubeconfig).args(words).stdin(Stdio::null());
    command.stdout(Stdio::null()).spawn().expect("kubectl: this runs by make/e2e-nodes")
}
