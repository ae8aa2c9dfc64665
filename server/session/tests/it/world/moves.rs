//! A polling session whose WebSocket lands on another server moves there: the client says `5`, the owner gives the session
//! away when nothing of it is being handled, and the other server goes on. At every point either of them may die, the answer
//! may get lost, and the client may give up.

use super::World;
use super::connection::{Connection, Frame, Member, Owned};
use super::connection::{Moving, Parcel};
use crate::room::Room;
use chat_log::Position;
use chat_session::{CatchUp, JoinNumber, Moved, Rule, Session, holds};
use rand::Rng;
use std::collections::{BTreeMap, VecDeque};

/// A session as it left its owner, with what the mutants want to know.
#[derive(Debug)]
pub(crate) struct Departed {
    number: Option<u32>,
    bytes: Vec<u8>,
    pings: VecDeque<Vec<(JoinNumber, Position)>>,
    joins: BTreeMap<JoinNumber, usize>,
}

impl World {
    /// The client has received all that was on its way, has nothing on its way itself, and says `5` on a WebSocket to
    /// another server.
    pub(crate) fn move_next(&mut self) -> Option<String> {
        let may = |connection: &Connection| {
            let open = connection.client_open && connection.server_open && connection.moving.is_none();
            open && connection.polling && connection.held && connection.up.is_empty()
        };
        let from = self.pick_connection(may)?;
        let Connection { server, client, .. } = self.connections[from];
        let other = (server + self.random.random_range(1..self.servers.len())) % self.servers.len();
        let to = self.connections.len();
        self.connections.push(Connection::arriving(other, client, from));
        self.live.push(to);
        self.connections[from].moving = Some(Moving::To(to));
        self.connections[from].held = false;
        self.clients[client].connection = Some(to);
        Some(format!("client {client}, connection {from} of server {server} to {to} of server {other}"))
    }

    /// The owner gives the session away.
    pub(crate) fn give_next(&mut self) -> Option<String> {
        let ready = |connection: &Connection| {
            let idle = (!connection.busy && connection.todo.is_empty()) || !holds(Rule::MoveIdle);
            connection.server_open && matches!(connection.moving, Some(Moving::To(_))) && idle
        };
        let from = self.pick_connection(ready)?;
        let Some(Moving::To(to)) = self.connections[from].moving else { return None };
        let connection = &mut self.connections[from];
        if connection.departed.is_none() {
            connection.departed = connection.session.as_ref().map(depart);
            if connection.departed.is_some() && !holds(Rule::MoveOneStep) {
                return Some(format!("connection {from}: the state alone"));
            }
        }
        let mut frames = std::mem::take(&mut connection.outbox);
        frames.extend(connection.session.as_mut().and_then(|owned| owned.late.take()));
        let parcel = Parcel { session: connection.departed.take(), frames, foreign_pings: connection.foreign_pings };
        self.drop_session(from);
        let told = format!("connection {from} to {to}: {} unsent", parcel.frames.len());
        if self.connections[to].server_open {
            self.connections[to].parcel = Some(parcel);
        }
        Some(told)
    }

    /// The other server goes on with it.
    pub(crate) fn arrive_next(&mut self) -> Option<String> {
        let to = self.pick_connection(|connection| connection.server_open && connection.parcel.is_some())?;
        let connection = &mut self.connections[to];
        let Parcel { session, mut frames, foreign_pings } = connection.parcel.take()?;
        connection.moving = None;
        connection.foreign_pings = foreign_pings;
        self.reached.moved += 1;
        if !holds(Rule::MoveUnsent) {
            frames.clear();
        }
        self.reached.moved_with_unsent += usize::from(session.is_some() && !frames.is_empty());
        let mut late = Vec::new();
        if holds(Rule::MoveUnsentFirst) {
            self.connections[to].outbox.extend(frames);
        } else {
            late = frames;
        }
        if let Some(departed) = session {
            self.go_on(to, departed, late);
        } else {
            self.connections[to].outbox.extend(late);
        }
        Some(format!("connection {to}"))
    }

    fn go_on(&mut self, to: usize, departed: Departed, late: Vec<Frame>) {
        let Departed { number, bytes, pings, joins } = departed;
        let Ok(moved) = Moved::decode(&bytes) else {
            // Without `PersistJoin` a join number may be there twice.
            if holds(Rule::PersistJoin) {
                self.violation.get_or_insert("a session that cannot be read");
            }
            return self.drop_session(to);
        };
        let find = |room: &str| Some(Room::at(usize::from(room.as_bytes()[0] - b'a')));
        let (mut machine, follows) = Session::arrive(moved, find).unwrap();
        machine.narrow(super::SOFT, super::HARD);
        self.reached.moved_dirty += usize::from(machine.dirty_len() > 1);
        let members = follows.into_iter().map(|follow| {
            let member = Member { join: follow.join, catch_up: CatchUp { at: follow.at }, record: follow.at };
            (follow.room.index(), member)
        });
        let pings = if holds(Rule::MovePings) { pings } else { VecDeque::new() };
        let owned = Owned { number, machine, members: members.collect(), pings, joins, late: None };
        let rooms: Vec<usize> = owned.members.keys().copied().collect();
        self.connections[to].session = Some(owned);
        if !late.is_empty() {
            for room in rooms {
                while self.deliver(to, room) {}
            }
            self.connections[to].outbox.extend(late);
        }
    }

    /// One of the two servers finds out that the other one has given up: it closes, and the client comes back.
    pub(crate) fn give_up_next(&mut self) -> Option<String> {
        let connections = &self.connections;
        let alone = |c: &usize| {
            let connection = &connections[*c];
            let other = match connection.moving {
                Some(Moving::To(other)) => &connections[other],
                Some(Moving::From(other)) if connection.parcel.is_none() => &connections[other],
                Some(Moving::From(_)) | None => return false,
            };
            connection.server_open && !other.server_open
        };
        let found: Vec<usize> = self.live.iter().copied().filter(alone).collect();
        let c = self.pick(&found)?;
        self.drop_session(c);
        Some(format!("connection {c}"))
    }
}

/// The session as it is given away is lost on its way.
pub(crate) fn lose_parcel(world: &mut World) -> Option<String> {
    let to = world.pick_connection(|connection| connection.parcel.is_some())?;
    world.connections[to].parcel = None;
    world.reached.moved_and_lost += 1;
    Some(format!("connection {to}"))
}

fn depart(owned: &Owned) -> Departed {
    let Owned { number, machine, members, pings, joins, late: _ } = owned;
    let at = |stay: &chat_session::Stay<std::sync::Arc<Room>>| {
        let member = &members[&stay.room.index()];
        Some(if machine.unresolved(stay.join).is_some() { member.record } else { member.catch_up.at })
    };
    let mut bytes = Vec::new();
    machine.depart(at).unwrap().encode(&mut bytes);
    Departed { number: *number, bytes, pings: pings.clone(), joins: joins.clone() }
}
