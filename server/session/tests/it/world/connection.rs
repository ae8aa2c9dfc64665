//! A connection, with what is under way in both directions, and the session on its server.

use super::ROOMS;
use super::log::Node;
use super::moves::Departed;
use crate::room::Room;
use chat_log::Position;
use chat_session::{CatchUp, JoinNumber, Session};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// What the server sends.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) body: Body,
    pub(crate) offset: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// The CONNECT reply with the session's number, which stands for its pid.
    Reply(Option<u32>),
    /// The client's position in each room.
    Ready([Option<u64>; ROOMS]),
    Joined,
    Entry(usize, Node),
    Gap(usize, Node),
    Void(usize, Node),
    Ack {
        request: u32,
        room: usize,
        node: Node,
    },
    Nack {
        request: u32,
    },
    Ping,
    Volatile,
    /// The close packet of polling.
    Close,
}

impl Body {
    /// A Socket.IO event, which waits in the client's buffer while there is no CONNECT reply.
    pub(crate) fn is_event(&self) -> bool {
        match self {
            Self::Ready(_) | Self::Joined | Self::Entry(..) | Self::Gap(..) | Self::Void(..) | Self::Volatile => true,
            Self::Reply(_) | Self::Ack { .. } | Self::Nack { .. } | Self::Ping | Self::Close => false,
        }
    }
}

impl From<Body> for Frame {
    fn from(body: Body) -> Self {
        Self { body, offset: None }
    }
}

/// What the client sends.
#[derive(Clone, Debug)]
pub(crate) enum Up {
    Connect { session: Option<u32>, offset: Option<String> },
    Join { request: u32, room: usize, after: Option<Position> },
    Leave { request: u32, room: usize },
    Pong { again: bool },
}

/// A room of a session on its owner.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) join: JoinNumber,
    pub(crate) catch_up: CatchUp,
    /// What is known to be in the record.
    pub(crate) record: Position,
}

/// The owner's side of a session.
#[derive(Debug)]
pub(crate) struct Owned {
    /// Its number in the world; `None` without recovery.
    pub(crate) number: Option<u32>,
    pub(crate) machine: Session<Arc<Room>>,
    pub(crate) members: BTreeMap<usize, Member>,
    /// Pings without a pong, each with the heads of the rooms then (for the mutant of `SnapSent`).
    pub(crate) pings: VecDeque<Vec<(JoinNumber, Position)>>,
    /// The room of each join (for the mutant of `JoinMatch`).
    pub(crate) joins: BTreeMap<JoinNumber, usize>,
    /// A frame that was overtaken (the mutant of `OneStep`).
    pub(crate) late: Option<Frame>,
}

/// Where a session goes, or comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moving {
    /// The client has said `5` on that connection.
    To(usize),
    /// The session of that connection is to come.
    From(usize),
}

/// What an owner gives away.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) session: Option<Departed>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) foreign_pings: u16,
}

/// A connection between a client and a server, over WebSocket or polling.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each end has a state of its own, in any combination")]
pub(crate) struct Connection {
    pub(crate) server: usize,
    pub(crate) client: usize,
    pub(crate) polling: bool,
    pub(crate) client_open: bool,
    pub(crate) server_open: bool,
    pub(crate) outbox: Vec<Frame>,
    /// WebSocket: on its way.
    pub(crate) wire: VecDeque<Frame>,
    /// Polling: the response to the GET, on its way.
    pub(crate) response: Option<Vec<Frame>>,
    /// Polling: a GET waits at the server.
    pub(crate) held: bool,
    pub(crate) up: VecDeque<Up>,
    /// Requests that were read.
    pub(crate) todo: VecDeque<Up>,
    /// A request is with the record store.
    pub(crate) busy: bool,
    pub(crate) session: Option<Owned>,
    /// Pings without a pong from before the session.
    pub(crate) foreign_pings: u16,
    pub(crate) moving: Option<Moving>,
    /// What is on its way from the other server.
    pub(crate) parcel: Option<Parcel>,
    /// The session, exported before what is unsent (the mutant of `MoveOneStep`).
    pub(crate) departed: Option<Departed>,
}

impl Connection {
    /// A WebSocket that a session is to come to.
    pub(crate) fn arriving(server: usize, client: usize, from: usize) -> Self {
        let connect = Up::Pong { again: true };
        let moving = Some(Moving::From(from));
        Self { up: VecDeque::new(), moving, ..Self::new(server, client, false, connect) }
    }

    /// Whether its session is not here yet.
    pub(crate) fn is_arriving(&self) -> bool {
        matches!(self.moving, Some(Moving::From(_)))
    }

    pub(crate) fn new(server: usize, client: usize, polling: bool, connect: Up) -> Self {
        Self {
            server,
            client,
            polling,
            client_open: true,
            server_open: true,
            outbox: Vec::new(),
            wire: VecDeque::new(),
            response: None,
            held: true,
            up: VecDeque::from([connect]),
            todo: VecDeque::new(),
            busy: false,
            session: None,
            foreign_pings: 0,
            moving: None,
            parcel: None,
            departed: None,
        }
    }

    /// Whether neither end will look at it again.
    pub(crate) fn over(&self) -> bool {
        let abandoned = matches!(self.moving, Some(Moving::To(_)));
        !self.server_open && (!self.client_open || abandoned)
    }
}
