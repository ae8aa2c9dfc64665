//! The end: what the clients say, and that nothing is left.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Story;
use super::install::{NAMESPACE, RELEASE};
use crate::chat::{NAME, PATIENCE};
use crate::judge::Judgement;
use crate::kube::{Wrong, helm, kubectl, list, name, until};

pub(super) fn verdict(story: &mut Story) -> Result<(), Wrong> {
    for crowd in [story.guests.take(), story.crowd.take()].into_iter().flatten() {
        let told = crowd.end()?;
        story.told.push(told);
    }
    let mut judgement = Judgement::of(&story.told);
    for stretch in story.stretches.clone() {
        let moves = judgement.moves(&stretch);
        let within = format!("{} clients moved, at most {} times each", moves.clients, moves.most);
        story.note(stretch.what, within, "<= 1");
        story.note(format!("{}: closes in 2 s at most", stretch.what), moves.in_window.to_string(), "");
    }
    let broken = judgement.broken.clone();
    story.judgement = Some(judgement);
    if broken.is_empty() { Ok(()) } else { Err(Wrong::NotSo(broken.join("\n"))) }
}

/// The rest between two looks at the APIs.
const LOOK: Duration = Duration::from_millis(100);

/// What may be left of a ChatCluster, wherever.
const KINDS: &str = "pods,deployments,replicasets,statefulsets,services,endpointslices,configmaps,secrets,serviceaccounts,\
                     persistentvolumeclaims,poddisruptionbudgets,horizontalpodautoscalers,networkpolicies,ingresses";

pub(super) fn delete(story: &mut Story) -> Result<(), Wrong> {
    let begun = Instant::now();
    kubectl(&["delete", "chatcluster", NAME, "--timeout", "2m"])?;
    until("a namespace without the ChatCluster's objects", PATIENCE, || {
        let ours = |object: &&Value| {
            let labels = &object["metadata"]["labels"];
            labels["chatcluster.dev/cluster"] == NAME || name(object).starts_with(&format!("{NAME}-"))
        };
        let objects = list(&[KINDS, "-n", "default"])?;
        let left: Vec<_> =
            objects.iter().filter(ours).map(|object| format!("{} {}", object["kind"], name(object))).collect();
        Ok(if left.is_empty() { Ok(()) } else { Err(left.join(", ")) })
    })?;
    until("no volume", PATIENCE, || {
        let left = list(&["persistentvolumes"])?.len();
        Ok(if left == 0 { Ok(()) } else { Err(format!("{left} volumes")) })
    })?;
    story.note_time("a ChatCluster deleted, to nothing left of it", begun.elapsed(), "");
    Ok(())
}

pub(super) fn uninstall(story: &mut Story) -> Result<(), Wrong> {
    let begun = Instant::now();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watched = scope.spawn(|| unanswered(&over));
        let gone = helm(&["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait", "--timeout", "2m"]);
        over.store(true, Ordering::Relaxed);
        let watched = watched.join().unwrap_or_else(|_| Err(Wrong::NotSo("the watcher panicked".to_owned())));
        gone.and(watched)
    })?;
    story.note_time("`helm uninstall --wait`", begun.elapsed(), "");
    if let Some(left) = apis()?.first() {
        return Err(Wrong::NotSo(format!("{} is left, and nobody answers for it", name(left))));
    }
    // An API that nobody serves would keep every namespace from ending.
    kubectl(&["create", "namespace", "passing"])?;
    kubectl(&["delete", "namespace", "passing", NAMESPACE, "--timeout", "1m"])?;
    // ChatClusters outlive the operator, and so does what defines them.
    kubectl(&["get", "crd", "chatclusters.chatcluster.dev"])?;
    kubectl(&["delete", "crd", "chatclusters.chatcluster.dev", "--timeout", "1m"]).map(drop)
}

/// The APIs that are served from our namespace.
fn apis() -> Result<Vec<Value>, Wrong> {
    let all = list(&["apiservices"])?;
    Ok(all.into_iter().filter(|api| api["spec"]["service"]["namespace"] == NAMESPACE).collect())
}

/// Looks, until it is over, whether one of them is there that nobody answers for.
fn unanswered(over: &AtomicBool) -> Result<(), Wrong> {
    while !over.load(Ordering::Relaxed) {
        for api in apis()? {
            let conditions = api["status"]["conditions"].as_array().into_iter().flatten();
            if let Some(condition) = conditions.into_iter().find(|condition| condition["status"] == "False") {
                return Err(Wrong::NotSo(format!("{} outlives its server: {}", name(&api), condition["message"])));
            }
        }
        thread::sleep(LOOK);
    }
    Ok(())
}
