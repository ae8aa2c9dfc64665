//! What the operator answers: pure, from the world, the plan and what went wrong; written only when it says something new.

use super::validate::Validated;
use crate::drain::{Plan, Reason, RolloutState, World};
use crate::names;
use crate::trouble::Trouble;
use chat_api::{
    ChatCluster, ChatClusterStatus, Condition, ConditionType, DrainReason, Draining, Phase, RedisStatus,
    RevisionStatus, RolloutStatus,
};
use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

/// A condition's value, reason and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// It holds, it does not, or nobody knows.
    pub holds: Option<bool>,
    /// In a word.
    pub reason: &'static str,
    /// In a sentence, with what to do.
    pub message: String,
}

impl Finding {
    /// It holds.
    pub fn yes(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: Some(true), reason, message: message.into() }
    }

    /// It does not.
    pub fn no(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: Some(false), reason, message: message.into() }
    }

    /// Nobody knows.
    pub fn unknown(reason: &'static str, message: impl Into<String>) -> Self {
        Self { holds: None, reason, message: message.into() }
    }
}

/// What is to be said of a rollout that comes no further.
const STUCK: &str =
    "the servers of the new revision do not become ready: look at their pods; the old ones go on serving";

/// Connections are written when they have moved by so much, in percent, ...
const MOVED_PERCENT: u64 = 5;

/// ... and not more often than this.
pub const CONNECTIONS_EVERY: SignedDuration = SignedDuration::from_secs(30);

/// What was found beside the world and the plan.
#[derive(Clone, Debug)]
pub struct Found<'a> {
    /// The Redis Cluster, in numbers.
    pub redis: RedisStatus,
    /// The same in a sentence.
    pub redis_finding: &'a Finding,
    /// A Redis that is not well gets there by itself, as far as anybody can tell.
    pub redis_heals: bool,
    /// What keeps servers from running.
    pub trouble: Option<&'a Trouble>,
    /// The first object that is not as it shall be, and stays so until somebody does something: a reason, and what to do.
    pub refused: Option<(&'static str, String)>,
    /// All connections, if they may be written by now and are known.
    pub connections: Option<u64>,
    /// Whether the autoscaler gets what it scales by, where there is one.
    pub scaling: Option<Finding>,
}

/// The status of a ChatCluster that is being carried out.
pub fn status(
    cluster: &ChatCluster,
    validated: &Validated,
    world: &World,
    plan: &Plan,
    found: &Found<'_>,
) -> ChatClusterStatus {
    let mut before = cluster.status.clone().unwrap_or_default();
    if found.scaling.is_none() {
        before.conditions.retain(|condition| condition.kind != ConditionType::ScalingActive.name());
    }
    let wanted = world.wanted.replicas;
    let serving = world.servers.iter().filter(|server| server.serves() && !is_recorded(plan, &server.uid)).count();
    let late = rollout_is_stuck(world, plan, validated);
    let ready = serving >= wanted && found.refused.is_none();
    let mut status = ChatClusterStatus {
        observed_generation: cluster.metadata.generation,
        ready: format!("{}/{wanted}", serving.min(wanted)),
        // Surplus and draining servers would make the autoscaler flap.
        replicas: int(wanted.min(world.servers.len().max(serving))),
        ready_replicas: int(serving.min(wanted)),
        selector: names::selector_text(&cluster.name_any(), names::SERVER),
        connections: connections(before.connections, found.connections),
        redis: Some(found.redis.clone()),
        draining: draining(&before, world, plan),
        revisions: revisions(world),
        rollout: plan.rollout.as_ref().map(|rollout| RolloutStatus {
            to: rollout.to.clone(),
            since: written(rollout.since),
            switched: plan.service == rollout.to,
        }),
        rebalanced_at: plan.rebalanced_at.map(written),
        ..ChatClusterStatus::default()
    };
    let stopped = stopped_by(&before, validated, world, plan, found, late);
    let degraded = degraded(found, late);
    let mut findings = vec![
        (ConditionType::Ready, ready_finding(ready, serving, wanted, found)),
        (ConditionType::Progressing, progressing(plan, serving, wanted, stopped)),
        (ConditionType::Degraded, degraded.clone()),
        (ConditionType::RedisHealthy, found.redis_finding.clone()),
        (ConditionType::ScalingLimited, limited(plan, found)),
    ];
    findings.extend(found.scaling.clone().map(|scaling| (ConditionType::ScalingActive, scaling)));
    status.phase = match found.refused {
        Some(_) => Phase::Invalid,
        None => phase(plan, ready, degraded.holds == Some(true), &before),
    };
    let holds = |kind| findings.iter().find(|(known, finding)| *known == kind && finding.holds == Some(true));
    status.message = [ConditionType::Degraded, ConditionType::ScalingLimited, ConditionType::Progressing]
        .into_iter()
        .find_map(holds)
        .map_or_else(|| findings[0].1.message.clone(), |(_, finding)| finding.message.clone());
    status.conditions = conditions(&before, &findings, cluster.metadata.generation, world.now);
    status
}

/// The status with no more than what has to be written before anything is done: the rest is answered when it is known how that went.
pub fn record(before: &ChatClusterStatus, status: &ChatClusterStatus) -> ChatClusterStatus {
    ChatClusterStatus {
        draining: status.draining.clone(),
        rollout: status.rollout.clone(),
        rebalanced_at: status.rebalanced_at.clone(),
        ..before.clone()
    }
}

/// The status of a ChatCluster that cannot be carried out: what runs goes on as it is.
pub fn refused(cluster: &ChatCluster, reason: &'static str, message: &str, now: Timestamp) -> ChatClusterStatus {
    let before = cluster.status.clone().unwrap_or_default();
    let ready = if before.ready.is_empty() { format!("0/{}", cluster.spec.replicas) } else { before.ready.clone() };
    let before = ChatClusterStatus { ready, ..before };
    stopped(&before, cluster.metadata.generation, reason, message, now)
}

/// The status of a ChatCluster whose spec this operator cannot read.
pub fn unreadable(
    before: &ChatClusterStatus,
    generation: Option<i64>,
    message: &str,
    now: Timestamp,
) -> ChatClusterStatus {
    stopped(before, generation, "Unreadable", message, now)
}

fn stopped(
    before: &ChatClusterStatus,
    generation: Option<i64>,
    reason: &'static str,
    message: &str,
    now: Timestamp,
) -> ChatClusterStatus {
    let no = Finding::no(reason, message);
    let mut findings = vec![
        (ConditionType::Ready, no.clone()),
        (ConditionType::Progressing, no),
        (ConditionType::Degraded, Finding::yes(reason, message)),
    ];
    // What was last seen of these still holds; if nothing was, that is said.
    let unseen = |kind: &ConditionType| !before.conditions.iter().any(|condition| condition.kind == kind.name());
    let others = [ConditionType::RedisHealthy, ConditionType::ScalingLimited];
    findings.extend(others.into_iter().filter(unseen).map(|kind| (kind, Finding::unknown(reason, message))));
    ChatClusterStatus {
        observed_generation: generation,
        phase: Phase::Invalid,
        message: message.to_owned(),
        conditions: conditions(before, &findings, generation, now),
        ..before.clone()
    }
}

fn is_recorded(plan: &Plan, uid: &str) -> bool {
    plan.recorded.iter().any(|record| record.uid == uid)
}

fn connections(before: i64, now: Option<u64>) -> i64 {
    let Some(now) = now else { return before };
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    if has_moved(before, now) { now } else { before }
}

fn has_moved(before: i64, now: i64) -> bool {
    before != now && before.abs_diff(now) * 100 >= before.unsigned_abs().max(1) * MOVED_PERCENT
}

fn draining(before: &ChatClusterStatus, world: &World, plan: &Plan) -> Vec<Draining> {
    let of = |record: &crate::drain::Recorded| {
        // Written when the record is made: how many are left is on the server's own metrics, and would be a write a second here.
        let known =
            before.draining.iter().find(|draining| draining.uid == record.uid).map(|draining| draining.connections);
        let now = world.servers.iter().find(|server| server.uid == record.uid).and_then(|server| server.connections);
        Draining {
            pod: record.name.clone(),
            uid: record.uid.clone(),
            reason: match record.reason {
                Reason::ScaleDown => DrainReason::ScaleDown,
                Reason::Rollout => DrainReason::Rollout,
            },
            since: written(record.since),
            connections: known.unwrap_or_else(|| i64::try_from(now.unwrap_or(0)).unwrap_or(i64::MAX)),
        }
    };
    plan.recorded.iter().map(of).collect()
}

fn revisions(world: &World) -> Vec<RevisionStatus> {
    let of = |hash: &String| {
        let servers = || world.servers.iter().filter(|server| server.revision == *hash && !server.deleting);
        RevisionStatus {
            hash: hash.clone(),
            replicas: int(servers().count()),
            ready: int(servers().filter(|server| server.serves()).count()),
        }
    };
    let mut hashes: Vec<_> = world.revisions.iter().map(|revision| &revision.hash).collect();
    hashes.sort_by_key(|hash| (**hash != world.wanted.revision, (*hash).clone()));
    hashes.into_iter().map(of).collect()
}

fn ready_finding(ready: bool, serving: usize, wanted: usize, found: &Found<'_>) -> Finding {
    if let Some((reason, message)) = &found.refused {
        return Finding::no(reason, message.clone());
    }
    let message = format!("{serving} of {wanted} servers take clients");
    if ready {
        return Finding::yes("AllServe", message);
    }
    match found.trouble {
        Some(trouble) => Finding::no(trouble.reason, format!("{message}; {}", trouble.message)),
        None => Finding::no("TooFewServe", message),
    }
}

/// Why nothing comes any further by itself: a reason, and what to do.
fn stopped_by(
    before: &ChatClusterStatus,
    validated: &Validated,
    world: &World,
    plan: &Plan,
    found: &Found<'_>,
    late: bool,
) -> Option<(&'static str, String)> {
    if !plan.recorded.is_empty() {
        return None;
    }
    // A rollout makes room as it goes.
    if let Some(trouble) = found.trouble.filter(|trouble| plan.rollout.is_none() || !trouble.limits) {
        return Some((trouble.reason, trouble.message.clone()));
    }
    if late {
        return Some(("RolloutStuck", STUCK.to_owned()));
    }
    if found.refused.is_some() {
        return found.refused.clone();
    }
    if found.redis_finding.holds != Some(false) {
        return None;
    }
    let unwell = before.conditions.iter().find(|known| known.kind == ConditionType::RedisHealthy.name());
    let since =
        unwell.filter(|known| known.status == "False").and_then(|known| known.last_transition_time.parse().ok());
    let for_long = since.is_some_and(|since: Timestamp| world.now.duration_since(since) >= deadline(validated));
    (for_long || !found.redis_heals).then(|| ("RedisUnhealthy", found.redis_finding.message.clone()))
}

fn progressing(plan: &Plan, serving: usize, wanted: usize, stopped: Option<(&'static str, String)>) -> Finding {
    let draining = plan.recorded.len();
    let missing = wanted.saturating_sub(serving);
    if let Some((reason, why)) = stopped.filter(|_| plan.rollout.is_some() || missing > 0) {
        return Finding::no(reason, why);
    }
    if let Some(rollout) = &plan.rollout {
        return Finding::yes(
            "RollingOut",
            format!("revision {} takes over; {draining} servers are being emptied", rollout.to),
        );
    }
    if draining > 0 {
        return Finding::yes("ScalingDown", format!("{draining} servers are being emptied before they go"));
    }
    if missing > 0 {
        return Finding::yes("ScalingUp", format!("{missing} servers are still to take clients"));
    }
    Finding::no("Settled", "all is as wanted")
}

fn degraded(found: &Found<'_>, late: bool) -> Finding {
    if let Some((reason, message)) = &found.refused {
        return Finding::yes(reason, message.clone());
    }
    if let Some(trouble) = found.trouble.filter(|trouble| !trouble.limits) {
        return Finding::yes(trouble.reason, trouble.message.clone());
    }
    if late {
        return Finding::yes("RolloutStuck", STUCK);
    }
    if found.redis_finding.holds == Some(false) {
        return Finding::yes("RedisUnhealthy", found.redis_finding.message.clone());
    }
    Finding::no("AsItShouldBe", "nothing is amiss")
}

fn limited(plan: &Plan, found: &Found<'_>) -> Finding {
    if plan.held_back {
        let why = "more servers are wanted, but Redis is not healthy: they would only add to its load; they are made once it is";
        return Finding::yes("RedisUnhealthy", why);
    }
    if let Some(trouble) = found.trouble.filter(|trouble| trouble.limits) {
        return Finding::yes(trouble.reason, trouble.message.clone());
    }
    Finding::no("AsWanted", "as many servers are made as are wanted")
}

fn rollout_is_stuck(world: &World, plan: &Plan, validated: &Validated) -> bool {
    let since = |rollout: &RolloutState| world.now.duration_since(rollout.since);
    let is_late = |rollout: &RolloutState| plan.service != rollout.to && since(rollout) >= deadline(validated);
    plan.rollout.as_ref().is_some_and(is_late)
}

/// How long what is expected may take.
pub fn deadline(validated: &Validated) -> SignedDuration {
    SignedDuration::from_secs(i64::from(validated.spec.rollout.progress_deadline_seconds))
}

fn phase(plan: &Plan, ready: bool, bad: bool, before: &ChatClusterStatus) -> Phase {
    if bad {
        return Phase::Degraded;
    }
    match (&plan.rollout, plan.recorded.is_empty(), ready) {
        (Some(_), _, _) => Phase::RollingOut,
        (None, false, _) => Phase::Scaling,
        (None, true, true) => Phase::Running,
        (None, true, false) if matches!(before.phase, Phase::Pending | Phase::Creating) => Phase::Creating,
        (None, true, false) => Phase::Scaling,
    }
}

/// Conditions keep the time since when they are so.
fn conditions(
    before: &ChatClusterStatus,
    findings: &[(ConditionType, Finding)],
    generation: Option<i64>,
    now: Timestamp,
) -> Vec<Condition> {
    let mut kept = before.conditions.clone();
    for (kind, finding) in findings {
        let status = match finding.holds {
            Some(true) => "True",
            Some(false) => "False",
            None => "Unknown",
        };
        let old = kept.iter().position(|condition| condition.kind == kind.name());
        let since = old.filter(|at| kept[*at].status == status).map(|at| kept[at].last_transition_time.clone());
        let condition = Condition {
            kind: kind.name().to_owned(),
            status: status.to_owned(),
            reason: finding.reason.to_owned(),
            message: finding.message.clone(),
            last_transition_time: since.unwrap_or_else(|| written(now)),
            observed_generation: generation,
        };
        match old {
            Some(at) => kept[at] = condition,
            None => kept.push(condition),
        }
    }
    kept.retain(|condition| ConditionType::ALL.iter().any(|kind| kind.name() == condition.kind));
    kept
}

/// As Kubernetes writes times: in whole seconds.
fn written(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

fn int(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
