//! A ChatCluster in which nothing changes is not written, nor is anything that belongs to it.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::Story;
use crate::chat;
use crate::kube::{Wrong, list, name};

/// All that the operator writes. The autoscaler's own status, and the Lease of the operators, change by themselves.
const KINDS: &str = "chatclusters,deployments,statefulsets,services,configmaps,secrets,serviceaccounts,\
                     poddisruptionbudgets,networkpolicies,pods";

pub(super) fn calm(story: &mut Story) -> Result<(), Wrong> {
    chat::settled()?;
    // The number of connections is written at most every half minute.
    let window = Duration::from_secs(if story.manner.full { 60 } else { 20 });
    let mut before = versions()?;
    for _ in 0..3 {
        thread::sleep(window);
        let after = versions()?;
        if before == after {
            story.note(format!("writes in {} s", window.as_secs()), "0", "0");
            return Ok(());
        }
        story.note(format!("written in {} s", window.as_secs()), changed(&before, &after).join(", "), "0");
        before = after;
    }
    Err(Wrong::NotSo("things are written though nothing happens".to_owned()))
}

/// The version of each object.
fn versions() -> Result<BTreeMap<String, String>, Wrong> {
    let of = |object: &serde_json::Value| {
        let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        (format!("{} {}", object["kind"].as_str().unwrap_or_default(), name(object)), version.to_owned())
    };
    Ok(list(&[KINDS, "-n", "default"])?.iter().map(of).collect())
}

fn changed(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}
