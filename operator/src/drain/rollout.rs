//! How a new revision takes the place of the old one: new servers first, then the old ones wave by wave.

use super::choose::first_to_go;
use super::plan::{Plan, is_recorded, record};
use super::world::{Reason, RolloutState, Server, World};

/// Decides about servers of other revisions than the wanted one.
pub(super) fn decide(world: &World, plan: &mut Plan) {
    let target = &world.wanted.revision;
    let is_old = |server: &&Server| server.revision != *target;
    let olds_left = world.servers.iter().any(|server| is_old(&server))
        || world.revisions.iter().any(|revision| revision.hash != *target && revision.replicas > 0);
    // A server of the wanted revision is not emptied for a rollout: one that goes back takes its servers back.
    plan.recorded.retain(|record| {
        let server = world.servers.iter().find(|server| server.uid == record.uid);
        record.reason != Reason::Rollout || server.is_some_and(|server| is_old(&server))
    });
    plan.service = service(world);
    if !olds_left {
        return;
    }
    let begun = world.rollout.clone().filter(|rollout| rollout.to == *target);
    plan.rollout = Some(begun.unwrap_or(RolloutState { to: target.clone(), since: world.now }));
    // Clients that are sent away have to come back to the new revision.
    if world.service.as_deref() != Some(target.as_str()) {
        return;
    }
    let serving = |server: &&Server| server.serves() && !is_recorded(plan, server);
    let new = world.servers.iter().filter(|server| !is_old(server)).filter(serving).count();
    let old: Vec<_> = world.servers.iter().filter(is_old).filter(|s| !s.deleting && !is_recorded(plan, s)).collect();
    let spare = (new + old.iter().filter(|server| server.serves()).count()).saturating_sub(world.wanted.replicas);
    // Those that serve nobody go beside the wave.
    let useless = old.iter().filter(|server| !server.ready).count();
    let going = first_to_go(old.into_iter());
    let count = (spare + useless).min(going.len());
    record(world, plan, &going[..count], Reason::Rollout);
}

/// Clients find the wanted revision once its first wave serves, or there is no other.
fn service(world: &World) -> String {
    let target = &world.wanted.revision;
    let Some(present) = &world.service else { return target.clone() };
    let of = |hash: &str| world.servers.iter().filter(|server| server.revision == hash && server.serves()).count();
    if of(target) >= wave(world).min(world.wanted.replicas) || of(present) == 0 {
        target.clone()
    } else {
        present.clone()
    }
}

/// Servers that are replaced at a time.
pub(super) fn wave(world: &World) -> usize {
    (world.wanted.replicas * world.wanted.pace.wave_percent as usize).div_ceil(100).max(1)
}
