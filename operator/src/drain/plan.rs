//! The plan: what to do now, and what to write down.

use super::rebalance::{self, Close};
use super::world::{Reason, Recorded, RolloutState, Server, World};
use super::{rollout, scale};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Pods that are let take clients or not at one look, and as many that are marked or not: each is a request, and a look shall not take long. The
/// next look goes on.
pub const CHANGES_MAX: usize = 16;

/// What to do now, in this order: write the status; then the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The servers that are being emptied, for the status.
    pub recorded: Vec<Recorded>,
    /// The rollout under way, for the status.
    pub rollout: Option<RolloutState>,
    /// When connections were last evened out, for the status.
    pub rebalanced_at: Option<Timestamp>,
    /// How many pods each Deployment is to have, for every Deployment that is there or is to be made. One with none is deleted once its pods are gone.
    pub replicas: Vec<Replicas>,
    /// The revision that the Service sends clients to.
    pub service: String,
    /// Pods that are to be let take clients, or not: only those that are not so yet. By name.
    pub open: Vec<String>,
    /// See [`open`](Self::open).
    pub shut: Vec<String>,
    /// Servers that are to close their connections at this rate: a lease that is renewed at each look.
    pub drain: Vec<Drain>,
    /// Servers that are to stop doing so. By name.
    pub undrain: Vec<String>,
    /// Pods to mark to go first, or no longer. By name.
    pub mark: Vec<String>,
    /// See [`mark`](Self::mark).
    pub unmark: Vec<String>,
    /// Connections to close for an even spread.
    pub close: Vec<Close>,
    /// More servers are wanted than are made, since Redis is not healthy.
    pub held_back: bool,
}

/// The size of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// Its revision.
    pub revision: String,
    /// How many pods it is to have.
    pub replicas: usize,
}

/// A drain lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drain {
    /// The pod.
    pub name: String,
    /// Connections to close a second.
    pub rate: u32,
}

/// Decides what to do.
pub fn plan(world: &World) -> Plan {
    let mut plan = Plan { rebalanced_at: world.rebalanced_at, ..Plan::default() };
    keep_records(world, &mut plan);
    rollout::decide(world, &mut plan);
    scale::decide(world, &mut plan);
    gates(world, &mut plan);
    drains(world, &mut plan);
    removals(world, &mut plan);
    rebalance::decide(world, &mut plan);
    plan
}

/// Records of pods that are gone go.
fn keep_records(world: &World, plan: &mut Plan) {
    let is_there = |record: &&Recorded| world.servers.iter().any(|server| server.uid == record.uid);
    plan.recorded = world.recorded.iter().filter(is_there).cloned().collect();
}

/// Whether a server is being emptied by this plan.
pub(super) fn is_recorded(plan: &Plan, server: &Server) -> bool {
    plan.recorded.iter().any(|record| record.uid == server.uid)
}

/// Whether a server was recorded before this look: only then something may be done to it.
fn was_recorded(world: &World, server: &Server) -> bool {
    world.recorded.iter().any(|record| record.uid == server.uid)
}

/// Servers that are being emptied get no new clients; all others may.
fn gates(world: &World, plan: &mut Plan) {
    for server in world.servers.iter().filter(|server| !server.deleting) {
        let goes = is_recorded(plan, server);
        if goes && was_recorded(world, server) && server.open {
            plan.shut.push(server.name.clone());
        } else if !goes && !server.open {
            plan.open.push(server.name.clone());
        }
    }
    bound(&mut plan.open, &mut plan.shut);
}

/// Those that undo something come first.
fn bound(undone: &mut Vec<String>, done: &mut Vec<String>) {
    undone.truncate(CHANGES_MAX);
    done.truncate(CHANGES_MAX - undone.len());
}

/// The rate is shared by those that still have clients.
fn drains(world: &World, plan: &mut Plan) {
    let draining: Vec<_> = world
        .servers
        .iter()
        .filter(|server| is_recorded(plan, server) && was_recorded(world, server) && !server.deleting && server.ready)
        .filter(|server| server.connections != Some(0))
        // Those that it closes shall not come back to it.
        .filter(|server| !server.open || plan.shut.contains(&server.name))
        .collect();
    let pace = &world.wanted.pace;
    let total = if plan.rollout.is_some() { pace.rollout_rate } else { pace.drain_rate };
    // Where there are more servers than closes a second, some wait for their turn.
    let at_a_time = draining.len().min(total as usize);
    plan.drain = draining
        .iter()
        .take(at_a_time)
        .map(|server| Drain { name: server.name.clone(), rate: total / at_a_time as u32 })
        .collect();
    let ended = |record: &&Recorded| !plan.recorded.iter().any(|kept| kept.uid == record.uid);
    let again = world.recorded.iter().filter(ended);
    plan.undrain = again
        .filter_map(|record| world.servers.iter().find(|server| server.uid == record.uid && !server.deleting))
        .map(|server| server.name.clone())
        .collect();
}

/// Servers that are done are marked to go first; once they are, their Deployment is lowered by exactly so many.
fn removals(world: &World, plan: &mut Plan) {
    let done: BTreeSet<&str> = world
        .servers
        .iter()
        .filter(|server| was_recorded(world, server) && is_recorded(plan, server) && !server.deleting)
        .filter(|server| is_done(world, server))
        .map(|server| server.name.as_str())
        .collect();
    for server in world.servers.iter().filter(|server| !server.deleting) {
        match (done.contains(server.name.as_str()), server.marked) {
            (true, false) => plan.mark.push(server.name.clone()),
            (false, true) => plan.unmark.push(server.name.clone()),
            (true, true) | (false, false) => {}
        }
    }
    bound(&mut plan.unmark, &mut plan.mark);
    for revision in &mut plan.replicas {
        let pods = world.servers.iter().filter(|server| server.revision == revision.revision && !server.deleting);
        let marked = pods.clone().filter(|server| server.marked).count();
        let going = pods.filter(|server| server.marked && done.contains(server.name.as_str())).count();
        // A mark that is no longer right comes off before anything is lowered.
        if marked == going {
            revision.replicas = revision.replicas.saturating_sub(going);
        }
    }
}

/// Empty, or out of time, or of no use to anybody.
fn is_done(world: &World, server: &Server) -> bool {
    let record = world.recorded.iter().find(|record| record.uid == server.uid);
    let late = record.is_some_and(|record| world.now.duration_since(record.since) >= world.wanted.pace.drain_deadline);
    // It may get clients until its gate is shut.
    let empty = server.connections == Some(0) && !server.open;
    empty || late || !server.ready
}

/// Writes down that servers are to be emptied; what is done to them comes at the next look.
pub(super) fn record(world: &World, plan: &mut Plan, servers: &[&Server], reason: Reason) {
    for server in servers {
        let (name, uid) = (server.name.clone(), server.uid.clone());
        plan.recorded.push(Recorded { name, uid, reason, since: world.now });
    }
}
