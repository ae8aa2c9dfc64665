//! What a cluster needs to be told.

use std::time::Duration;

/// How to reach a Redis Cluster, and what to make of it.
#[derive(Clone)]
pub struct Options {
    /// Some nodes, `host:port`; names are looked up anew each time.
    pub seeds: Vec<String>,
    /// Connect by TLS.
    pub tls: Option<Tls>,
    /// The ACL user; none is Redis's default user.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<Vec<u8>>,
    /// What all keys begin with. Without braces.
    pub prefix: String,
    /// How many partitions there are; fixed by the first server that ever wrote under this prefix.
    pub partitions: u16,
    /// Whether a write counts while its master has no replica that holds it, too. It can be changed while running.
    pub unreplicated_allowed: bool,
    /// How long a write is tried. It can be changed while running.
    pub write_deadline: Duration,
    /// How long a read is tried.
    pub read_deadline: Duration,
}

impl Options {
    /// Options with what is usual for all but the seeds.
    pub fn new(seeds: Vec<String>) -> Self {
        Self {
            seeds,
            tls: None,
            user: None,
            password: None,
            prefix: "chat".into(),
            partitions: 256,
            unreplicated_allowed: true,
            write_deadline: Duration::from_secs(15),
            read_deadline: Duration::from_secs(5),
        }
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Options").field("seeds", &self.seeds).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// How a TLS connection is checked.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// PEM certificates of the authorities that may sign the nodes' certificates; none takes those of the system.
    pub authorities: Option<Vec<u8>>,
}
