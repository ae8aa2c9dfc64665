//! From send to delivery at 500 sends a second over 1,000 rooms, on three servers, beside the bare loop on the same cluster.

use std::time::Duration;

use super::{Options, bare, cluster, crowd};
use crate::crowd::{Crowd, Pace, RunError};
use crate::report::Report;

const ROOMS: usize = 1000;
const RATE: f64 = 500.0;
const TEXT: usize = 100;

/// Members of a room; they are on different servers.
const MEMBERS: usize = 2;

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let cluster = cluster(options, 3, 3)?;
    let length = Duration::from_secs_f64(options.seconds);
    let urls: Vec<String> = cluster.servers.iter().map(chat_rig::ChatServer::url).collect();
    let mut crowd = Crowd::new(&crowd(options, urls.join(","), ROOMS * MEMBERS, ROOMS), false)?;
    crowd.gather(0..ROOMS * MEMBERS, 50, crate::mode::GATHER)?;
    crowd.idle(Duration::from_secs(2))?;
    // The servers are idle meanwhile, and have their connections, as in the stretch that follows.
    let first = bare::run(&cluster, ROOMS, RATE, length / 2, TEXT)?;
    let pace = Pace { rate: RATE, duration: length, rooms: 0..ROOMS, senders: 1 };
    crowd.members.acks = crate::latency::Latencies::default();
    let window = crowd.pace("sending", &pace)?;
    let acks = std::mem::take(&mut crowd.members.acks);
    let second = bare::run(&cluster, ROOMS, RATE, length / 2, TEXT)?;
    let (mut bare, mut bare_acks) = (first.deliveries, first.acks);
    bare.add(&second.deliveries);
    bare_acks.add(&second.acks);
    let mut report = crowd.report("latency", window.complete);
    window.add_to(&mut report, "");
    report.add("ack_p50", acks.quantile_ms(0.5), "ms");
    report.add("ack_p99", acks.quantile_ms(0.99), "ms");
    report.add("bare_latency_p50", bare.quantile_ms(0.5), "ms");
    report.add("bare_latency_p99", bare.quantile_ms(0.99), "ms");
    report.add("bare_ack_p50", bare_acks.quantile_ms(0.5), "ms");
    report.add("bare_ack_p99", bare_acks.quantile_ms(0.99), "ms");
    report.add("p50_to_bare", window.latencies.quantile_ms(0.5) / bare.quantile_ms(0.5), "x");
    report.add("p99_to_bare", window.latencies.quantile_ms(0.99) / bare.quantile_ms(0.99), "x");
    Ok((report, cluster.redis_version()?))
}
