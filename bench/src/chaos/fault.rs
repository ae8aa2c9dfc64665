//! What is done to the cluster, and waiting until it is in order again.

use std::io;
use std::ops::RangeInclusive;
use std::thread::sleep;
use std::time::{Duration, Instant};

use chat_rig::{ChatServer, Host, Node};
use rand::{Rng as _, rngs::StdRng};

use super::cluster::Cluster;
use super::timeline::Span;

/// How long a stopped or cut part stays so.
const STOPPED: Duration = Duration::from_secs(10);

/// The longest that the cluster may take to be in order again.
const HEAL_MAX: Duration = Duration::from_secs(90);

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing, for as long as another fault would take.
    None,
    /// SIGKILL of a server.
    ServerKill,
    /// SIGSTOP of a server.
    ServerStop,
    /// SIGTERM of a server.
    ServerTerm,
    /// All servers in turn.
    RollingRestart,
    /// SIGKILL of a master.
    MasterKill,
    /// SIGSTOP of a master.
    MasterStop,
    /// A master that is back before it is missed.
    MasterRestart,
    /// SIGKILL of a replica.
    ReplicaKill,
    /// `CLUSTER FAILOVER` of every shard.
    FailoverAll,
    /// Slots move under load.
    MoveSlots {
        /// The master that gives them, in the order of slots at the start.
        from: usize,
        /// The master that takes them.
        to: usize,
    },
    /// The servers do not reach a master.
    CutServers,
    /// A master reaches no other node.
    CutMaster,
    /// A master and its replica do not reach each other.
    CutReplica,
    /// All nodes end and start again.
    RestartAll,
    /// A shard loses everything.
    Flush,
}

/// What a fault turned out to hit.
#[derive(Debug, Default)]
struct Hit {
    slots: Vec<RangeInclusive<u16>>,
    promoted_after: Option<Duration>,
}

impl Fault {
    /// Those that a random mix draws from.
    pub const OF_RANDOM: &'static [Self] = &[
        Self::ServerKill,
        Self::ServerStop,
        Self::ServerTerm,
        Self::MasterKill,
        Self::MasterStop,
        Self::MasterRestart,
        Self::ReplicaKill,
        Self::FailoverAll,
        Self::RestartAll,
    ];

    /// One at random.
    pub fn pick(random: &mut StdRng) -> Self {
        Self::OF_RANDOM[random.random_range(0..Self::OF_RANDOM.len())]
    }

    /// What the picture calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::ServerKill => "SIGKILL server",
            Self::ServerStop => "SIGSTOP server 10 s",
            Self::ServerTerm => "SIGTERM server",
            Self::RollingRestart => "rolling restart",
            Self::MasterKill => "SIGKILL master",
            Self::MasterStop => "SIGSTOP master 10 s",
            Self::MasterRestart => "restart master",
            Self::ReplicaKill => "SIGKILL replica",
            Self::FailoverAll => "CLUSTER FAILOVER, all shards",
            Self::MoveSlots { .. } => "slots move",
            Self::CutServers => "cut servers | master 10 s",
            Self::CutMaster => "cut master | nodes 10 s",
            Self::CutReplica => "cut master | replica 10 s",
            Self::RestartAll => "all Redis nodes restart",
            Self::Flush => "FLUSHALL master",
        }
    }

    /// Does it, and comes back when the cluster is in order again. Times in the span count from `started`.
    pub fn strike(self, cluster: &Cluster, random: &mut StdRng, started: Instant) -> io::Result<Span> {
        let from = started.elapsed();
        let hit = self.hit(cluster, random)?;
        cluster.redis.await_healthy(HEAL_MAX)?;
        cluster.await_ready(HEAL_MAX)?;
        let Hit { slots, promoted_after } = hit;
        Ok(Span { label: self.label().to_owned(), from, to: started.elapsed(), slots, promoted_after })
    }

    fn hit(self, cluster: &Cluster, random: &mut StdRng) -> io::Result<Hit> {
        let server = &cluster.servers[random.random_range(0..cluster.servers.len())];
        let masters = cluster.redis.masters()?;
        let master = &masters[random.random_range(0..masters.len())];
        match self {
            Self::None => sleep(STOPPED),
            Self::ServerKill => {
                server.kill()?;
                sleep(Duration::from_secs(3));
                server.start()?;
            }
            Self::ServerStop => {
                server.pause()?;
                sleep(STOPPED);
                server.resume()?;
            }
            Self::ServerTerm => {
                terminate(server)?;
                server.start()?;
            }
            Self::RollingRestart => {
                for server in &cluster.servers {
                    terminate(server)?;
                    server.start()?;
                }
            }
            Self::MasterKill => return replaced(cluster, master, Node::kill, Node::start),
            Self::MasterStop => return replaced(cluster, master, Node::pause, Node::resume),
            Self::MasterRestart => {
                let slots = cluster.slots_of(master)?;
                master.kill()?;
                master.start()?;
                return Ok(Hit { slots, promoted_after: None });
            }
            Self::ReplicaKill => {
                let replica = cluster.redis.replica_of(master)?;
                replica.kill()?;
                sleep(Duration::from_secs(5));
                replica.start()?;
            }
            Self::FailoverAll => return fail_over(cluster, &masters),
            Self::MoveSlots { from, to } => return move_slots(cluster, &masters[from], &masters[to]),
            Self::CutServers => {
                let servers: Vec<Host> = cluster.servers.iter().map(|server| server.host().clone()).collect();
                return cut(cluster, master, &servers);
            }
            Self::CutMaster => return cut_master(cluster, master),
            Self::CutReplica => {
                let replica = cluster.redis.replica_of(master)?;
                return cut(cluster, master, &[replica.host().clone()]);
            }
            Self::RestartAll => {
                cluster.redis.restart_all(false)?;
                return Ok(Hit { slots: vec![0..=16383], promoted_after: None });
            }
            Self::Flush => {
                let slots = cluster.slots_of(master)?;
                master.command(&["FLUSHALL"])?;
                sleep(Duration::from_secs(3));
                return Ok(Hit { slots, promoted_after: None });
            }
        }
        Ok(Hit::default())
    }
}

/// A master that is gone, is replaced, and comes back as a replica, not sooner than the time that makes it safe.
fn replaced(
    cluster: &Cluster,
    master: &Node,
    go: fn(&Node) -> io::Result<()>,
    come: fn(&Node) -> io::Result<()>,
) -> io::Result<Hit> {
    let slots = cluster.slots_of(master)?;
    let gone = Instant::now();
    go(master)?;
    let promoted_after = await_promotion(cluster, &slots, master, gone)?;
    sleep(STOPPED.saturating_sub(gone.elapsed()));
    come(master)?;
    Ok(Hit { slots, promoted_after: Some(promoted_after) })
}

/// SIGTERM: it drains, ends, and is gone.
fn terminate(server: &ChatServer) -> io::Result<()> {
    server.terminate()?;
    server.await_end(HEAL_MAX)
}

/// A cut that leaves all nodes of the cluster able to see each other well enough to keep the master.
fn cut(cluster: &Cluster, master: &Node, others: &[Host]) -> io::Result<Hit> {
    let (slots, one) = (cluster.slots_of(master)?, [master.host().clone()]);
    cluster.cut(&one, others)?;
    sleep(STOPPED);
    cluster.heal(&one, others)?;
    Ok(Hit { slots, promoted_after: None })
}

fn await_promotion(
    cluster: &Cluster,
    slots: &[RangeInclusive<u16>],
    former: &Node,
    since: Instant,
) -> io::Result<Duration> {
    let first = slots.first().ok_or_else(|| io::Error::other("a master without slots"))?;
    cluster.redis.await_promotion(*first.start(), former, HEAL_MAX)?;
    Ok(since.elapsed())
}

fn cut_master(cluster: &Cluster, master: &Node) -> io::Result<Hit> {
    let slots = cluster.slots_of(master)?;
    let others = cluster.redis.nodes().iter().filter(|node| node.name() != master.name());
    let (one, others): (_, Vec<Host>) = ([master.host().clone()], others.map(|node| node.host().clone()).collect());
    let gone = Instant::now();
    cluster.cut(&one, &others)?;
    let promoted = await_promotion(cluster, &slots, master, gone);
    sleep(STOPPED.saturating_sub(gone.elapsed()));
    cluster.heal(&one, &others)?;
    Ok(Hit { slots, promoted_after: Some(promoted?) })
}

fn fail_over(cluster: &Cluster, masters: &[Node]) -> io::Result<Hit> {
    for master in masters {
        let slots = cluster.slots_of(master)?;
        let replica = cluster.redis.replica_of(master)?;
        cluster.redis.fail_over(&replica)?;
        await_promotion(cluster, &slots, master, Instant::now())?;
        cluster.redis.await_healthy(HEAL_MAX)?;
    }
    Ok(Hit { slots: vec![0..=16383], promoted_after: None })
}

/// Moves every second partition of a master, with all that is in it.
fn move_slots(cluster: &Cluster, from: &Node, to: &Node) -> io::Result<Hit> {
    let given = cluster.slots_of(from)?;
    let partitions: Vec<u16> =
        cluster.partition_slots().filter(|slot| given.iter().any(|range| range.contains(slot))).collect();
    let moved: Vec<u16> = partitions.into_iter().step_by(2).collect();
    for slot in &moved {
        cluster.redis.move_slot(*slot, to)?;
    }
    Ok(Hit { slots: moved.into_iter().map(|slot| slot..=slot).collect(), promoted_after: None })
}
