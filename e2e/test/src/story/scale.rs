//! More clients, more servers; fewer clients, fewer servers.

use std::time::Instant;

use serde_json::json;

use super::Story;
use super::install::NAMESPACE;
use crate::chat::{self, PATIENCE};
use crate::kube::{Wrong, get, kubectl, until};

/// Servers by the target of `install::apply`, for those that stay and with as many more.
const FEW: usize = 2;
const MANY: usize = 4;

pub(super) fn up(story: &mut Story) -> Result<(), Wrong> {
    let begun = Instant::now();
    story.guests = Some(story.invite("come-and-go")?);
    chat::gathered(story.present())?;
    let past = Instant::now();
    story.note_time(format!("{} clients more are connected", story.manner.size.clients()), begun.elapsed(), "");
    serving(MANY)?;
    story.note_time("connections past the target to all new servers ready", past.elapsed(), "<= 90 s");
    chat::settled()?;
    even(story)?;
    chat::gathered(story.present())?;
    story.stretch("scale-up", begun);
    Ok(())
}

/// A larger target: the same clients on fewer servers.
pub(super) fn fewer_servers(story: &mut Story) -> Result<(), Wrong> {
    let spec = chat::shown()?["spec"]["autoscaling"].clone();
    let before = spec["connectionsPerPod"].as_u64().unwrap_or_default();
    let begun = Instant::now();
    chat::patch(&json!({ "autoscaling": { "connectionsPerPod": before * 2 } }))?;
    serving(FEW)?;
    chat::settled()?;
    story.note_time(format!("{MANY} to {FEW} servers, {} clients connected", story.present()), begun.elapsed(), "");
    story.stretch("fewer servers", begun);
    chat::patch(&json!({ "autoscaling": { "connectionsPerPod": before } }))?;
    serving(MANY)?;
    chat::settled()?;
    even(story)
}

pub(super) fn down(story: &mut Story) -> Result<(), Wrong> {
    if let Some(guests) = story.guests.take() {
        let told = guests.end()?;
        story.told.push(told);
    }
    let begun = Instant::now();
    let drained = until("servers that are emptied", PATIENCE, || {
        let draining = chat::shown()?["status"]["draining"].as_array().cloned().unwrap_or_default();
        let names: Vec<String> =
            draining.iter().filter_map(|record| record["pod"].as_str().map(str::to_owned)).collect();
        Ok(if names.is_empty() { Err("none is emptied".to_owned()) } else { Ok(names) })
    })?;
    kill_leader()?;
    serving(FEW)?;
    chat::settled()?;
    story.note_time(format!("{MANY} to {FEW} servers, the operator killed meanwhile"), begun.elapsed(), "");
    let left: Vec<_> = chat::pods("server")?.iter().map(|pod| crate::kube::name(pod).to_owned()).collect();
    if let Some(still) = drained.iter().find(|name| left.contains(name)) {
        return Err(Wrong::NotSo(format!("{still} was to go, and is still there; {left:?} are")));
    }
    chat::gathered(story.present())?;
    story.stretch("scale-down", begun);
    Ok(())
}

/// Old servers with far more clients than the mean send some of theirs over: waits until none has more than the operator leaves alone, which is a tenth
/// above the mean, or a hundred.
fn even(story: &mut Story) -> Result<(), Wrong> {
    if !story.manner.full {
        return Ok(());
    }
    let begun = Instant::now();
    let (all, mean) = (story.present(), story.present() / MANY as u64);
    let bound = (mean + mean / 10).max(mean + 100);
    until("an even spread", PATIENCE, || {
        let spread = chat::spread()?;
        let is_even = spread.iter().all(|clients| *clients <= bound);
        Ok(if is_even && spread.iter().sum::<u64>() >= all { Ok(()) } else { Err(format!("{spread:?}")) })
    })?;
    story.note_time("until no server has far more than its share", begun.elapsed(), "");
    Ok(())
}

/// Waits until so many servers take clients, and no other is left.
fn serving(wanted: usize) -> Result<(), Wrong> {
    until(&format!("{wanted} servers"), PATIENCE, || {
        let pods = chat::pods("server")?;
        let ready = pods.iter().filter(|pod| chat::is_ready(pod)).count();
        let there = pods.len() == wanted && ready == wanted;
        Ok(if there {
            Ok(())
        } else {
            Err(format!("{ready} of {} are ready; {}", pods.len(), chat::words(&chat::shown()?)))
        })
    })
}

/// Kills the operator that leads, and leaves it no time for a word.
fn kill_leader() -> Result<(), Wrong> {
    let lease = get(&["lease", "-n", NAMESPACE, "chat-chatcluster"])?;
    let Some(leader) = lease["spec"]["holderIdentity"].as_str() else {
        return Err(Wrong::NotSo("nobody leads".to_owned()));
    };
    kubectl(&["delete", "pod", "-n", NAMESPACE, leader, "--force", "--grace-period=0"]).map(drop)
}
