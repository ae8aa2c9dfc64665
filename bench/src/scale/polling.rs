//! Long polling behind a balancer that takes the servers in turn, request by request: none may fail.

use std::time::{Duration, Instant};

use super::{Options, cluster, crowd};
use crate::crowd::{Crowd, RunError};
use crate::fleet::Transport;
use crate::report::Report;

const CONNECTIONS: usize = 60;
const ROOMS: usize = 6;
const REQUESTS: u64 = 10_000;
const ACQUAINTED: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(180);

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let cluster = cluster(options, 3, 3)?;
    let mut load = crowd(options, cluster.url(), CONNECTIONS, ROOMS);
    load.transport = Transport::Polling;
    // A server that has just come is known to the others after their next look at the registry.
    std::thread::sleep(ACQUAINTED);
    let mut crowd = Crowd::new(&load, false)?;
    crowd.gather(0..CONNECTIONS, 10, crate::mode::GATHER)?;
    let started = Instant::now();
    let mut sends = 0;
    while crowd.fleet.requests() < REQUESTS && started.elapsed() < PATIENCE {
        crowd.send(sends % ROOMS, sends / ROOMS % 10);
        sends += 1;
        crowd.idle(Duration::from_millis(5))?;
    }
    let complete = crowd.drain()?;
    let requests = crowd.fleet.requests();
    let seconds = started.elapsed().as_secs_f64();
    let forwards: f64 =
        cluster.servers.iter().filter_map(|server| server.metric("chat_requests_forwarded_total").ok()).sum();
    let mut report = crowd.report("polling", complete && requests >= REQUESTS);
    let failed: u64 = report.tally.ended.values().sum();
    report.add("requests", requests as f64, "");
    report.add("failed", failed as f64, "");
    report.add("forwarded", forwards, "");
    report.add("requests_a_second", requests as f64 / seconds, "1/s");
    Ok((report, cluster.redis_version()?))
}
