//! What goes wrong.

#![allow(clippy::unnecessary_wraps, reason = "all steps are of one type")]

use super::World;
use super::connection::Body;
use super::store::{Stage, Write};
use chat_session::{Failed, Rule, holds};
use rand::Rng;
use rand::seq::IndexedRandom;

/// A server learns who the master of a room is.
pub(crate) fn topology(world: &mut World) -> Option<String> {
    let at = world.random.random_range(0..world.servers.len());
    let room = world.random.random_range(0..world.busy_rooms);
    let current = world.logs[room].current();
    let source = &mut world.servers[at].source[room];
    if *source == current {
        return None;
    }
    *source = current;
    Some(format!("server {at}, room {room}"))
}

/// A client's connection breaks; the server does not know.
pub(crate) fn cut(world: &mut World) -> Option<String> {
    let client = world.pick_client(|client, _| client.connection.is_some())?;
    world.close(client);
    Some(format!("client {client}"))
}

/// A server closes a connection on purpose.
pub(crate) fn shut(world: &mut World) -> Option<String> {
    let c = world.pick_connection(|connection| connection.server_open && connection.session.is_some())?;
    let connection = &mut world.connections[c];
    if connection.polling && connection.held && !holds(Rule::CloseAlone) {
        let mut payload = std::mem::take(&mut connection.outbox);
        payload.push(Body::Close.into());
        connection.response = Some(payload);
        connection.held = false;
    }
    world.drop_session(c);
    Some(format!("connection {c}"))
}

/// A server dies and comes back, knowing nothing.
pub(crate) fn kill(world: &mut World) -> Option<String> {
    let at = world.random.random_range(0..world.servers.len());
    let server = &mut world.servers[at];
    server.boot += 1;
    for (room, log) in world.logs.iter().enumerate() {
        server.source[room] = log.current();
        server.head[room] = 0;
    }
    for c in world.live.clone() {
        if world.connections[c].server == at {
            world.drop_session(c);
        }
    }
    Some(format!("server {at}"))
}

/// Failover of a room's log: what was not replicated is lost, and the old master may go on.
pub(crate) fn roll_back(world: &mut World) -> Option<String> {
    let room = world.random.random_range(0..world.busy_rooms);
    let lost = *[0, 1, 1, 2, 3].choose(&mut world.random)?;
    let log = &mut world.logs[room];
    let (current, tail) = (log.current(), log.tail(log.current()));
    let keep = tail.saturating_sub(lost).max(log.branches[current].floor);
    let epoch = log.branches[current].epoch;
    // The raise itself may be lost, where nobody waited for it.
    let raise_is_lost = !holds(Rule::EpochDurable) && keep <= log.common(current, epoch - 1);
    let rises = holds(Rule::Epoch) && !raise_is_lost;
    log.roll_back(keep, epoch + u64::from(rises));
    Some(format!("room {room}: after {keep} of {tail}, from epoch {epoch}"))
}

pub(crate) fn trim(world: &mut World) -> Option<String> {
    let room = world.random.random_range(0..world.busy_rooms);
    let log = &mut world.logs[room];
    let (current, tail) = (log.current(), log.tail(log.current()));
    let floor = &mut log.branches[current].floor;
    *floor = world.random.random_range(*floor..=tail);
    Some(format!("room {room}: up to {floor}"))
}

/// The store falls back to what was replicated; the rest is unknown to its writers, who send it again.
pub(crate) fn fail_over(world: &mut World) -> Option<String> {
    world.visible = world.durable.clone();
    for operation in &mut world.operations {
        if operation.stage == Stage::Applied {
            operation.stage = Stage::Sent;
            operation.answer = None;
        }
    }
    Some(String::new())
}

pub(crate) fn expire(world: &mut World) -> Option<String> {
    let sessions: Vec<u32> = world.visible.keys().copied().collect();
    let session = sessions.choose(&mut world.random)?;
    world.visible.remove(session);
    world.durable.remove(session);
    Some(format!("session {session}"))
}

/// A write of a dead server never arrives, or a checkpoint of a living one, which is told that nobody knows.
pub(crate) fn lose(world: &mut World) -> Option<String> {
    let orphan: Vec<bool> =
        world.operations.iter().map(|operation| world.servers[operation.server].boot != operation.boot).collect();
    let lost: Vec<usize> = (0..world.operations.len())
        .filter(|at| {
            let operation = &world.operations[*at];
            let checkpoint = matches!(operation.write, Write::Checkpoint { .. });
            operation.stage == Stage::Sent && (checkpoint || orphan[*at])
        })
        .collect();
    let at = world.pick(&lost)?;
    Some(give_up(world, at, Failed::Unknown))
}

/// The store refuses a write, for certain.
pub(crate) fn refuse(world: &mut World) -> Option<String> {
    let at = world.pick_operation(|operation| operation.stage == Stage::Sent)?;
    Some(give_up(world, at, Failed::Refused))
}

/// The answer to a write is lost for good, wherever the write is.
pub(crate) fn unknown(world: &mut World) -> Option<String> {
    let at = world.pick_operation(|operation| operation.stage != Stage::Replicated)?;
    Some(give_up(world, at, Failed::Unknown))
}

fn give_up(world: &mut World, at: usize, failed: Failed) -> String {
    let operation = world.operations.remove(at);
    let told = format!("{} of session {}: {failed:?}", operation.name(), operation.session);
    world.reached.failed_writes += 1;
    world.fail(operation, failed);
    told
}
