//! The world around the session, small enough to run thousands of times: logs with branches, servers that die, a store
//! whose writes come late, clients that behave as the stock one does, and one that lies.
//!
//! The session, its record, offsets and catch-up are the real ones. A schedule is a random run of small steps (a byte
//! stream cut anywhere, a server killed, a log rolled back); then everything heals, and the world has to come to rest with
//! every joined room read to its end.

mod application;
mod client;
mod connection;
mod faults;
mod heal;
mod log;
mod moves;
mod requests;
mod server;
mod steps;
mod store;

use crate::room::Room;
use chat_session::{Pid, Record};
use client::Client;
use log::RoomLog;
use rand::distr::Distribution;
use rand::distr::weighted::WeightedIndex;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use server::Server;
use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;
use steps::{Kind, STEPS};
use store::Operation;

/// How many rooms there are.
const ROOMS: usize = 5;
/// The bounds of dirty, low enough to be reached with so few rooms.
const SOFT: u8 = 2;
const HARD: u8 = 3;

/// What the schedules reached, so that "no violation" means something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reached {
    pub(crate) steps: usize,
    pub(crate) recovered: usize,
    pub(crate) recovered_with_rooms: usize,
    pub(crate) connected_afresh: usize,
    pub(crate) takeovers: usize,
    pub(crate) takeovers_from_a_live_owner: usize,
    pub(crate) fenced_off: usize,
    pub(crate) failed_writes: usize,
    pub(crate) entries: usize,
    pub(crate) gaps: usize,
    pub(crate) voids: usize,
    pub(crate) shared_frames: usize,
    pub(crate) own_frames: usize,
    pub(crate) at_the_bound: usize,
    pub(crate) early_pings: usize,
    pub(crate) checkpoints: usize,
    pub(crate) dropped_claims: usize,
    pub(crate) moved: usize,
    pub(crate) moved_with_unsent: usize,
    pub(crate) moved_dirty: usize,
    pub(crate) moved_and_lost: usize,
}

impl AddAssign for Reached {
    fn add_assign(&mut self, other: Self) {
        self.steps += other.steps;
        self.recovered += other.recovered;
        self.recovered_with_rooms += other.recovered_with_rooms;
        self.connected_afresh += other.connected_afresh;
        self.takeovers += other.takeovers;
        self.takeovers_from_a_live_owner += other.takeovers_from_a_live_owner;
        self.fenced_off += other.fenced_off;
        self.failed_writes += other.failed_writes;
        self.entries += other.entries;
        self.gaps += other.gaps;
        self.voids += other.voids;
        self.shared_frames += other.shared_frames;
        self.own_frames += other.own_frames;
        self.at_the_bound += other.at_the_bound;
        self.early_pings += other.early_pings;
        self.checkpoints += other.checkpoints;
        self.dropped_claims += other.dropped_claims;
        self.moved += other.moved;
        self.moved_with_unsent += other.moved_with_unsent;
        self.moved_dirty += other.moved_dirty;
        self.moved_and_lost += other.moved_and_lost;
    }
}

/// All of it. Everything refers to everything by its place.
pub(crate) struct World {
    random: StdRng,
    rooms: Vec<Arc<Room>>,
    /// Rooms that are used in this schedule.
    busy_rooms: usize,
    logs: Vec<RoomLog>,
    servers: Vec<Server>,
    clients: Vec<Client>,
    connections: Vec<connection::Connection>,
    /// Connections that at least one end still looks at.
    live: Vec<usize>,
    /// The pid of each session.
    pids: Vec<Pid>,
    /// The records as the master of the store has them.
    visible: BTreeMap<u32, Record<usize>>,
    /// The records as its replica has them.
    durable: BTreeMap<u32, Record<usize>>,
    operations: Vec<Operation>,
    /// Some schedules have several pings in flight.
    many_pings: bool,
    violation: Option<&'static str>,
    reached: Reached,
    trace: Option<Vec<String>>,
}

/// How a schedule ended.
pub(crate) struct Ended {
    pub(crate) violation: Option<&'static str>,
    pub(crate) reached: Reached,
    /// One line a step that did something, where it was asked for.
    pub(crate) trace: Vec<String>,
}

impl World {
    /// Runs the schedule of a seed to its end or to its first violation.
    pub(crate) fn run(seed: u64, trace: bool) -> Ended {
        let mut world = Self::new(seed, trace);
        world.steps();
        if world.violation.is_none() {
            world.heal();
        }
        Ended { violation: world.violation, reached: world.reached, trace: world.trace.unwrap_or_default() }
    }

    fn new(seed: u64, trace: bool) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let busy_rooms = *[1, 2, 3, 5].choose(&mut random).unwrap();
        let servers = *[2, 2, 3].choose(&mut random).unwrap();
        let clients = *[1, 1, 2].choose(&mut random).unwrap();
        let hostile = random.random_bool(0.5);
        let plain = random.random_bool(0.1);
        let server = || Server { boot: 0, source: vec![0; ROOMS], head: vec![0; ROOMS] };
        Self {
            rooms: (0..ROOMS).map(Room::at).collect(),
            busy_rooms,
            logs: (0..ROOMS).map(|_| RoomLog::new()).collect(),
            servers: (0..servers).map(|_| server()).collect(),
            clients: (0..clients).map(|at| Client::new(at == 1 && hostile, at == 0 && plain)).collect(),
            connections: Vec::new(),
            live: Vec::new(),
            pids: Vec::new(),
            visible: BTreeMap::new(),
            durable: BTreeMap::new(),
            operations: Vec::new(),
            many_pings: random.random_bool(0.3),
            violation: None,
            reached: Reached::default(),
            trace: trace.then(Vec::new),
            random,
        }
    }

    fn steps(&mut self) {
        let weights: Vec<f64> = STEPS
            .iter()
            .map(|step| {
                let scale: &[f64] = match step.kind {
                    Kind::Slow => &[0.1, 0.5, 1.0, 1.0, 2.5],
                    Kind::Fault => &[0.0, 1.0, 1.0, 2.5],
                    Kind::Usual => &[0.4, 1.0, 1.0, 2.0],
                };
                step.weight * scale.choose(&mut self.random).unwrap()
            })
            .collect();
        let which = WeightedIndex::new(&weights).unwrap();
        let count = *[400, 1000, 2000].choose(&mut self.random).unwrap();
        for _ in 0..count {
            let step = &STEPS[which.sample(&mut self.random)];
            let done = (step.run)(self);
            self.reached.steps += 1;
            if let (Some(done), Some(trace)) = (done, &mut self.trace) {
                trace.push(format!("{:5} {:10} {done}", self.reached.steps, step.name));
            }
            if self.violation.is_some() {
                return;
            }
            if self.reached.steps.is_multiple_of(64) {
                let connections = &self.connections;
                self.live.retain(|c| !connections[*c].over());
            }
        }
    }

    fn pick(&mut self, from: &[usize]) -> Option<usize> {
        from.choose(&mut self.random).copied()
    }

    /// One of the connections that this holds for.
    fn pick_connection(&mut self, which: impl Fn(&connection::Connection) -> bool) -> Option<usize> {
        let connections = &self.connections;
        let found: Vec<usize> = self.live.iter().copied().filter(|c| which(&connections[*c])).collect();
        self.pick(&found)
    }

    /// One of the clients that this holds for, with its connection.
    fn pick_client(&mut self, which: impl Fn(&Client, Option<&connection::Connection>) -> bool) -> Option<usize> {
        let connection = |client: &Client| client.connection.map(|c| &self.connections[c]);
        let clients = self.clients.iter().enumerate();
        let found: Vec<usize> =
            clients.filter(|(_, client)| which(client, connection(client))).map(|(at, _)| at).collect();
        self.pick(&found)
    }

    /// One of the writes that this holds for.
    fn pick_operation(&mut self, which: impl Fn(&Operation) -> bool) -> Option<usize> {
        let found: Vec<usize> = (0..self.operations.len()).filter(|at| which(&self.operations[*at])).collect();
        self.pick(&found)
    }
}
