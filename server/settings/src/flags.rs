//! The command line, made from the definitions.

use std::ffi::OsString;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};
use clap_complete::Shell;

use crate::kind::{Kind, Time};
use crate::values::Values;
use crate::{Key, Settings, SettingsError, Source};

/// The name of the subcommand that checks a file.
pub(crate) const CHECK: &str = "check-config";
/// The name of the subcommand that prints a completion script.
pub(crate) const COMPLETIONS: &str = "completions";
/// The name of the subcommand that has a server drain, or asks how its drain stands.
pub(crate) const DRAIN: &str = "drain";
/// The name of the subcommand that has it serve again.
pub(crate) const UNDRAIN: &str = "undrain";
/// The arguments of both.
pub(crate) const ADDRESS: &str = "address";
pub(crate) const RATE: &str = "rate";
pub(crate) const LEASE: &str = "lease";
pub(crate) const WAIT: &str = "wait";
pub(crate) const STATUS: &str = "status";
/// The settings that both take: where the deployment's key is.
const KEYS: [&str; 3] = ["config", "signing_key", "signing_key_file"];
/// The name of a subcommand's one argument.
pub(crate) const OPERAND: &str = "operand";

/// A server takes no longer lease.
const LEASE_MAX: Duration = Duration::from_secs(3600);

/// The whole command line.
pub(crate) fn command() -> Command {
    let check = Command::new(CHECK)
        .about("Check a configuration file and print all settings as they would be in force")
        .arg(Arg::new(OPERAND).value_name("FILE").required(true).value_hint(ValueHint::FilePath));
    let completions = Command::new(COMPLETIONS)
        .about("Print the completion script for a shell")
        .arg(Arg::new(OPERAND).value_name("SHELL").required(true).value_parser(value_parser!(Shell)));
    let drain = Command::new(DRAIN)
        .about("Have a running server send its clients to the others, for as long as the lease lasts; or ask how its drain stands")
        .arg(address())
        .arg(
            Arg::new(RATE)
                .long(RATE)
                .value_name("N")
                .default_value("100")
                .value_parser(value_parser!(u32).range(1..=1_000_000))
                .help("How many connections it closes in a second"),
        )
        .arg(
            Arg::new(LEASE)
                .long(LEASE)
                .value_name("DURATION")
                .default_value("10m")
                .value_parser(lease)
                .help("How long it drains before it serves again by itself, at most 1h"),
        )
        .arg(
            Arg::new(WAIT)
                .long(WAIT)
                .action(ArgAction::SetTrue)
                .help("Hold the lease until no connection is left, and say how many are"),
        )
        .arg(
            Arg::new(STATUS)
                .long(STATUS)
                .action(ArgAction::SetTrue)
                .conflicts_with_all([RATE, LEASE, WAIT])
                .help("Change nothing, and say how it stands"),
        )
        .args(keys());
    let undrain =
        Command::new(UNDRAIN).about("Have a server that drains by lease serve again").arg(address()).args(keys());
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
        .subcommand(drain)
        .subcommand(undrain)
}

fn address() -> Arg {
    let help = "The server's internal port, host:port (internal-listen)";
    Arg::new(ADDRESS).long(ADDRESS).value_name("HOST:PORT").required(true).value_parser(host_and_port).help(help)
}

/// The settings that say where the deployment's key is; variables count, too, as for the server.
fn keys() -> impl Iterator<Item = Arg> {
    Settings::keys().filter(|key| KEYS.contains(&key.field)).map(flag)
}

fn host_and_port(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    if matches!(port, Some(Ok(1..))) {
        Ok(text.to_owned())
    } else {
        Err("a host and a port, such as 10.0.0.7:8081".to_owned())
    }
}

fn lease(text: &str) -> Result<Duration, String> {
    let lease = Time::parse(text).filter(|lease| (Duration::from_secs(1)..=LEASE_MAX).contains(lease));
    lease.ok_or_else(|| format!("{}, from 1s to 1h", Time::ALLOWED))
}

/// Takes the flags that were given.
pub(crate) fn give(values: &mut Values, matches: &ArgMatches) {
    for key in Settings::keys() {
        // A subcommand has only some of them.
        if let Ok(Some(text)) = matches.try_get_one::<String>(key.field) {
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
