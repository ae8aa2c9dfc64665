//! What a person wants to know, from two answers that followed each other.

use chat_api::{ChatClusterStatus, Condition, ConditionType, DrainReason, Draining, Phase};

/// Names in a sentence; there may be hundreds.
const NAMED_MAX: usize = 3;

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// All is well.
    Normal,
    /// Somebody should.
    Warning,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// Whether somebody should look.
    pub tone: Tone,
    /// In a word.
    pub reason: String,
    /// What the operator was doing.
    pub action: &'static str,
    /// In a sentence.
    pub note: String,
}

impl News {
    fn normal(action: &'static str, reason: impl Into<String>, note: impl Into<String>) -> Self {
        Self { tone: Tone::Normal, reason: reason.into(), action, note: note.into() }
    }

    fn warning(action: &'static str, reason: impl Into<String>, note: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, reason: reason.into(), action, note: note.into() }
    }
}

/// What happened between two answers. `is_there` says whether a pod, by uid, still is and is to stay.
pub fn news(before: &ChatClusterStatus, after: &ChatClusterStatus, is_there: impl Fn(&str) -> bool) -> Vec<News> {
    let mut news = Vec::new();
    news.extend(created(before));
    news.extend(trouble(before, after));
    news.extend(redis(before, after));
    news.extend(scaled(before, after));
    news.extend(rollout(before, after));
    news.extend(drains_begun(before, after));
    news.extend(drains_over(before, after, is_there));
    news.extend(held_back(before, after));
    news.extend(figures(before, after));
    if after.rebalanced_at.is_some() && after.rebalanced_at != before.rebalanced_at {
        news.push(News::normal(
            "Rebalance",
            "Rebalancing",
            "some connections are closed, so that new servers get their share",
        ));
    }
    if holds(before, ConditionType::Ready) != Some(true) && holds(after, ConditionType::Ready) == Some(true) {
        news.extend(
            condition(after, ConditionType::Ready).map(|ready| News::normal("Serve", "Ready", &*ready.message)),
        );
    }
    news
}

fn condition(status: &ChatClusterStatus, kind: ConditionType) -> Option<&Condition> {
    status.conditions.iter().find(|condition| condition.kind == kind.name())
}

/// Whether a condition holds; nothing where nobody knows.
fn holds(status: &ChatClusterStatus, kind: ConditionType) -> Option<bool> {
    match condition(status, kind)?.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

fn created(before: &ChatClusterStatus) -> Option<News> {
    let is_new = before.observed_generation.is_none() && before.conditions.is_empty();
    is_new.then(|| News::normal("Create", "Created", "its servers and all that they need are made"))
}

/// What is not as it should be, but for Redis, which speaks for itself.
fn trouble(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    let of = |status| condition(status, ConditionType::Degraded).filter(|degraded| degraded.status == "True");
    let told = |degraded: &&Condition| degraded.reason != "RedisUnhealthy";
    match (of(before).filter(told), of(after).filter(told)) {
        (before, Some(now)) => {
            // A spec that is changed and still wrong is wrong in another way; all else may count something in its message.
            let is_refusal = after.phase == Phase::Invalid;
            let same = before
                .is_some_and(|before| before.reason == now.reason && !(is_refusal && before.message != now.message));
            (!same).then(|| News::warning("Check", &*now.reason, &*now.message))
        }
        (Some(_), None) => Some(News::normal("Check", "Recovered", "what was amiss is not so any more")),
        (None, None) => None,
    }
}

fn redis(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    let was = condition(before, ConditionType::RedisHealthy);
    let now = condition(after, ConditionType::RedisHealthy)?;
    let same = was.is_some_and(|was| was.status == now.status && was.reason == now.reason);
    if same {
        return None;
    }
    // Until it has been well for the first time, it is only on its way.
    let begins = was.is_none() || matches!(before.phase, Phase::Pending | Phase::Creating);
    let was_well = was.is_some_and(|was| was.status == "True");
    match now.status.as_str() {
        "True" if was_well => None,
        "True" if begins => Some(News::normal("Redis", "RedisReady", &*now.message)),
        "True" => Some(News::normal("Redis", "RedisHealed", &*now.message)),
        "False" if now.reason == "Forming" || (begins && now.reason == "PodsMissing") => {
            Some(News::normal("Redis", "RedisForming", &*now.message))
        }
        "False" => Some(News::warning("Redis", format!("Redis{}", now.reason), &*now.message)),
        _ => None,
    }
}

/// The number of servers that is wanted: the second one in `2/3`.
fn wanted(status: &ChatClusterStatus) -> Option<u32> {
    status.ready.split_once('/')?.1.parse().ok()
}

fn scaled(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    let (from, to) = (wanted(before)?, wanted(after)?);
    let note = format!("from {from} to {to} servers");
    match from.cmp(&to) {
        std::cmp::Ordering::Less => Some(News::normal("Scale", "ScalingUp", note)),
        std::cmp::Ordering::Greater => Some(News::normal("Scale", "ScalingDown", note)),
        std::cmp::Ordering::Equal => None,
    }
}

fn rollout(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    match (&before.rollout, &after.rollout) {
        (None, Some(now)) => {
            Some(News::normal("Rollout", "RolloutBegun", format!("revision {} is to take over", now.to)))
        }
        (Some(was), Some(now)) if was.to != now.to => Some(News::normal(
            "Rollout",
            "RolloutBegun",
            format!("revision {} is to take over, instead of {}", now.to, was.to),
        )),
        (Some(was), Some(now)) if !was.switched && now.switched => {
            let note = format!("new clients come to revision {}; those of others follow wave by wave", now.to);
            Some(News::normal("Rollout", "RolloutSwitched", note))
        }
        (Some(was), None) => {
            Some(News::normal("Rollout", "RolloutEnded", format!("revision {} has taken over", was.to)))
        }
        (Some(_), Some(_)) | (None, None) => None,
    }
}

fn drains_begun(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Vec<News> {
    let is_new = |draining: &&Draining| before.draining.iter().all(|known| known.uid != draining.uid);
    let of = |reason, why: &str| {
        let new: Vec<_> = after.draining.iter().filter(is_new).filter(|draining| draining.reason == reason).collect();
        let clients: i64 = new.iter().map(|draining| draining.connections).sum();
        let note = || format!("{} with {clients} clients {why}", servers(&new));
        (!new.is_empty()).then(|| News::normal("Drain", "DrainBegun", note()))
    };
    let down = of(DrainReason::ScaleDown, "is emptied: fewer are wanted");
    let wave = of(DrainReason::Rollout, "is emptied: the new revision takes its clients");
    down.into_iter().chain(wave).collect()
}

/// Those whose pods are gone have come to their end; the others take clients again.
fn drains_over(before: &ChatClusterStatus, after: &ChatClusterStatus, is_there: impl Fn(&str) -> bool) -> Vec<News> {
    let is_over = |draining: &&Draining| after.draining.iter().all(|kept| kept.uid != draining.uid);
    let (undone, ended): (Vec<_>, Vec<_>) =
        before.draining.iter().filter(is_over).partition(|draining| is_there(&draining.uid));
    let mut news = Vec::new();
    if !ended.is_empty() {
        news.push(News::normal("Drain", "DrainEnded", format!("{} is gone", servers(&ended))));
    }
    if !undone.is_empty() {
        news.push(News::normal("Drain", "DrainUndone", format!("{} takes clients again", servers(&undone))));
    }
    news
}

/// How many drains began, ended and were undone, for the counters.
pub(super) fn drains(
    before: &ChatClusterStatus,
    after: &ChatClusterStatus,
    is_there: impl Fn(&str) -> bool,
) -> (usize, usize, usize) {
    let has = |status: &ChatClusterStatus, uid: &str| status.draining.iter().any(|draining| draining.uid == uid);
    let begun = after.draining.iter().filter(|draining| !has(before, &draining.uid)).count();
    let over: Vec<_> = before.draining.iter().filter(|draining| !has(after, &draining.uid)).collect();
    let undone = over.iter().filter(|draining| is_there(&draining.uid)).count();
    (begun, over.len() - undone, undone)
}

fn servers(draining: &[&Draining]) -> String {
    match draining {
        [one] => format!("server {}", one.pod),
        several => {
            let names: Vec<_> = several.iter().take(NAMED_MAX).map(|draining| draining.pod.as_str()).collect();
            let more = if several.len() > NAMED_MAX { ", ..." } else { "" };
            format!("each of {} servers ({}{more})", several.len(), names.join(", "))
        }
    }
}

fn held_back(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    let kind = ConditionType::ScalingLimited;
    match (holds(before, kind), holds(after, kind)) {
        (Some(true), Some(true)) => None,
        (_, Some(true)) => condition(after, kind).map(|why| News::warning("Scale", "ScalingHeldBack", &*why.message)),
        (Some(true), Some(false)) => {
            Some(News::normal("Scale", "ScalingResumed", "the servers that are wanted are made"))
        }
        (_, Some(false) | None) => None,
    }
}

/// Whether the autoscaler gets its figures.
fn figures(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Option<News> {
    let kind = ConditionType::ScalingActive;
    let now = condition(after, kind)?;
    match (holds(before, kind), holds(after, kind)) {
        (Some(false), Some(false)) => {
            let same = condition(before, kind).is_some_and(|before| before.reason == now.reason);
            (!same).then(|| News::warning("Scale", format!("Scaling{}", now.reason), &*now.message))
        }
        (_, Some(false)) => Some(News::warning("Scale", format!("Scaling{}", now.reason), &*now.message)),
        (Some(false), Some(true)) => Some(News::normal("Scale", "ScalingMetricsServed", &*now.message)),
        (_, Some(true) | None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chat_api::RolloutStatus;

    fn with(conditions: &[(ConditionType, &str, &str, &str)]) -> ChatClusterStatus {
        let condition = |(kind, status, reason, message): &(ConditionType, &str, &str, &str)| Condition {
            kind: kind.name().to_owned(),
            status: (*status).to_owned(),
            reason: (*reason).to_owned(),
            message: (*message).to_owned(),
            last_transition_time: "2026-01-01T00:00:00Z".to_owned(),
            observed_generation: Some(1),
        };
        ChatClusterStatus {
            observed_generation: Some(1),
            phase: Phase::Running,
            ready: "2/2".to_owned(),
            conditions: conditions.iter().map(condition).collect(),
            ..ChatClusterStatus::default()
        }
    }

    fn said(before: &ChatClusterStatus, after: &ChatClusterStatus) -> Vec<String> {
        let there = |uid: &str| uid.starts_with("there");
        news(before, after, there)
            .into_iter()
            .map(|news| format!("{:?} {}: {}", news.tone, news.reason, news.note))
            .collect()
    }

    fn draining(pod: &str, uid: &str, reason: DrainReason) -> Draining {
        Draining { pod: pod.to_owned(), uid: uid.to_owned(), reason, since: String::new(), connections: 10 }
    }

    #[test]
    fn nothing_new_is_no_news() {
        let status = with(&[
            (ConditionType::Ready, "True", "AllServe", "2 of 2"),
            (ConditionType::Degraded, "True", "RolloutStuck", "look at the pods"),
            (ConditionType::RedisHealthy, "False", "PodsMissing", "1 of 6"),
            (ConditionType::ScalingLimited, "True", "RedisUnhealthy", "held back"),
        ]);
        assert_eq!(said(&status, &status), Vec::<String>::new());
        // Counts in messages change; what they count is the same.
        let mut later = status.clone();
        for condition in &mut later.conditions {
            condition.message.push_str(" and another");
        }
        assert_eq!(said(&status, &later), Vec::<String>::new());
    }

    #[test]
    fn a_new_one_is_created_and_becomes_ready_once() {
        let ready = with(&[(ConditionType::Ready, "True", "AllServe", "2 of 2 servers take clients")]);
        let unready = with(&[(ConditionType::Ready, "False", "TooFewServe", "0 of 2")]);
        assert_eq!(
            said(&ChatClusterStatus::default(), &unready),
            ["Normal Created: its servers and all that they need are made"]
        );
        assert_eq!(said(&unready, &ready), ["Normal Ready: 2 of 2 servers take clients"]);
        assert_eq!(said(&ready, &unready), Vec::<String>::new());
    }

    #[test]
    fn a_refused_spec_is_said_again_when_it_is_wrong_in_another_way() {
        let refused = |message| ChatClusterStatus {
            phase: Phase::Invalid,
            ..with(&[(ConditionType::Degraded, "True", "Invalid", message)])
        };
        let fine = with(&[(ConditionType::Degraded, "False", "AsItShouldBe", "nothing is amiss")]);
        assert_eq!(said(&fine, &refused("a: wrong")), ["Warning Invalid: a: wrong"]);
        assert_eq!(said(&refused("a: wrong"), &refused("b: wrong")), ["Warning Invalid: b: wrong"]);
        assert_eq!(said(&refused("a: wrong"), &fine), ["Normal Recovered: what was amiss is not so any more"]);
    }

    #[test]
    fn redis_forms_fails_and_heals() {
        let redis = |status, reason, phase| ChatClusterStatus {
            phase,
            ..with(&[(ConditionType::RedisHealthy, status, reason, "so it is")])
        };
        let forming = redis("False", "Forming", Phase::Creating);
        let ready = redis("True", "AllServed", Phase::Running);
        let missing = redis("False", "PodsMissing", Phase::Degraded);
        let healing = redis("False", "Healing", Phase::Degraded);
        assert_eq!(said(&with(&[]), &forming), ["Normal RedisForming: so it is"]);
        assert_eq!(said(&forming, &ready), ["Normal RedisReady: so it is"]);
        assert_eq!(said(&ready, &missing), ["Warning RedisPodsMissing: so it is"]);
        assert_eq!(said(&missing, &healing), ["Warning RedisHealing: so it is"]);
        assert_eq!(said(&healing, &ready), ["Normal RedisHealed: so it is"]);
        assert_eq!(said(&ready, &redis("Unknown", "NotAsked", Phase::Running)), Vec::<String>::new());
    }

    #[test]
    fn scaling_and_its_drains_are_said() {
        let mut two = with(&[]);
        let four = ChatClusterStatus { ready: "2/4".to_owned(), ..with(&[]) };
        assert_eq!(said(&two, &four), ["Normal ScalingUp: from 2 to 4 servers"]);
        assert_eq!(said(&four, &two), ["Normal ScalingDown: from 4 to 2 servers"]);
        let none = two.clone();
        two.draining =
            (0..4).map(|n| draining(&format!("chat-{n}"), &format!("there-{n}"), DrainReason::ScaleDown)).collect();
        assert_eq!(
            said(&none, &two),
            [
                "Normal DrainBegun: each of 4 servers (chat-0, chat-1, chat-2, ...) with 40 clients is emptied: fewer are wanted"
            ]
        );
        assert_eq!(drains(&none, &two, |_| true), (4, 0, 0));
        let mut mixed = none.clone();
        mixed.draining = vec![
            draining("chat-0", "there-0", DrainReason::ScaleDown),
            draining("chat-1", "gone", DrainReason::ScaleDown),
        ];
        assert_eq!(
            said(&mixed, &none),
            ["Normal DrainEnded: server chat-1 is gone", "Normal DrainUndone: server chat-0 takes clients again"]
        );
        assert_eq!(drains(&mixed, &none, |uid| uid != "gone"), (0, 1, 1));
    }

    #[test]
    fn a_rollout_begins_switches_goes_in_waves_and_ends() {
        let none = with(&[]);
        let to = |to: &str, switched| ChatClusterStatus {
            rollout: Some(RolloutStatus { to: to.to_owned(), since: String::new(), switched }),
            ..with(&[])
        };
        assert_eq!(said(&none, &to("b", false)), ["Normal RolloutBegun: revision b is to take over"]);
        assert_eq!(
            said(&to("b", false), &to("c", false)),
            ["Normal RolloutBegun: revision c is to take over, instead of b"]
        );
        let wave =
            ChatClusterStatus { draining: vec![draining("a-1", "there", DrainReason::Rollout)], ..to("b", true) };
        assert_eq!(
            said(&to("b", false), &wave),
            [
                "Normal RolloutSwitched: new clients come to revision b; those of others follow wave by wave",
                "Normal DrainBegun: server a-1 with 10 clients is emptied: the new revision takes its clients",
            ]
        );
        assert_eq!(said(&to("b", true), &none), ["Normal RolloutEnded: revision b has taken over"]);
    }

    #[test]
    fn an_autoscaler_without_figures_is_said() {
        let active = |status, reason| with(&[(ConditionType::ScalingActive, status, reason, "so it is")]);
        let (well, ill) = (active("True", "MetricsServed"), active("False", "NoMetrics"));
        assert_eq!(said(&active("Unknown", "NotAskedYet"), &well), Vec::<String>::new());
        assert_eq!(said(&well, &ill), ["Warning ScalingNoMetrics: so it is"]);
        assert_eq!(said(&ill, &active("False", "OtherAdapter")), ["Warning ScalingOtherAdapter: so it is"]);
        assert_eq!(said(&ill, &well), ["Normal ScalingMetricsServed: so it is"]);
    }

    #[test]
    fn scaling_that_is_held_back_is_said() {
        let limited =
            |status| with(&[(ConditionType::ScalingLimited, status, "RedisUnhealthy", "Redis is not healthy")]);
        assert_eq!(said(&limited("False"), &limited("True")), ["Warning ScalingHeldBack: Redis is not healthy"]);
        assert_eq!(
            said(&limited("True"), &limited("False")),
            ["Normal ScalingResumed: the servers that are wanted are made"]
        );
    }
}
