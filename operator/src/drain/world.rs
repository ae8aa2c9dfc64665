//! What the plan is made from.

use jiff::Timestamp;

/// The world as it is.
#[derive(Clone, Debug)]
pub struct World {
    /// Now.
    pub now: Timestamp,
    /// What is wished for.
    pub wanted: Wanted,
    /// The Deployments that there are, in any order.
    pub revisions: Vec<Revision>,
    /// Their pods, in any order.
    pub servers: Vec<Server>,
    /// The servers that are being emptied, as the status says.
    pub recorded: Vec<Recorded>,
    /// The rollout under way, as the status says.
    pub rollout: Option<RolloutState>,
    /// The revision that the Service sends clients to; none before it is made.
    pub service: Option<String>,
    /// When connections were last evened out.
    pub rebalanced_at: Option<Timestamp>,
    /// More servers would find a Redis that can take them.
    pub redis_healthy: bool,
}

/// What is wished for.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Servers.
    pub replicas: usize,
    /// The hash of their template.
    pub revision: String,
    /// How fast they are emptied.
    pub pace: Pace,
}

/// How fast servers are emptied, replaced and evened out. Rates are connections a second over all servers.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// While scaling down.
    pub drain_rate: u32,
    /// How long a server may take to become empty.
    pub drain_deadline: jiff::SignedDuration,
    /// While rolling out.
    pub rollout_rate: u32,
    /// The part of the servers that is replaced at a time, in percent.
    pub wave_percent: u32,
    /// The rate of a rebalance; none where it is switched off.
    pub rebalance_rate: Option<u32>,
    /// The rest between two rebalances.
    pub rebalance_cooldown: jiff::SignedDuration,
}

/// A Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The hash of its template.
    pub hash: String,
    /// How many pods it is to have.
    pub replicas: usize,
}

/// A pod of a Deployment.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four facts about a pod that any pod can combine")]
pub struct Server {
    /// Its name.
    pub name: String,
    /// Which pod of that name.
    pub uid: String,
    /// Its revision.
    pub revision: String,
    /// Its containers are ready: it would take clients if it were let.
    pub ready: bool,
    /// It has been let (its readiness gate is open).
    pub open: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// Clients that it had when it last answered; none if it has not answered lately.
    pub connections: Option<u64>,
    /// It is marked to go first when its Deployment is lowered.
    pub marked: bool,
}

impl Server {
    /// Whether it takes clients.
    pub fn serves(&self) -> bool {
        self.ready && self.open && !self.deleting
    }
}

/// A server that is being emptied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The pod.
    pub name: String,
    /// Which pod of that name.
    pub uid: String,
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
}

/// Why a server is emptied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Fewer are wanted.
    ScaleDown,
    /// It is of an older revision.
    Rollout,
}

/// A rollout under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolloutState {
    /// The new revision.
    pub to: String,
    /// Since when.
    pub since: Timestamp,
}
