//! What several servers on a Redis Cluster cost: each step on a cluster of its own, whose parts are measured side by side.
//!
//! All goals are ratios of figures of one run, so that they hold on any machine.

pub mod bare;
pub mod document;
mod durable;
mod latency;
mod memory;
mod polling;
mod recovery;
mod spent;

use std::io;
use std::path::PathBuf;

use chat_rig::Flavour;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::chaos::cluster::{Cluster, Setup};
use crate::crowd::{self, RunError};
use crate::fleet::Transport;
use crate::report::{Report, write_json};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// CPU of durable sends: the server's beside the master's; how appends spread over masters
    Durable,
    /// From send to delivery, beside a bare loop of FCALL, WAIT and SPUBLISH
    Latency,
    /// What a recovery reads from Redis, with more and more other traffic
    Recovery,
    /// Long polling behind the balancer
    Polling,
    /// Memory a connection, in the server and in Redis
    Memory,
}

/// What the steps are told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Steps to run
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Step::value_variants().to_vec())]
    pub steps: Vec<Step>,
    /// Seconds of each stretch that is measured
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// The chat server's binary [default: beside this program]
    #[arg(long)]
    pub server: Option<PathBuf>,
    /// Where the results go; steps that are not run keep theirs
    #[arg(long, default_value = "docs/benchmarks/cluster.json")]
    pub json: PathBuf,
    /// Show no progress bars
    #[arg(long)]
    pub quiet: bool,
}

/// The outcomes of all steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// Cores of the machine.
    pub cores: usize,
    /// Which Redis it was, by its own words.
    pub redis: String,
    /// A report a step, its mode the step's name.
    pub reports: Vec<Report>,
}

impl Step {
    fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    fn run(self, options: &Options) -> Result<(Report, String), RunError> {
        match self {
            Self::Durable => durable::run(options),
            Self::Latency => latency::run(options),
            Self::Recovery => recovery::run(options),
            Self::Polling => polling::run(options),
            Self::Memory => memory::run(options),
        }
    }
}

impl Results {
    /// A figure of a step.
    pub fn get(&self, step: Step, figure: &str) -> Option<f64> {
        let name = step.name();
        self.reports.iter().find(|report| report.mode == name)?.get(figure)
    }

    fn read(options: &Options) -> io::Result<Self> {
        match std::fs::read(&options.json) {
            Ok(text) => Ok(serde_json::from_slice(&text)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }
}

/// Runs the steps, printing each report as it comes. True if nothing was lost and every goal was reached.
pub fn run(options: &Options) -> Result<bool, RunError> {
    let mut results = Results::read(options)?;
    results.cores = std::thread::available_parallelism()?.get();
    let mut sound = true;
    for step in &options.steps {
        let (mut report, redis) = step.run(options)?;
        report.mode = step.name();
        println!("{report}");
        sound &= report.complete && report.tally.is_clean();
        results.redis = redis;
        results.reports.retain(|earlier| earlier.mode != report.mode);
        results.reports.push(report);
        write_json(&options.json, &results)?;
    }
    for goal in document::goals(&results).iter().filter(|goal| goal.measured.is_some()) {
        println!("{} {goal}", if goal.met { "ok    " } else { "MISSED" });
        sound &= goal.met;
    }
    Ok(sound)
}

/// A cluster as operators have it: usual times, limits out of the way, silent logs.
fn cluster(options: &Options, servers: usize, masters: usize) -> io::Result<Cluster> {
    let beside = || std::env::current_exe().map(|program| program.with_file_name("chat-server"));
    let settings = [("ping-interval", "25s"), ("ping-timeout", "20s"), ("log-level", "error")];
    Cluster::start(&Setup {
        server: options.server.clone().map_or_else(beside, Ok)?,
        flavour: Flavour::Redis,
        // Nothing fails here, and a busy machine must not look like a failure.
        node_timeout_ms: 15_000,
        masters,
        servers,
        settings: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        hosts: false,
    })
}

/// Connections in `groups` rooms.
fn crowd(options: &Options, url: String, connections: usize, groups: usize) -> crowd::Options {
    crowd::Options {
        url,
        pid: None,
        metrics: None,
        transport: Transport::Ws,
        connections,
        rooms: 1,
        groups,
        text: 100,
        in_flight: 50,
        settle: 2.0,
        label: "chat-server".to_owned(),
        quiet: options.quiet,
    }
}
