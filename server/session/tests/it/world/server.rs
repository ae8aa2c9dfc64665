//! Servers: they deliver, ping and write checkpoints, with the real machine.

use super::connection::{Body, Frame, Member};
use super::store::{Operation, Write};
use super::{HARD, World};
use chat_log::Position;
use chat_session::{
    CatchUp, Checkpointed, Effect, Failed, Follow, Placement, Rule, Start, Turn, holds, write_position, write_shared,
};
use rand::Rng;
use std::sync::Arc;

/// A server process.
#[derive(Debug, Default)]
pub(crate) struct Server {
    /// How often it was started.
    pub(crate) boot: u32,
    /// The branch of each room that it reads.
    pub(crate) source: Vec<usize>,
    /// How far its followers are.
    pub(crate) head: Vec<u64>,
}

/// The request that effects answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) number: u32,
    pub(crate) room: usize,
    pub(crate) node: super::log::Node,
}

impl World {
    /// Places a frame in the outbox.
    pub(crate) fn put(&mut self, c: usize, frame: Frame) {
        let connection = &mut self.connections[c];
        let Some(owned) = &mut connection.session else { return };
        let dirty = owned.machine.dirty_len();
        if dirty > usize::from(HARD) {
            self.violation.get_or_insert("dirty grows past its bound");
        }
        self.reached.at_the_bound += usize::from(dirty == usize::from(HARD));
        match frame.offset.as_deref() {
            Some(offset) if offset.starts_with("r:") => self.reached.shared_frames += 1,
            Some(_) => self.reached.own_frames += 1,
            None => {}
        }
        let entry = matches!(frame.body, Body::Entry(..));
        if !holds(Rule::OneStep) && owned.late.is_none() && entry && self.random.random_bool(0.3) {
            owned.late = Some(frame);
            return;
        }
        connection.outbox.push(frame);
        connection.outbox.extend(owned.late.take());
    }

    /// The next that a member must hear of its room. `false` if there is nothing, or it has to wait.
    pub(crate) fn deliver(&mut self, c: usize, room: usize) -> bool {
        let connection = &mut self.connections[c];
        let server = &self.servers[connection.server];
        let (log, branch, head) = (&self.logs[room], server.source[room], server.head[room]);
        let Some(owned) = &mut connection.session else { return false };
        let machine = &mut owned.machine;
        let Some(member) = owned.members.get_mut(&room) else { return false };
        let join = member.join;
        if let Some(claim) = machine.unresolved(join) {
            if claim.epoch > log.branches[branch].epoch && holds(Rule::StaleSource) {
                if branch != log.current() {
                    return false;
                }
                // The master says that there is no such epoch.
                let record = member.record;
                member.catch_up = machine.drop_claim(join, record);
                let start = Start::Void { after: record, next_epoch: record.epoch };
                let Turn::Void { offset, .. } = member.catch_up.turn(machine, join, start) else { return false };
                let node = log.at(branch, log.reach(branch, record));
                self.reached.dropped_claims += 1;
                self.put(c, Frame { body: Body::Void(room, node), offset });
                return true;
            }
            let (of_claim, of_record) = (log.reach(branch, claim), log.reach(branch, member.record));
            member.catch_up = machine.resolve_claim(join, member.record, of_claim, of_record);
        }
        let at = member.catch_up.at;
        let start = log.start(branch, at, holds(Rule::StaleSource));
        let mut frames = Vec::new();
        match member.catch_up.turn(machine, join, start) {
            Turn::Gap { to, offset, .. } => frames.push(Frame { body: Body::Gap(room, log.at(branch, to.n)), offset }),
            Turn::Void { after, offset } => {
                frames.push(Frame { body: Body::Void(room, log.at(branch, after.n)), offset });
            }
            Turn::Wait => return false,
            Turn::Entries => {
                let (floor, tail) = (log.branches[branch].floor, log.tail(branch));
                let end = tail.min(head);
                if at.n >= end {
                    return false;
                }
                let first = at.n.max(floor).min(tail - 1) + 1;
                let last = (first + self.random.random_range(0..3)).min(end.max(first));
                let placement = member.catch_up.deliver(machine, join, log.own(branch, last));
                let mut prefix = Vec::new();
                machine.own_prefix(join, &mut prefix);
                for n in first..=last {
                    let offset = match placement {
                        Placement::Wait => return false,
                        Placement::Bare => None,
                        Placement::Shared => {
                            Some(text(|out| write_shared(&self.rooms[room].0, log.own(branch, n), out)))
                        }
                        Placement::Own => Some(text(|out| {
                            out.extend_from_slice(&prefix);
                            write_position(log.own(branch, n), out);
                        })),
                    };
                    let asks = !holds(Rule::NoAckId) && self.random.random_bool(0.3);
                    let offset = offset.filter(|_| !asks);
                    frames.push(Frame { body: Body::Entry(room, log.at(branch, n)), offset });
                }
            }
        }
        for frame in frames {
            self.put(c, frame);
        }
        let wanted = self.connections[c].session.as_ref().is_some_and(|owned| owned.machine.wants_ping());
        if wanted {
            self.reached.early_pings += 1;
            self.ping(c);
        }
        true
    }

    /// Sends a ping, or a server that does not wait for pongs takes everything for received.
    pub(crate) fn ping(&mut self, c: usize) {
        let connection = &mut self.connections[c];
        let server = &self.servers[connection.server];
        let Some(owned) = &mut connection.session else {
            connection.foreign_pings += 1;
            connection.outbox.push(Body::Ping.into());
            return;
        };
        owned.machine.ping();
        let heads = owned.members.iter().filter(|_| !holds(Rule::SnapSent)).map(|(room, member)| {
            let (log, branch) = (&self.logs[*room], server.source[*room]);
            (member.join, log.own(branch, server.head[*room].min(log.tail(branch))))
        });
        owned.pings.push_back(heads.collect());
        if !holds(Rule::PongProof) {
            return self.pong(c);
        }
        let place = if holds(Rule::PingInOrder) { connection.outbox.len() } else { 0 };
        connection.outbox.insert(place, Body::Ping.into());
    }

    pub(crate) fn pong(&mut self, c: usize) {
        let connection = &mut self.connections[c];
        let Some(owned) = &mut connection.session else {
            connection.foreign_pings = connection.foreign_pings.saturating_sub(1);
            return;
        };
        let heads = owned.pings.pop_front().unwrap_or_default();
        let Some(mut checkpoint) = owned.machine.pong() else { return };
        for (join, at) in &mut checkpoint.places {
            *at = heads.iter().find(|(of, _)| of == join).map_or(*at, |(_, head)| head.max(at).to_owned());
        }
        let rooms = checkpoint.places.iter().map(|(join, _)| owned.joins[join]).collect();
        let Some(number) = owned.number else { return };
        self.write(c, number, Write::Checkpoint { checkpoint, rooms });
    }

    pub(crate) fn checkpointed(&mut self, c: usize, checkpoint: chat_session::Checkpoint, outcome: Result<(), Failed>) {
        let Some(owned) = &mut self.connections[c].session else { return };
        for (join, at) in checkpoint.places.iter().filter(|_| outcome.is_ok()) {
            for member in owned.members.values_mut().filter(|member| member.join == *join) {
                member.record = member.record.max(*at);
            }
        }
        match owned.machine.checkpointed(checkpoint, outcome) {
            Checkpointed::Same => {}
            Checkpointed::Freed => self.reached.checkpoints += 1,
            Checkpointed::Close(_) => self.drop_session(c),
        }
    }

    /// Carries out what the machine said.
    pub(crate) fn carry_out(
        &mut self,
        c: usize,
        effects: Vec<Effect<Arc<crate::room::Room>>>,
        request: Option<Request>,
    ) {
        for effect in effects {
            match effect {
                Effect::Reply { pid } => {
                    let number = self.connections[c].session.as_ref().and_then(|owned| owned.number);
                    assert_eq!(pid.is_some(), number.is_some());
                    self.connections[c].outbox.push(Body::Reply(number).into());
                }
                Effect::Ready { rooms, offset } => {
                    let mut listing = [None; super::ROOMS];
                    for (room, at) in rooms {
                        listing[room.index()] = Some(at.n);
                    }
                    self.put(c, Frame { body: Body::Ready(listing), offset });
                }
                Effect::Joined { offset, .. } => self.put(c, Frame { body: Body::Joined, offset }),
                Effect::Ack => self.answer(c, request, true),
                Effect::Nack => self.answer(c, request, false),
                Effect::Follow(follow) => self.follow(c, &follow),
                Effect::Unfollow(stay) => {
                    if let Some(owned) = &mut self.connections[c].session {
                        owned.members.remove(&stay.room.index());
                    }
                }
                Effect::Close(_) => self.drop_session(c),
            }
        }
    }

    fn answer(&mut self, c: usize, request: Option<Request>, done: bool) {
        let Some(Request { number, room, node }) = request else { return };
        let body = if done { Body::Ack { request: number, room, node } } else { Body::Nack { request: number } };
        self.connections[c].outbox.push(body.into());
    }

    fn follow(&mut self, c: usize, follow: &Follow<Arc<crate::room::Room>>) {
        let connection = &mut self.connections[c];
        let server = &self.servers[connection.server];
        let room = follow.room.index();
        let (log, branch) = (&self.logs[room], server.source[room]);
        let (head, tail) = (server.head[room], log.tail(branch));
        let Some(owned) = &mut connection.session else { return };
        let mut at = follow.at;
        if !holds(Rule::AttachAtStart) && follow.claim.is_none() && connection.busy && at.n < head && head <= tail {
            at = log.own(branch, head);
        }
        if !holds(Rule::Ahead) && follow.claim.unwrap_or(at).n > head {
            owned.machine.drop_claim(follow.join, follow.at);
            at = log.own(branch, head.min(tail));
        }
        let member = Member { join: follow.join, catch_up: CatchUp { at }, record: follow.at };
        owned.joins.insert(follow.join, room);
        owned.members.insert(room, member);
        if !holds(Rule::ConnectFirst) {
            while self.deliver(c, room) {}
        }
    }

    /// The session is over here; its record stays.
    pub(crate) fn drop_session(&mut self, c: usize) {
        let connection = &mut self.connections[c];
        connection.server_open = false;
        connection.session = None;
        connection.parcel = None;
    }

    /// Sends a write to the store.
    pub(crate) fn write(&mut self, c: usize, session: u32, write: Write) {
        let server = self.connections[c].server;
        let boot = self.servers[server].boot;
        self.operations.push(Operation::new(write, session, server, boot, c));
    }

    /// Where a member is, as it was told.
    pub(crate) fn present(&self, c: usize, room: usize, claim: Option<Position>) -> Position {
        let owned = self.connections[c].session.as_ref();
        let at = owned.and_then(|owned| owned.members.get(&room)).map_or(Position::START, |member| member.catch_up.at);
        claim.unwrap_or(at)
    }
}

fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes);
    String::from_utf8(bytes).unwrap()
}
