//! What the tasks of a cluster share.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::call::{Call, Value};
use crate::connection::{Broken, Command, Connection, Connector};
use crate::counters::{Counters, Purpose, Sender};
use crate::courier::{Courier, Work};
use crate::fault::Fault;
use crate::library::Loadable;
use crate::link::Link;
use crate::options::Options;
use crate::partition::{Partition, Partitions};
use crate::refresher::Round;
use crate::tls;
use crate::topology::Topology;

/// Writes that may wait for one master.
const QUEUE_MAX: usize = 16_384;
/// How long loading the library may take.
const LOAD_MAX: Duration = Duration::from_secs(2);

pub(crate) struct Shared {
    pub(crate) seeds: Vec<String>,
    pub(crate) prefix: String,
    pub(crate) partitions_wanted: u16,
    pub(crate) read_deadline: Duration,
    pub(crate) tls_error: Option<String>,
    pub(crate) partitions: Partitions,
    pub(crate) library: Loadable,
    pub(crate) counters: Counters,
    pub(crate) connector: Arc<Connector>,
    pub(crate) topology: watch::Sender<Arc<Topology>>,
    pub(crate) round: watch::Sender<Round>,
    pub(crate) kick: Notify,
    pub(crate) unreplicated_allowed: AtomicBool,
    write_deadline_ms: AtomicU64,
    /// The highest epoch of each partition that was ever seen.
    epochs: Vec<AtomicU64>,
    couriers: Mutex<HashMap<Arc<str>, mpsc::Sender<Work>>>,
    links: Mutex<HashMap<Arc<str>, Arc<Link>>>,
}

impl Shared {
    pub(crate) fn new(options: Options, library: Loadable) -> Self {
        let (tls, tls_error) = match options.tls.as_ref().map(tls::config).transpose() {
            Ok(tls) => (tls, None),
            Err(error) => (None, Some(error)),
        };
        let partitions = Partitions::new(&options.prefix, options.partitions);
        Self {
            connector: Arc::new(Connector::new(&options, tls)),
            tls_error,
            library,
            counters: Counters::default(),
            topology: watch::Sender::new(Arc::default()),
            round: watch::Sender::new(Round::default()),
            kick: Notify::new(),
            unreplicated_allowed: AtomicBool::new(options.unreplicated_allowed),
            write_deadline_ms: AtomicU64::new(options.write_deadline.as_millis() as u64),
            epochs: partitions.all().map(|_| AtomicU64::new(0)).collect(),
            couriers: Mutex::default(),
            links: Mutex::default(),
            partitions,
            seeds: options.seeds,
            prefix: options.prefix,
            partitions_wanted: options.partitions,
            read_deadline: options.read_deadline,
        }
    }

    /// The address of a partition's master.
    pub(crate) fn owner(&self, partition: Partition) -> Option<Arc<str>> {
        let slot = self.partitions.slot(partition);
        self.topology.borrow().owner(slot).map(|node| node.address.clone())
    }

    /// The address of a partition's master, unless it is the one that has just named another: then that other, if it is a node that we know. A slot can
    /// move without any epoch that says so, and the nodes hear of it one by one.
    pub(crate) fn owner_after(&self, partition: Partition, moved: Option<(Arc<str>, Arc<str>)>) -> Option<Arc<str>> {
        let owner = self.owner(partition)?;
        match moved {
            Some((from, to)) if owner == from && self.topology.borrow().nodes.iter().any(|node| node.address == to) => {
                Some(to)
            }
            Some(_) | None => Some(owner),
        }
    }

    /// Asks for news of the topology, and waits for some, but not for long.
    pub(crate) async fn news(&self, at_most: Duration, deadline: Instant) {
        let mut topology = self.topology.subscribe();
        self.kick.notify_one();
        // Nothing new, in time: as good as news.
        let _ = timeout_at((Instant::now() + at_most).min(deadline), topology.changed()).await;
    }

    pub(crate) fn write_deadline(&self) -> Duration {
        Duration::from_millis(self.write_deadline_ms.load(Ordering::Relaxed))
    }

    pub(crate) fn set_write_deadline(&self, deadline: Duration) {
        self.write_deadline_ms.store(deadline.as_millis() as u64, Ordering::Relaxed);
    }

    pub(crate) fn saw_epoch(&self, partition: Partition, epoch: u64) {
        self.epochs[partition.index()].fetch_max(epoch, Ordering::Relaxed);
    }

    pub(crate) fn epoch_seen(&self, partition: Partition) -> u64 {
        self.epochs[partition.index()].load(Ordering::Relaxed)
    }

    /// Where the writes of a master go.
    pub(crate) fn courier(self: &Arc<Self>, address: &Arc<str>) -> mpsc::Sender<Work> {
        let mut couriers = self.couriers.lock();
        if let Some(inbox) = couriers.get(address) {
            return inbox.clone();
        }
        let (inbox, works) = mpsc::channel(QUEUE_MAX);
        tokio::spawn(Courier::new(self.clone(), address.clone(), works).run());
        couriers.insert(address.clone(), inbox.clone());
        inbox
    }

    /// The connection to a node that is not for writing.
    pub(crate) fn link(&self, address: &Arc<str>) -> Arc<Link> {
        let mut links = self.links.lock();
        let link = links
            .entry(address.clone())
            .or_insert_with(|| Arc::new(Link::new(address.clone(), self.connector.clone(), self.counters.clone())));
        link.clone()
    }

    /// Lets go of nodes that are no more.
    pub(crate) fn forget_others(&self, topology: &Topology) {
        let known = |address: &Arc<str>| topology.nodes.iter().any(|node| node.address == *address);
        self.couriers.lock().retain(|address, _| known(address));
        self.links.lock().retain(|address, _| known(address));
    }

    /// Lets go of everything.
    pub(crate) fn end(&self) {
        self.couriers.lock().clear();
        self.links.lock().clear();
    }

    pub(crate) fn fcall(&self, command: &'static str, call: Call) -> Command {
        let Call { function, keys, args } = call;
        let mut all = Vec::with_capacity(2 + keys.len() + args.len());
        all.push(self.library.name(function));
        all.push(number(keys.len() as u64));
        all.extend(keys);
        all.extend(args);
        Command { name: command, args: all }
    }

    /// An error reply came from this node.
    pub(crate) fn fault(&self, fault: &Fault, from: &str) {
        self.counters.fault(fault, Sender::at(from, &self.topology.borrow()));
    }

    /// A connection to this node was given up.
    pub(crate) fn broken(&self, purpose: Purpose, to: &str) {
        self.counters.broken(purpose, Sender::at(to, &self.topology.borrow()));
    }

    /// Loads the library where it is missing; somebody else may have been faster.
    pub(crate) async fn load(&self, connection: &Connection) -> Result<Result<(), Fault>, Broken> {
        self.counters.library_load();
        tracing::info!(node = &*connection.address, "loading the function library");
        let load = Command::new("FUNCTION", [Bytes::from_static(b"LOAD"), self.library.source.clone()]);
        match connection.command(&load, LOAD_MAX).await? {
            Ok(_) => Ok(Ok(())),
            // The library, that is: a function of this name would be in another one.
            Err(Fault::Other(text)) if text.starts_with("ERR Library") && text.contains("already exists") => Ok(Ok(())),
            Err(fault) => Ok(Err(fault)),
        }
    }
}

/// A number as an argument.
pub(crate) fn number(number: u64) -> Bytes {
    match number {
        0 => Bytes::from_static(b"0"),
        1 => Bytes::from_static(b"1"),
        2 => Bytes::from_static(b"2"),
        _ => Bytes::from(number.to_string()),
    }
}

/// A function's answer, out of the array of one that the preamble puts it in.
pub(crate) fn answer(value: Value) -> Value {
    match value {
        Value::Array(mut values) if values.len() <= 1 => values.pop().unwrap_or(Value::Null),
        other @ (Value::Null | Value::Integer(_) | Value::Bytes(_) | Value::Array(_)) => other,
    }
}
