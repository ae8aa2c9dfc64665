//! How the managed cluster is, in numbers and in a sentence that says what to do.

use super::formation::{Formation, Step};
use super::slots::Slots;
use super::world::{Node, World};
use crate::controller::status::Finding;
use chat_api::RedisStatus;

/// Names in a message; there may be hundreds.
const NAMED_MAX: usize = 3;

/// Whether a cluster that is not well gets there by itself, as far as anybody can tell.
pub fn heals(finding: &Finding) -> bool {
    matches!(finding.reason, "Forming" | "Healing" | "TakingOver" | "PodsMissing" | "SlotsUncovered")
}

/// What is to be said of a cluster.
pub fn health(world: &World, formation: &Formation) -> (RedisStatus, Finding) {
    let slots = Slots::of(world);
    let is_master =
        |node: &&Node| node.view.as_ref().is_some_and(|view| view.follows().is_none() && slots.is_claimant(&view.id));
    let masters: Vec<_> = world.nodes.iter().filter(is_master).collect();
    let replicas = world.views().filter(|(_, view)| view.follows().is_some() && view.in_step).count();
    let uncovered = slots.without(|id| masters.iter().any(|node| node.id() == Some(id)));
    let finding = finding(world, formation, &slots, uncovered);
    let int = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let status = RedisStatus {
        phase: if finding.holds == Some(true) { "Ready" } else { finding.reason }.to_owned(),
        masters: int(masters.len()),
        replicas: int(replicas),
        uncovered_slots: int(uncovered),
    };
    (status, finding)
}

fn finding(world: &World, formation: &Formation, slots: &Slots<'_>, uncovered: usize) -> Finding {
    let silent = world.silent();
    let lost: Vec<_> = slots.owners().into_keys().filter(|id| world.node_of(id).is_none()).collect();
    match &formation.step {
        Step::Refuse(pods) => Finding::no(
            "ForeignNodes",
            format!(
                "{} belong to another Redis Cluster, which is not joined: delete their volumes if they are not needed, or find out who met them",
                some(pods.iter().map(String::as_str))
            ),
        ),
        Step::Formed => Finding::yes("AllServed", "all slots are served, and every master has its replicas"),
        Step::Heal => Finding::no("Healing", "pods have new addresses: their nodes are told where the others are"),
        Step::TakeOver => Finding::no("TakingOver", "a master is gone for good: its replica takes its place"),
        Step::Wait if !silent.is_empty() => missing(world, &silent, uncovered),
        // All pods have answered: nobody is left who could have them.
        Step::Wait if !lost.is_empty() && world.is_complete() && !lost.iter().any(|id| is_followed(world, id)) => {
            Finding::no(
                "SlotsLost",
                format!(
                    "{uncovered} slots belong to nodes that no pod has any more, nor a replica of them, so their messages are gone: restore the volumes, or give the slots out anew with `valkey-cli --cluster fix`"
                ),
            )
        }
        Step::Wait if uncovered > 0 => Finding::no(
            "SlotsUncovered",
            format!("{uncovered} slots are served by nobody: the replicas of their masters are being elected"),
        ),
        Step::Forget | Step::Meet | Step::AddSlots | Step::Replicate | Step::Wait => {
            Finding::no("Forming", "nodes join, get their slots, or catch up with their masters")
        }
    }
}

fn is_followed(world: &World, id: &str) -> bool {
    world.replicas_of(id).next().is_some()
}

/// Which pods are missed, and what to do where Kubernetes says that they cannot run.
fn missing(world: &World, silent: &[(usize, usize)], uncovered: usize) -> Finding {
    let total = world.wanted.shards * (world.wanted.replicas + 1);
    let describe = |(shard, ordinal): &(usize, usize)| match world.node_at(*shard, *ordinal) {
        None => format!("pod {ordinal} of shard {shard} (not there)"),
        Some(node) => node.pod.clone(),
    };
    let names: Vec<_> = silent.iter().take(NAMED_MAX).map(describe).collect();
    let more = if silent.len() > NAMED_MAX { ", ..." } else { "" };
    let count = silent.len();
    let begin = format!("{count} of {total} pods of Redis do not answer, and {uncovered} slots are not served: ");
    let troubled = silent.iter().filter_map(|(shard, ordinal)| world.node_at(*shard, *ordinal)?.trouble.as_ref());
    match troubled.min_by_key(|trouble| trouble.limits) {
        Some(trouble) => Finding::no(trouble.reason, format!("{begin}{}", trouble.message)),
        None => Finding::no(
            "PodsMissing",
            format!(
                "{begin}{}{more}; `kubectl describe` of the pods, or of their StatefulSets, says why",
                names.join(", ")
            ),
        ),
    }
}

fn some<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    let more = if names.len() > NAMED_MAX { ", ..." } else { "" };
    format!("{}{more}", names[..names.len().min(NAMED_MAX)].join(", "))
}
