//! The store of records: each write is sent, applied, replicated and answered, and may be late, lost or undone.

use super::World;
use super::server::Request;
use crate::room::Room;
use chat_log::Position;
use chat_session::{Checkpoint, Failed, Join, JoinNumber, Leave, Offset, Record, Rule, Taken, holds};
use std::sync::Arc;

/// A write, with what its answer goes to.
#[derive(Debug)]
pub(crate) enum Write {
    Create { user: usize },
    Take { user: usize, offset: Option<String> },
    Join { join: Join<Arc<Room>>, request: Request },
    Leave { leave: Leave, request: Request },
    Checkpoint { checkpoint: Checkpoint, rooms: Vec<usize> },
}

#[derive(Debug)]
pub(crate) enum Answer {
    Created,
    Taken(Option<Taken>),
    Joined(Result<JoinNumber, Failed>),
    Done(Result<(), Failed>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Sent,
    Applied,
    Replicated,
}

/// A write on its way.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) write: Write,
    pub(crate) session: u32,
    pub(crate) server: usize,
    /// Of the server that wrote it: a later one does not get the answer.
    pub(crate) boot: u32,
    pub(crate) connection: usize,
    pub(crate) stage: Stage,
    pub(crate) answer: Option<Answer>,
}

impl Operation {
    pub(crate) fn new(write: Write, session: u32, server: usize, boot: u32, connection: usize) -> Self {
        Self { write, session, server, boot, connection, stage: Stage::Sent, answer: None }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.write {
            Write::Create { .. } => "create",
            Write::Take { .. } => "take",
            Write::Join { .. } => "join",
            Write::Leave { .. } => "leave",
            Write::Checkpoint { .. } => "checkpoint",
        }
    }
}

impl World {
    /// The master of the store makes the write.
    pub(crate) fn apply(&mut self, at: usize) {
        if !holds(Rule::NeverRecreate) {
            self.recreate(at);
        }
        let operation = &self.operations[at];
        let session = operation.session;
        let record = self.visible.get_mut(&session);
        let answer = match (&operation.write, record) {
            (Write::Create { user }, _) => {
                self.visible.insert(session, Record::new(*user));
                Answer::Created
            }
            (Write::Take { .. }, None) => Answer::Taken(None),
            (Write::Take { user, offset }, Some(record)) => {
                let mut taken = record.take(user);
                if let Some(taken) = &mut taken {
                    self.reached.takeovers += 1;
                    let owner = |c: &usize| {
                        self.connections[*c].session.as_ref().is_some_and(|owned| owned.number == Some(session))
                    };
                    self.reached.takeovers_from_a_live_owner += usize::from(self.live.iter().any(owner));
                    if !holds(Rule::OwnRooms) {
                        add_claimed_room(record, taken, offset.as_deref());
                    }
                }
                Answer::Taken(taken)
            }
            (Write::Join { .. }, None) => Answer::Joined(Err(Failed::Gone)),
            (Write::Leave { .. } | Write::Checkpoint { .. }, None) => Answer::Done(Err(Failed::Gone)),
            (Write::Join { join, .. }, Some(record)) => {
                let joined = record.join(join.fence, join.room.0.clone(), false, join.start);
                self.reached.fenced_off += usize::from(joined.is_err());
                Answer::Joined(joined.map_err(|_| Failed::Fenced))
            }
            (Write::Leave { leave, .. }, Some(record)) => {
                let left = record.leave(leave.fence, leave.join);
                self.reached.fenced_off += usize::from(left.is_err());
                Answer::Done(left.map_err(|_| Failed::Fenced))
            }
            (Write::Checkpoint { checkpoint, rooms }, Some(record)) => {
                let mut places = checkpoint.places.to_vec();
                if !holds(Rule::JoinMatch) {
                    for ((join, _), room) in places.iter_mut().zip(rooms) {
                        let held = record.rooms().iter().find(|held| index(&held.room) == *room);
                        *join = held.map_or(*join, |held| held.join);
                    }
                }
                let written = record.checkpoint(checkpoint.fence, &places);
                self.reached.fenced_off += usize::from(written.is_err());
                Answer::Done(written.map_err(|_| Failed::Fenced))
            }
        };
        let operation = &mut self.operations[at];
        operation.answer = Some(answer);
        operation.stage = Stage::Applied;
    }

    /// The mutant of `NeverRecreate`: a checkpoint finds no record, and its owner writes what it knows of it.
    fn recreate(&mut self, at: usize) {
        let Operation { write, session, connection: c, .. } = &self.operations[at];
        let Write::Checkpoint { checkpoint, .. } = write else { return };
        let connection = &self.connections[*c];
        let Some(owned) = connection.session.as_ref().filter(|_| !self.visible.contains_key(session)) else { return };
        let mut record = Record::new(connection.client);
        while record.fence() < checkpoint.fence {
            record.take(&connection.client);
        }
        for number in 1..=owned.joins.keys().last().map_or(0, |join| join.0) {
            // Stays that are over leave their numbers behind.
            let member = owned.members.iter().find(|(_, member)| member.join == JoinNumber(number));
            let (room, start) = member.map_or((0, Position::START), |(room, member)| (*room, member.record));
            let join = record.join(checkpoint.fence, self.rooms[room].0.clone(), false, start);
            if let Some(join) = join.ok().filter(|_| member.is_none()) {
                record.leave(checkpoint.fence, join).unwrap();
            }
        }
        self.visible.insert(*session, record);
    }

    /// The replicas have the write, and with it all that was made before it.
    pub(crate) fn replicate(&mut self, at: usize) {
        let session = self.operations[at].session;
        match self.visible.get(&session) {
            Some(record) => self.durable.insert(session, record.clone()),
            None => self.durable.remove(&session),
        };
        for operation in &mut self.operations {
            if operation.session == session && operation.stage == Stage::Applied {
                operation.stage = Stage::Replicated;
            }
        }
    }

    /// The answer arrives, if the server that asked and its connection are still there.
    pub(crate) fn answered(&mut self, operation: Operation) {
        let Operation { write, session, server, boot, connection: c, stage: _, answer } = operation;
        let Some(answer) = answer else { return };
        if self.servers[server].boot != boot || !self.connections[c].server_open {
            return;
        }
        match (write, answer) {
            (Write::Create { .. }, Answer::Created) => self.started(c, session),
            (Write::Take { offset, .. }, Answer::Taken(taken)) => match taken {
                Some(taken) => self.taken(c, session, taken, offset.as_deref()),
                None => self.create(c),
            },
            (Write::Join { .. }, Answer::Joined(outcome)) if !holds(Rule::PersistJoin) => self.joined_late(c, outcome),
            (Write::Join { join, request }, Answer::Joined(outcome)) => self.joined(c, join, outcome, request),
            (Write::Leave { leave, request }, Answer::Done(outcome)) => self.left(c, leave, outcome, request),
            (Write::Checkpoint { checkpoint, .. }, Answer::Done(outcome)) => self.checkpointed(c, checkpoint, outcome),
            (write, answer) => unreachable!("{answer:?} to {write:?}"),
        }
    }

    /// The write comes back without success: refused, or nobody knows.
    pub(crate) fn fail(&mut self, mut operation: Operation, failed: Failed) {
        operation.answer = match &operation.write {
            Write::Create { .. } | Write::Take { .. } => None,
            Write::Join { .. } => Some(Answer::Joined(Err(failed))),
            Write::Leave { .. } | Write::Checkpoint { .. } => Some(Answer::Done(Err(failed))),
        };
        if operation.answer.is_none() && self.servers[operation.server].boot == operation.boot {
            self.drop_session(operation.connection);
        }
        self.answered(operation);
    }
}

fn index(room: &str) -> usize {
    usize::from(room.as_bytes()[0] - b'a')
}

/// The mutant of `OwnRooms`: the client's word makes a room its own.
fn add_claimed_room(record: &mut Record<usize>, taken: &mut Taken, offset: Option<&str>) {
    let Some(Offset::Shared { room, at }) = offset.and_then(Offset::parse) else { return };
    if record.rooms().iter().all(|held| *held.room != *room) && record.join(taken.fence, room.into(), false, at).is_ok()
    {
        taken.rooms = record.rooms().to_vec();
    }
}
