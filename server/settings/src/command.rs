//! What the program is asked to do.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::time::Duration;

use clap::ArgMatches;
use clap_complete::Shell;

use crate::values::Values;
use crate::{Secret, Settings, SettingsError, flags};

/// What the program is asked to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Serve.
    Run(Box<Settings>),
    /// A file was checked: say so, and print these settings ([`Settings::to_yaml`]). Variables count as they would for the server.
    CheckConfig(Box<Settings>),
    /// Print this completion script.
    Completions(String),
    /// Ask a running server for something.
    Ask(Box<Ask>),
}

/// What is asked of a running server, by its internal port.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// Where it is, `host:port`.
    pub address: String,
    /// What it is to do.
    pub order: Order,
    /// The deployment's keys; the first one signs. There is one.
    pub signing_keys: Vec<Secret>,
}

/// What a running server is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To say how it stands.
    Status,
    /// To send its clients elsewhere.
    Drain {
        /// How many a second.
        rate: u32,
        /// For how long.
        lease: Duration,
        /// Until it has none left.
        wait: bool,
    },
    /// To serve again.
    Undrain,
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
            Some((name @ (flags::DRAIN | flags::UNDRAIN), operands)) => {
                flags::give(&mut values, operands);
                let signing_keys = Settings::merge(values, variables, read_file)?.signing_keys;
                if signing_keys.is_empty() {
                    let why = "a server does only what is signed with its deployment's key; give signing-key-file";
                    return Err(SettingsError::Secret { name: "signing-key", why });
                }
                let address = operands.get_one::<String>(flags::ADDRESS).cloned().unwrap_or_default();
                let order = if name == flags::UNDRAIN { Order::Undrain } else { order(operands) };
                Ok(Self::Ask(Box::new(Ask { address, order, signing_keys })))
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

fn order(operands: &ArgMatches) -> Order {
    if operands.get_flag(flags::STATUS) {
        return Order::Status;
    }
    Order::Drain {
        rate: operands.get_one(flags::RATE).copied().unwrap_or_default(),
        lease: operands.get_one(flags::LEASE).copied().unwrap_or_default(),
        wait: operands.get_flag(flags::WAIT),
    }
}

fn script(shell: Shell) -> String {
    let mut command = flags::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
