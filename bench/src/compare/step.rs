//! What is run: each step is a mode with the numbers that the figures ask for.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::server::{Kind, Server};
use crate::crowd::{Options, RunError};
use crate::fleet::Transport;
use crate::mode::{active, burst::Burst, comeback, fanout::Fanout, idle, rooms, slow, storm, whole};
use crate::report::Report;

/// A step of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// One room: connect, idle, paced, bursts.
    Whole,
    /// The same over long polling.
    Polling,
    /// Idle in 20 rooms each.
    TwentyRooms,
    /// Active in five busy rooms each.
    Active,
    /// Many rooms of ten.
    ManyRooms,
    /// All connect at once.
    Storm,
    /// All come back at once, 200 entries behind.
    Return,
    /// One client reads nothing.
    Slow,
}

impl fmt::Display for Step {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 8] = [
        Self::Whole,
        Self::Polling,
        Self::TwentyRooms,
        Self::Active,
        Self::ManyRooms,
        Self::Storm,
        Self::Return,
        Self::Slow,
    ];

    /// Its name, as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Polling => "polling",
            Self::TwentyRooms => "twenty-rooms",
            Self::Active => "active",
            Self::ManyRooms => "many-rooms",
            Self::Storm => "storm",
            Self::Return => "return",
            Self::Slow => "slow",
        }
    }

    /// Whether a server is measured by this step. The floor knows no polling, peers no recovery over a reset.
    pub fn suits(self, kind: Kind) -> bool {
        match self {
            Self::Whole => true,
            Self::Polling => kind != Kind::Floor,
            Self::Storm | Self::ManyRooms => kind == Kind::Ours || kind == Kind::Floor,
            Self::TwentyRooms | Self::Active | Self::Return | Self::Slow => kind == Kind::Ours,
        }
    }

    /// The command that repeats it on a server that runs already.
    pub fn command(self, connections: usize, seconds: f64) -> String {
        let to = "--url URL --pid PID";
        match self {
            Self::Whole => format!("chat-bench whole -n {connections} --seconds {seconds} {to}"),
            Self::Polling => {
                format!("chat-bench whole -n {} --seconds {seconds} --transport polling {to}", connections / 2)
            }
            Self::TwentyRooms => format!("chat-bench idle -n {connections} --rooms 20 {to}"),
            Self::Active => {
                format!("chat-bench active -n {connections} --rooms 5 --rate 5 --seconds {seconds} {to}")
            }
            Self::ManyRooms => {
                let groups = connections / 10;
                format!(
                    "chat-bench rooms -n {connections} --groups {groups} --rooms 3 --rate 1000 --senders 10 --seconds {seconds} {to}"
                )
            }
            Self::Storm => format!("chat-bench storm -n {connections} --in-flight {connections} {to}"),
            Self::Return => {
                format!(
                    "chat-bench return -n {connections} --entries 200 --in-flight {connections} {to} --metrics HOST:PORT"
                )
            }
            Self::Slow => format!("chat-bench slow -n 1000 --text 4000 --rate 50 --seconds {seconds} {to}"),
        }
    }

    /// Runs it.
    pub(super) fn run(self, options: &super::Options, server: &Server) -> Result<Report, RunError> {
        let mut load = Options {
            url: server.url.clone(),
            pid: Some(server.pid()),
            metrics: server.metrics.clone(),
            transport: Transport::Ws,
            connections: options.connections,
            rooms: 1,
            groups: 1,
            text: 100,
            in_flight: 200,
            settle: 3.0,
            label: server.kind.name().to_owned(),
            quiet: options.quiet,
        };
        let seconds = options.seconds;
        let paced = Fanout { rate: 5.0, seconds, senders: 100 };
        match self {
            Self::Whole => whole::run(&load, &paced, &Burst::usual()),
            Self::Polling => {
                load.transport = Transport::Polling;
                load.connections /= 2;
                whole::run(&load, &paced, &Burst::usual())
            }
            Self::TwentyRooms => {
                load.rooms = 20;
                idle::run(&load, &idle::Idle { seconds: 5.0 })
            }
            Self::Active => {
                load.rooms = 5;
                active::run(&load, &paced)
            }
            Self::ManyRooms => {
                load.groups = (load.connections / 10).max(1);
                load.rooms = 3;
                rooms::run(&load, &Fanout { rate: 1000.0, seconds, senders: 10 })
            }
            Self::Storm => {
                load.in_flight = load.connections;
                storm::run(&load)
            }
            Self::Return => {
                load.in_flight = load.connections;
                comeback::run(&load, &comeback::Comeback { entries: 200, stayers: 10, deadline: 120.0 })
            }
            Self::Slow => {
                load.connections = load.connections.min(1000);
                load.text = 4000;
                slow::run(&load, &slow::Slow { rate: 50.0, seconds, deadline: 90.0, senders: 100 })
            }
        }
    }
}
