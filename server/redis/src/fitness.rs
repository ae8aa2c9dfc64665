//! Whether a Redis can hold what is to be kept in it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::time::timeout;

use crate::call::{Call, ReadError, Value, WriteError};
use crate::connection::{Broken, Command, Connection};
use crate::fault::Fault;
use crate::partition::{Partition, Partitions};
use crate::shared::{Shared, answer, number};
use crate::slot::SLOTS;
use crate::{read, write};

/// How what is under a prefix is laid out; raised when an older build could not read it any more.
const FORMAT: u64 = 1;
/// Commands that are none without their second word.
const WITH_PARTS: [&str; 4] = ["MEMORY", "OBJECT", "XGROUP", "XINFO"];
/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_millis(1500);
/// How long the topology may take to become known.
const TOPOLOGY_MAX: Duration = Duration::from_secs(3);

/// A cluster that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitness {
    /// What the server calls itself: `Redis 7.0.15`, `Valkey 8.0.1`.
    pub version: String,
    /// Masters, by address, that have no replica.
    pub without_replica: Vec<String>,
}

impl Fitness {
    /// What is not promised on this cluster, if anything.
    pub fn warning(&self) -> Option<String> {
        (!self.without_replica.is_empty()).then(|| {
            let masters = self.without_replica.join(", ");
            format!("no replica follows {masters}: what is acknowledged may be lost with one machine; add a replica to each master")
        })
    }
}

/// Why a Redis will not do; each says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No seed answers.
    #[error("no Redis node answers yet ({0}); check that the cluster runs and that the addresses are right")]
    Unreachable(String),
    /// The certificates cannot be used.
    #[error("the certificates for Redis cannot be used: {0}")]
    Tls(String),
    /// Wrong password, no such user, or a password is needed.
    #[error("Redis at {address} does not let this user in ({text}); check the user's name and password")]
    Denied {
        /// Of the node.
        address: String,
        /// What it said.
        text: String,
    },
    /// A Redis that stands alone.
    #[error(
        "Redis at {address} is not part of a cluster; set cluster-enabled yes and form one of at least three masters"
    )]
    NoCluster {
        /// Of the node.
        address: String,
    },
    /// Functions and sharded channels are missing.
    #[error("Redis at {address} is {version}; at least Redis 7.0 or Valkey 8.0 is needed")]
    TooOld {
        /// Of the node.
        address: String,
        /// What it calls itself.
        version: String,
    },
    /// Some slots have no master.
    #[error("{missing} of {SLOTS} slots of the Redis Cluster have no master; see redis-cli --cluster check")]
    Uncovered {
        /// Slots without a master.
        missing: u16,
    },
    /// The ACL user may not do all that is needed.
    #[error("the Redis user may not use {what} (at {address}); allow it, see the ACL rule in docs/redis.md")]
    NotPermitted {
        /// Of the node.
        address: String,
        /// The command or key.
        what: String,
    },
    /// Memory that is full would take the log away.
    #[error(
        "Redis at {address} evicts keys ({policy}) once its memory is full, and would lose messages; set maxmemory-policy noeviction"
    )]
    Evicts {
        /// Of the node.
        address: String,
        /// Its maxmemory-policy.
        policy: String,
    },
    /// Its memory is full already.
    #[error("Redis is out of memory; raise maxmemory or add masters")]
    OutOfMemory,
    /// Another server wrote under this prefix with another number.
    #[error("this Redis was laid out with {stored} partitions, and {here} are set; set {stored}, or another prefix")]
    Partitions {
        /// As set here.
        here: u16,
        /// As stored.
        stored: u64,
    },
    /// A newer build has laid it out.
    #[error(
        "this Redis was laid out by a newer version (format {stored}, this one knows {FORMAT}); upgrade this server"
    )]
    Newer {
        /// As stored.
        stored: u64,
    },
    /// The options themselves.
    #[error("{0}")]
    Options(String),
    /// Something that should not happen.
    #[error("Redis refuses: {0}")]
    Refused(String),
}

impl Unfit {
    /// Whether it may pass by itself, so that one waits; anything else wants somebody to change something.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Uncovered { .. } | Self::OutOfMemory => true,
            Self::Tls(_)
            | Self::Denied { .. }
            | Self::NoCluster { .. }
            | Self::TooOld { .. }
            | Self::NotPermitted { .. }
            | Self::Evicts { .. }
            | Self::Partitions { .. }
            | Self::Newer { .. }
            | Self::Options(_)
            | Self::Refused(_) => false,
        }
    }
}

pub(crate) async fn check(shared: &Arc<Shared>) -> Result<Fitness, Unfit> {
    if shared.prefix.is_empty() || shared.prefix.contains(['{', '}']) {
        return Err(Unfit::Options("the prefix of Redis's keys must not be empty, nor have braces in it".into()));
    }
    if !(1..=Partitions::MAX).contains(&shared.partitions_wanted) {
        return Err(Unfit::Options(format!("there can be 1 to {} partitions", Partitions::MAX)));
    }
    if let Some(error) = &shared.tls_error {
        return Err(Unfit::Tls(error.clone()));
    }
    let version = seeds(shared).await?;
    covered(shared).await?;
    let topology = shared.topology.borrow().clone();
    for master in topology.masters() {
        permitted(shared, &master.address, master.slots.first().map_or(0, |range| range.first)).await?;
        evicts(shared, &master.address).await?;
    }
    layout(shared).await?;
    let alone = topology.masters().filter(|master| master.replicas_online == 0);
    Ok(Fitness { version, without_replica: alone.map(|master| master.address.to_string()).collect() })
}

/// One seed that answers as it should is enough; what is worth the most of the others' reasons is told.
async fn seeds(shared: &Shared) -> Result<String, Unfit> {
    let asked = join_all(shared.seeds.iter().map(|seed| seed_version(shared, seed))).await;
    let mut reasons = Vec::new();
    let mut worst = None;
    for answer in asked {
        match answer {
            Ok(version) => return Ok(version),
            Err(Unfit::Unreachable(reason)) => reasons.push(reason),
            Err(unfit) => worst = Some(unfit),
        }
    }
    Err(worst.unwrap_or_else(|| Unfit::Unreachable(reasons.join("; "))))
}

async fn seed_version(shared: &Shared, seed: &str) -> Result<String, Unfit> {
    let connection = shared.connector.connect(seed, 32).await.map_err(|broken| unreachable(seed, &broken))?;
    let server = info(&connection, "server").await?;
    let field = |name: &str| field(&server, name);
    let (name, version, least) = match (field("valkey_version"), field("redis_version")) {
        (Some(version), _) => ("Valkey", version, 8),
        (None, Some(version)) => ("Redis", version, 7),
        (None, None) => return Err(Unfit::Refused("it does not say its version".into())),
    };
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or_default();
    let version = format!("{name} {version}");
    if major < least {
        return Err(Unfit::TooOld { address: seed.into(), version });
    }
    for part in ["INFO", "NODES"] {
        let command = Command::new("CLUSTER", [part.into()]);
        refused(seed, ask(&connection, &command).await?)?;
    }
    Ok(version)
}

/// The topology is complete, or becomes so soon.
async fn covered(shared: &Shared) -> Result<(), Unfit> {
    let mut topology = shared.topology.subscribe();
    shared.kick.notify_one();
    // Not in time: what is missing then is told.
    let _ = timeout(TOPOLOGY_MAX, topology.wait_for(|topology| topology.covered() == SLOTS)).await;
    let missing = SLOTS - shared.topology.borrow().covered();
    if missing == 0 { Ok(()) } else { Err(Unfit::Uncovered { missing }) }
}

/// The user may use every command that there is in the library, and those around it.
async fn permitted(shared: &Shared, address: &Arc<str>, slot: u16) -> Result<(), Unfit> {
    let broken = |broken: Broken| unreachable(address, &broken);
    let connection = shared.link(address).get().await.map_err(broken)?;
    refused(address, ask(&connection, &Command::new("WAIT", [number(0), number(1)])).await?)?;
    let Some(partition) = nearest(&shared.partitions, slot) else { return Ok(()) };
    let meta = shared.partitions.key(partition, "m", "");
    let channel = shared.partitions.key(partition, "c", "");
    let args = std::iter::once(channel).chain(shared.library.commands()).collect();
    let command = shared.fcall("FCALL_RO", Call { function: "forbidden", keys: vec![meta], args });
    let mut answered = ask(&connection, &command).await?;
    if answered == Err(Fault::FunctionMissing) {
        refused(address, shared.load(&connection).await.map_err(broken)?.map(|()| Value::Null))?;
        answered = ask(&connection, &command).await?;
        if answered == Err(Fault::FunctionMissing) {
            return Err(Unfit::Refused("it took the function library, and does not know its functions".into()));
        }
    }
    match answered {
        Ok(value) => match answer(value).as_bytes() {
            Some(what) => {
                let what = String::from_utf8_lossy(what).into_owned();
                Err(Unfit::NotPermitted { address: address.to_string(), what })
            }
            None => Ok(()),
        },
        // A slot on its way: another time.
        Err(Fault::Moved(_) | Fault::Ask(_) | Fault::Busy | Fault::ReadOnly) => Ok(()),
        Err(fault) => refused(address, Err(fault)),
    }
}

fn nearest(partitions: &Partitions, slot: u16) -> Option<Partition> {
    partitions.all().find(|&partition| partitions.slot(partition) >= slot)
}

async fn evicts(shared: &Shared, address: &Arc<str>) -> Result<(), Unfit> {
    let connection = shared.link(address).get().await.map_err(|broken| unreachable(address, &broken))?;
    let memory = info(&connection, "memory").await?;
    let policy = field(&memory, "maxmemory_policy").unwrap_or_default();
    let bounded = field(&memory, "maxmemory").is_some_and(|bound| bound != "0");
    if bounded && policy != "noeviction" {
        return Err(Unfit::Evicts { address: address.to_string(), policy: policy.into() });
    }
    Ok(())
}

/// The first server that ever comes writes down how everything is laid out; all compare.
async fn layout(shared: &Arc<Shared>) -> Result<(), Unfit> {
    let Some(partition) = shared.partitions.at(0) else { return Ok(()) };
    let count = shared.partitions.count();
    let keys = vec![shared.partitions.key(partition, "layout", "")];
    let args = vec![number(u64::from(count)), number(FORMAT)];
    let stored = read::read(shared, partition, Call { function: "layout_read", keys: keys.clone(), args: vec![] });
    let stored = match stored.await.map_err(|error| unread(&error))? {
        Value::Array(stored) if stored.iter().all(|field| *field != Value::Null) => stored,
        Value::Null | Value::Integer(_) | Value::Bytes(_) | Value::Array(_) => {
            let written = write::write(shared, partition, Call { function: "layout", keys, args }).await;
            written.map_err(|error| unwritten(&error))?.value.into_array().unwrap_or_default()
        }
    };
    let mut stored = stored.iter().map(Value::as_integer).map(|number| number.and_then(|it| u64::try_from(it).ok()));
    let (Some(Some(partitions)), Some(Some(format))) = (stored.next(), stored.next()) else {
        return Err(Unfit::Refused("what is stored as the layout makes no sense".into()));
    };
    if format > FORMAT {
        return Err(Unfit::Newer { stored: format });
    }
    if partitions != u64::from(count) {
        return Err(Unfit::Partitions { here: count, stored: partitions });
    }
    Ok(())
}

async fn info(connection: &Connection, section: &'static str) -> Result<String, Unfit> {
    let command = Command::new("INFO", [Bytes::from_static(section.as_bytes())]);
    let value = refused_value(&connection.address, ask(connection, &command).await?)?;
    Ok(value.as_bytes().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default())
}

async fn ask(connection: &Connection, command: &Command) -> Result<Result<Value, Fault>, Unfit> {
    connection.command(command, ANSWER_MAX).await.map_err(|broken| unreachable(&connection.address, &broken))
}

fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn unreachable(address: &str, broken: &Broken) -> Unfit {
    if broken.denied {
        return Unfit::Denied { address: address.into(), text: broken.text.clone() };
    }
    Unfit::Unreachable(format!("{address}: {}", broken.text))
}

fn refused(address: &str, answered: Result<Value, Fault>) -> Result<(), Unfit> {
    refused_value(address, answered).map(drop)
}

fn refused_value(address: &str, answered: Result<Value, Fault>) -> Result<Value, Unfit> {
    answered.map_err(|fault| match fault {
        Fault::NoCluster => Unfit::NoCluster { address: address.into() },
        Fault::NotPermitted(text) => {
            // "…no permissions to run the 'wait' command", "…to access one of the keys used as arguments"
            let what = text.split('\'').nth(1).or_else(|| text.split("to access ").nth(1)).unwrap_or(&text).to_owned();
            Unfit::NotPermitted { address: address.into(), what }
        }
        Fault::OutOfMemory => Unfit::OutOfMemory,
        Fault::Moved(_)
        | Fault::Ask(_)
        | Fault::ReadOnly
        | Fault::Busy
        | Fault::FunctionMissing
        | Fault::Tenure
        | Fault::Unreplicated => Unfit::Unreachable(format!("{address}: {}", fault.name())),
        Fault::Other(text) => Unfit::Refused(text),
    })
}

fn unread(error: &ReadError) -> Unfit {
    match error {
        ReadError::Unavailable => Unfit::Unreachable("the layout could not be read".into()),
        ReadError::Refused(text) => Unfit::Refused(text.clone()),
    }
}

fn unwritten(error: &WriteError) -> Unfit {
    match error {
        WriteError::Unavailable | WriteError::Unknown => Unfit::Unreachable("the layout could not be written".into()),
        WriteError::Unreplicated => Unfit::Unreachable("the layout could not be written without a replica".into()),
        WriteError::OutOfMemory => Unfit::OutOfMemory,
        WriteError::Refused(text) => Unfit::Refused(text.clone()),
    }
}

/// The commands that a library's source calls; of those that have parts, the part, too.
pub(crate) fn commands(source: &str) -> BTreeSet<String> {
    let calls = source.split("redis.call('").skip(1).chain(source.split("redis.pcall('").skip(1));
    let command = |rest: &str| {
        let mut texts = rest.split('\'');
        let name = texts.next()?.to_ascii_uppercase();
        let part = texts.nth(1).filter(|_| WITH_PARTS.contains(&name.as_str()));
        Some(part.map_or_else(|| name.clone(), |part| format!("{name} {}", part.to_ascii_uppercase())))
    };
    calls.filter_map(command).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_with_their_parts() {
        let source =
            "redis.call('MEMORY', 'USAGE', key, 'SAMPLES', 0) redis.pcall('get', keys[1]) redis.call('SET', k, 'x')";
        assert_eq!(commands(source).into_iter().collect::<Vec<_>>(), ["GET", "MEMORY USAGE", "SET"]);
    }
}
