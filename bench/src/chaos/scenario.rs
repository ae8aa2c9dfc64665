//! What is shown: each scenario is a list of faults, one after the other, and what clients may see of them.

use super::fault::Fault;

/// A run under faults.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scenario {
    /// Its name on the command line and in the report.
    pub name: &'static str,
    /// What is done, in a line.
    pub what: &'static str,
    /// The faults, each after the cluster is in order again; empty for ones drawn by the seed.
    pub faults: &'static [Fault],
    /// Part of the short form.
    pub short: bool,
    /// What clients may be told.
    pub allows: Allows,
}

/// What clients may be told without a promise being broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allows {
    /// `void`: a master may end before a replica has what it showed.
    pub voids: bool,
    /// `gap` with reason `reset`, and sessions that are lost: data are taken away. It is then demanded.
    pub reset: bool,
}

const NOTHING: Allows = Allows { voids: false, reset: false };
const VOIDS: Allows = Allows { voids: true, reset: false };
const RESET: Allows = Allows { voids: true, reset: true };

/// Faults of a random mix, drawn by the seed.
pub const RANDOM_FAULTS: usize = 6;

/// All scenarios, in the order of the report.
pub const ALL: &[Scenario] = &[
    Scenario { name: "calm", what: "no fault", faults: &[Fault::None], short: false, allows: NOTHING },
    Scenario {
        name: "server-kill",
        what: "SIGKILL of a server, started again 3 s later",
        faults: &[Fault::ServerKill],
        short: true,
        allows: NOTHING,
    },
    Scenario {
        name: "server-stop",
        what: "SIGSTOP of a server for 10 s",
        faults: &[Fault::ServerStop],
        short: false,
        allows: NOTHING,
    },
    Scenario {
        name: "server-term",
        what: "SIGTERM of a server: it drains; started again",
        faults: &[Fault::ServerTerm],
        short: true,
        allows: NOTHING,
    },
    Scenario {
        name: "rolling-restart",
        what: "all servers in turn: SIGTERM, drain, started again",
        faults: &[Fault::RollingRestart],
        short: false,
        allows: NOTHING,
    },
    Scenario {
        name: "master-kill",
        what: "SIGKILL of a master, started again once it was replaced",
        faults: &[Fault::MasterKill],
        short: true,
        allows: VOIDS,
    },
    Scenario {
        name: "master-stop",
        what: "SIGSTOP of a master for 10 s: it comes back believing that it is one",
        faults: &[Fault::MasterStop],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "master-restart",
        what: "a master ends and is back at once, with its data, before it is replaced",
        faults: &[Fault::MasterRestart],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "replica-kill",
        what: "SIGKILL of a replica, started again 5 s later",
        faults: &[Fault::ReplicaKill],
        short: false,
        allows: NOTHING,
    },
    Scenario {
        name: "failover",
        what: "CLUSTER FAILOVER of every shard, there and back",
        faults: &[Fault::FailoverAll, Fault::FailoverAll],
        short: true,
        allows: NOTHING,
    },
    Scenario {
        name: "slots-move",
        what: "half of a master's partitions move to another master, and back",
        faults: &[Fault::MoveSlots { from: 0, to: 1 }, Fault::MoveSlots { from: 1, to: 0 }],
        short: true,
        allows: NOTHING,
    },
    Scenario {
        name: "cut-servers",
        what: "no packets between the servers and one master for 10 s; its neighbours still see it",
        faults: &[Fault::CutServers],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "cut-master",
        what: "no packets between a master and all other nodes for 10 s; the servers still reach it",
        faults: &[Fault::CutMaster],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "cut-replica",
        what: "no packets between a master and its replica for 10 s",
        faults: &[Fault::CutReplica],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "redis-restart",
        what: "SIGKILL of all Redis nodes at once, started again with what is on disk",
        faults: &[Fault::RestartAll],
        short: false,
        allows: VOIDS,
    },
    Scenario {
        name: "flush",
        what: "FLUSHALL of a master: its rooms are gone, and clients must be told so",
        faults: &[Fault::Flush],
        short: false,
        allows: RESET,
    },
    Scenario { name: "random", what: "six faults drawn by the seed", faults: &[], short: false, allows: VOIDS },
];

/// The scenario of a name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// Needs hosts of their own for its nodes.
    pub fn cuts(&self) -> bool {
        self.faults.iter().any(|fault| matches!(fault, Fault::CutServers | Fault::CutMaster | Fault::CutReplica))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for scenario in ALL {
            assert_eq!(named(scenario.name), Some(scenario));
        }
    }

    #[test]
    fn every_fault_has_a_scenario_of_its_own_before_it_is_part_of_a_random_mix() {
        for fault in Fault::OF_RANDOM {
            assert!(ALL.iter().any(|scenario| scenario.faults.first() == Some(fault)), "{fault:?}");
        }
    }
}
