//! A Redis Cluster that somebody else runs: looked at, never told anything.

use super::ask::view;
use super::resp::{AskError, Credentials};
use super::slots::Slots;
use super::view::View;
use super::world::{Node, Shape, World};
use crate::controller::status::Finding;
use chat_api::RedisStatus;
use futures_util::future::join_all;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::lookup_host;
use tokio::time::timeout;

/// How long a name may take to be found.
const NAME_WITHIN: Duration = Duration::from_secs(1);

/// Addresses of a name that are asked: a name may stand for all nodes.
const ADDRESSES_MAX: usize = 4;

/// Why a seed gave no view.
#[derive(Debug, thiserror::Error)]
enum SeedError {
    #[error("the name is not found")]
    Name,
    #[error(transparent)]
    Ask(#[from] AskError),
}

/// Asks the seeds how their cluster is.
pub async fn look(seeds: &[String], credentials: Option<&Credentials>) -> (RedisStatus, Finding) {
    let asked = join_all(seeds.iter().map(|seed| ask(seed, credentials))).await;
    let (mut views, mut errors) = (Vec::new(), Vec::new());
    for (seed, answer) in seeds.iter().zip(asked) {
        match answer {
            Ok((address, view)) => views.push((address, view)),
            Err(error) => errors.push((seed, error)),
        }
    }
    // A node that was cut off is behind: who has heard of more knows better.
    match views.into_iter().max_by_key(|(_, view)| (view.ok, view.epoch)) {
        Some((address, view)) => judge(address, view),
        None => none(&errors),
    }
}

/// Over TLS nobody is asked: nothing is known, and nothing is held back for it.
pub fn unasked() -> (RedisStatus, Finding) {
    let message =
        "the operator does not look at a Redis Cluster over TLS: the servers' own readiness says whether they reach it";
    let finding = Finding { holds: None, reason: "NotAsked", message: message.to_owned() };
    (RedisStatus { phase: "NotAsked".to_owned(), ..RedisStatus::default() }, finding)
}

async fn ask(seed: &str, credentials: Option<&Credentials>) -> Result<(SocketAddr, View), SeedError> {
    let found = timeout(NAME_WITHIN, lookup_host(seed)).await;
    let addresses: Vec<_> = found.ok().and_then(Result::ok).ok_or(SeedError::Name)?.take(ADDRESSES_MAX).collect();
    let mut last = SeedError::Name;
    for (address, answer) in addresses.iter().zip(join_all(addresses.iter().map(|at| view(*at, credentials))).await) {
        match answer {
            Ok(view) => return Ok((*address, view)),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn none(errors: &[(&String, SeedError)]) -> (RedisStatus, Finding) {
    let refused = errors.iter().find_map(|(seed, error)| match error {
        SeedError::Ask(AskError::Refused(text)) => Some((seed, text)),
        SeedError::Name | SeedError::Ask(AskError::Late | AskError::Io(_) | AskError::Nonsense) => None,
    });
    let finding = match (refused, errors.first()) {
        (Some((seed, text)), _) if text.contains("cluster support disabled") => Finding::no(
            "NotACluster",
            format!(
                "spec.redis.existing.seeds: {seed} is a Redis without cluster mode: name nodes of a Redis Cluster, or start it with `cluster-enabled yes`"
            ),
        ),
        (Some((seed, text)), _) if is_about_access(text) => Finding::no(
            "AccessDenied",
            format!("{seed} says `{text}`: check spec.redis.existing.auth, and that the user may run CLUSTER and INFO"),
        ),
        (Some((seed, text)), _) => Finding::no("Refused", format!("{seed} says `{text}`")),
        (None, Some((seed, error))) => Finding::no(
            "Unreachable",
            format!(
                "none of the {} addresses in spec.redis.existing.seeds answers (of {seed}: {error}): check them, and whether the operator may connect to them",
                errors.len()
            ),
        ),
        (None, None) => Finding::no("Unreachable", "spec.redis.existing.seeds names nobody"),
    };
    (RedisStatus { phase: finding.reason.to_owned(), ..RedisStatus::default() }, finding)
}

fn is_about_access(text: &str) -> bool {
    ["NOAUTH", "WRONGPASS", "NOPERM", "ERR AUTH", "ERR Client sent AUTH"].iter().any(|word| text.starts_with(word))
}

fn judge(address: SocketAddr, view: View) -> (RedisStatus, Finding) {
    let node = Node {
        pod: address.to_string(),
        shard: 0,
        ordinal: 0,
        address: Some(address),
        ready: true,
        outdated: false,
        deleting: false,
        trouble: None,
        view: Some(view),
    };
    let world = World { wanted: Shape { shards: 0, replicas: 0 }, nodes: vec![node] };
    let Some(view) = &world.nodes[0].view else { return none(&[]) };
    let slots = Slots::of(&world);
    let lives = |id: &str| view.member(id).is_some_and(|member| !member.failed);
    let masters: Vec<_> = slots.owners().into_keys().filter(|id| lives(id)).collect();
    let follows = |master: &str| {
        let role = super::Role::Replica(master.to_owned());
        view.members.iter().filter(|member| member.role == role && !member.failed && member.connected).count()
    };
    let bare = masters.iter().filter(|master| follows(master) == 0).count();
    let uncovered = slots.without(lives);
    let int = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
    let finding = if uncovered > 0 {
        Finding::no(
            "SlotsUncovered",
            format!(
                "{uncovered} of 16384 slots are served by nobody, as {address} sees it: `redis-cli --cluster check {address}` says which; bring their masters back, or give the slots out"
            ),
        )
    } else if !view.ok {
        Finding::no(
            "ClusterDown",
            format!("{address} says that the cluster does not serve: `redis-cli --cluster check {address}` says why"),
        )
    } else if bare > 0 {
        Finding::yes(
            "AllServed",
            format!(
                "all slots are served, but {bare} of {} masters have no replica: the end of one loses messages",
                masters.len()
            ),
        )
    } else {
        Finding::yes("AllServed", "all slots are served, and every master has a replica")
    };
    let status = RedisStatus {
        phase: if finding.holds == Some(true) { "Ready" } else { finding.reason }.to_owned(),
        masters: int(masters.len()),
        replicas: masters.iter().map(|master| int(follows(master))).sum(),
        uncovered_slots: int(uncovered),
    };
    (status, finding)
}
