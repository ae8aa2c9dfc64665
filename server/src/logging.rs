//! Log lines: for people on a terminal, JSON elsewhere.

use chat_settings::{LogFormat, Settings};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Begins to log as the settings say. A second call changes nothing.
pub fn start(settings: &Settings) -> Result<(), String> {
    let level = &settings.logging.log_level;
    let filter = EnvFilter::try_new(level).map_err(|error| format!("log-level: `{level}`: {error}"))?;
    let pretty = match settings.logging.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Only a test starts twice in one process.
    let _ = if pretty {
        lines.compact().with_target(false).try_init()
    } else {
        lines.json().flatten_event(true).try_init()
    };
    Ok(())
}
