//! The page that a run writes.

use super::story::Fact;
use std::fmt::Write as _;

const HEAD: &str = "# On many nodes\n\n\
Written by `make e2e-nodes ARGS=--write`. Real are etcd, the API server, the controller manager, the scheduler, `kubectl` with its evictions, the operator's\n\
binary, and the Redis Clusters: each node of a managed one is a process at its pod's address, run by the operator's own scripts. Simulated are the nodes\n\
([kwok](https://kwok.sigs.k8s.io) has them be well and gives pods their addresses), and the servers with their clients: they answer on the internal port as\n\
servers do, close connections at the rate that they were told, and whoever was closed is back a second later on any server that takes clients.\n\n";

const TAIL: &str = "\n\
**Not shown yet**: the chapters `many` (looks while 100 of 200 servers are chosen, drained and removed) and `even` (rebalance: 20 unevenly loaded servers\n\
become 40) are there, and have not passed: `CHAT_NODES_ONLY=many make e2e-nodes`.\n\n\
## Again\n\n```\nmake e2e-nodes                # as root: it makes a network of its own\nmake e2e-nodes ARGS=--write   # this page\n```\n";

pub(crate) fn page(facts: &[Fact]) -> String {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut out = HEAD.to_owned();
    let _ = write!(
        out,
        "{cores} cores ran all of it, beside other work; the operator is the development build (`opt-level = 1`).\n\n"
    );
    out.push_str("| chapter | figure | | to reach |\n|---|---|---|---|\n");
    for Fact { chapter, what, figure, goal } in facts {
        let _ = writeln!(out, "| {chapter} | {what} | {figure} | {goal} |");
    }
    out.push_str(TAIL);
    out
}
