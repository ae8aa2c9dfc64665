//! From send to delivery at 500 sends a second over 1,000 rooms, on three servers, and in the bare loop on the same cluster, in turn: what else
//! the machine does meanwhile falls on both.

use std::time::Duration;

use super::{Options, bare, cluster, crowd};
use crate::crowd::{Crowd, Pace, RunError};
use crate::latency::Latencies;
use crate::report::Report;

const ROOMS: usize = 1000;
const RATE: f64 = 500.0;
const TEXT: usize = 100;

/// Stretches of each of both.
const TURNS: u32 = 5;

/// Members of a room; they are on different servers.
const MEMBERS: usize = 2;

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let cluster = cluster(options, 3, 3)?;
    let urls: Vec<String> = cluster.servers.iter().map(chat_rig::ChatServer::url).collect();
    let mut crowd = Crowd::new(&crowd(options, urls.join(","), ROOMS * MEMBERS, ROOMS), false)?;
    crowd.gather(0..ROOMS * MEMBERS, 50, crate::mode::GATHER)?;
    crowd.idle(Duration::from_secs(2))?;
    let each = Duration::from_secs_f64(options.seconds) / TURNS;
    let pace = Pace { rate: RATE, duration: each, rooms: 0..ROOMS, senders: 1 };
    let (mut bare, mut bare_acks) = (Latencies::default(), Latencies::default());
    let mut deliveries = Latencies::default();
    let mut complete = true;
    crowd.pace("warming up", &pace)?;
    crowd.members.acks = Latencies::default();
    for _ in 0..TURNS {
        // The servers are idle meanwhile, and keep their connections.
        let taken = bare::run(&cluster, ROOMS, RATE, each, TEXT)?;
        bare.add(&taken.deliveries);
        bare_acks.add(&taken.acks);
        let window = crowd.pace("sending", &pace)?;
        deliveries.add(&window.latencies);
        complete &= window.complete;
    }
    let acks = std::mem::take(&mut crowd.members.acks);
    let mut report = crowd.report("latency", complete);
    report.add("deliveries", deliveries.count() as f64, "");
    report.add("latency_p50", deliveries.quantile_ms(0.5), "ms");
    report.add("latency_p99", deliveries.quantile_ms(0.99), "ms");
    report.add("ack_p50", acks.quantile_ms(0.5), "ms");
    report.add("ack_p99", acks.quantile_ms(0.99), "ms");
    report.add("bare_latency_p50", bare.quantile_ms(0.5), "ms");
    report.add("bare_latency_p99", bare.quantile_ms(0.99), "ms");
    report.add("bare_ack_p50", bare_acks.quantile_ms(0.5), "ms");
    report.add("bare_ack_p99", bare_acks.quantile_ms(0.99), "ms");
    report.add("p50_to_bare", deliveries.quantile_ms(0.5) / bare.quantile_ms(0.5), "x");
    report.add("p99_to_bare", deliveries.quantile_ms(0.99) / bare.quantile_ms(0.99), "x");
    Ok((report, cluster.redis_version()?))
}
