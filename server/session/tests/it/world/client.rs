//! A stock client, as far as recovery depends on it, and one that lies.
//!
//! Its offset is the last string of an event, taken after the listeners ran; events before the CONNECT reply wait in a
//! buffer that outlives the connection; a new pid keeps the old offset.

use super::connection::{Body, Connection, Frame, Up};
use super::log::{Node, RoomLog};
use super::{ROOMS, World};
use chat_log::Position;
use chat_session::{write_position, write_shared};
use rand::Rng;
use rand::seq::IndexedRandom;
use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    Out,
    Joining,
    In,
    Leaving,
}

/// A client with its application.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "two kinds and two states, in any combination")]
pub(crate) struct Client {
    /// It makes up offsets and presents the sessions of others.
    pub(crate) hostile: bool,
    /// It has no recovery.
    pub(crate) plain: bool,
    pub(crate) connection: Option<usize>,
    pub(crate) connected: bool,
    pub(super) recovered: bool,
    /// Its session, in place of the pid.
    session: Option<u32>,
    offset: Option<String>,
    buffer: Vec<Frame>,
    pub(super) requests: u32,
    /// Requests without an answer, and whether they are joins.
    pub(super) pending: BTreeMap<u32, (usize, bool)>,
    pub(crate) rooms: [Membership; ROOMS],
    /// The entry of each room that was seen last.
    pub(crate) seen: [Node; ROOMS],
    /// The cursor of the last join of each room.
    pub(crate) cursors: [Option<Position>; ROOMS],
    /// Where the stays of each room began: what comes after is no secret.
    pub(crate) allowed: [Vec<Node>; ROOMS],
}

impl Client {
    pub(crate) fn new(hostile: bool, plain: bool) -> Self {
        Self {
            hostile,
            plain,
            connection: None,
            connected: false,
            recovered: false,
            session: None,
            offset: None,
            buffer: Vec::new(),
            requests: 0,
            pending: BTreeMap::new(),
            rooms: [Membership::Out; ROOMS],
            seen: [RoomLog::ROOT; ROOMS],
            cursors: [None; ROOMS],
            allowed: Default::default(),
        }
    }
}

impl World {
    pub(crate) fn open(&mut self, client: usize) {
        let forged = self.clients[client].hostile && self.random.random_bool(0.7);
        let forged = if forged { self.forge(client) } else { None };
        let of = &self.clients[client];
        let connect = forged.unwrap_or_else(|| Up::Connect { session: of.session, offset: of.offset.clone() });
        let server = self.random.random_range(0..self.servers.len());
        let polling = self.random.random_bool(0.4);
        self.clients[client].connection = Some(self.connections.len());
        self.live.push(self.connections.len());
        self.connections.push(Connection::new(server, client, polling, connect));
    }

    /// A made-up offset, sometimes with somebody else's session.
    fn forge(&mut self, client: usize) -> Option<Up> {
        let own = self.clients[client].session?;
        let mut offset = Vec::new();
        if self.random.random_bool(0.5) {
            let room = self.random.random_range(0..ROOMS);
            let at = self.made_up();
            write_shared(&self.rooms[room].0, at, &mut offset);
        } else {
            offset.extend_from_slice(b"s:");
            offset.extend_from_slice(self.pids[own as usize].tag().as_bytes());
            let first = self.random.random_range(1..=4);
            for (separator, join) in [(':', first), (',', first % 4 + 1)] {
                offset.extend_from_slice(format!("{separator}{join}=").as_bytes());
                write_position(self.made_up(), &mut offset);
            }
        }
        let others: Vec<u32> = self.visible.keys().copied().collect();
        let session = if self.random.random_bool(0.3) { others.choose(&mut self.random).copied() } else { None };
        Some(Up::Connect { session: session.or(Some(own)), offset: String::from_utf8(offset).ok() })
    }

    fn made_up(&mut self) -> Position {
        let epoch = *[0, 1, 2, 2, 3, 9].choose(&mut self.random).unwrap();
        Position::new(epoch, self.random.random_range(0..=30))
    }

    pub(crate) fn close(&mut self, client: usize) {
        let of = &mut self.clients[client];
        if let Some(c) = of.connection.take() {
            self.connections[c].client_open = false;
        }
        of.connected = false;
        of.pending.clear();
    }

    /// One GET response. A close packet in it is acted upon before the events in it.
    pub(crate) fn payload(&mut self, client: usize, mut frames: Vec<Frame>) {
        if frames.last().is_some_and(|last| matches!(last.body, Body::Close)) {
            self.close(client);
            frames.retain(|frame| frame.body.is_event());
            self.clients[client].buffer.append(&mut frames);
        } else {
            for frame in frames {
                self.receive(client, frame);
            }
        }
    }

    pub(crate) fn receive(&mut self, client: usize, frame: Frame) {
        let of = &mut self.clients[client];
        match frame.body {
            Body::Reply(session) => {
                of.recovered = of.session.is_some() && of.session == session;
                of.session = session;
                of.connected = true;
                for frame in std::mem::take(&mut of.buffer) {
                    self.emit(client, frame);
                }
                self.on_connect(client);
            }
            Body::Ping => {
                let Some(c) = of.connection else { return };
                let connection = &mut self.connections[c];
                connection.up.push_back(Up::Pong { again: false });
                if connection.polling && self.random.random_bool(0.2) {
                    connection.up.push_back(Up::Pong { again: true });
                }
            }
            Body::Ack { request, room, node } => self.on_ack(client, request, room, node),
            Body::Nack { request } => self.on_nack(client, request),
            Body::Close => {}
            Body::Ready(_) | Body::Joined | Body::Entry(..) | Body::Gap(..) | Body::Void(..) | Body::Volatile => {
                if of.connected {
                    self.emit(client, frame);
                } else {
                    of.buffer.push(frame);
                }
            }
        }
    }

    fn emit(&mut self, client: usize, frame: Frame) {
        if let Err(violation) = self.on_event(client, &frame.body) {
            self.violation.get_or_insert(violation);
        }
        let of = &mut self.clients[client];
        if of.session.is_some() && frame.offset.is_some() {
            of.offset = frame.offset;
        }
    }
}
