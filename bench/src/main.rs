//! The command line: one subcommand a mode.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chat_bench::chaos;
use chat_bench::check::{record::History, run as check, verify::verify};
use chat_bench::compare;
use chat_bench::crowd::{Options, RunError};
use chat_bench::mode::{active, burst, comeback, fanout, idle, rooms, slow, storm, whole};
use chat_bench::report::{Report, write_json};
use chat_bench::scale;
use clap::{Parser, Subcommand};

/// Measures and checks a chat server over the wire that clients use.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Memory a connection that does nothing
    Idle(Load<idle::Idle>),
    /// CPU a delivery: single messages at a pace, to all rooms in turn
    Fanout(Load<fanout::Fanout>),
    /// CPU a delivery and memory after it: many messages at once
    Burst(Load<burst::Burst>),
    /// CPU a delivery to members active in several rooms, beside members active in one
    Active(Load<fanout::Fanout>),
    /// Many rooms: memory a membership, CPU a delivery
    Rooms(Load<fanout::Fanout>),
    /// Connects a second
    Storm(Load<Nothing>),
    /// Everybody comes back at once, many entries behind
    Return(Load<comeback::Comeback>),
    /// One client reads nothing: what it costs the others, and when it is closed
    Slow(Load<slow::Slow>),
    /// One life of a server: connect, idle, paced, bursts; what servers are compared by
    Whole(Load<Whole>),
    /// Runs this server and its peers side by side
    Compare(compare::Options),
    /// Writes docs/benchmarks.md from the results of a comparison
    Document(compare::document::Options),
    /// Shows what holds while servers, Redis nodes and the network fail
    Chaos(chaos::Options),
    /// What several servers on a Redis Cluster cost, in ratios within a run
    Scale(scale::Options),
    /// Proves order, no loss and no duplicate over recorded histories
    Check {
        #[command(subcommand)]
        command: Check,
    },
}

#[derive(Debug, Subcommand)]
enum Check {
    /// Runs clients whose connections break at random, records what they do and see, and verifies it
    Run(check::Options),
    /// Verifies the histories of a directory
    Verify {
        /// The directory
        directory: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
struct Load<M: clap::Args> {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    mode: M,
    /// Write the outcome to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Whole {
    #[command(flatten)]
    fanout: fanout::Fanout,
    #[command(flatten)]
    burst: burst::Burst,
}

#[derive(Debug, clap::Args)]
struct Nothing {}

fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Idle(load) => load.run(idle::run),
        Command::Fanout(load) => load.run(fanout::run),
        Command::Burst(load) => load.run(burst::run),
        Command::Active(load) => load.run(active::run),
        Command::Rooms(load) => load.run(rooms::run),
        Command::Storm(load) => load.run(|options, _| storm::run(options)),
        Command::Return(load) => load.run(comeback::run),
        Command::Slow(load) => load.run(slow::run),
        Command::Whole(load) => load.run(|options, Whole { fanout, burst }| whole::run(options, fanout, burst)),
        Command::Compare(options) => compared(&options),
        Command::Document(options) => {
            compare::document::write(&options).map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
        }
        Command::Chaos(options) => judged(chaos::run(&options)),
        Command::Scale(options) => judged(scale::run(&options)),
        Command::Check { command: Check::Run(options) } => check_run(&options),
        Command::Check { command: Check::Verify { directory } } => check_verify(&directory, true),
    }
}

impl<M: clap::Args> Load<M> {
    fn run(self, mode: impl FnOnce(&Options, &M) -> Result<Report, RunError>) -> ExitCode {
        let outcome = mode(&self.options, &self.mode);
        outcome.map_or_else(|error| failed(&error), |report| told(&report, self.json.as_deref()))
    }
}

/// Runs the comparison and keeps its results, faults included: the page shows them.
fn compared(options: &compare::Options) -> ExitCode {
    let outcome = compare::run(options).and_then(|results| write_json(&options.json, &results));
    outcome.map_or_else(|error| failed(&error), |()| ExitCode::SUCCESS)
}

fn check_run(options: &check::Options) -> ExitCode {
    let outcome = match check::run(options) {
        Ok(outcome) => outcome,
        Err(error) => return failed(&error),
    };
    for (code, count) in &outcome.refusals {
        println!("refused {count} times: {code}");
    }
    for trouble in &outcome.trouble {
        println!("TROUBLE {trouble}");
    }
    if !outcome.rested {
        println!("TROUBLE not everybody came to rest in time");
    }
    check_verify(&options.history, outcome.trouble.is_empty() && outcome.rested)
}

fn check_verify(directory: &Path, so_far: bool) -> ExitCode {
    let histories = match History::read_all(directory) {
        Ok(histories) => histories,
        Err(error) => return failed(&error),
    };
    let verdict = verify(&histories);
    print!("{verdict}");
    // A run in which nothing happened proves nothing.
    let sound = so_far && verdict.violations.is_empty() && verdict.counts.entries > 0;
    if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judged(outcome: Result<bool, RunError>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => failed(&error),
    }
}

/// Prints the report; a run with faults fails.
fn told(report: &Report, json: Option<&Path>) -> ExitCode {
    print!("{report}");
    if let Some(Err(error)) = json.map(|path| write_json(path, report)) {
        return failed(&error);
    }
    if report.complete && report.tally.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints an error with its causes.
fn failed(error: &dyn std::error::Error) -> ExitCode {
    eprint!("chat-bench: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        eprint!(": {cause}");
        source = cause.source();
    }
    eprintln!();
    ExitCode::from(2)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_sound() {
        <super::Cli as clap::CommandFactory>::command().debug_assert();
    }
}
