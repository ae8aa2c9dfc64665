//! A Redis Cluster that somebody else runs: looked at, never told anything.

use super::ask::view;
use super::resp::{Access, AskError, Connection};
use super::slots::Slots;
use super::tls::NoAuthorities;
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
pub async fn look(seeds: &[String], access: &Access) -> (RedisStatus, Finding) {
    let asked = join_all(seeds.iter().map(|seed| ask(seed, access))).await;
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
        None => none(&errors, access.tls.is_some()),
    }
}

/// Nobody is asked: nothing is known, and nothing is held back for it.
pub fn unasked(why: &NoAuthorities) -> (RedisStatus, Finding) {
    let message = format!(
        "the operator does not look at this Redis Cluster, since {why}: name those of Redis in spec.redis.existing.tls.caSecretRef; the servers' own readiness says whether they reach it"
    );
    (RedisStatus { phase: "NotAsked".to_owned(), ..RedisStatus::default() }, Finding::unknown("NotAsked", message))
}

async fn ask(seed: &str, access: &Access) -> Result<(SocketAddr, View), SeedError> {
    let found = timeout(NAME_WITHIN, lookup_host(seed)).await;
    let addresses: Vec<_> = found.ok().and_then(Result::ok).ok_or(SeedError::Name)?.take(ADDRESSES_MAX).collect();
    let (host, _) = seed.rsplit_once(':').unwrap_or((seed, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let asked = addresses.iter().map(|address| async move {
        let connection = Connection::open_as(*address, host, access).await?;
        view(connection).await
    });
    let mut last = SeedError::Name;
    for (address, answer) in addresses.iter().zip(join_all(asked).await) {
        match answer {
            Ok(view) => return Ok((*address, view)),
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

/// What is to be said when nobody answered: the most telling of all that went wrong.
fn none(errors: &[(&String, SeedError)], by_tls: bool) -> (RedisStatus, Finding) {
    let telling = |(_, error): &&(&String, SeedError)| match error {
        SeedError::Ask(AskError::Refused(_)) => 3,
        SeedError::Ask(AskError::Tls(_)) => 2,
        SeedError::Ask(AskError::Nonsense) => 1,
        SeedError::Name | SeedError::Ask(AskError::Late | AskError::Io(_)) => 0,
    };
    // The last of equals would win; the first seed's shall.
    let finding = match errors.iter().rev().max_by_key(telling) {
        None => Finding::no("Unreachable", "spec.redis.existing.seeds names nobody"),
        Some((seed, SeedError::Ask(AskError::Refused(text)))) => refused(seed, text),
        Some((seed, SeedError::Ask(AskError::Tls(error)))) => Finding::no(
            "Untrusted",
            format!(
                "spec.redis.existing.tls: TLS to {seed} fails ({error}): check that this is its TLS port, and that caSecretRef holds the authority that signed its certificate"
            ),
        ),
        Some((seed, SeedError::Ask(AskError::Nonsense))) => Finding::no(
            "NoRedis",
            format!("spec.redis.existing.seeds: what answers at {seed} is no Redis: check the port{}", hint(by_tls)),
        ),
        Some((seed, SeedError::Ask(AskError::Io(error)))) => unreachable(errors.len(), seed, error, by_tls),
        Some((seed, error @ (SeedError::Name | SeedError::Ask(AskError::Late)))) => {
            unreachable(errors.len(), seed, error, by_tls)
        }
    };
    (RedisStatus { phase: finding.reason.to_owned(), ..RedisStatus::default() }, finding)
}

fn unreachable(seeds: usize, seed: &str, error: &dyn std::error::Error, by_tls: bool) -> Finding {
    Finding::no(
        "Unreachable",
        format!(
            "none of the {seeds} addresses in spec.redis.existing.seeds answers (of {seed}: {error}): check them, and whether the operator may connect to them{}",
            hint(by_tls)
        ),
    )
}

/// A server that wants TLS hangs up on whoever does not speak it; one that knows none waits for more of it.
const fn hint(by_tls: bool) -> &'static str {
    if by_tls {
        "; where it speaks no TLS, take out spec.redis.existing.tls"
    } else {
        "; where it wants TLS, add spec.redis.existing.tls"
    }
}

fn refused(seed: &str, text: &str) -> Finding {
    if text.contains("cluster support disabled") {
        return Finding::no(
            "NotACluster",
            format!(
                "spec.redis.existing.seeds: {seed} is a Redis without cluster mode: name nodes of a Redis Cluster, or start it with `cluster-enabled yes`"
            ),
        );
    }
    if is_about_access(text) {
        return Finding::no(
            "AccessDenied",
            format!("{seed} says `{text}`: check spec.redis.existing.auth, and that the user may run CLUSTER and INFO"),
        );
    }
    Finding::no("Refused", format!("{seed} says `{text}`"))
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
    let Some(view) = &world.nodes[0].view else { return none(&[], false) };
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
