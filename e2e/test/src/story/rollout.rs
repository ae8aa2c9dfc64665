//! A new configuration takes the place of the old one, and every client is sent elsewhere once.

use std::time::Instant;

use serde_json::{Value, json};

use super::Story;
use crate::chat;
use crate::kube::Wrong;

pub(super) fn rollout(story: &mut Story) -> Result<(), Wrong> {
    replaced(story, "rollout", &json!({ "settings": { "title-chars": "100" } }))
}

pub(super) fn builds(story: &mut Story) -> Result<(), Wrong> {
    let Some(earlier) = story.manner.earlier.clone() else {
        story.note("an earlier build", "left out: no image of one was named", "");
        return Ok(());
    };
    replaced(story, "to an earlier build", &json!({ "image": earlier }))?;
    replaced(story, "back to this build", &json!({ "image": null }))
}

/// Changes the spec so that all servers are replaced, and waits until they are.
fn replaced(story: &mut Story, what: &'static str, spec: &Value) -> Result<(), Wrong> {
    let before = revision()?;
    let begun = Instant::now();
    chat::patch(spec)?;
    chat::settled()?;
    chat::gathered(story.present())?;
    let after = revision()?;
    if before == after {
        return Err(Wrong::NotSo(format!("another spec, and the servers are still of revision {before}")));
    }
    let (servers, clients) = (chat::pods("server")?.len(), story.present());
    story.note_time(format!("{what}: {servers} servers replaced, {clients} clients connected"), begun.elapsed(), "");
    story.stretch(what, begun);
    Ok(())
}

fn revision() -> Result<String, Wrong> {
    let cluster = chat::shown()?;
    Ok(cluster["status"]["revisions"][0]["hash"].as_str().unwrap_or_default().to_owned())
}
