//! Which pod may be renewed next: one at a time, replicas first, and no master before a replica has taken its place.

use super::formation::{Formation, Step};
use super::slots::Slots;
use super::world::{Node, World};

/// What comes next in a change of the pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Roll {
    /// Nothing, for now.
    Rest,
    /// This replica takes its master's place.
    FailOver(String),
    /// This pod is deleted, and made anew as its StatefulSet now is.
    Delete(String),
}

/// Decides what comes next.
pub fn roll(world: &World, formation: &Formation) -> Roll {
    if world.nodes.iter().any(|node| node.deleting) {
        return Roll::Rest;
    }
    // A pod that cannot run as it is loses nothing; a whole cluster would be waited for in vain.
    let broken = world.nodes.iter().find(|node| node.outdated && node.view.is_none() && node.trouble.is_some());
    if let Some(node) = broken {
        return Roll::Delete(node.pod.clone());
    }
    if formation.step != Step::Formed {
        return Roll::Rest;
    }
    let slots = Slots::of(world);
    let is_master = |node: &Node| node.id().is_some_and(|id| slots.is_claimant(id));
    let goes = |node: &Node| node.outdated || is_surplus(world, node);
    let replica = world.nodes.iter().find(|node| node.outdated && !is_master(node) && !is_surplus(world, node));
    if let Some(node) = replica {
        return Roll::Delete(node.pod.clone());
    }
    let Some(master) = world.nodes.iter().find(|node| goes(node) && is_master(node)) else { return Roll::Rest };
    let heirs = world.replicas_of(master.id().unwrap_or_default()).filter(|(node, view)| view.in_step && !goes(node));
    match heirs.max_by_key(|(_, view)| view.offset) {
        Some((heir, _)) => Roll::FailOver(heir.pod.clone()),
        None if world.wanted.replicas == 0 && master.outdated => Roll::Delete(master.pod.clone()),
        None => Roll::Rest,
    }
}

/// It goes when its StatefulSet gets its wanted size.
fn is_surplus(world: &World, node: &Node) -> bool {
    node.ordinal > world.wanted.replicas
}

/// How many pods a shard's StatefulSet is to have: a surplus pod stays for as long as it may be the shard's master.
pub fn size(world: &World, shard: usize, present: Option<usize>) -> usize {
    let wanted = world.wanted.replicas + 1;
    let slots = Slots::of(world);
    let masters: Vec<_> = world
        .views()
        .filter(|(node, view)| node.shard == shard && slots.is_claimant(&view.id))
        .map(|(node, _)| node)
        .collect();
    let may_shrink = !masters.is_empty() && !masters.iter().any(|node| is_surplus(world, node));
    match present {
        Some(present) if present > wanted && !may_shrink => present,
        Some(_) | None => wanted,
    }
}
