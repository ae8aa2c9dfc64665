//! Nodes of a Redis Cluster as far as the plan can tell them from real ones: tables of who is where and has what, gossip, elections. A unit stands for
//! the slots that a shard begins with.

use chat_operator::redis::{Command, Member, Node, Order, Role, Shape, View, World, range};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// So many ticks without a word, and a node is failed.
const FAILED_AFTER: u32 = 4;

/// So many ticks a forgotten node is not learned of again.
const FORGOTTEN: u32 = 30;

#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) port: Option<u16>,
    pub(super) master: Option<String>,
    pub(super) units: BTreeSet<usize>,
    pub(super) epoch: u64,
    pub(super) heard: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) shard: usize,
    pub(super) ordinal: usize,
    pub(super) id: String,
    pub(super) port: u16,
    /// It is up from this tick on.
    pub(super) up_at: u32,
    pub(super) cut: bool,
    pub(super) outdated: bool,
    pub(super) synced: bool,
    pub(super) table: BTreeMap<String, Entry>,
    pub(super) forgotten: BTreeMap<String, u32>,
}

pub(super) struct Sim {
    pub(super) random: StdRng,
    pub(super) tick: u32,
    pub(super) shape: Shape,
    pub(super) peers: Vec<Peer>,
    pub(super) epoch: u64,
    next: u16,
}

impl Sim {
    pub(super) fn new(seed: u64, shards: usize, replicas: usize) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let shape = Shape { shards, replicas };
        let mut sim = Self { random, tick: 0, shape, peers: Vec::new(), epoch: 0, next: 1000 };
        for shard in 0..shards {
            for ordinal in 0..=replicas {
                let up_at = sim.random.random_range(0..15);
                sim.peers.push(Peer {
                    shard,
                    ordinal,
                    id: String::new(),
                    port: 0,
                    up_at,
                    cut: false,
                    outdated: false,
                    synced: false,
                    table: BTreeMap::new(),
                    forgotten: BTreeMap::new(),
                });
                let at = sim.peers.len() - 1;
                sim.wipe(at);
                sim.peers[at].up_at = up_at;
            }
        }
        sim
    }

    fn number(&mut self) -> u16 {
        self.next += 1;
        self.next
    }

    /// It comes back elsewhere, with what it had.
    pub(super) fn restart(&mut self, at: usize, down: u32) {
        self.peers[at].port = self.number();
        self.peers[at].up_at = self.tick + down;
        self.peers[at].synced = false;
        let (id, port) = (self.peers[at].id.clone(), self.peers[at].port);
        self.peers[at].table.get_mut(&id).expect("itself").port = Some(port);
    }

    /// It comes back elsewhere, with nothing.
    pub(super) fn wipe(&mut self, at: usize) {
        let id = format!("n{}", self.number());
        self.peers[at].id.clone_from(&id);
        self.peers[at].table = BTreeMap::from([(id, Entry::default())]);
        self.peers[at].forgotten.clear();
        self.restart(at, 2);
    }

    pub(super) fn is_up(&self, at: usize) -> bool {
        self.peers[at].up_at <= self.tick
    }

    pub(super) fn own(&self, at: usize) -> &Entry {
        &self.peers[at].table[&self.peers[at].id]
    }

    pub(super) fn is_owner(&self, at: usize) -> bool {
        !self.own(at).units.is_empty()
    }

    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }

    fn at_port(&self, from: usize, port: Option<u16>) -> Option<usize> {
        let to = self.peers.iter().position(|peer| Some(peer.port) == port)?;
        (self.is_up(to) && !self.peers[to].cut && !self.peers[from].cut).then_some(to)
    }

    fn is_failed(&self, at: usize, id: &str) -> bool {
        self.peers[at].table.get(id).is_none_or(|entry| entry.heard + FAILED_AFTER < self.tick)
    }

    pub(super) fn step(&mut self) {
        self.tick += 1;
        for at in 0..self.peers.len() {
            if !self.is_up(at) {
                continue;
            }
            for id in self.peers[at].table.keys().cloned().collect::<Vec<_>>() {
                if id != self.peers[at].id && self.peers[at].table.contains_key(&id) {
                    self.ping(at, &id);
                }
            }
            self.elect(at);
            self.sync(at);
        }
    }

    fn ping(&mut self, from: usize, id: &str) {
        let Some(to) = self.at_port(from, self.peers[from].table[id].port) else { return };
        if self.peers[to].id != id {
            self.peers[from].table.get_mut(id).expect("known").port = None;
            return;
        }
        self.hear(from, to);
        let sender = self.peers[from].id.clone();
        if self.peers[to].table.contains_key(&sender) {
            self.hear(to, from);
        }
    }

    /// Takes in what another node says of itself and of others.
    fn hear(&mut self, at: usize, from: usize) {
        let (tick, said, id) = (self.tick, self.own(from).clone(), self.peers[from].id.clone());
        let port = self.peers[from].port;
        let entry = self.peers[at].table.entry(id.clone()).or_default();
        *entry = Entry { port: Some(port), heard: tick, units: std::mem::take(&mut entry.units), ..said.clone() };
        for unit in said.units {
            let owner = self.peers[at].table.iter().find(|(_, entry)| entry.units.contains(&unit));
            let owner = owner.map(|(owner, entry)| (owner.clone(), entry.epoch));
            if owner.as_ref().is_some_and(|(owner, epoch)| *owner == id || *epoch >= said.epoch) {
                continue;
            }
            if let Some((owner, _)) = owner {
                self.peers[at].table.get_mut(&owner).expect("known").units.remove(&unit);
                let own_id = self.peers[at].id.clone();
                let own = self.peers[at].table.get_mut(&own_id).expect("itself");
                if owner == own_id && own.units.is_empty() {
                    own.master = Some(id.clone());
                    self.peers[at].synced = false;
                } else if own.master.as_ref() == Some(&owner) {
                    own.master = Some(id.clone());
                }
            }
            self.peers[at].table.get_mut(&id).expect("known").units.insert(unit);
        }
        for (other, entry) in self.peers[from].table.clone() {
            let lives =
                entry.heard + 1 >= tick && self.at_port(at, entry.port).is_some_and(|to| self.peers[to].id == other);
            let blacklisted = self.peers[at].forgotten.get(&other).is_some_and(|until| *until > tick);
            if !lives || blacklisted || other == self.peers[at].id {
                continue;
            }
            let failed = self.is_failed(at, &other);
            let known = self.peers[at].table.entry(other).or_insert(Entry { heard: tick, ..Entry::default() });
            if failed {
                known.port = entry.port;
            }
        }
    }

    fn elect(&mut self, at: usize) {
        let Some(master) = self.own(at).master.clone() else { return };
        let owners: Vec<_> = self.peers[at]
            .table
            .iter()
            .filter(|(_, entry)| !entry.units.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        let votes = owners.iter().filter(|id| !self.is_failed(at, id) && **id != self.peers[at].id).count();
        let has_units = owners.contains(&master);
        if has_units && self.is_failed(at, &master) && votes * 2 > owners.len() && self.random.random_bool(0.5) {
            self.promote(at);
        }
    }

    fn promote(&mut self, at: usize) {
        let Some(master) = self.own(at).master.clone() else { return };
        self.epoch += 1;
        let units = self.peers[at].table.get_mut(&master).map(|entry| std::mem::take(&mut entry.units));
        let (id, epoch) = (self.peers[at].id.clone(), self.epoch);
        let own = self.peers[at].table.get_mut(&id).expect("itself");
        (own.master, own.units, own.epoch) = (None, units.unwrap_or_default(), epoch);
    }

    fn sync(&mut self, at: usize) {
        let master = self.own(at).master.clone().and_then(|id| Some((self.peers[at].table.get(&id)?.port, id)));
        let linked = master.and_then(|(port, id)| self.at_port(at, port).filter(|to| self.peers[*to].id == id));
        self.peers[at].synced = linked.is_some_and(|to| self.own(to).master.is_none());
    }

    /// What the operator sees; some of those that are up do not answer.
    pub(super) fn world(&mut self, deaf: f64) -> World {
        let views: Vec<_> = (0..self.peers.len())
            .map(|at| (self.is_up(at) && !self.random.random_bool(deaf)).then(|| self.view(at)))
            .collect();
        let node = |(peer, view): (&Peer, Option<View>)| Node {
            pod: format!("redis-{}-{}", peer.shard, peer.ordinal),
            shard: peer.shard,
            ordinal: peer.ordinal,
            address: Some(address(peer.port)),
            ready: view.is_some(),
            outdated: peer.outdated,
            deleting: false,
            trouble: None,
            view,
        };
        World { wanted: self.shape, nodes: self.peers.iter().zip(views).map(node).collect() }
    }

    fn view(&self, at: usize) -> View {
        let peer = &self.peers[at];
        let member = |(id, entry): (&String, &Entry)| Member {
            id: id.clone(),
            address: entry.port.map(address),
            role: entry.master.clone().map_or(Role::Master, Role::Replica),
            failed: *id != peer.id && self.is_failed(at, id),
            handshake: false,
            connected: *id == peer.id || entry.heard == self.tick,
            slots: entry.units.iter().map(|unit| range(*unit, self.shape.shards)).collect(),
            config_epoch: entry.epoch,
        };
        let lives =
            |(id, entry): (&String, &Entry)| !entry.units.is_empty() && (*id == peer.id || !self.is_failed(at, id));
        let owners = peer.table.iter().filter(|(_, entry)| !entry.units.is_empty()).count();
        View {
            id: peer.id.clone(),
            members: peer.table.iter().map(member).collect(),
            ok: owners > 0 && peer.table.iter().filter(|entry| lives(*entry)).count() * 2 > owners,
            epoch: self.epoch,
            master: None,
            in_step: peer.synced,
            offset: u64::from(peer.synced),
            alone_seconds: 0,
        }
    }

    /// Carries an order out as Redis would, and sees that it does no harm.
    pub(super) fn obey(&mut self, order: &Order) {
        let name = |peer: &Peer| format!("redis-{}-{}", peer.shard, peer.ordinal);
        let at = self.peers.iter().position(|peer| name(peer) == order.pod).expect("one of ours");
        if !self.is_up(at) {
            return;
        }
        match &order.command {
            Command::Meet { id, address } => {
                let there = self.at_port(at, Some(address.port())).filter(|to| self.peers[*to].id == *id);
                let Some(to) = there else { return };
                self.peers[at].forgotten.remove(id);
                self.hear(at, to);
                self.hear(to, at);
            }
            Command::Forget(id) => {
                assert!(self.find(id).is_none(), "{id} is a pod's");
                assert!(!self.is_rightful(id), "{id} has slots");
                assert!(self.own(at).master.as_ref() != Some(id), "a master is forgotten by its replica");
                self.peers[at].table.remove(id);
                let until = self.tick + FORGOTTEN;
                self.peers[at].forgotten.insert(id.clone(), until);
            }
            Command::AddSlots(slots) => {
                let unit =
                    (0..self.shape.shards).find(|unit| range(*unit, self.shape.shards) == *slots).expect("a shard's");
                let has = |peer: &Peer| peer.table.values().any(|entry| entry.units.contains(&unit));
                assert!(!self.peers.iter().any(has), "unit {unit} is given out twice");
                self.epoch += 1;
                let (id, epoch) = (self.peers[at].id.clone(), self.epoch);
                let own = self.peers[at].table.get_mut(&id).expect("itself");
                assert!(own.master.is_none(), "a replica gets slots");
                own.units.insert(unit);
                own.epoch = epoch;
            }
            Command::Replicate(master) => {
                assert!(!self.is_owner(at), "a node with slots becomes a replica");
                let known = self.peers[at].table.get(master).is_some_and(|entry| entry.master.is_none());
                if known {
                    let id = self.peers[at].id.clone();
                    self.peers[at].table.get_mut(&id).expect("itself").master = Some(master.clone());
                }
            }
            Command::TakeOver => {
                let master = self.own(at).master.clone().expect("a replica");
                assert!(self.find(&master).is_none(), "{master} may come back");
                self.promote(at);
            }
            Command::FailOver => {
                let master = self.own(at).master.clone().and_then(|id| self.find(&id));
                if self.peers[at].synced && master.is_some_and(|master| self.is_up(master)) {
                    self.promote(at);
                }
            }
        }
    }

    /// The winning claim to any unit is this node's.
    fn is_rightful(&self, id: &str) -> bool {
        let claims = |unit: usize| {
            let entries = self.peers.iter().flat_map(|peer| &peer.table);
            entries.filter(move |(_, entry)| entry.units.contains(&unit)).max_by_key(|(_, entry)| entry.epoch)
        };
        (0..self.shape.shards).filter_map(claims).any(|(owner, _)| owner == id)
    }
}

fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
