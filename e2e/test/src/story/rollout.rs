//! A new configuration takes the place of the old one, and every client is sent elsewhere once.

use std::time::Instant;

use serde_json::json;

use super::Story;
use crate::chat;
use crate::kube::Wrong;

pub(super) fn rollout(story: &mut Story) -> Result<(), Wrong> {
    let before = revision()?;
    let begun = Instant::now();
    chat::patch(&json!({ "settings": { "title-chars": "100" } }))?;
    chat::settled()?;
    chat::gathered(story.present())?;
    let after = revision()?;
    if before == after {
        return Err(Wrong::NotSo(format!("another configuration, and the servers are still of revision {before}")));
    }
    let servers = chat::pods("server")?.len();
    story.note_time(format!("{servers} servers replaced, {} clients connected", story.present()), begun.elapsed(), "");
    story.stretch("rollout", begun);
    Ok(())
}

fn revision() -> Result<String, Wrong> {
    let cluster = chat::shown()?;
    Ok(cluster["status"]["revisions"][0]["hash"].as_str().unwrap_or_default().to_owned())
}
