//! The whole deployment as one JSON: every server, every shard of Redis. Served at `/cluster.json`, drawn by the page `/cluster`.

use super::history::{EVERY, History, Lines};
use super::{Entry, Identity, View};
use chat_redis::{Health, Node, Role, Topology};
use serde::Serialize;
use std::sync::Arc;
use std::time::Instant;

/// The deployment, as one server sees it.
#[derive(Debug, Serialize)]
pub(super) struct Picture<'a> {
    /// The node that drew it.
    node: &'a str,
    /// How long ago the registry answered, in milliseconds; nothing before it has.
    registry_age_ms: Option<u64>,
    /// How far apart the samples of the lines are.
    sample_ms: u64,
    servers: Vec<Server<'a>>,
    /// Nothing where the rooms are in the memory of one server.
    redis: Option<Redis>,
}

#[derive(Debug, Serialize)]
struct Server<'a> {
    #[serde(flatten)]
    entry: &'a Arc<Entry>,
    /// How long ago it wrote that.
    age_ms: u64,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Redis {
    /// Why it does not answer for enough of the partitions; then the rest is as old as its last answer.
    trouble: Option<String>,
    epoch: u64,
    /// Slots that nobody owns.
    slots_uncovered: u16,
    shards: Vec<Shard>,
    /// Nodes that own nothing and follow nobody who does: failed former masters, mostly.
    aside: Vec<Process>,
}

#[derive(Debug, Serialize)]
struct Shard {
    /// First and last slot of each range.
    slots: Vec<(u16, u16)>,
    master: Process,
    replicas: Vec<Process>,
}

#[derive(Debug, Serialize)]
struct Process {
    address: Arc<str>,
    health: &'static str,
}

impl Process {
    fn of(node: &Node) -> Self {
        let health = match node.health {
            Health::Online => "online",
            Health::Suspected => "suspected",
            Health::Failed => "failed",
        };
        Self { address: node.address.clone(), health }
    }
}

/// Draws it.
pub(super) fn draw<'a>(
    own: &'a Identity,
    view: &'a View,
    history: &History,
    topology: Option<(&Topology, Option<String>)>,
    now: Instant,
) -> Picture<'a> {
    let ms = |at: Instant| now.saturating_duration_since(at).as_millis() as u64;
    let mut servers: Vec<_> = view
        .nodes()
        .map(|node| Server { entry: &node.entry, age_ms: ms(node.heard), lines: history.of(node.entry.boot) })
        .collect();
    servers.sort_by(|a, b| (&a.entry.node, a.entry.boot).cmp(&(&b.entry.node, b.entry.boot)));
    Picture {
        node: &own.node,
        registry_age_ms: view.answered().map(ms),
        sample_ms: EVERY.as_millis() as u64,
        servers,
        redis: topology.map(|(topology, trouble)| redis(topology, trouble)),
    }
}

fn redis(topology: &Topology, trouble: Option<String>) -> Redis {
    let masters: Vec<_> = topology.masters().collect();
    let follows = |node: &Node, master: &Node| match &node.role {
        Role::Replica { of } => *of == master.id,
        Role::Master => false,
    };
    let shard = |master: &&Node| Shard {
        slots: master.slots.iter().map(|range| (range.first, range.last)).collect(),
        master: Process::of(master),
        replicas: topology.nodes.iter().filter(|node| follows(node, master)).map(Process::of).collect(),
    };
    let mut shards: Vec<_> = masters.iter().map(shard).collect();
    shards.sort_by(|a, b| a.slots.cmp(&b.slots));
    for shard in &mut shards {
        shard.replicas.sort_by(|a, b| a.address.cmp(&b.address));
    }
    let aside = topology.nodes.iter().filter(|node| {
        let owns = masters.iter().any(|master| master.id == node.id);
        !owns && !masters.iter().any(|master| follows(node, master))
    });
    let mut aside: Vec<_> = aside.map(Process::of).collect();
    aside.sort_by(|a, b| a.address.cmp(&b.address));
    Redis { trouble, epoch: topology.epoch, slots_uncovered: chat_redis::SLOTS - topology.covered(), shards, aside }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::history::SAMPLES;
    use crate::cluster::roster::Roster;
    use crate::cluster::{Boot, Rates, Seen, Sheet, State};
    use chat_redis::SlotRange;
    use std::time::Duration;

    fn entry(node: &str, boot: u64) -> Arc<Entry> {
        Arc::new(Entry {
            node: node.to_owned(),
            boot: Boot(boot),
            address: format!("10.0.0.{boot}:3001"),
            build: "1".to_owned(),
            started_at: 7,
            state: State::Serving,
            connections: boot,
            connections_max: 100,
            rooms: 2,
            rates: Rates { sends: 1.5, deliveries: 3.0, accepts: 0.0 },
        })
    }

    fn process(id: &str, role: Role, health: Health, slots: &[(u16, u16)]) -> Node {
        Node {
            id: id.into(),
            address: format!("{id}:6379").into(),
            role,
            health,
            config_epoch: 1,
            slots: slots.iter().map(|&(first, last)| SlotRange { first, last }).collect(),
            replicas_online: 0,
        }
    }

    #[test]
    fn servers_stand_in_the_order_of_their_names_with_what_they_carried() {
        let now = Instant::now();
        let mut roster = Roster::new(Boot(2), Duration::from_secs(10));
        let seen = [entry("b", 2), entry("a", 9)].map(|entry| Seen { entry, written_ms: 500 });
        roster.take(&Sheet { now_ms: 2_000, entries: seen.to_vec(), foreign: 0 }, now);
        let mut history = History::default();
        for _ in 0..SAMPLES + 5 {
            history.sample(roster.view());
        }
        let own = Identity { node: "b".into(), boot: Boot(2), address: String::new(), build: String::new() };
        let picture = draw(&own, roster.view(), &history, None, now + Duration::from_secs(1));
        let json = serde_json::to_value(&picture).expect("JSON");
        assert_eq!((&json["node"], &json["registry_age_ms"], &json["redis"]), (&"b".into(), &1000.into(), &().into()));
        assert_eq!(json["servers"][0]["node"], "a");
        assert_eq!(json["servers"][0]["boot"], "0000000000000009");
        assert_eq!(
            (&json["servers"][1]["age_ms"], &json["servers"][1]["connections_max"]),
            (&2500.into(), &100.into())
        );
        let line = json["servers"][0]["lines"]["connections"].as_array().expect("a line");
        assert!(line.len() == SAMPLES && line.iter().all(|value| *value == 9));
        history.sample(&View::default());
        assert_eq!(history.of(Boot(2)), Lines::default());
    }

    #[test]
    fn shards_stand_in_the_order_of_their_slots_and_a_former_master_aside() {
        let follows = |of: &str| Role::Replica { of: of.into() };
        let mut topology = Topology::default();
        topology.nodes = vec![
            process("m2", Role::Master, Health::Online, &[(8192, 16383)]),
            process("old", Role::Master, Health::Failed, &[]),
            process("r2", follows("m2"), Health::Suspected, &[]),
            process("m1", Role::Master, Health::Online, &[(0, 8191)]),
        ];
        let json = serde_json::to_value(redis(&topology, Some("why".to_owned()))).expect("JSON");
        assert_eq!(json["trouble"], "why");
        assert_eq!(json["shards"][0]["slots"], serde_json::json!([[0, 8191]]));
        assert_eq!(json["shards"][0]["replicas"], serde_json::json!([]));
        assert_eq!(json["shards"][1]["replicas"], serde_json::json!([{ "address": "r2:6379", "health": "suspected" }]));
        assert_eq!(json["aside"], serde_json::json!([{ "address": "old:6379", "health": "failed" }]));
    }
}
