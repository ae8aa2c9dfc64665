//! The next step from whatever there is to a whole cluster. Each step may be repeated and may be the last for a while: the next look plans anew.
//!
//! The order matters. Addresses are healed before anything is forgotten, since after a restart of all pods every node looks dead to every other. Ids are
//! forgotten, slots given and shards taken over only when all pods have answered: else the one that did not may be the one that has them.

use super::slots::{Slots, range};
use super::view::{Role, View};
use super::world::{Node, World};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// Orders of one step; what is left comes with the next look.
const ORDERS_MAX: usize = 256;

/// A replica whose master no pod has any more waits this long for the masters' votes, in seconds.
const ELECTION_SECONDS: u64 = 30;

/// The next step, and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formation {
    /// Which step.
    pub step: Step,
    /// What it takes.
    pub orders: Vec<Order>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nodes are told where the others are now.
    Heal,
    /// Nodes forget those that no pod has any more.
    Forget,
    /// New nodes are met.
    Meet,
    /// Slots that nobody ever had are given out.
    AddSlots,
    /// A replica takes the place of a master that no pod has any more.
    TakeOver,
    /// Nodes without slots become replicas.
    Replicate,
    /// There is nothing to do, and something to wait for.
    Wait,
    /// These pods belong to another cluster, which is never touched.
    Refuse(Vec<String>),
    /// All slots are served, and every master has its replicas.
    Formed,
}

/// What a pod is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Who is told.
    pub pod: String,
    /// What it is told.
    pub command: Command,
}

/// What a node can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The node of this id is there.
    Meet {
        /// Whose address it is: the node there is asked first.
        id: String,
        /// Where it is.
        address: SocketAddr,
    },
    /// Nobody is of this id any more.
    Forget(String),
    /// These slots are yours.
    AddSlots(RangeInclusive<u16>),
    /// Follow the master of this id.
    Replicate(String),
    /// Take your master's place, in agreement with it.
    FailOver,
    /// Take your master's place without anybody's vote.
    TakeOver,
}

/// Decides on the next step.
pub fn formation(world: &World) -> Formation {
    let planner = Planner { world, slots: Slots::of(world), clusters: clusters(world) };
    let home = planner.home();
    if let Some(formation) = some(Step::Heal, planner.heal()).or_else(|| some(Step::Forget, planner.forget())) {
        return formation;
    }
    let foreign = planner.foreign(home);
    if !foreign.is_empty() {
        return Formation { step: Step::Refuse(foreign), orders: Vec::new() };
    }
    some(Step::Meet, planner.meet(home))
        .or_else(|| some(Step::AddSlots, planner.add_slots()))
        .or_else(|| some(Step::TakeOver, planner.take_over()))
        .or_else(|| some(Step::Replicate, planner.replicate(home)))
        .unwrap_or_else(|| {
            let step = if planner.is_formed() { Step::Formed } else { Step::Wait };
            Formation { step, orders: Vec::new() }
        })
}

fn some(step: Step, mut orders: Vec<Order>) -> Option<Formation> {
    orders.truncate(ORDERS_MAX);
    (!orders.is_empty()).then_some(Formation { step, orders })
}

/// The ids of each cluster that there is: nodes are of one if one of them knows the other, or both know the same.
fn clusters(world: &World) -> Vec<BTreeSet<&str>> {
    let mut clusters: Vec<BTreeSet<&str>> = Vec::new();
    for (_, view) in world.views() {
        // An id in a handshake is made up, and the node may turn out to be anybody.
        let mut known: BTreeSet<_> =
            view.members.iter().filter(|member| !member.handshake).map(|member| member.id.as_str()).collect();
        known.insert(&view.id);
        clusters.retain(|other| {
            let same = !other.is_disjoint(&known);
            if same {
                known.extend(other);
            }
            !same
        });
        clusters.push(known);
    }
    clusters
}

struct Planner<'a> {
    world: &'a World,
    slots: Slots<'a>,
    clusters: Vec<BTreeSet<&'a str>>,
}

impl<'a> Planner<'a> {
    fn cluster_of(&self, id: &str) -> usize {
        self.clusters.iter().position(|ids| ids.contains(id)).unwrap_or(0)
    }

    fn pods_of(&self, cluster: usize) -> impl Iterator<Item = (&'a Node, &'a View)> {
        self.world.views().filter(move |(_, view)| self.cluster_of(&view.id) == cluster)
    }

    fn has_slots(&self, cluster: usize) -> bool {
        self.clusters[cluster].iter().any(|id| self.slots.is_claimant(id))
    }

    /// The cluster that the others join: the one with slots, or else the largest.
    fn home(&self) -> usize {
        let rank = |cluster: &usize| (self.has_slots(*cluster), self.pods_of(*cluster).count());
        // The last of equals wins; the first pods' cluster shall.
        (0..self.clusters.len()).rev().max_by_key(rank).unwrap_or(0)
    }

    /// A node that lives, and that no pod that answered is.
    fn has_strangers(&self, cluster: usize) -> bool {
        self.pods_of(cluster).flat_map(|(_, view)| &view.members).any(|member| {
            member.connected && !member.failed && !member.handshake && self.world.node_of(&member.id).is_none()
        })
    }

    /// Pods of clusters that are not this one: with slots of their own, or with nodes that are not ours.
    fn foreign(&self, home: usize) -> Vec<String> {
        let is_foreign = |cluster: &usize| {
            *cluster != home && (self.has_slots(*cluster) || (self.world.is_complete() && self.has_strangers(*cluster)))
        };
        let pods = (0..self.clusters.len()).filter(is_foreign).flat_map(|cluster| self.pods_of(cluster));
        pods.map(|(node, _)| node.pod.clone()).collect()
    }

    /// Every node hears where the others of its cluster are now, if it thinks them elsewhere or does not know them.
    fn heal(&self) -> Vec<Order> {
        let mut orders = Vec::new();
        let mut told = BTreeSet::new();
        for (other, others) in self.world.views() {
            let Some(address) = other.address else { continue };
            for (node, view) in self.pods_of(self.cluster_of(&others.id)) {
                let is_wrong = match view.member(&others.id) {
                    _ if view.id == others.id => false,
                    Some(member) => member.address != Some(address),
                    // One that learns of it passes it on.
                    None => told.insert(&others.id),
                };
                if is_wrong {
                    orders.push(order(node, Command::Meet { id: others.id.clone(), address }));
                } else if view.follows() == Some(&others.id)
                    && !view.in_step
                    && view.master.is_some_and(|at| at != address)
                {
                    // It knows where its master is, and asks where that was, for ever: a node that learns the address by hearsay goes on so.
                    orders.push(order(node, Command::Replicate(others.id.clone())));
                }
            }
        }
        orders
    }

    /// Ids that no pod has, of nodes that are gone and had nothing.
    fn forget(&self) -> Vec<Order> {
        if !self.world.is_complete() {
            return Vec::new();
        }
        let is_followed = |id: &str| self.world.replicas_of(id).next().is_some();
        let is_gone = |id: &str| {
            let is_ours = self.world.node_of(id).is_some();
            !is_ours && !self.slots.is_claimant(id) && !is_followed(id)
        };
        let mut orders = Vec::new();
        for (node, view) in self.world.views() {
            let dead = view.members.iter().filter(|member| !member.handshake && (member.failed || !member.connected));
            for member in dead.filter(|member| is_gone(&member.id)) {
                orders.push(order(node, Command::Forget(member.id.clone())));
            }
        }
        orders
    }

    /// Nodes without slots join the others.
    fn meet(&self, home: usize) -> Vec<Order> {
        let Some((hub, _)) = (!self.clusters.is_empty()).then(|| self.pods_of(home).next()).flatten() else {
            return Vec::new();
        };
        let mut orders = Vec::new();
        let others = (0..self.clusters.len()).filter(|cluster| *cluster != home);
        for cluster in others.filter(|cluster| !self.has_slots(*cluster) && !self.has_strangers(*cluster)) {
            for (node, view) in self.pods_of(cluster) {
                let Some(address) = node.address else { continue };
                orders.push(order(hub, Command::Meet { id: view.id.clone(), address }));
            }
        }
        orders
    }

    /// Each shard's first node gets the shard's slots, once all nodes are there, know each other, and say that nobody has them.
    fn add_slots(&self) -> Vec<Order> {
        let world = self.world;
        let knows_all = |view: &View| {
            world.views().all(|(_, other)| view.member(&other.id).is_some_and(|member| !member.handshake))
        };
        if !world.is_complete() || !world.views().all(|(_, view)| knows_all(view)) {
            return Vec::new();
        }
        let mut orders = Vec::new();
        for shard in 0..world.wanted.shards {
            let range = range(shard, world.wanted.shards);
            let empty =
                |(_, view): &(&Node, &View)| view.role() == Some(&Role::Master) && !self.slots.is_claimant(&view.id);
            let first = world.views().filter(|(node, _)| node.shard == shard).find(empty);
            if let Some((node, _)) = first.filter(|_| self.slots.are_free(range.clone())) {
                orders.push(order(node, Command::AddSlots(range)));
            }
        }
        orders
    }

    /// Where a master's id is no pod's any more, and the masters cannot or do not vote, the replica that has followed farthest takes over.
    fn take_over(&self) -> Vec<Order> {
        if !self.world.is_complete() {
            return Vec::new();
        }
        let owners = self.slots.owners();
        let lost: Vec<_> = owners.keys().copied().filter(|id| self.world.node_of(id).is_none()).collect();
        let no_majority = lost.len() * 2 >= owners.len();
        let heir = |id: &'a str| self.world.replicas_of(id).max_by_key(|(_, view)| view.offset);
        // A master whose address another node has by now is never said to have failed, so nobody would vote.
        let is_nowhere = |view: &View| {
            let master = view.follows().and_then(|id| view.member(id));
            master.is_none_or(|master| master.address.is_none())
        };
        let waited =
            |(_, view): &(&Node, &View)| no_majority || view.alone_seconds >= ELECTION_SECONDS || is_nowhere(view);
        // One at a time: each new master is one more to vote.
        let heir = lost.into_iter().filter_map(heir).find(waited);
        heir.map(|(node, _)| order(node, Command::TakeOver)).into_iter().collect()
    }

    /// Nodes without slots follow the master of their shard, or else the one with the fewest replicas.
    fn replicate(&self, home: usize) -> Vec<Order> {
        let masters: Vec<&Node> = self.masters().collect();
        let mut replicas: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, view) in self.world.views() {
            *replicas.entry(view.follows().unwrap_or_default()).or_default() += 1;
        }
        let mut orders = Vec::new();
        for (node, view) in self.pods_of(home).filter(|(_, view)| !self.slots.is_claimant(&view.id)) {
            let count = |master: &&&Node| replicas.get(master.id().unwrap_or_default()).copied().unwrap_or(0);
            let own = masters.iter().filter(|master| master.shard == node.shard).min_by_key(count);
            let followed = view.follows().filter(|id| self.slots.is_claimant(id));
            let target = match (followed, own) {
                // Its master may be back, or it may be voted for.
                (Some(id), _) if self.world.node_of(id).is_none_or(|master| master.shard == node.shard) => None,
                (Some(_), own) => own.filter(|own| count(own) < self.world.wanted.replicas),
                (None, Some(own)) => Some(own),
                // The shard's master may be the pod that does not answer, or one that another pod of the shard is about to be.
                (None, None) if !self.world.is_complete() || self.has_heir(node.shard) => None,
                (None, None) => masters.iter().min_by_key(count),
            };
            let Some(id) = target.and_then(|master| master.id()) else { continue };
            if view.member(id).is_some_and(|master| master.role == Role::Master) {
                *replicas.entry(id).or_default() += 1;
                orders.push(order(node, Command::Replicate(id.to_owned())));
            }
        }
        orders
    }

    /// A pod of the shard follows a node with slots.
    fn has_heir(&self, shard: usize) -> bool {
        let follows = |view: &View| view.follows().is_some_and(|id| self.slots.is_claimant(id));
        self.world.views().any(|(node, view)| node.shard == shard && follows(view))
    }

    /// The pods that have slots and serve them.
    fn masters(&self) -> impl Iterator<Item = &'a Node> {
        let owners = self.slots.owners();
        let serves = move |view: &View| owners.contains_key(view.id.as_str()) && view.role() == Some(&Role::Master);
        self.world.views().filter(move |(_, view)| serves(view)).map(|(node, _)| node)
    }

    fn is_formed(&self) -> bool {
        let masters: BTreeSet<_> = self.masters().filter_map(Node::id).collect();
        let in_step = |id: &&str| self.world.replicas_of(id).filter(|(_, view)| view.in_step).count();
        self.world.is_complete()
            && self.world.views().all(|(_, view)| view.ok)
            && self.slots.without(|id| masters.contains(id)) == 0
            && masters.iter().all(|id| in_step(id) >= self.world.wanted.replicas)
    }
}

fn order(node: &Node, command: Command) -> Order {
    Order { pod: node.pod.clone(), command }
}
