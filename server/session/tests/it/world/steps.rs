//! The small steps that a schedule is made of. Each says in a line what it did, or nothing if there was nothing to do.

#![allow(clippy::unnecessary_wraps, reason = "all steps are of one type")]

use super::World;
use super::client::Membership;
use super::connection::{Body, Connection, Frame};
use super::faults;
use super::moves;
use super::store::Stage;
use chat_session::{Rule, holds};
use rand::Rng;

/// How the weight of a step varies from schedule to schedule.
pub(crate) enum Kind {
    /// What may lag behind.
    Slow,
    /// What should not happen, and in some schedules does not.
    Fault,
    /// What goes on all the time.
    Usual,
}

/// Takes the step, and says what it did.
pub(crate) type Run = fn(&mut World) -> Option<String>;

/// A step that may be taken next.
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) weight: f64,
    pub(crate) kind: Kind,
    pub(crate) run: Run,
}

const fn step(name: &'static str, weight: f64, kind: Kind, run: Run) -> Step {
    Step { name, weight, kind, run }
}

/// All of them.
pub(crate) const STEPS: &[Step] = &[
    step("append", 8.0, Kind::Usual, append),
    step("follow", 12.0, Kind::Slow, follow),
    step("deliver", 24.0, Kind::Usual, deliver),
    step("write", 14.0, Kind::Usual, |world| world.write_out(false)),
    step("receive", 26.0, Kind::Usual, |world| world.receive_next(false)),
    step("read", 14.0, Kind::Slow, World::read_next),
    step("work", 12.0, Kind::Usual, World::work_next),
    step("apply", 12.0, Kind::Slow, World::apply_next),
    step("replicate", 12.0, Kind::Usual, World::replicate_next),
    step("answer", 12.0, Kind::Usual, World::answer_next),
    step("ping", 3.0, Kind::Usual, ping),
    step("volatile", 0.5, Kind::Usual, volatile),
    step("upgrade", 0.4, Kind::Usual, upgrade),
    step("move", 1.2, Kind::Usual, World::move_next),
    step("give", 4.0, Kind::Slow, World::give_next),
    step("arrive", 6.0, Kind::Usual, World::arrive_next),
    step("give up", 1.0, Kind::Slow, World::give_up_next),
    step("open", 9.0, Kind::Usual, World::open_next),
    step("join", 6.0, Kind::Usual, join),
    step("leave", 1.5, Kind::Usual, leave),
    step("notice", 0.6, Kind::Slow, World::notice_next),
    step("see", 4.0, Kind::Usual, World::see_next),
    step("told", 0.5, Kind::Usual, World::tell_next),
    step("topology", 1.0, Kind::Slow, faults::topology),
    step("cut", 0.8, Kind::Fault, faults::cut),
    step("shut", 0.3, Kind::Fault, faults::shut),
    step("kill", 0.1, Kind::Fault, faults::kill),
    step("roll back", 0.15, Kind::Fault, faults::roll_back),
    step("trim", 0.2, Kind::Fault, faults::trim),
    step("fail over", 0.15, Kind::Fault, faults::fail_over),
    step("expire", 0.03, Kind::Fault, faults::expire),
    step("lose", 0.3, Kind::Fault, faults::lose),
    step("lose parcel", 0.2, Kind::Fault, moves::lose_parcel),
    step("refuse", 0.1, Kind::Fault, faults::refuse),
    step("unknown", 0.1, Kind::Fault, faults::unknown),
];

fn append(world: &mut World) -> Option<String> {
    let room = world.random.random_range(0..world.busy_rooms);
    let current = world.logs[room].current();
    // An old master may go on for a while.
    let branch = if world.random.random_bool(0.3) {
        current.saturating_sub(usize::from(world.random.random_bool(0.5)))
    } else {
        current
    };
    world.logs[room].append(branch);
    let log = &world.logs[room];
    Some(format!("room {room}: {} on branch {branch} of {current}", log.own(branch, log.tail(branch))))
}

fn follow(world: &mut World) -> Option<String> {
    let at = world.random.random_range(0..world.servers.len());
    let room = world.random.random_range(0..world.busy_rooms);
    let server = &mut world.servers[at];
    let tail = world.logs[room].tail(server.source[room]);
    server.head[room] = world.random.random_range(server.head[room].min(tail)..=tail);
    Some(format!("server {at}, room {room}: to {}", server.head[room]))
}

fn deliver(world: &mut World) -> Option<String> {
    let c = world
        .pick_connection(|connection| connection.session.as_ref().is_some_and(|owned| !owned.members.is_empty()))?;
    let rooms: Vec<usize> = world.connections[c].session.as_ref()?.members.keys().copied().collect();
    let room = world.pick(&rooms)?;
    world.deliver(c, room).then(|| format!("connection {c}, room {room}: {:?}", world.connections[c].outbox.last()))
}

fn ping(world: &mut World) -> Option<String> {
    let most = if world.many_pings { 3 } else { 1 };
    let in_flight = |connection: &Connection| {
        connection.session.as_ref().map_or(usize::from(connection.foreign_pings), |owned| owned.pings.len())
    };
    let c = world.pick_connection(|connection| {
        connection.server_open && !connection.is_arriving() && in_flight(connection) < most
    })?;
    world.ping(c);
    Some(format!("connection {c}"))
}

fn volatile(world: &mut World) -> Option<String> {
    let c = world.pick_connection(|connection| connection.session.is_some())?;
    let offset = (!holds(Rule::VolatileObject)).then(|| "bob".to_owned());
    world.connections[c].outbox.push(Frame { body: Body::Volatile, offset });
    Some(format!("connection {c}"))
}

fn upgrade(world: &mut World) -> Option<String> {
    let may = |connection: &Connection| {
        let still = connection.held || !holds(Rule::UpgradeOrder);
        connection.polling && connection.client_open && connection.server_open && connection.moving.is_none() && still
    };
    let c = world.pick_connection(may)?;
    world.connections[c].polling = false;
    Some(format!("connection {c}"))
}

fn join(world: &mut World) -> Option<String> {
    let room = world.random.random_range(0..world.busy_rooms);
    let client = world.pick_client(|client, _| client.connected)?;
    let of = &world.clients[client];
    match of.rooms[room] {
        Membership::Joining | Membership::Leaving => return None,
        Membership::In if world.random.random_bool(0.5) => return None,
        Membership::In | Membership::Out => {}
    }
    let log = &world.logs[room];
    let tail = log.tail(log.current());
    let n = world.random.random_range(tail.saturating_sub(4)..=tail);
    let cursor = (!of.hostile && world.random.random_bool(0.5)).then(|| log.own(log.current(), n));
    world.ask(client, room, true, cursor);
    Some(format!("client {client}, room {room}, after {cursor:?}"))
}

fn leave(world: &mut World) -> Option<String> {
    let room = world.random.random_range(0..world.busy_rooms);
    let client = world.pick_client(|client, _| client.connected)?;
    if world.clients[client].rooms[room] != Membership::In {
        return None;
    }
    world.ask(client, room, false, None);
    Some(format!("client {client}, room {room}"))
}

/// Steps that go on while the world heals.
impl World {
    pub(crate) fn write_out(&mut self, calm: bool) -> Option<String> {
        let ready = |connection: &Connection| {
            connection.server_open && !connection.outbox.is_empty() && (connection.held || !connection.polling)
        };
        let c = self.pick_connection(ready)?;
        let connection = &mut self.connections[c];
        if connection.polling {
            connection.response = Some(std::mem::take(&mut connection.outbox));
            connection.held = false;
        } else {
            let all = connection.outbox.len();
            let some = if calm { all } else { self.random.random_range(1..=all) };
            connection.wire.extend(connection.outbox.drain(..some));
        }
        Some(format!("connection {c}"))
    }

    pub(crate) fn receive_next(&mut self, calm: bool) -> Option<String> {
        let on_its_way =
            |connection: Option<&Connection>| connection.is_some_and(|c| !c.wire.is_empty() || c.response.is_some());
        let client = self.pick_client(|_, connection| on_its_way(connection))?;
        let c = self.clients[client].connection?;
        if let Some(frame) = self.connections[c].wire.pop_front() {
            let told = format!("client {client}: {frame:?}");
            self.receive(client, frame);
            return Some(told);
        }
        if !calm && self.random.random_bool(0.06) {
            // The response is lost whole.
            if self.random.random_bool(0.5) {
                self.close(client);
                return Some(format!("client {client}: the response is lost, it closes"));
            }
            if holds(Rule::GetRetry) {
                return Some(format!("client {client}: the GET comes again, and gets the same payload"));
            }
            let connection = &mut self.connections[c];
            (connection.response, connection.held) = (None, true);
            return Some(format!("client {client}: the GET comes again, and is taken for the next one"));
        }
        let frames = self.connections[c].response.take()?;
        self.connections[c].held = true;
        let told = format!("client {client}: {frames:?}");
        self.payload(client, frames);
        Some(told)
    }

    pub(crate) fn read_next(&mut self) -> Option<String> {
        let c = self.pick_connection(|connection| {
            connection.server_open && !connection.is_arriving() && !connection.up.is_empty()
        })?;
        self.read(c);
        Some(format!("connection {c}"))
    }

    pub(crate) fn work_next(&mut self) -> Option<String> {
        let waiting =
            |connection: &Connection| connection.server_open && !connection.busy && !connection.todo.is_empty();
        let c = self.pick_connection(waiting)?;
        let told = format!("connection {c}: {:?}", self.connections[c].todo.front());
        self.work(c);
        Some(told)
    }

    pub(crate) fn apply_next(&mut self) -> Option<String> {
        let at = self.pick_operation(|operation| operation.stage == Stage::Sent)?;
        self.apply(at);
        let operation = &self.operations[at];
        Some(format!("{:?} of session {}: {:?}", operation.write, operation.session, operation.answer))
    }

    pub(crate) fn replicate_next(&mut self) -> Option<String> {
        let at = self.pick_operation(|operation| operation.stage == Stage::Applied)?;
        self.replicate(at);
        Some(format!("session {}", self.operations[at].session))
    }

    pub(crate) fn answer_next(&mut self) -> Option<String> {
        let enough = if holds(Rule::Wait) { Stage::Replicated } else { Stage::Applied };
        let at =
            self.pick_operation(|operation| operation.stage == enough || (operation.stage == Stage::Replicated))?;
        let operation = self.operations.remove(at);
        let told = format!("{} of session {}", operation.name(), operation.session);
        self.answered(operation);
        Some(told)
    }

    pub(crate) fn open_next(&mut self) -> Option<String> {
        let client = self.pick_client(|client, _| client.connection.is_none())?;
        self.open(client);
        let c = self.clients[client].connection?;
        Some(format!("client {client}, connection {c}: {:?}", self.connections[c].up.front()))
    }

    /// A server finds a connection dead.
    pub(crate) fn notice_next(&mut self) -> Option<String> {
        let c = self.pick_connection(|connection| connection.server_open && !connection.client_open)?;
        self.drop_session(c);
        Some(format!("connection {c}"))
    }

    /// A client finds its connection dead.
    pub(crate) fn see_next(&mut self) -> Option<String> {
        let client = self.pick_client(|_, connection| connection.is_some_and(|connection| !connection.server_open))?;
        self.close(client);
        Some(format!("client {client}"))
    }

    /// An old owner hears of the take-over.
    pub(crate) fn tell_next(&mut self) -> Option<String> {
        let taken = |c: &usize| {
            let owned = self.connections[*c].session.as_ref()?;
            let record = self.visible.get(&owned.number?)?;
            (record.fence() > owned.machine.fence()).then_some(*c)
        };
        let c = self.live.iter().find_map(taken)?;
        self.drop_session(c);
        Some(format!("connection {c}"))
    }
}
