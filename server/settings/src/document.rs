//! `docs/settings.md`, made from the definitions.

use std::fmt::Write as _;

use crate::{Key, Settings};

/// The documentation of all settings, in Markdown.
pub fn document() -> String {
    let mut text = String::from(INTRODUCTION);
    let mut group = "";
    for key in Settings::keys() {
        if key.group != group {
            group = key.group;
            let _ = write!(text, "\n## {group}\n| setting | default | allowed | meaning |\n|---|---|---|---|\n");
        }
        let Key { default, meaning, .. } = key;
        let reload = if key.reload { " ↻" } else { "" };
        let allowed = key.allowed();
        let _ = writeln!(text, "| `{}`{reload} | `{default}` | {allowed} | {meaning} |", key.name());
    }
    text
}

const INTRODUCTION: &str = "\
# Settings

Generated from the definitions in `server/settings`; `CHAT_REGENERATE=1 cargo test -p chat-settings` writes it anew.

Each setting has one name, here as it stands in the file that `--config` names. Put `--` before it and it is the flag; in capitals, with `_`
for `-` and `CHAT_` before it, it is the environment variable: `ping-interval: 25s`, `--ping-interval 25s`, `CHAT_PING_INTERVAL=25s`. A flag
counts before a variable, a variable before the file, the file before the default. In the file a list may be a YAML list; elsewhere commas
separate its items.

Settings marked ↻ take effect on SIGHUP, the others at the next start. `chat-server check-config FILE` checks a file and prints all settings
as they would be in force.
";
