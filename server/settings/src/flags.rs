//! The command line, made from the definitions.

use std::ffi::OsString;

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use clap_complete::Shell;

use crate::values::Values;
use crate::{Key, Settings, SettingsError, Source};

/// The name of the subcommand that checks a file.
pub(crate) const CHECK: &str = "check-config";
/// The name of the subcommand that prints a completion script.
pub(crate) const COMPLETIONS: &str = "completions";
/// The name of a subcommand's one argument.
pub(crate) const OPERAND: &str = "operand";

/// The whole command line.
pub(crate) fn command() -> Command {
    let check = Command::new(CHECK)
        .about("Check a configuration file and print all settings as they would be in force")
        .arg(Arg::new(OPERAND).value_name("FILE").required(true).value_hint(ValueHint::FilePath));
    let completions = Command::new(COMPLETIONS)
        .about("Print the completion script for a shell")
        .arg(Arg::new(OPERAND).value_name("SHELL").required(true).value_parser(value_parser!(Shell)));
    Command::new("chat-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A chat server that any Socket.IO client can talk to.")
        .after_help(
            "Each setting can be given as a flag, as an environment variable (CHAT_PING_INTERVAL), or in the file that --config names \
             (ping-interval); the first of these counts.",
        )
        .args_conflicts_with_subcommands(true)
        .args(Settings::keys().map(flag))
        .subcommand(check)
        .subcommand(completions)
}

/// Takes the flags that were given.
pub(crate) fn give(values: &mut Values, matches: &ArgMatches) {
    for key in Settings::keys() {
        if let Some(text) = matches.get_one::<String>(key.field) {
            values.give(key, text.clone(), Source::Flag(format!("--{}", key.name())));
        }
    }
}

/// Reads the command line; `--help` and mistakes come back as errors that say what to print.
pub(crate) fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<ArgMatches, SettingsError> {
    command().try_get_matches_from(args).map_err(SettingsError::Usage)
}

fn flag(key: &'static Key) -> Arg {
    let Key { meaning, default, .. } = key;
    let short = format!("{meaning} [default: {default}]");
    let long = format!("{short}\n[allowed: {}]\n[env: {}]", key.allowed(), key.variable());
    let arg = Arg::new(key.field).long(key.name()).help(short).long_help(long).help_heading(key.group);
    let arg = arg.value_name("VALUE");
    if key.switch {
        arg.num_args(0..=1).require_equals(true).default_missing_value("true")
    } else if key.field.ends_with("_file") || key.field == "config" {
        arg.value_hint(ValueHint::FilePath)
    } else {
        arg
    }
}
