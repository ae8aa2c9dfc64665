//! Why settings are not accepted: which one, from where, what it was, and what is allowed.

use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The definition.
    Default,
    /// A key of the file.
    File {
        /// The file.
        path: PathBuf,
        /// The line of the key, from 1, where it could be told.
        line: Option<usize>,
    },
    /// This environment variable.
    Variable(String),
    /// This flag.
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line: Some(line) } => write!(f, "{}, line {line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why settings are not accepted. Secret values are never in it.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// There is no such setting.
    #[error("{name}: no such setting ({from}){}", did_you_mean(.near.as_deref()))]
    Unknown {
        /// As it was written.
        name: String,
        /// Where.
        from: Source,
        /// The setting that looks most like it.
        near: Option<String>,
    },
    /// A value is not allowed.
    #[error("{name}: {value:?} is not allowed ({from}); allowed is {allowed}")]
    Bad {
        /// The setting.
        name: String,
        /// The value, as it was written.
        value: String,
        /// Where it was written.
        from: Source,
        /// What is allowed.
        allowed: String,
    },
    /// Two settings do not go together.
    #[error("{one} ({one_value}) and {other} ({other_value}): {why}")]
    Conflict {
        /// A setting.
        one: &'static str,
        /// Its value.
        one_value: String,
        /// Another one.
        other: &'static str,
        /// Its value.
        other_value: String,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A secret is too short, or given twice.
    #[error("{name}: {why}")]
    Secret {
        /// The setting.
        name: &'static str,
        /// Why not.
        why: &'static str,
    },
    /// A file that a setting names cannot be read.
    #[error("{name}: the file {} cannot be read", path.display())]
    Unreadable {
        /// The setting.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not YAML with one setting a line.
    #[error("{}: {why}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        why: String,
    },
    /// The command line cannot be understood, or asks for `--help` or `--version`: its text says what to print.
    #[error(transparent)]
    Usage(clap::Error),
}

impl SettingsError {
    /// Tells the person at the terminal, with all causes, and says how the program ends: 0 after `--help` and `--version`, otherwise 2.
    pub fn exit(&self) -> ExitCode {
        if let Self::Usage(usage) = self {
            // Nobody is left to tell when the terminal is gone.
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
        let (mut text, mut cause) = (self.to_string(), self.source());
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        eprintln!("chat-server: {text}");
        ExitCode::from(2)
    }
}

fn did_you_mean(near: Option<&str>) -> String {
    near.map_or_else(String::new, |near| format!("; did you mean {near}?"))
}
