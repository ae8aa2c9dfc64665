//! What the program is asked to do.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use clap_complete::Shell;

use crate::values::Values;
use crate::{Settings, SettingsError, flags};

/// What the program is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Serve.
    Run(Box<Settings>),
    /// A file was checked: say so, and print these settings ([`Settings::to_yaml`]). Variables count as they would for the server.
    CheckConfig(Box<Settings>),
    /// Print this completion script.
    Completions(String),
}

impl Command {
    /// Reads the command line, and the settings where they matter; the arguments are those of [`Settings::load`].
    pub fn load(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, SettingsError> {
        let matches = flags::parse(args)?;
        let mut values = Values::default();
        match matches.subcommand() {
            Some((flags::COMPLETIONS, operands)) => {
                let shell = operands.get_one::<Shell>(flags::OPERAND);
                Ok(Self::Completions(shell.map(|shell| script(*shell)).unwrap_or_default()))
            }
            Some((_check, operands)) => {
                let path = operands.get_one::<String>(flags::OPERAND);
                values.give_config(path.cloned().unwrap_or_default());
                Ok(Self::CheckConfig(Box::new(Settings::merge(values, variables, read_file)?)))
            }
            None => {
                flags::give(&mut values, &matches);
                Ok(Self::Run(Box::new(Settings::merge(values, variables, read_file)?)))
            }
        }
    }
}

fn script(shell: Shell) -> String {
    let mut command = flags::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
