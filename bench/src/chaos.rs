//! Guarantees shown, not claimed: several servers on a Redis Cluster under faults, with clients that write down everything.
//!
//! Each [`scenario`] runs on a [`cluster`] of its own. [`fault`]s strike while the clients of [`crate::check`] talk; from the
//! clients' histories follow the [`outcome`] with its verdict, the [`timeline`] with its [`picture`], and the [`report`].

pub mod cluster;
pub mod fault;
pub mod outcome;
pub mod picture;
pub mod report;
pub mod scenario;
pub mod timeline;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use chat_rig::Flavour;
use clap::builder::PossibleValuesParser;
use indicatif::ProgressBar;
use rand::{SeedableRng as _, rngs::StdRng};

use crate::check::record::History;
use crate::check::run::{self as check, Check};
use crate::check::stock::StockOptions;
use crate::check::verify::verify;
use crate::crowd::RunError;
use crate::fleet::Transport;
use cluster::{Cluster, Setup};
use fault::Fault;
use outcome::{Outcome, Run};
use report::Results;
use scenario::Scenario;
use timeline::{Span, Timeline};

/// How long a slice of a timeline is.
const SLICE: Duration = Duration::from_millis(500);

/// How much of the time after the last fault is shown, while clients come to rest.
const REST_SHOWN: Duration = Duration::from_secs(10);

/// What a run of chaos is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Scenarios to run [default: all]
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(scenario::ALL.iter().map(|scenario| scenario.name)))]
    pub scenario: Vec<String>,
    /// Only the most telling scenarios, with shorter pauses
    #[arg(long)]
    pub short: bool,
    /// Seconds without a fault before the first, and after each [default: 8, short: 3]
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Makes the same choices again
    #[arg(long)]
    pub seed: Option<u64>,
    /// Lean clients
    #[arg(long, default_value_t = 48)]
    pub clients: usize,
    /// Rooms
    #[arg(long, default_value_t = 24)]
    pub rooms: usize,
    /// Texts a second a client
    #[arg(long, default_value_t = 2.0)]
    pub rate: f64,
    /// Mean seconds between two breaks of a lean client's connection, beside the faults; 0 for none
    #[arg(long, default_value_t = 0.0)]
    pub fault_every: f64,
    /// Stock clients beside the lean ones
    #[command(flatten)]
    pub stock: StockOptions,
    /// The chat server's binary [default: beside this program]
    #[arg(long)]
    pub server: Option<PathBuf>,
    /// cluster-node-timeout of Redis, in milliseconds
    #[arg(long, default_value_t = 2000)]
    pub node_timeout: u32,
    /// Valkey instead of Redis
    #[arg(long)]
    pub valkey: bool,
    /// A setting of the servers, as name=value; may be given several times
    #[arg(long)]
    pub setting: Vec<String>,
    /// The page to write, its pictures in the folder of its name
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Where histories and logs go; those of sound runs are removed [default: a folder among the temporary ones]
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Show no progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// Runs the scenarios, prints each outcome as it comes, and writes the page. True if every promise held.
pub fn run(options: &Options) -> Result<bool, RunError> {
    let started = Instant::now();
    let seed = options.seed.unwrap_or_else(rand::random);
    let folder =
        options.keep.clone().unwrap_or_else(|| std::env::temp_dir().join(format!("chat-chaos-{}", std::process::id())));
    let mut results = match &options.out {
        Some(page) => {
            fs::create_dir_all(page.with_extension(""))?;
            Results::read(&page.with_extension("").join("results.json"))?
        }
        None => Results::default(),
    };
    results.cores = thread::available_parallelism()?.get();
    println!("{}", head());
    let (mut all_sound, mut run) = (true, 0);
    for scenario in wanted(options) {
        run += 1;
        let place = folder.join(scenario.name);
        let outcome = match shown(options, scenario, seed, &place, &mut results) {
            Ok(outcome) => outcome,
            Err(error) => {
                all_sound = false;
                println!(
                    "{:16} could not be run: {}; seed {seed}, logs in {}",
                    scenario.name,
                    chain(&error),
                    place.display()
                );
                continue;
            }
        };
        println!("{}", line(&outcome));
        for broken in outcome.broken.iter().take(20) {
            println!("    BROKEN {broken}");
        }
        if outcome.broken.is_empty() {
            fs::remove_dir_all(&place)?;
        } else {
            all_sound = false;
            println!("    seed {seed}, histories and logs in {}", place.display());
        }
        results.put(outcome);
        if let Some(page) = &options.out {
            results.write(page)?;
        }
    }
    let _ = fs::remove_dir(&folder); // Only where nothing had to be kept.
    println!("{run} scenarios in {:.0} s", started.elapsed().as_secs_f64());
    Ok(all_sound && run > 0)
}

/// The scenarios that are asked for.
fn wanted(options: &Options) -> impl Iterator<Item = &'static Scenario> {
    scenario::ALL.iter().filter(|scenario| {
        let named = options.scenario.iter().any(|name| name == scenario.name);
        if options.scenario.is_empty() { scenario.short || !options.short } else { named }
    })
}

/// Runs one scenario and draws its picture.
fn shown(
    options: &Options,
    scenario: &Scenario,
    seed: u64,
    place: &Path,
    results: &mut Results,
) -> Result<Outcome, RunError> {
    let bar = if options.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    bar.set_message(format!("{}: starting", scenario.name));
    let cluster = Cluster::start(&options.setup(scenario.cuts())?)?;
    results.redis = cluster.redis_version()?;
    let masters =
        cluster.redis.masters()?.iter().map(|master| cluster.slots_of(master)).collect::<io::Result<Vec<_>>>()?;
    let talk = || talk(options, scenario, &cluster, seed, place, &bar);
    let talked = thread::scope(|scope| scope.spawn(talk).join());
    fs::create_dir_all(place)?;
    cluster.keep_logs(place)?;
    let (ran, timeline, histories) = talked.unwrap_or_else(|_| Err(io::Error::other("the clients panicked").into()))?;
    bar.finish_and_clear();
    let verdict = verify(&histories);
    let run = Run {
        scenario,
        seed,
        histories: &histories,
        ran: &ran,
        verdict: &verdict,
        timeline: &timeline,
        masters: &masters,
    };
    let outcome = run.outcome(|room| cluster.slot_of_room(room));
    let picture = picture::svg(&format!("{}: {}", scenario.name, scenario.what), &timeline);
    if let Some(page) = &options.out {
        fs::write(page.with_extension("").join(format!("{}.svg", scenario.name)), &picture)?;
    }
    fs::write(place.join("timeline.svg"), picture)?;
    Ok(outcome)
}

/// Clients talk while the faults strike, then come to rest. All of it comes from outside of the cluster.
fn talk(
    options: &Options,
    scenario: &Scenario,
    cluster: &Cluster,
    seed: u64,
    place: &Path,
    bar: &ProgressBar,
) -> Result<(check::Outcome, Timeline, Vec<History>), RunError> {
    cluster.outside().enter()?;
    let clients = options.clients(cluster, seed, place);
    let mut check = Check::start(&clients)?;
    let started = check.started();
    let spans = thread::scope(|scope| -> Result<Vec<Span>, RunError> {
        let plan = scope.spawn(|| carry_out(options, scenario, cluster, seed, started));
        while !plan.is_finished() {
            check.turn()?;
            let progress = check.progress();
            bar.set_message(format!(
                "{}: {:.0} s, {} sent, {} acknowledged, {} received",
                scenario.name,
                started.elapsed().as_secs_f64(),
                progress.sent,
                progress.acked,
                progress.received
            ));
            bar.tick();
        }
        let ended = plan.join().unwrap_or_else(|_| Err(io::Error::other("the faults panicked")));
        Ok(ended?)
    })?;
    let busy_until = started.elapsed();
    bar.set_message(format!("{}: coming to rest", scenario.name));
    let ran = check.finish()?;
    let end = started.elapsed().min(busy_until + REST_SHOWN);
    let histories = History::read_all(&clients.history)?;
    let timeline = Timeline::of(&histories, spans, SLICE, end);
    Ok((ran, timeline, histories))
}

/// The faults of a scenario, with quiet before and after each.
fn carry_out(
    options: &Options,
    scenario: &Scenario,
    cluster: &Cluster,
    seed: u64,
    started: Instant,
) -> io::Result<Vec<Span>> {
    let mut random = StdRng::seed_from_u64(seed);
    let quiet = Duration::from_secs_f64(options.seconds.unwrap_or(if options.short { 3.0 } else { 8.0 }).max(0.0));
    let mut faults = scenario.faults.to_vec();
    if faults.is_empty() {
        faults = (0..scenario::RANDOM_FAULTS).map(|_| Fault::pick(&mut random)).collect();
    }
    thread::sleep(quiet);
    let mut spans = Vec::new();
    for fault in faults {
        spans.push(fault.strike(cluster, &mut random, started)?);
        thread::sleep(quiet);
    }
    Ok(spans)
}

impl Options {
    /// The system under test.
    fn setup(&self, hosts: bool) -> io::Result<Setup> {
        let beside = || std::env::current_exe().map(|program| program.with_file_name("chat-server"));
        let setting = |text: &String| {
            let (name, value) = text.split_once('=').unwrap_or((text, "true"));
            (name.to_owned(), value.to_owned())
        };
        Ok(Setup {
            server: self.server.clone().map_or_else(beside, Ok)?,
            flavour: if self.valkey { Flavour::Valkey } else { Flavour::Redis },
            node_timeout_ms: self.node_timeout,
            masters: 3,
            servers: 3,
            settings: self.setting.iter().map(setting).collect(),
            hosts,
        })
    }

    /// The clients, who talk to the balancer.
    fn clients(&self, cluster: &Cluster, seed: u64, place: &Path) -> check::Options {
        check::Options {
            url: vec![cluster.url()],
            transport: vec![Transport::Ws, Transport::Polling, Transport::Upgrade],
            rooms: self.rooms,
            clients: self.clients,
            seconds: 0.0,
            rate: self.rate,
            fault_every: self.fault_every,
            leave_every: 15.0,
            history: place.join("histories"),
            seed: Some(seed),
            stock: self.stock.clone(),
            quiet: true,
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn head() -> String {
    format!(
        "{:16} {:>6} {:>6} {:>8} {:>7} {:>7} {:>5} {:>5} {:>5} {:>4}  {:>13} {:>15} {:>13} {:>13} {:>15}  verdict",
        "scenario",
        "sent",
        "acked",
        "received",
        "refused",
        "unknown",
        "voids",
        "gaps",
        "recov",
        "lost",
        "before ms",
        "during ms",
        "after ms",
        "spared p99",
        "silent/promoted"
    )
}

fn line(outcome: &Outcome) -> String {
    let Outcome { scenario, counts, refusals, before, during, after, silent_s, promoted_s, broken, .. } = outcome;
    let unknown = refusals.get("unknown_outcome").copied().unwrap_or(0);
    let pair = |latency: &outcome::Latency| format!("{:.0}/{:.0}", latency.p50_ms, latency.p99_ms);
    let seconds = |time: &Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.2}"));
    let silent = format!("{}/{}", seconds(silent_s), seconds(promoted_s));
    let spared = outcome.elsewhere_before.zip(outcome.elsewhere);
    let spared = spared.map_or_else(|| "-".to_owned(), |(one, two)| format!("{:.0} > {:.0}", one.p99_ms, two.p99_ms));
    format!(
        "{scenario:16} {:>6} {:>6} {:>8} {:>7} {unknown:>7} {:>5} {:>5} {:>5} {:>4}  {:>13} {:>15} {:>13} {spared:>13} {silent:>15}  {}",
        counts.sent,
        counts.acked,
        counts.entries,
        counts.refused,
        counts.voids,
        counts.gaps,
        counts.recovered,
        counts.sessions_lost,
        pair(before),
        pair(during),
        pair(after),
        if broken.is_empty() { "ok" } else { "BROKEN" },
    )
}
