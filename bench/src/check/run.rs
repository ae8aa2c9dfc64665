//! Drives the clients of a check: talk, break, come to rest, write down.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rustix::time::{ClockId, clock_gettime};

use super::chatter::{Chatters, Line, Progress, Stay};
use super::fault::{Fault, in_about};
use super::position::Position;
use super::record::{Event, Recorder};
use super::stock::{Briefing, Standing, Stock, StockOptions};
use crate::crowd::RunError;
use crate::fleet::{Fleet, Targets, Transport};

const TURN: Duration = Duration::from_millis(2);

/// Time for all clients to get everything after the last send.
const REST: Duration = Duration::from_secs(40);

/// Time for what should not come to come.
const QUIET: Duration = Duration::from_secs(1);

/// A text is held back while so many of its client for its room wait for an acknowledgement.
const UNSENT_MAX: usize = 8;

/// What a check is told.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The servers, as http://host:port,…; a client takes the next one each time it connects
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:3000")]
    pub url: Vec<String>,
    /// Transports, which the clients have in turn
    #[arg(long, value_enum, value_delimiter = ',', default_value = "ws")]
    pub transport: Vec<Transport>,
    /// Rooms
    #[arg(long, default_value_t = 4)]
    pub rooms: usize,
    /// Clients; each is in up to three rooms
    #[arg(long, default_value_t = 50)]
    pub clients: usize,
    /// Seconds of sending
    #[arg(long, default_value_t = 20.0)]
    pub seconds: f64,
    /// Texts a second a client
    #[arg(long, default_value_t = 2.0)]
    pub rate: f64,
    /// Mean seconds between two faults of a client's connection; 0 for none
    #[arg(long, default_value_t = 4.0)]
    pub fault_every: f64,
    /// Mean seconds between two leaves of a client, each followed by a join; 0 for none
    #[arg(long, default_value_t = 15.0)]
    pub leave_every: f64,
    /// Directory for the histories, one file a client
    #[arg(long)]
    pub history: PathBuf,
    /// Makes the same faults at the same times, as far as the clock allows
    #[arg(long)]
    pub seed: Option<u64>,
    /// Stock clients beside these
    #[command(flatten)]
    pub stock: StockOptions,
    /// Show no progress bar
    #[arg(long)]
    pub quiet: bool,
}

/// What the clients met, beside what they recorded.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Things that no server may do.
    pub trouble: Vec<String>,
    /// Refusals by code, in their order.
    pub refusals: Vec<(String, u64)>,
    /// All clients came to rest in time.
    pub rested: bool,
}

/// When a client does something next.
#[derive(Debug)]
struct Agenda {
    send: Instant,
    fault: Instant,
    leave: Instant,
    /// Set while the connection is stalled.
    resume: Option<Instant>,
}

/// Clients at work, until they are told to come to rest.
#[derive(Debug)]
pub struct Check {
    options: Options,
    fleet: Fleet,
    chatters: Chatters,
    stock: Vec<Stock>,
    agendas: Vec<Agenda>,
    random: StdRng,
    /// Sends, faults and leaves go on.
    busy: bool,
}

/// Runs the clients and writes their histories into the directory, which must not hold any yet.
pub fn run(options: &Options) -> Result<Outcome, RunError> {
    let mut check = Check::start(options)?;
    let bar = if options.quiet {
        ProgressBar::hidden()
    } else {
        ProgressBar::new(Duration::from_secs_f64(options.seconds).as_secs())
    };
    let started = check.started();
    let until = started + Duration::from_secs_f64(options.seconds);
    while Instant::now() < until {
        check.turn()?;
        bar.set_position(started.elapsed().as_secs());
    }
    bar.finish_and_clear();
    check.finish()
}

impl Check {
    /// Starts the clients; they live by [`Check::turn`].
    pub fn start(options: &Options) -> Result<Self, RunError> {
        fs::create_dir_all(&options.history)?;
        if fs::read_dir(&options.history)?.next().is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the history directory is not empty").into());
        }
        let random = options.seed.map_or_else(StdRng::from_os_rng, StdRng::seed_from_u64);
        // Never the name of another run's rooms, whatever the seed.
        let run = format!("check-{:x}", rand::random::<u32>());
        let recorder = |name: &str| Recorder::create(&options.history, name);
        let clients = (0..options.clients).map(|index| {
            let wanted = 1 + index % options.rooms.clamp(1, 3);
            let rooms = (0..wanted).map(|k| format!("{run}-{}", (index + k) % options.rooms.max(1))).collect();
            Ok((recorder(&format!("client-{index:04}"))?, rooms))
        });
        let clients = clients.collect::<io::Result<Vec<_>>>()?;
        let chatters = Chatters::new(clients, recorder("log")?, &run);
        let started_us = monotonic().saturating_sub(chatters.started.elapsed()).as_micros();
        let stock = options.stock.start(&Briefing {
            urls: &options.url,
            run: &run,
            rooms: options.rooms.max(1),
            rate: options.rate.max(0.001),
            history: &options.history,
            started_us,
        })?;
        let fleet = Fleet::new(Targets::parse(&options.url, &options.transport)?, options.clients)?;
        let agendas = Vec::with_capacity(options.clients);
        let mut check = Self { options: options.clone(), fleet, chatters, stock, agendas, random, busy: true };
        for _ in 0..options.clients {
            let now = Instant::now();
            let mut after = |seconds: f64| check.random_after(now, seconds);
            let (send, fault, leave) =
                (after(1.0 / options.rate.max(0.001)), after(options.fault_every), after(options.leave_every));
            check.agendas.push(Agenda { send, fault, leave, resume: None });
        }
        Ok(check)
    }

    /// When the run began: the zero of all histories' clocks.
    pub fn started(&self) -> Instant {
        self.chatters.started
    }

    /// What the lean clients have done so far.
    pub fn progress(&self) -> Progress {
        self.chatters.progress
    }

    /// Lets everybody come to rest, reads the log, and ends the histories.
    pub fn finish(mut self) -> Result<Outcome, RunError> {
        let rested = self.rest()?;
        self.read_log()?;
        self.close(rested)
    }

    /// A time after `now`, `mean` seconds on average; for a mean of 0 it never comes.
    fn random_after(&mut self, now: Instant, mean: f64) -> Instant {
        if mean <= 0.0 {
            return now + Duration::from_secs(1 << 30);
        }
        now + in_about(Duration::from_secs_f64(mean), &mut self.random)
    }

    /// Does what is due, and waits a moment for what comes.
    pub fn turn(&mut self) -> Result<(), RunError> {
        let now = Instant::now();
        for id in 0..self.agendas.len() {
            self.connect_if_due(id, now)?;
            if self.busy {
                self.live(id, now)?;
            }
            if self.agendas[id].resume.is_some_and(|at| at <= now || !self.busy) {
                self.agendas[id].resume = None;
                self.fleet.resume(id)?;
            }
            for request in self.chatters.requests(id, now) {
                self.fleet.send(id, &request, &mut self.chatters);
            }
        }
        self.fleet.turn(&mut self.chatters, TURN)?;
        Ok(())
    }

    fn connect_if_due(&mut self, id: usize, now: Instant) -> Result<(), RunError> {
        if self.chatters.is_overdue(id, now) && self.agendas[id].resume.is_none() {
            self.fleet.close(id);
            self.chatters.down(id, "no answer", Duration::ZERO);
        }
        if let Line::Down { retry_at } = self.chatters.all[id].line
            && retry_at <= now
        {
            self.fleet.connect(id, None)?;
            self.chatters.all[id].line = Line::Connecting { since: now };
        }
        Ok(())
    }

    /// What a client does of its own accord.
    fn live(&mut self, id: usize, now: Instant) -> Result<(), RunError> {
        if self.agendas[id].send <= now {
            self.agendas[id].send = self.random_after(now, 1.0 / self.options.rate.max(0.001));
            let room = self.random.random_range(0..self.chatters.all[id].rooms.len());
            if self.chatters.all[id].rooms[room].wanted && self.chatters.unsent_to(id, room) < UNSENT_MAX {
                self.chatters.compose(id, room);
            }
        }
        if self.agendas[id].leave <= now {
            self.agendas[id].leave = self.random_after(now, self.options.leave_every / 2.0);
            self.toggle(id);
        }
        if self.agendas[id].fault <= now {
            self.agendas[id].fault = self.random_after(now, self.options.fault_every);
            self.break_link(id, now)?;
        }
        Ok(())
    }

    /// Leaves a room, or comes back to one that it left. One with texts to send stays.
    fn toggle(&mut self, id: usize) {
        let afresh = self.random.random();
        let chatter = &mut self.chatters.all[id];
        if let Some(left) = chatter.rooms.iter_mut().find(|room| !room.wanted && room.stay == Stay::Out) {
            left.wanted = true;
            left.afresh = afresh;
        } else if self.chatters.unsent(id) == 0 {
            let chatter = &mut self.chatters.all[id];
            let index = self.random.random_range(0..chatter.rooms.len());
            chatter.rooms[index].wanted = false;
        }
    }

    fn break_link(&mut self, id: usize, now: Instant) -> Result<(), RunError> {
        if matches!(self.chatters.all[id].line, Line::Down { .. }) || self.agendas[id].resume.is_some() {
            return Ok(());
        }
        let fault = Fault::pick(&mut self.random);
        let pause = Duration::from_millis(self.random.random_range(0..1000));
        match fault {
            Fault::Reset => self.fleet.close(id),
            Fault::HalfOpen => self.fleet.abandon(id)?,
            Fault::Stall(length) => {
                self.fleet.stall(id)?;
                self.agendas[id].resume = Some(now + length);
                return Ok(());
            }
        }
        self.chatters.down(id, fault.name(), pause);
        Ok(())
    }

    /// No sends, no faults: everybody gets what there is. False if that took too long.
    fn rest(&mut self) -> Result<bool, RunError> {
        self.busy = false;
        self.stock.iter_mut().try_for_each(Stock::rest)?;
        for chatter in &mut self.chatters.all {
            chatter.rooms.iter_mut().for_each(|room| room.wanted = true);
        }
        let until = Instant::now() + REST;
        while !self.is_at_rest() {
            if Instant::now() > until {
                return Ok(false);
            }
            self.turn()?;
        }
        self.idle(QUIET)?;
        Ok(true)
    }

    fn idle(&mut self, duration: Duration) -> Result<(), RunError> {
        let until = Instant::now() + duration;
        while Instant::now() < until {
            self.turn()?;
        }
        Ok(())
    }

    /// Everybody is in all rooms, at the farthest place that anybody has, with nothing left to send.
    fn is_at_rest(&self) -> bool {
        let mut tails: std::collections::HashMap<&str, Position> = std::collections::HashMap::new();
        for room in self.chatters.all.iter().flat_map(|chatter| &chatter.rooms) {
            let tail = tails.entry(&room.name).or_default();
            *tail = room.last.unwrap_or_default().max(*tail);
        }
        let stock: Option<Vec<_>> = self.stock.iter().map(Stock::standings).collect();
        let Some(stock) = stock else { return false };
        let stock: Vec<_> = stock.into_iter().flatten().collect();
        for (room, last) in stock.iter().flat_map(|standing| &standing.rooms) {
            let tail = tails.entry(room).or_default();
            *tail = last.unwrap_or_default().max(*tail);
        }
        let there =
            |(room, last): (&String, &Option<Position>)| last.is_some_and(|last| last.n == tails[room.as_str()].n);
        let stock_rests =
            |standing: &Standing| standing.ready && standing.unsent == 0 && standing.rooms.iter().all(there);
        stock.iter().all(stock_rests)
            && (0..self.chatters.all.len()).all(|id| {
                let chatter = &self.chatters.all[id];
                chatter.line == Line::Ready
                    && self.chatters.unsent(id) == 0
                    && chatter.rooms.iter().all(|room| {
                        room.stay == Stay::In && room.last.unwrap_or_default().n == tails[room.name.as_str()].n
                    })
            })
    }

    /// One client of each room asks for the whole log.
    fn read_log(&mut self) -> Result<(), RunError> {
        let mut asked = std::collections::BTreeSet::new();
        for id in 0..self.chatters.all.len() {
            for room in 0..self.chatters.all[id].rooms.len() {
                if asked.insert(self.chatters.all[id].rooms[room].name.clone()) {
                    self.chatters.ask_history(id, room);
                }
            }
        }
        let until = Instant::now() + REST;
        while Instant::now() < until && !(0..self.chatters.all.len()).all(|id| self.chatters.has_all_pages(id)) {
            self.turn()?;
        }
        Ok(())
    }

    fn close(mut self, rested: bool) -> Result<Outcome, RunError> {
        for id in 0..self.chatters.all.len() {
            self.chatters.record(id, Event::End);
        }
        self.chatters.flush()?;
        self.stock.into_iter().try_for_each(Stock::end)?;
        let mut refusals: Vec<_> = self.chatters.refusals.into_iter().collect();
        refusals.sort();
        Ok(Outcome { trouble: self.chatters.trouble, refusals, rested })
    }
}

/// The machine's monotonic clock, by which the programs of the stock clients tell the time, too. A clock that can be set, or that a program
/// derives from one, is some milliseconds off: then what was sent later seems to stand earlier.
fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}
