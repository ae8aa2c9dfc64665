//! Servers side by side: each step on a fresh process of each server in turn, several rounds, one file of results.
//!
//! In turn, since a machine changes under one's hands: a neighbour wakes up, a clock slows down. What is compared was
//! measured minutes apart in the same conditions, and the medians over the rounds are what counts.

pub mod document;
pub mod plot;
pub mod server;
pub mod step;
pub mod summary;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::report::Report;
use server::{Kind, Places};
use step::Step;

/// Cores that others may have used during a run before it is repeated.
const OTHERS_MAX: f64 = 0.1;

/// What a comparison is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Rounds; the figures are medians over them
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Connections
    #[arg(long, short = 'n', default_value_t = 9_900)]
    pub connections: usize,
    /// Seconds of each paced stretch
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Servers to run; a peer that is not installed is left out
    #[arg(long, value_enum, value_delimiter = ',', default_value = "floor,ours,node,socketioxide")]
    pub servers: Vec<Kind>,
    /// Steps to run
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Step::ALL)]
    pub steps: Vec<Step>,
    /// How often a run is repeated beside which others used more than a tenth of a core
    #[arg(long, default_value_t = 1)]
    pub repeats: usize,
    #[command(flatten)]
    places: Places,
    /// Where the results go
    #[arg(long, default_value = "docs/benchmarks/results.json")]
    pub json: PathBuf,
    /// Show no progress bars
    #[arg(long)]
    pub quiet: bool,
}

/// All runs of a comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Cores of the machine.
    pub cores: usize,
    /// Connections.
    pub connections: usize,
    /// Seconds of each paced stretch.
    pub seconds: f64,
    /// Rounds.
    pub rounds: usize,
    /// The runs, in the order in which they were made.
    pub runs: Vec<Run>,
}

/// One run of one step on one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The round, from 0.
    pub round: usize,
    /// The step.
    pub step: Step,
    /// The server.
    pub server: Kind,
    /// What came out.
    pub report: Report,
}

/// Runs everything, printing each report as it comes. A run that fails is told and left out.
pub fn run(options: &Options) -> io::Result<Results> {
    let mut results = Results {
        cores: std::thread::available_parallelism()?.get(),
        connections: options.connections,
        seconds: options.seconds,
        rounds: options.rounds,
        runs: Vec::new(),
    };
    for round in 0..options.rounds {
        for &step in &options.steps {
            for &server in options.servers.iter().filter(|server| step.suits(**server)) {
                if let Some(report) = attempt(options, step, server) {
                    println!("round {} · {report}", round + 1);
                    results.runs.push(Run { round, step, server, report });
                }
            }
        }
    }
    Ok(results)
}

/// One run on a fresh server, repeated while others disturb it.
fn attempt(options: &Options, step: Step, kind: Kind) -> Option<Report> {
    let mut best: Option<Report> = None;
    for _ in 0..=options.repeats {
        let server = match options.places.start(kind) {
            Ok(server) => server,
            Err(error) => {
                eprintln!("{}: not run: {error}", kind.name());
                return None;
            }
        };
        match step.run(options, &server) {
            Ok(report) => {
                let disturbed = disturbance(&report);
                let calmer = best.as_ref().is_none_or(|best| disturbed < disturbance(best));
                if calmer {
                    best = Some(report);
                }
                if disturbed <= OTHERS_MAX {
                    break;
                }
            }
            Err(error) => {
                eprintln!("{} on {}: {error}", step.name(), kind.name());
                break;
            }
        }
    }
    best
}

/// The most that others used during any stretch of a run, in cores.
pub fn disturbance(report: &Report) -> f64 {
    let others = report.figures.iter().filter(|figure| figure.name.ends_with("other_cores"));
    others.map(|figure| figure.value).fold(0.0, f64::max)
}
