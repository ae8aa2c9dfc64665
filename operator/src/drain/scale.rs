//! How many servers each revision has, and which of the wanted revision are too many.

use super::choose::first_to_go;
use super::plan::{Plan, Replicas, is_recorded, record};
use super::rollout::wave;
use super::world::{Reason, Recorded, Server, World};

/// Decides about the sizes of the Deployments.
pub(super) fn decide(world: &World, plan: &mut Plan) {
    let target = &world.wanted.revision;
    let news: Vec<_> = world.servers.iter().filter(|server| server.revision == *target && !server.deleting).collect();
    let present =
        world.revisions.iter().find(|revision| revision.hash == *target).map_or(0, |revision| revision.replicas);
    let aim = aim(world, plan);

    // Servers that are being emptied for want of work come back before new ones are made, the latest first.
    let kept = |plan: &Plan| news.iter().filter(|server| !is_recorded(plan, server)).count();
    while kept(plan) < aim {
        let latest = plan
            .recorded
            .iter()
            .rposition(|record: &Recorded| record.reason == Reason::ScaleDown && can_return(world, record));
        let Some(latest) = latest else { break };
        plan.recorded.remove(latest);
    }
    let going = news.iter().filter(|server| is_recorded(plan, server)).count();
    let wanted = aim + going;
    if wanted > present {
        plan.held_back = !world.redis_healthy && present > 0;
    }
    let size = if plan.held_back { present } else { wanted.max(present) };
    plan.replicas.push(Replicas { revision: target.clone(), replicas: size });

    // Too many: only of those that are there, not while pods are still to come or to go, and never so many that too few serve.
    let settled = news.len() == present;
    if settled && present > wanted {
        let serving = world.servers.iter().filter(|server| server.serves() && !is_recorded(plan, server)).count();
        let mut spare = serving.saturating_sub(world.wanted.replicas);
        let candidates = news.iter().copied().filter(|server| !is_recorded(plan, server));
        let mut chosen = first_to_go(candidates);
        chosen.retain(|server| {
            let may_go = !server.serves() || spare > 0;
            spare -= usize::from(server.serves() && may_go);
            may_go
        });
        chosen.truncate(present - wanted);
        record(world, plan, &chosen, Reason::ScaleDown);
    }
    for revision in world.revisions.iter().filter(|revision| revision.hash != *target) {
        plan.replicas.push(Replicas { revision: revision.hash.clone(), replicas: revision.replicas });
    }
}

/// How many servers of the wanted revision there shall be now, without those that are being emptied.
fn aim(world: &World, plan: &Plan) -> usize {
    let target = &world.wanted.revision;
    let wanted = world.wanted.replicas;
    if plan.rollout.is_none() {
        return wanted;
    }
    // A wave more than wanted, in all; a wave of the new ones at least, since clients find them only then.
    let olds = world.servers.iter().filter(|server| server.revision != *target).count();
    let of = |server: &&Server| server.revision == *target && !server.deleting && !is_recorded(plan, server);
    let news = world.servers.iter().filter(of).count();
    let room = (wanted + wave(world)).saturating_sub(olds);
    room.max(wave(world)).max(news).min(wanted)
}

/// A server can take clients again if it is still there and has not been given up.
fn can_return(world: &World, record: &Recorded) -> bool {
    world.servers.iter().any(|server| {
        server.uid == record.uid && !server.deleting && server.ready && server.revision == world.wanted.revision
    })
}
