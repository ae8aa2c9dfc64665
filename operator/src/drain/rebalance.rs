//! Evens connections out after a scale-up: only from servers well above the mean, at a bounded rate, and never while anything else is going on.

use super::plan::Plan;
use super::world::World;

/// Connections that a server is to close, idle ones first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// The pod.
    pub name: String,
    /// How many.
    pub count: u64,
    /// How many a second.
    pub rate: u32,
}

/// A server above this part of the mean, in percent, has too many.
const ABOVE_PERCENT: u64 = 110;

/// Fewer than so many above the mean are not worth a disconnect.
const ABOVE_COUNT: u64 = 100;

/// It may take so long until a server hears what it is to close, in seconds.
const HEARD_SECONDS: u64 = 4;

/// Decides whether connections are to be closed for an even spread. A round closes no more than it can until the next one may begin: each server is given
/// its share of the rate, and those of two rounds would come to more than the rate.
pub(super) fn decide(world: &World, plan: &mut Plan) {
    let pace = &world.wanted.pace;
    let Some(rate) = pace.rebalance_rate else { return };
    let rested = world.rebalanced_at.is_none_or(|at| world.now.duration_since(at) >= pace.rebalance_cooldown);
    let quiet = plan.rollout.is_none() && plan.recorded.is_empty() && !plan.held_back;
    let all_serve =
        world.servers.iter().all(super::world::Server::serves) && world.servers.len() == world.wanted.replicas;
    let known: Option<Vec<_>> = world.servers.iter().map(|server| Some((server, server.connections?))).collect();
    let (true, true, true, Some(known)) = (rested, quiet, all_serve, known) else { return };
    if known.is_empty() {
        return;
    }
    let mean = known.iter().map(|(_, connections)| connections).sum::<u64>() / known.len() as u64;
    let bound = (mean * ABOVE_PERCENT / 100).max(mean + ABOVE_COUNT);
    let above: Vec<_> = known.into_iter().filter(|(_, connections)| *connections > bound).collect();
    if above.is_empty() {
        return;
    }
    let share = (rate / above.len() as u32).max(1);
    let seconds = u64::try_from(pace.rebalance_cooldown.as_secs()).unwrap_or(0).saturating_sub(HEARD_SECONDS).max(1);
    let most = u64::from(share) * seconds;
    plan.rebalanced_at = Some(world.now);
    plan.close = above
        .into_iter()
        .take(rate as usize)
        .map(|(server, connections)| Close {
            name: server.name.clone(),
            count: (connections - mean).min(most),
            rate: share,
        })
        .collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drain::{Pace, Revision, Server, Wanted, plan};
    use jiff::{SignedDuration, Timestamp};

    const RATE: u64 = 50;

    const COOLDOWN: u64 = 60;

    fn world(connections: &[u64]) -> World {
        let pace = Pace {
            drain_rate: 500,
            drain_deadline: SignedDuration::from_secs(300),
            rollout_rate: 500,
            wave_percent: 25,
            rebalance_rate: Some(RATE as u32),
            rebalance_cooldown: SignedDuration::from_secs(COOLDOWN as i64),
        };
        let server = |(number, connections): (usize, &u64)| Server {
            name: format!("chat-{number:03}"),
            uid: number.to_string(),
            revision: "r".to_owned(),
            ready: true,
            open: true,
            deleting: false,
            connections: Some(*connections),
            marked: false,
        };
        let replicas = connections.len();
        World {
            now: Timestamp::from_second(1_800_000_000).expect("a time"),
            wanted: Wanted { replicas, revision: "r".to_owned(), pace },
            revisions: vec![Revision { hash: "r".to_owned(), replicas }],
            servers: connections.iter().enumerate().map(server).collect(),
            recorded: Vec::new(),
            rollout: None,
            service: Some("r".to_owned()),
            rebalanced_at: None,
            redis_healthy: true,
        }
    }

    #[test]
    fn a_round_ends_before_the_next_and_all_of_it_keeps_the_rate() {
        for servers in [2, 3, 40, 200] {
            let half = servers / 2;
            let connections: Vec<_> = (0..servers).map(|number| if number < half { 9_000 } else { 0 }).collect();
            let plan = plan(&world(&connections));
            assert_eq!(plan.close.len(), half.min(RATE as usize));
            assert!(plan.close.iter().map(|close| u64::from(close.rate)).sum::<u64>() <= RATE);
            assert!(plan.close.iter().all(|close| close.count > 0 && close.count <= u64::from(close.rate) * COOLDOWN));
        }
    }

    #[test]
    fn few_too_many_are_left_alone() {
        assert_eq!(plan(&world(&[1_000, 900, 1_050])).close, []);
        assert_eq!(plan(&world(&[150, 10, 20])).close, [], "fewer than 100 above the mean");
        let close = plan(&world(&[400, 10, 10])).close;
        assert_eq!(close, [Close { name: "chat-000".to_owned(), count: 260, rate: 50 }]);
    }

    #[test]
    fn it_rests_between_two_rounds() {
        let mut world = world(&[9_000, 0]);
        world.rebalanced_at = Some(world.now - SignedDuration::from_secs(COOLDOWN as i64 - 1));
        assert_eq!(plan(&world).close, []);
        world.rebalanced_at = Some(world.now - SignedDuration::from_secs(COOLDOWN as i64));
        assert_eq!(plan(&world).close.len(), 1);
    }
}
