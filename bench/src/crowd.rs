//! A fleet with its members, and what every mode does with them: gather, send at a pace, wait for what is owed.

use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::fleet::{BadUrl, Fleet, Targets, Transport};
use crate::latency::Latencies;
use crate::layout::Layout;
use crate::members::{Members, Stage};
use crate::metrics;
use crate::process::{Process, Spent, Usage};
use crate::report::Report;

/// Longest sleep of the loop: what is due is never later than this.
const TURN: Duration = Duration::from_millis(5);

/// How long one waits for the last deliveries after the last send.
const DRAIN: Duration = Duration::from_secs(20);

/// Joins are asked again when nobody came in for so long.
const SILENCE: Duration = Duration::from_secs(3);

/// A connection attempt may fail this often on average before the run is given up.
const ATTEMPTS_PER_CONNECTION: usize = 5;

/// What all modes are told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The server, as http://host:port; several with commas between, which the connections take in turn
    #[arg(long, default_value = "http://127.0.0.1:3000")]
    pub url: String,
    /// Process id of the server, for its memory and CPU
    #[arg(long)]
    pub pid: Option<u32>,
    /// Address of the server's metrics, host:port, for what only it can count
    #[arg(long)]
    pub metrics: Option<String>,
    /// Transport of the connections
    #[arg(long, value_enum, default_value = "ws")]
    pub transport: Transport,
    /// Connections
    #[arg(long, short = 'n', default_value_t = 1000)]
    pub connections: usize,
    /// Rooms that each connection joins
    #[arg(long, default_value_t = 1)]
    pub rooms: usize,
    /// Groups of connections with rooms of their own
    #[arg(long, default_value_t = 1)]
    pub groups: usize,
    /// Bytes of a text
    #[arg(long, default_value_t = 100)]
    pub text: usize,
    /// Connections on their way at a time
    #[arg(long, default_value_t = 200)]
    pub in_flight: usize,
    /// Seconds to wait after connecting, for memory to settle
    #[arg(long, default_value_t = 3.0)]
    pub settle: f64,
    /// What the report calls the server
    #[arg(long, default_value = "server")]
    pub label: String,
    /// Show no progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The URL is wrong.
    #[error(transparent)]
    Url(#[from] BadUrl),
    /// The operating system refused something.
    #[error("I/O failed")]
    Io(#[from] io::Error),
    /// Not all came in.
    #[error("only {live} of {wanted} connections joined within {seconds:.0} s; refusals and ends: {why}")]
    NotGathered {
        /// Connections that joined.
        live: usize,
        /// Connections wanted.
        wanted: usize,
        /// How long it was tried.
        seconds: f64,
        /// What was counted meanwhile.
        why: String,
    },
}

/// The state of a run.
#[derive(Debug)]
pub struct Crowd {
    /// The connections.
    pub fleet: Fleet,
    /// Their members.
    pub members: Members,
    options: Options,
    layout: Layout,
    process: Option<Process>,
    /// The server's memory before the first connection.
    base_rss: Option<u64>,
    sends: usize,
}

/// A stretch of a run that was measured.
#[derive(Debug, Clone)]
pub struct Window {
    /// How long it took.
    pub wall: Duration,
    /// The server's CPU time, where its process is known.
    pub spent: Option<Spent>,
    /// Deliveries in it.
    pub deliveries: u64,
    /// From send to delivery, of those in it.
    pub latencies: Latencies,
    /// Everything owed was delivered.
    pub complete: bool,
}

/// Where a window began.
#[derive(Debug)]
pub struct Mark {
    at: Instant,
    usage: Option<Usage>,
    delivered: u64,
}

/// Sends as fast as they are acknowledged.
#[derive(Debug, Clone)]
pub struct Press {
    /// Sends that are not acknowledged yet, at most.
    pub in_flight: usize,
    /// For how long.
    pub duration: Duration,
    /// The rooms, in turn.
    pub rooms: Range<usize>,
}

/// Sends evenly spread over time.
#[derive(Debug, Clone)]
pub struct Pace {
    /// Sends a second, over all rooms.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// The rooms, in turn.
    pub rooms: Range<usize>,
    /// Members of a room that send, in turn.
    pub senders: usize,
}

impl Crowd {
    /// Takes the base line of the server's memory; nobody is connected yet.
    pub fn new(options: &Options, keeps_resume: bool) -> Result<Self, RunError> {
        let layout = Layout::new(options.groups, options.rooms);
        let urls: Vec<String> = options.url.split(',').map(str::to_owned).collect();
        let targets = Targets::parse(&urls, &[options.transport])?;
        let process = options.pid.map(Process);
        let base_rss = process.map(Process::rss_bytes).transpose()?;
        let prefix = format!("bench-{:x}", rand::random::<u32>());
        Ok(Self {
            fleet: Fleet::new(targets, options.connections)?,
            members: Members::new(options.connections, layout, &prefix, keeps_resume),
            options: options.clone(),
            layout,
            process,
            base_rss,
            sends: 0,
        })
    }

    /// The rule of who is in which room.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Connects `ids` and waits until they are in all their rooms; those that fail try again.
    pub fn gather(&mut self, ids: Range<usize>, in_flight: usize, deadline: Duration) -> Result<Duration, RunError> {
        let bar = self.bar("joining", ids.len() as u64);
        let (started, wanted) = (Instant::now(), self.members.at(Stage::Live) + ids.len());
        let mut attempts_left = ids.len() * ATTEMPTS_PER_CONNECTION;
        let mut fresh = ids;
        let mut again: Vec<usize> = Vec::new();
        let mut retry_at = started;
        let mut progress = (self.members.at(Stage::Live), started);
        loop {
            let on_the_way = self.members.at(Stage::Connecting) + self.members.at(Stage::Joining);
            for _ in on_the_way..in_flight {
                let due = if Instant::now() >= retry_at { again.pop() } else { None };
                let Some(id) = due.or_else(|| fresh.next()) else { break };
                if attempts_left == 0 {
                    break;
                }
                attempts_left -= 1;
                self.fleet.connect(id, None)?;
                self.members.connecting(id);
            }
            self.fleet.turn(&mut self.members, TURN)?;
            let failed = self.members.take_failed();
            if !failed.is_empty() {
                retry_at = Instant::now() + Duration::from_millis(200);
                again.extend(failed);
            }
            let live = self.members.at(Stage::Live);
            if live != progress.0 {
                progress = (live, Instant::now());
            } else if progress.1.elapsed() > SILENCE {
                progress.1 = Instant::now();
                for (id, packet) in self.members.ask_again() {
                    self.fleet.send(id, &packet, &mut self.members);
                }
            }
            bar.set_position(bar.length().unwrap_or(0).saturating_sub((wanted - live.min(wanted)) as u64));
            if live >= wanted {
                bar.finish_and_clear();
                return Ok(started.elapsed());
            }
            if started.elapsed() > deadline || attempts_left == 0 {
                bar.abandon();
                let why = format!("{:?} {:?}", self.members.tally.refused, self.members.tally.ended);
                return Err(RunError::NotGathered { live, wanted, seconds: started.elapsed().as_secs_f64(), why });
            }
        }
    }

    /// Lets things happen for a while.
    pub fn idle(&mut self, duration: Duration) -> io::Result<()> {
        let until = Instant::now() + duration;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.fleet.turn(&mut self.members, left.min(Duration::from_millis(100)))?;
        }
        Ok(())
    }

    /// Sends one text to a room as its `sender`th member.
    pub fn send(&mut self, room: usize, sender: usize) {
        let id = self.layout.member(room, sender, self.options.connections);
        let packet = self.members.send_packet(id, room, self.options.text);
        self.fleet.send(id, &packet, &mut self.members);
        self.sends += 1;
    }

    /// Begins a window.
    pub fn mark(&mut self) -> io::Result<Mark> {
        self.members.deliveries = Latencies::default();
        let usage = self.process.map(Process::usage).transpose()?;
        Ok(Mark { at: Instant::now(), usage, delivered: self.members.tally.delivered })
    }

    /// Ends a window: waits for what is owed first.
    pub fn finish(&mut self, mark: &Mark) -> io::Result<Window> {
        let complete = self.drain()?;
        let usage = self.process.map(Process::usage).transpose()?;
        Ok(Window {
            wall: mark.at.elapsed(),
            spent: usage.zip(mark.usage.as_ref()).map(|(now, then)| now.since(then)),
            deliveries: self.members.tally.delivered - mark.delivered,
            latencies: std::mem::take(&mut self.members.deliveries),
            complete,
        })
    }

    /// Sends at a pace, then waits for what is owed.
    pub fn pace(&mut self, what: &'static str, pace: &Pace) -> io::Result<Window> {
        let interval = Duration::from_secs_f64(1.0 / pace.rate);
        let total = usize::try_from(pace.duration.as_nanos() / interval.as_nanos().max(1)).unwrap_or(usize::MAX);
        let bar = self.bar(what, total as u64);
        let mark = self.mark()?;
        for k in 0..total {
            let due = mark.at + interval.mul_f64(k as f64);
            while let Some(left) = due.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
                self.fleet.turn(&mut self.members, left.min(TURN))?;
            }
            let room = pace.rooms.start + k % pace.rooms.len();
            self.send(room, (k / pace.rooms.len()) % pace.senders.max(1));
            bar.set_position(k as u64);
        }
        bar.finish_and_clear();
        self.finish(&mark)
    }

    /// Sends as fast as acknowledgements come, then waits for what is owed.
    pub fn press(&mut self, what: &'static str, press: &Press) -> io::Result<Window> {
        let bar = self.bar(what, press.duration.as_secs());
        let mark = self.mark()?;
        let mut rooms = press.rooms.clone().cycle();
        while mark.at.elapsed() < press.duration {
            let (_, unacknowledged) = self.members.outstanding();
            for room in rooms.by_ref().take(press.in_flight.saturating_sub(unacknowledged)) {
                self.send(room, 0);
            }
            self.fleet.turn(&mut self.members, TURN)?;
            bar.set_position(mark.at.elapsed().as_secs());
        }
        bar.finish_and_clear();
        self.finish(&mark)
    }

    /// Turns until nothing is owed. False if that took too long.
    pub fn drain(&mut self) -> io::Result<bool> {
        let until = Instant::now() + DRAIN;
        while self.members.outstanding() != (0, 0) {
            if Instant::now() > until {
                return Ok(false);
            }
            self.fleet.turn(&mut self.members, TURN)?;
        }
        Ok(true)
    }

    /// A counter of the server's, where its metrics are known: the sum over its labels.
    pub fn counter(&self, name: &str) -> Option<f64> {
        self.options.metrics.as_deref().and_then(|address| metrics::counter(address, name).ok())
    }

    /// The server's memory now, in bytes.
    pub fn rss(&self) -> io::Result<Option<u64>> {
        self.process.map(Process::rss_bytes).transpose()
    }

    /// Growth of the server's memory since before the first connection, in KiB a connection.
    pub fn rss_kib_a_connection(&self) -> io::Result<Option<f64>> {
        let growth = self.rss()?.zip(self.base_rss).map(|(now, base)| now as f64 - base as f64);
        Ok(growth.map(|bytes| bytes / 1024.0 / self.options.connections as f64))
    }

    /// Closes the books and starts the report.
    pub fn report(mut self, mode: &'static str, complete: bool) -> Report {
        self.members.close_books();
        let Options { label, transport, connections, .. } = self.options;
        let tally = self.members.tally;
        let complete = complete && tally.lost == 0;
        Report { mode: mode.to_owned(), server: label, transport, connections, figures: Vec::new(), tally, complete }
    }

    /// A progress bar, hidden where nobody looks.
    pub fn bar(&self, what: &'static str, length: u64) -> ProgressBar {
        if self.options.quiet {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{msg:12} {bar:40} {pos}/{len} {elapsed_precise}");
        let bar = ProgressBar::new(length).with_message(what);
        if let Ok(style) = style { bar.with_style(style) } else { bar }
    }
}

impl Window {
    /// Adds the window's figures to a report, each name with `prefix` in front.
    pub fn add_to(&self, report: &mut Report, prefix: &str) {
        let name = |figure: &str| format!("{prefix}{figure}");
        let deliveries = self.deliveries.max(1) as f64;
        report.add(&name("deliveries"), self.deliveries as f64, "");
        report.add(&name("deliveries_a_second"), self.deliveries as f64 / self.wall.as_secs_f64(), "1/s");
        if let Some(spent) = self.spent {
            report.add(&name("cpu_us_a_delivery"), spent.total_s() * 1e6 / deliveries, "us");
            report.add(&name("cpu_user_us_a_delivery"), spent.user_s * 1e6 / deliveries, "us");
            report.add(&name("cpu_system_us_a_delivery"), spent.system_s * 1e6 / deliveries, "us");
            report.add(&name("server_cores"), spent.total_s() / self.wall.as_secs_f64(), "cores");
            report.add(&name("client_cores"), spent.own_s / self.wall.as_secs_f64(), "cores");
            report.add(&name("other_cores"), spent.others_s / self.wall.as_secs_f64(), "cores");
        }
        if self.latencies.count() > 0 {
            report.add(&name("latency_p50"), self.latencies.quantile_ms(0.5), "ms");
            report.add(&name("latency_p99"), self.latencies.quantile_ms(0.99), "ms");
            report.add(&name("latency_max"), self.latencies.max_ms(), "ms");
        }
    }
}
