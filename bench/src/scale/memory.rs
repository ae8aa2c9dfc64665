//! Memory a connection: in the server, and in Redis, where its session is recorded.

use std::io;
use std::time::Duration;

use super::{Options, cluster, crowd};
use crate::chaos::cluster::Cluster;
use crate::crowd::{Crowd, RunError};
use crate::report::Report;

const CONNECTIONS: usize = 9500;

pub(super) fn run(options: &Options) -> Result<(Report, String), RunError> {
    let cluster = cluster(options, 1, 3)?;
    let few = crowd(options, cluster.servers[0].url(), 100, 1);
    let mut load = crowd(options, cluster.servers[0].url(), CONNECTIONS, 1);
    load.pid = cluster.servers[0].pid();
    // What every connection needs once, whatever their number, is there before the count begins.
    let mut first = Crowd::new(&few, false)?;
    first.gather(0..100, 50, crate::mode::GATHER)?;
    first.idle(Duration::from_secs(2))?;
    let before = redis_bytes(&cluster)?;
    let mut crowd = Crowd::new(&load, false)?;
    crowd.gather(0..CONNECTIONS, 200, crate::mode::GATHER)?;
    crowd.idle(Duration::from_secs(5))?;
    let server = crowd.rss_kib_a_connection()?.unwrap_or(f64::INFINITY);
    let redis = (redis_bytes(&cluster)? - before) / CONNECTIONS as f64;
    let mut report = crowd.report("memory", true);
    report.add("server_kib_a_connection", server, "KiB");
    report.add("redis_bytes_a_connection", redis, "B");
    Ok((report, cluster.redis_version()?))
}

/// Memory of all masters for what they keep, without buffers of connections and of replication.
fn redis_bytes(cluster: &Cluster) -> io::Result<f64> {
    let of = |node: &chat_rig::Node| {
        let info = node.command(&["INFO", "memory"])?;
        let field = |name: &str| -> f64 {
            info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')?.trim().parse().ok()).unwrap_or(0.0)
        };
        let buffers = [
            "mem_clients_normal",
            "mem_clients_slaves",
            "mem_aof_buffer",
            "mem_cluster_links",
            "mem_total_replication_buffers",
        ];
        Ok(field("used_memory") - buffers.iter().map(|name| field(name)).sum::<f64>())
    };
    cluster.redis.masters()?.iter().map(of).sum()
}
