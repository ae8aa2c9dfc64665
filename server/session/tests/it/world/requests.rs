//! What clients ask of a server, and what it does when the store has answered.

use super::connection::{Body, Owned, Up};
use super::server::Request;
use super::store::Write;
use super::{HARD, SOFT, World};
use crate::room::Room;
use chat_log::Position;
use chat_session::{Effect, Failed, Join, JoinAsked, JoinNumber, Leave, LeaveAsked, Pid, Rule, Session, Taken, holds};
use std::collections::BTreeMap;
use std::sync::Arc;

impl World {
    /// A server reads a packet. Pongs are handled at once, requests one by one.
    pub(crate) fn read(&mut self, c: usize) {
        let connection = &mut self.connections[c];
        match connection.up.pop_front() {
            Some(Up::Pong { again }) if !(again && holds(Rule::PostRetry)) => self.pong(c),
            Some(Up::Pong { .. }) | None => {}
            Some(request) => connection.todo.push_back(request),
        }
    }

    /// A server handles a request.
    pub(crate) fn work(&mut self, c: usize) {
        let connection = &mut self.connections[c];
        match connection.todo.pop_front() {
            Some(Up::Connect { session, offset }) => self.connect(c, session, offset),
            Some(Up::Join { request, room, after }) if connection.session.is_some() => {
                self.join(c, request, room, after);
            }
            Some(Up::Leave { request, room }) if connection.session.is_some() => self.leave(c, request, room),
            Some(Up::Join { .. } | Up::Leave { .. } | Up::Pong { .. }) | None => {}
        }
    }

    fn connect(&mut self, c: usize, session: Option<u32>, offset: Option<String>) {
        let user = self.connections[c].client;
        if self.clients[user].plain {
            let (machine, effects) = Session::without_recovery();
            return self.own(c, None, machine, effects);
        }
        self.connections[c].busy = true;
        match session {
            Some(session) => self.write(c, session, Write::Take { user, offset }),
            None => self.create(c),
        }
    }

    pub(crate) fn create(&mut self, c: usize) {
        let session = self.pids.len() as u32;
        self.pids.push(Pid::from_random(0x9e37_79b9_7f4a_7c15_u128.wrapping_mul(u128::from(session) + 1) << 40));
        let user = self.connections[c].client;
        self.write(c, session, Write::Create { user });
    }

    pub(crate) fn started(&mut self, c: usize, session: u32) {
        let (machine, effects) = Session::start(self.pids[session as usize]);
        self.own(c, Some(session), machine, effects);
    }

    pub(crate) fn taken(&mut self, c: usize, session: u32, taken: Taken, offset: Option<&str>) {
        let server = self.connections[c].server;
        let here = |other: &usize| {
            let other = &self.connections[*other];
            other.server == server && other.session.as_ref().is_some_and(|owned| owned.number == Some(session))
        };
        if let Some(old) = self.live.iter().copied().find(here) {
            self.drop_session(old);
        }
        let Taken { fence, rooms } = taken;
        let rooms =
            rooms.into_iter().map(|held| (Room::at(usize::from(held.room.as_bytes()[0] - b'a')), held.join, held.at));
        let (machine, effects) = Session::resume(self.pids[session as usize], fence, rooms.collect(), offset);
        self.own(c, Some(session), machine, effects);
    }

    fn own(&mut self, c: usize, number: Option<u32>, mut machine: Session<Arc<Room>>, effects: Vec<Effect<Arc<Room>>>) {
        machine.narrow(SOFT, HARD);
        let connection = &mut self.connections[c];
        connection.busy = false;
        let foreign = std::mem::take(&mut connection.foreign_pings);
        machine.expect_pongs(foreign);
        let pings = (0..foreign).map(|_| Vec::new()).collect();
        let (members, joins) = (BTreeMap::new(), BTreeMap::new());
        connection.session = Some(Owned { number, machine, members, pings, joins, late: None });
        self.carry_out(c, effects, None);
    }

    fn join(&mut self, c: usize, number: u32, room: usize, after: Option<Position>) {
        let (client, server) = (self.connections[c].client, self.connections[c].server);
        let (log, branch) = (&self.logs[room], self.servers[server].source[room]);
        if after.is_some_and(|after| after.epoch > log.branches[branch].epoch) {
            self.connections[c].outbox.push(Body::Nack { request: number }.into());
            return;
        }
        let reach = after.map_or(log.tail(branch), |after| log.common(branch, after.epoch));
        let start = match after {
            Some(after) if after.n <= reach => log.own(branch, after.n),
            Some(_) | None => log.before_next(branch, reach),
        };
        let node = log.at(branch, start.n);
        let request = Request { number, room, node };
        let Some(owned) = &mut self.connections[c].session else { return };
        let asked = owned.machine.join(Room::at(room), start, after.is_some());
        let mut allowed = true;
        match asked {
            JoinAsked::Write(join) => self.write_join(c, join, request),
            JoinAsked::Done(effects) => self.carry_out(c, effects, Some(request)),
            JoinAsked::Present { claim, .. } => {
                allowed = false;
                let node = self.logs[room].node(self.present(c, room, claim));
                self.connections[c].outbox.push(Body::Ack { request: number, room, node }.into());
            }
            JoinAsked::Busy => unreachable!("requests are handled one by one"),
        }
        if allowed {
            self.clients[client].allowed[room].push(node);
        }
    }

    fn write_join(&mut self, c: usize, join: Join<Arc<Room>>, request: Request) {
        let Some(session) = self.connections[c].session.as_ref().and_then(|owned| owned.number) else { return };
        if holds(Rule::PersistJoin) {
            self.connections[c].busy = true;
        } else {
            // Answered at once, under the number that the store is likely to give.
            let early = Join { fence: join.fence, room: join.room.clone(), start: join.start };
            let mut record = self.visible.get(&session).cloned();
            let likely =
                record.as_mut().and_then(|record| record.join(join.fence, join.room.0.clone(), false, join.start).ok());
            self.joined(c, early, Ok(likely.unwrap_or(JoinNumber(u32::MAX))), request);
        }
        self.write(c, session, Write::Join { join, request });
    }

    pub(crate) fn joined(
        &mut self,
        c: usize,
        join: Join<Arc<Room>>,
        outcome: Result<JoinNumber, Failed>,
        request: Request,
    ) {
        let connection = &mut self.connections[c];
        let Some(owned) = &mut connection.session else { return };
        let effects = owned.machine.joined(join, outcome);
        self.carry_out(c, effects, Some(request));
        self.connections[c].busy = false;
    }

    /// The store has answered a join that the client has had the answer to for long (the mutant of `PersistJoin`).
    pub(crate) fn joined_late(&mut self, c: usize, outcome: Result<JoinNumber, Failed>) {
        match outcome {
            Ok(_) | Err(Failed::Refused) => {}
            Err(Failed::Unknown | Failed::Fenced | Failed::Gone) => self.drop_session(c),
        }
    }

    fn leave(&mut self, c: usize, number: u32, room: usize) {
        let request = Request { number, room, node: super::log::RoomLog::ROOT };
        let connection = &mut self.connections[c];
        let Some(owned) = &mut connection.session else { return };
        match owned.machine.leave(&self.rooms[room].0) {
            LeaveAsked::Write(leave) => {
                let Some(session) = owned.number else { return };
                if holds(Rule::PersistLeave) {
                    connection.busy = true;
                } else {
                    self.left(c, Leave { fence: leave.fence, join: leave.join }, Ok(()), request);
                }
                self.write(c, session, Write::Leave { leave, request });
            }
            LeaveAsked::Done(effects) => self.carry_out(c, effects, Some(request)),
            LeaveAsked::NotMember => {
                connection.outbox.push(Body::Ack { request: number, room, node: request.node }.into());
            }
            LeaveAsked::Busy => unreachable!("requests are handled one by one"),
        }
    }

    pub(crate) fn left(&mut self, c: usize, leave: Leave, outcome: Result<(), Failed>, request: Request) {
        let connection = &mut self.connections[c];
        connection.busy = false;
        let Some(owned) = &mut connection.session else { return };
        let effects = owned.machine.left(leave, outcome);
        self.carry_out(c, effects, Some(request));
    }
}
