//! Settings from all sources, as a server sees them.

mod document;
mod errors;
mod file;
mod help;
mod precedence;
mod reload;
mod secrets;

use std::ffi::OsString;
use std::io;
use std::path::Path;

use chat_settings::{Command, Settings, SettingsError};

/// A world of flags, variables and files.
#[derive(Clone, Copy, Default)]
struct World<'a> {
    flags: &'a [&'a str],
    variables: &'a [(&'a str, &'a str)],
    files: &'a [(&'a str, &'a str)],
}

impl World<'_> {
    fn load(&self) -> Result<Settings, SettingsError> {
        Settings::load(self.args(), self.variables(), |path| self.read(path))
    }

    fn command(&self) -> Result<Command, SettingsError> {
        Command::load(self.args(), self.variables(), |path| self.read(path))
    }

    /// The error's whole chain, on one line.
    fn error(&self) -> String {
        let error = self.load().expect_err("settings that are not accepted");
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text = format!("{text}: {cause}");
            source = cause.source();
        }
        text
    }

    fn args(&self) -> Vec<OsString> {
        std::iter::once("chat-server").chain(self.flags.iter().copied()).map(OsString::from).collect()
    }

    fn variables(&self) -> Vec<(OsString, OsString)> {
        self.variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        let file = self.files.iter().find(|(name, _)| Path::new(name) == path);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    }
}

/// The settings when a file says this.
fn from_file(text: &str) -> Result<Settings, SettingsError> {
    World { flags: &["--config", "chat.yaml"], files: &[("chat.yaml", text)], ..World::default() }.load()
}

/// The error when a file says this.
fn file_error(text: &str) -> String {
    World { flags: &["--config", "chat.yaml"], files: &[("chat.yaml", text)], ..World::default() }.error()
}
