//! Where the scheduler puts the pods: as `spec.nodeName` says.

use super::machines::{Machines, node, zone};
use super::story::{Story, managed};
use super::witness::shard;
use chat_operator::names;
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const SERVERS: usize = 6;

const SHARDS: usize = 3;

pub(crate) async fn tell(story: &mut Story, nodes: usize) {
    let zones = nodes.min(3);
    let machines = Machines::new(story.client.clone(), nodes, zones, SHARDS * 2).await;
    story.create(json!({ "replicas": SERVERS, "redis": managed() })).await;
    let took = story.settled(SERVERS, SHARDS * 2).await;
    let zone_of = |place: &str| {
        let number = (0..nodes).find(|number| node(*number) == place).expect("a node of ours");
        zone(number, zones)
    };
    let mut together = BTreeSet::new();
    let mut zoned = 0;
    let redis = story.pods(names::REDIS);
    for number in 0..SHARDS {
        let places: Vec<_> = redis.iter().filter(|pod| shard(pod) == number.to_string()).map(place).collect();
        assert_eq!(places.len(), 2, "shard {number}");
        if places[0] == places[1] {
            together.insert(number);
        }
        zoned += usize::from(zone_of(&places[0]) != zone_of(&places[1]));
    }
    let servers: Vec<_> = story.pods(names::SERVER).iter().map(place).collect();
    let spread = |places: &[String], all: usize| {
        let mut counts: BTreeMap<&String, usize> = BTreeMap::new();
        for place in places {
            *counts.entry(place).or_default() += 1;
        }
        let fewest = if counts.len() < all { 0 } else { counts.values().copied().min().unwrap_or(0) };
        (fewest, counts.values().copied().max().unwrap_or(0))
    };
    let server_zones: Vec<_> = servers.iter().map(|place| zone_of(place)).collect();
    let (on_nodes, in_zones) = (spread(&servers, nodes), spread(&server_zones, zones));
    let of = if nodes == 1 { "1 node".to_owned() } else { format!("{nodes} nodes in {zones} zones") };
    let goal = if nodes > 1 { "0" } else { "all: there is one node" };
    story.note(format!("{of}: shards whose master and replica share a node"), together.len().to_string(), goal);
    if zones > 1 {
        story.note(format!("{of}: shards whose master and replica are in different zones"), zoned.to_string(), "3");
    }
    let even = |(fewest, most): (usize, usize)| {
        if fewest == most { most.to_string() } else { format!("{fewest} to {most}") }
    };
    story.note(
        format!("{of}: servers on a node; in a zone, of {SERVERS}"),
        format!("{}; {}", even(on_nodes), even(in_zones)),
        "as even as can be",
    );
    story.note(format!("{of}: until all were ready"), format!("{:.0} s", took.as_secs_f64()), "");
    assert_eq!(together.len(), if nodes > 1 { 0 } else { SHARDS }, "shards on one node: {together:?}");
    assert!(zones == 1 || zoned == SHARDS, "{zoned} shards are in two zones");
    assert!(on_nodes.1 - on_nodes.0 <= 1, "servers on nodes: {on_nodes:?}");
    assert!(in_zones.1 - in_zones.0 <= 1, "servers in zones: {in_zones:?}");
    story.delete(machines).await;
}

fn place(pod: &Arc<Pod>) -> String {
    pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).expect("a place")
}
