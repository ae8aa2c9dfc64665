//! Making a cluster of single nodes: slots, acquaintance, replicas.
//!
//! `redis-cli --cluster create` does the same with pauses in between; here each step waits only for what it needs.

use std::io;
use std::time::Duration;

use super::Node;
use crate::wait;

const SLOTS: usize = 16384;
/// For a node to have heard of another.
const HEARD_MAX: Duration = Duration::from_secs(20);

/// The first `masters` of the nodes share the slots, the others follow them in turn.
pub(super) fn form(nodes: &[Node], masters: usize) -> io::Result<()> {
    for (index, node) in nodes.iter().enumerate() {
        // Each its own epoch from the start: otherwise they collide, and sort it out only in time.
        node.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(index + 1).to_string()])?;
    }
    for (index, node) in nodes.iter().take(masters).enumerate() {
        let (first, last) = (index * SLOTS / masters, (index + 1) * SLOTS / masters - 1);
        node.command(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()])?;
    }
    meet(nodes)?;
    for (index, node) in nodes.iter().enumerate().skip(masters) {
        let master = nodes[index % masters].id()?;
        let what = format!("{} to follow {}", node.name(), nodes[index % masters].name());
        wait::until(&what, HEARD_MAX, || {
            node.command(&["CLUSTER", "REPLICATE", &master]).map_err(|error| error.to_string())
        })?;
    }
    Ok(())
}

/// Makes every node known to every other at its present address. Those that know each other already are left as they are.
pub(super) fn meet(nodes: &[Node]) -> io::Result<()> {
    for (index, node) in nodes.iter().enumerate() {
        for other in &nodes[index + 1..] {
            let (ip, port) = (other.host().ip().to_string(), other.port().to_string());
            node.command(&["CLUSTER", "MEET", &ip, &port])?;
        }
    }
    Ok(())
}
