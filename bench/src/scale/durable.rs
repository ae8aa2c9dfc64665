//! Durable sends at a pace, over one room a connection: what the server spends on each, what its master; then the same with one master.

use std::time::Duration;

use super::spent::{Mark, Spent};
use super::{Options, cluster, crowd};
use crate::crowd::{Crowd, Pace, RunError, Window};
use crate::report::Report;

const CONNECTIONS: usize = 1000;

/// Sends a second: enough for batches, and not all that two cores can do.
const RATE: f64 = 1500.0;

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let (mut report, spent, redis) = sends(options, 3)?;
    let (single, alone, _) = sends(options, 1)?;
    let appends = |spent: &Spent| spent.appends.iter().sum::<u64>().max(1) as f64;
    let masters = |spent: &Spent| spent.masters_s.iter().sum::<f64>();
    let all = |spent: &Spent| (spent.servers_s + masters(spent) + spent.replicas_s) * 1e6 / appends(spent);
    let (server, master) = (spent.servers_s * 1e6 / appends(&spent), masters(&spent) * 1e6 / appends(&spent));
    report.add("rate", RATE, "1/s");
    report.add("server_cpu_us_a_send", server, "us");
    report.add("master_cpu_us_an_append", master, "us");
    report.add("replica_cpu_us_an_append", spent.replicas_s * 1e6 / appends(&spent), "us");
    report.add("server_to_master", server / master, "x");
    for (index, count) in spent.appends.iter().enumerate() {
        report.add(&format!("share_of_master_{}", index + 1), *count as f64 / appends(&spent), "");
    }
    report.add("cpu_us_a_message_three_masters", all(&spent), "us");
    report.add("cpu_us_a_message_one_master", all(&alone), "us");
    report.add("three_to_one", all(&spent) / all(&alone), "x");
    report.complete &= single.complete && single.tally.is_clean();
    Ok((report, redis))
}

fn sends(options: &Options, masters: usize) -> Result<(Report, Spent, String), RunError> {
    let cluster = cluster(options, 1, masters)?;
    let mut crowd = Crowd::new(&crowd(options, cluster.servers[0].url(), CONNECTIONS, CONNECTIONS), false)?;
    crowd.gather(0..CONNECTIONS, 50, super::super::mode::GATHER)?;
    let pace = |seconds: f64| Pace {
        rate: RATE,
        duration: Duration::from_secs_f64(seconds),
        rooms: 0..CONNECTIONS,
        senders: 1,
    };
    crowd.pace("warming up", &pace(2.0))?;
    let mark = Mark::set(&cluster)?;
    let window: Window = crowd.pace("sending", &pace(options.seconds))?;
    let spent = mark.spent()?;
    let mut report = crowd.report("durable", window.complete);
    window.add_to(&mut report, "");
    Ok((report, spent, cluster.redis_version()?))
}
