//! Evens connections out after a scale-up: only from servers well above the mean, at a bounded rate, and never while anything else is going on.

use super::plan::Plan;
use super::world::World;

/// Connections that a server is to close, idle ones first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The pod.
    pub name: String,
    /// How many.
    pub count: u64,
    /// How many a second.
    pub rate: u32,
}

/// A server above this part of the mean, in percent, has too many.
const ABOVE_PERCENT: u64 = 110;

/// Fewer than so many above the mean are not worth a disconnect.
const ABOVE_COUNT: u64 = 100;

/// Decides whether connections are to be closed for an even spread.
pub(super) fn decide(world: &World, plan: &mut Plan) {
    let pace = &world.wanted.pace;
    let Some(rate) = pace.rebalance_rate else { return };
    let rested = world.rebalanced_at.is_none_or(|at| world.now.duration_since(at) >= pace.rebalance_cooldown);
    let quiet = plan.rollout.is_none() && plan.recorded.is_empty() && !plan.held_back;
    let all_serve =
        world.servers.iter().all(super::world::Server::serves) && world.servers.len() == world.wanted.replicas;
    let known: Option<Vec<_>> = world.servers.iter().map(|server| Some((server, server.connections?))).collect();
    let (true, true, true, Some(known)) = (rested, quiet, all_serve, known) else { return };
    if known.is_empty() {
        return;
    }
    let mean = known.iter().map(|(_, connections)| connections).sum::<u64>() / known.len() as u64;
    let bound = (mean * ABOVE_PERCENT / 100).max(mean + ABOVE_COUNT);
    let above: Vec<_> = known.into_iter().filter(|(_, connections)| *connections > bound).collect();
    if above.is_empty() {
        return;
    }
    let share = (rate / above.len() as u32).max(1);
    plan.rebalanced_at = Some(world.now);
    plan.close = above
        .into_iter()
        .take(rate as usize)
        .map(|(server, connections)| Close { name: server.name.clone(), count: connections - mean, rate: share })
        .collect();
}
