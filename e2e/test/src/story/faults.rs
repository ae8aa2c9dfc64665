//! What breaks: servers, Redis, and ChatClusters that cannot be carried out.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Story;
use crate::chat::{self, PATIENCE};
use crate::kube::{Wrong, apply, get, kill_container, kubectl, name, until};

pub(super) fn server_killed(story: &mut Story) -> Result<(), Wrong> {
    let pods = chat::pods("server")?;
    let victim = pods.first().ok_or_else(|| Wrong::NotSo("there is no server".to_owned()))?;
    let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64();
    let before = restarts(victim);
    let begun = Instant::now();
    kill_container(chat::container(victim)?)?;
    until("the server's next start", PATIENCE, || {
        let pod = get(&["pod", name(victim)])?;
        let back = restarts(&pod) > before && chat::is_ready(&pod);
        Ok(if back { Ok(()) } else { Err(format!("restarts: {:?}", restarts(&pod))) })
    })?;
    story.note_time("a server killed, to ready again", begun.elapsed(), "");
    chat::settled()?;
    chat::gathered(story.present())
}

pub(super) fn server_deleted(story: &mut Story) -> Result<(), Wrong> {
    let pods = chat::pods("server")?;
    let victim = pods.first().ok_or_else(|| Wrong::NotSo("there is no server".to_owned()))?;
    let begun = Instant::now();
    kubectl(&["delete", "pod", name(victim), "--timeout", "5m"])?;
    story.note_time("a server's pod deleted, to its end", begun.elapsed(), "");
    chat::settled()?;
    chat::gathered(story.present())?;
    story.stretch("a deleted server", begun);
    Ok(())
}

pub(super) fn master_killed(story: &mut Story) -> Result<(), Wrong> {
    let master = until("a master of Redis", PATIENCE, || {
        for pod in chat::pods("redis")? {
            if kubectl(&["exec", name(&pod), "--", "valkey-cli", "role"])?.starts_with("master") {
                return Ok(Ok(pod));
            }
        }
        Ok(Err("none says so".to_owned()))
    })?;
    let begun = Instant::now();
    lose(&[master])?;
    let took = healed(begun)?;
    story.note_time("a master lost with its pod, to Redis whole again", took, "");
    chat::settled()?;
    chat::gathered(story.present())
}

pub(super) fn all_redis_killed(story: &mut Story) -> Result<(), Wrong> {
    let pods = chat::pods("redis")?;
    let begun = Instant::now();
    lose(&pods)?;
    let took = healed(begun)?;
    story.note_time(format!("all {} pods of Redis lost, to Redis whole again", pods.len()), took, "");
    chat::settled()?;
    chat::gathered(story.present())
}

/// Kills pods with what runs in them, as the end of their node would: others come, with other addresses and the same volumes.
fn lose(pods: &[Value]) -> Result<(), Wrong> {
    for pod in pods {
        kill_container(chat::container(pod)?)?;
    }
    let names = pods.iter().map(name);
    let args: Vec<&str> = ["delete", "pods", "--force", "--grace-period=0"].into_iter().chain(names).collect();
    kubectl(&args)?;
    // Not before the new ones are there does the condition speak of them.
    until("other pods of these names", PATIENCE, || {
        for pod in pods {
            let now = get(&["pod", name(pod), "--ignore-not-found"]).unwrap_or_default();
            if now["metadata"]["uid"].is_null() || now["metadata"]["uid"] == pod["metadata"]["uid"] {
                return Ok(Err(format!("{} is not there again", name(pod))));
            }
        }
        Ok(Ok(()))
    })
}

/// Waits until Redis is whole again. Returns how long that took since.
fn healed(since: Instant) -> Result<Duration, Wrong> {
    until("a Redis that is whole", PATIENCE, || {
        let ready = chat::pods("redis")?.iter().all(chat::is_ready);
        let cluster = chat::shown()?;
        let (holds, _, message) = chat::condition(&cluster, "RedisHealthy");
        Ok(if ready && holds == "True" { Ok(since.elapsed()) } else { Err(message.to_owned()) })
    })
}

/// A ChatCluster that cannot be carried out, and what its condition has to say.
struct Broken {
    name: &'static str,
    spec: Value,
    says: &'static [&'static str],
}

pub(super) fn broken(_story: &mut Story) -> Result<(), Wrong> {
    let managed = json!({ "managed": {} });
    let cases = [
        Broken {
            name: "no-secret",
            spec: json!({ "redis": managed, "auth": { "jwtSecretRef": { "name": "nowhere", "key": "secret" } } }),
            says: &["spec.auth.jwtSecretRef", "nowhere", "no such Secret"],
        },
        Broken {
            name: "no-setting",
            spec: json!({ "redis": managed, "settings": { "title-charz": "10" } }),
            says: &["spec.settings", "title-charz", "title-chars"],
        },
    ];
    for Broken { name, spec, says } in cases {
        let cluster = json!({
            "apiVersion": "chatcluster.dev/v1alpha1", "kind": "ChatCluster", "metadata": { "name": name }, "spec": spec,
        });
        apply(&cluster.to_string())?;
        until(&format!("a word about {name}"), PATIENCE, || {
            let cluster = get(&["chatcluster", name])?;
            let (holds, reason, message) = chat::condition(&cluster, "Ready");
            let said = holds == "False" && reason == "Invalid" && says.iter().all(|word| message.contains(word));
            Ok(if said { Ok(()) } else { Err(format!("{holds} {reason}: {message}")) })
        })?;
        kubectl(&["delete", "chatcluster", name])?;
    }
    Ok(())
}
