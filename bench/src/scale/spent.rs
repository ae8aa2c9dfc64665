//! CPU and work of all parts of a cluster between two moments.

use std::io;

use chat_rig::{ChatServer, Node};

use crate::chaos::cluster::Cluster;
use crate::process::{Process, Usage};

/// Where all parts stand at a moment.
#[derive(Debug)]
pub(super) struct Mark {
    servers: Vec<(Process, Usage)>,
    masters: Vec<Part>,
    others: Vec<(Process, Usage)>,
}

#[derive(Debug)]
struct Part {
    node: Node,
    process: Process,
    usage: Usage,
    appends: u64,
}

/// What was spent, in seconds of CPU.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) servers_s: f64,
    /// A master each, in the order of slots.
    pub(super) masters_s: Vec<f64>,
    pub(super) replicas_s: f64,
    /// Entries that each master appended.
    pub(super) appends: Vec<u64>,
}

impl Spent {
    /// Entries that all masters appended; at least one, so that it divides.
    pub(super) fn all_appends(&self) -> f64 {
        self.appends.iter().sum::<u64>().max(1) as f64
    }

    /// What all masters spent, in seconds.
    pub(super) fn all_masters_s(&self) -> f64 {
        self.masters_s.iter().sum()
    }

    /// What all parts together spent on a message, in microseconds.
    pub(super) fn us_a_message(&self) -> f64 {
        (self.servers_s + self.all_masters_s() + self.replicas_s) * 1e6 / self.all_appends()
    }
}

impl Mark {
    pub(super) fn set(cluster: &Cluster) -> io::Result<Self> {
        let masters = cluster.redis.masters()?;
        let is_master = |node: &&Node| masters.iter().any(|master| master.name() == node.name());
        let others = cluster.redis.nodes().iter().filter(|node| !is_master(node)).filter_map(Node::pid);
        let part = |node: &Node| {
            let (process, usage) = used(node.pid().ok_or_else(|| io::Error::other("a master has ended"))?)?;
            Ok(Part { node: node.clone(), process, usage, appends: appends(node)? })
        };
        Ok(Self {
            servers: cluster.servers.iter().filter_map(ChatServer::pid).map(used).collect::<io::Result<_>>()?,
            masters: masters.iter().map(part).collect::<io::Result<_>>()?,
            others: others.map(used).collect::<io::Result<_>>()?,
        })
    }

    pub(super) fn spent(&self) -> io::Result<Spent> {
        let since = |(process, usage): &(Process, Usage)| Ok(process.usage()?.since(usage).total_s());
        let sum = |parts: &[(Process, Usage)]| parts.iter().map(since).sum::<io::Result<f64>>();
        let (mut masters_s, mut appended) = (Vec::new(), Vec::new());
        for Part { node, process, usage, appends: before } in &self.masters {
            masters_s.push(process.usage()?.since(usage).total_s());
            appended.push(appends(node)?.saturating_sub(*before));
        }
        Ok(Spent { servers_s: sum(&self.servers)?, masters_s, replicas_s: sum(&self.others)?, appends: appended })
    }
}

fn used(pid: u32) -> io::Result<(Process, Usage)> {
    let process = Process(pid);
    Ok((process, process.usage()?))
}

/// Entries that a node appended to streams, by functions or not.
fn appends(node: &Node) -> io::Result<u64> {
    let stats = node.command(&["INFO", "commandstats"])?;
    let calls =
        stats.lines().find_map(|line| line.strip_prefix("cmdstat_xadd:calls=")?.split(',').next()?.parse().ok());
    Ok(calls.unwrap_or(0))
}
