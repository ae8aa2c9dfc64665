//! Log lines: for people on a terminal, JSON elsewhere.

use chat_settings::{LogFormat, Settings};
use std::io::IsTerminal;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, reload};

/// What is logged, while the server runs.
pub struct Level(reload::Handle<EnvFilter, Registry>);

impl Level {
    /// Logs by these directives from here on.
    pub fn set(&self, directives: &str) -> Result<(), String> {
        let filter = filter(directives)?;
        self.0.reload(filter).map_err(|error| error.to_string())
    }
}

/// Begins to log as the settings say.
pub fn start(settings: &Settings) -> Result<Level, String> {
    let (filter, handle) = reload::Layer::new(filter(&settings.logging.log_level)?);
    let pretty = match settings.logging.log_format {
        LogFormat::Auto => std::io::stderr().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = if pretty {
        lines.compact().with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
    } else {
        lines.json().flatten_event(true).boxed()
    };
    // Only a test starts twice in one process.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(Level(handle))
}

fn filter(directives: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(directives).map_err(|error| format!("log-level: {directives:?}: {error}"))
}
