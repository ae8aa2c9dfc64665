//! Durable sends over one room a connection, at a pace and as fast as they are acknowledged: what the server spends on each, what its master;
//! then the same with one master.
//!
//! What three masters cost is judged both ways. At a pace that leaves them idle, each of three has a third of the sends and so a pipeline and a
//! `WAIT` for fewer of them, and it depends on what else the machine does; with as many sends as there is room for, batches are full.

use std::time::Duration;

use super::spent::{Mark, Spent};
use super::{Options, cluster, crowd};
use crate::crowd::{Crowd, Pace, Press, RunError};
use crate::report::Report;

const CONNECTIONS: usize = 1000;

/// Sends a second: enough for batches, and not all that two cores can do.
const RATE: f64 = 1500.0;

/// Sends that wait for their acknowledgements: half of the connections have one.
const IN_FLIGHT: usize = 500;

/// What the sends of one cluster took.
struct Sends {
    report: Report,
    paced: Spent,
    pressed: Spent,
    redis: String,
}

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let three = sends(options, 3)?;
    let one = sends(options, 1)?;
    let mut report = three.report;
    let Spent { servers_s, replicas_s, .. } = three.paced;
    let appends = three.paced.all_appends();
    let (server, master) = (servers_s * 1e6 / appends, three.paced.all_masters_s() * 1e6 / appends);
    report.add("rate", RATE, "1/s");
    report.add("server_cpu_us_a_send", server, "us");
    report.add("master_cpu_us_an_append", master, "us");
    report.add("replica_cpu_us_an_append", replicas_s * 1e6 / appends, "us");
    report.add("server_to_master", server / master, "x");
    for (index, count) in three.paced.appends.iter().enumerate() {
        report.add(&format!("share_of_master_{}", index + 1), *count as f64 / appends, "");
    }
    for (way, three, one) in [("paced", &three.paced, &one.paced), ("pressed", &three.pressed, &one.pressed)] {
        let (of_three, of_one) = (three.us_a_message(), one.us_a_message());
        report.add(&format!("{way}_cpu_us_a_message_three_masters"), of_three, "us");
        report.add(&format!("{way}_cpu_us_a_message_one_master"), of_one, "us");
        report.add(&format!("{way}_three_to_one"), of_three / of_one, "x");
    }
    report.add("pressed_sends_a_second_three_masters", three.pressed.all_appends() / options.seconds, "1/s");
    report.add("pressed_sends_a_second_one_master", one.pressed.all_appends() / options.seconds, "1/s");
    report.complete &= one.report.complete && one.report.tally.is_clean();
    Ok((report, three.redis))
}

fn sends(options: &Options, masters: usize) -> Result<Sends, RunError> {
    let cluster = cluster(options, 1, masters)?;
    let mut crowd = Crowd::new(&crowd(options, cluster.servers[0].url(), CONNECTIONS, CONNECTIONS), false)?;
    crowd.gather(0..CONNECTIONS, 50, crate::mode::GATHER)?;
    let pace = |seconds: f64| Pace {
        rate: RATE,
        duration: Duration::from_secs_f64(seconds),
        rooms: 0..CONNECTIONS,
        senders: 1,
    };
    let press = |seconds: f64| Press {
        in_flight: IN_FLIGHT,
        duration: Duration::from_secs_f64(seconds),
        rooms: 0..CONNECTIONS,
    };
    crowd.pace("warming up", &pace(2.0))?;
    let mark = Mark::set(&cluster)?;
    let at_a_pace = crowd.pace("sending", &pace(options.seconds))?;
    let paced = mark.spent()?;
    crowd.press("warming up", &press(1.0))?;
    let mark = Mark::set(&cluster)?;
    let as_fast = crowd.press("pressing", &press(options.seconds))?;
    let pressed = mark.spent()?;
    let mut report = crowd.report("durable", at_a_pace.complete && as_fast.complete);
    at_a_pace.add_to(&mut report, "");
    Ok(Sends { report, paced, pressed, redis: cluster.redis_version()? })
}
