//! What a recovery reads from Redis: the same entries missed, with more and more traffic in other rooms meanwhile.

use std::io;
use std::time::{Duration, Instant};

use super::{Options, cluster, crowd};
use crate::chaos::cluster::Cluster;
use crate::crowd::{Crowd, Pace, RunError};
use crate::report::Report;

/// Members that go away and come back, in `ROOMS` rooms; one more a room stays and speaks.
const AWAY: usize = 100;
const ROOMS: usize = 20;
/// Entries that each room gets meanwhile.
const MISSED: usize = 20;

/// Rooms of the other traffic, and its sends.
const OTHERS: usize = 50;
const SENDS: usize = 400;

/// All must have everything again within this time.
const BACK_MAX: Duration = Duration::from_secs(60);

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let cluster = cluster(options, 3, 3)?;
    let (mut report, once) = round(options, &cluster, SENDS)?;
    let (again, tenfold) = round(options, &cluster, 10 * SENDS)?;
    report.complete &= again.complete && again.tally.is_clean();
    let payload = (AWAY * MISSED) as f64;
    report.add("missed_entries", payload, "");
    report.add("read_bytes_once", once, "B");
    report.add("read_bytes_tenfold", tenfold, "B");
    report.add("read_bytes_an_entry_missed", once / payload, "B");
    report.add("tenfold_to_once", tenfold / once, "x");
    Ok((report, cluster.redis_version()?))
}

fn round(options: &Options, cluster: &Cluster, sends: usize) -> Result<(Report, f64), RunError> {
    let url = |index: usize| cluster.servers[index].url();
    // Back at other servers, which have nothing of these rooms in memory.
    let mut crowd_of = crowd(options, format!("{},{}", url(1), url(2)), AWAY + ROOMS, ROOMS);
    crowd_of.in_flight = AWAY + ROOMS;
    let others_of = crowd(options, url(0), OTHERS, OTHERS);
    let mut crowd = Crowd::new(&crowd_of, true)?;
    let mut others = Crowd::new(&others_of, false)?;
    crowd.gather(0..AWAY + ROOMS, 50, crate::mode::GATHER)?;
    others.gather(0..OTHERS, 50, crate::mode::GATHER)?;
    for room in 0..ROOMS {
        crowd.send(room, 0);
    }
    let mut complete = crowd.drain()?;
    for id in ROOMS..AWAY + ROOMS {
        crowd.fleet.close(id);
        crowd.members.dropped(id);
    }
    for _ in 0..MISSED {
        for room in 0..ROOMS {
            crowd.send(room, 0);
        }
        while crowd.members.outstanding().1 > 0 {
            crowd.fleet.turn(&mut crowd.members, Duration::from_millis(5))?;
        }
    }
    let rate = 400.0;
    let duration = Duration::from_secs_f64(sends as f64 / rate);
    complete &= others.pace("other rooms", &Pace { rate, duration, rooms: 0..OTHERS, senders: 1 })?.complete;
    crowd.idle(Duration::from_secs(2))?;
    let (quiet_from, at) = (sent_bytes(cluster)?, Instant::now());
    crowd.idle(Duration::from_secs(2))?;
    let quiet_a_second = (sent_bytes(cluster)? - quiet_from) / at.elapsed().as_secs_f64();
    let (before, at) = (sent_bytes(cluster)?, Instant::now());
    crowd.gather(ROOMS..AWAY + ROOMS, AWAY, crate::mode::GATHER)?;
    while crowd.members.behind() > 0 && at.elapsed() < BACK_MAX {
        crowd.idle(Duration::from_millis(20))?;
    }
    let read = sent_bytes(cluster)? - before - quiet_a_second * at.elapsed().as_secs_f64();
    complete &= crowd.members.behind() == 0 && crowd.members.recovered() == AWAY;
    let mut report = crowd.report("recovery", complete);
    report.add("recovered", AWAY as f64, "");
    report.complete &= others.report("others", true).tally.is_clean();
    Ok((report, read))
}

/// Bytes that all masters have sent, to clients, replicas and each other.
fn sent_bytes(cluster: &Cluster) -> io::Result<f64> {
    let of = |node: &chat_rig::Node| {
        let stats = node.command(&["INFO", "stats"])?;
        let field = |name: &str| -> f64 {
            stats.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0.0)
        };
        Ok(field("total_net_output_bytes:") - field("total_net_repl_output_bytes:"))
    };
    cluster.redis.masters()?.iter().map(of).sum()
}
