//! Who owns which slot, as the cluster itself says.

use std::sync::Arc;

use crate::slot::SLOTS;

pub(crate) mod parse;

/// The cluster at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The cluster's current epoch: the higher, the newer.
    pub epoch: u64,
    /// Whether the node that was asked takes the cluster for one that works; one that is cut off from most masters does not.
    pub sound: bool,
    /// All nodes that it knows, by id.
    pub nodes: Vec<Node>,
    /// For each slot the index of its owner in `nodes`, or [`NOBODY`](Self::NOBODY); empty before the first answer.
    owners: Vec<u16>,
}

/// A process of Redis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The cluster's name for it.
    pub id: Arc<str>,
    /// `host:port` to connect to; the host is the announced host name where there is one.
    pub address: Arc<str>,
    /// What it does.
    pub role: Role,
    /// How the node that was asked sees it.
    pub health: Health,
    /// Raised whenever it took over slots.
    pub config_epoch: u64,
    /// The slots that it owns.
    pub slots: Vec<SlotRange>,
    /// Its replicas that are not known to fail.
    pub replicas_online: u32,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It owns slots, or may.
    Master,
    /// It follows the master with this id.
    Replica {
        /// The master's id; empty where it is not known yet.
        of: Arc<str>,
    },
}

/// How a node looks to the one that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers.
    Online,
    /// It does not answer that node.
    Suspected,
    /// Most masters agree that it does not answer.
    Failed,
}

/// Slots from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotRange {
    /// The first.
    pub first: u16,
    /// The last.
    pub last: u16,
}

impl Topology {
    const NOBODY: u16 = u16::MAX;

    fn new(epoch: u64, sound: bool, mut nodes: Vec<Node>) -> Self {
        let followed: Vec<Arc<str>> = nodes
            .iter()
            .filter(|node| node.health == Health::Online)
            .filter_map(|node| match &node.role {
                Role::Replica { of } => Some(of.clone()),
                Role::Master => None,
            })
            .collect();
        let mut owners = vec![Self::NOBODY; usize::from(SLOTS)];
        let mut epochs = vec![0; usize::from(SLOTS)];
        for (index, node) in nodes.iter_mut().enumerate() {
            node.replicas_online = followed.iter().filter(|of| **of == node.id).count() as u32;
            if node.role != Role::Master {
                continue;
            }
            for slot in node.slots.iter().flat_map(|range| range.first..=range.last).map(usize::from) {
                if owners[slot] == Self::NOBODY || node.config_epoch > epochs[slot] {
                    owners[slot] = index as u16;
                    epochs[slot] = node.config_epoch;
                }
            }
        }
        Self { epoch, sound, nodes, owners }
    }

    /// What is compared of two views, the newer one being higher: the current epoch, then the sum of the masters' own.
    pub(crate) fn age(&self) -> (u64, u64) {
        (self.epoch, self.masters().map(|node| node.config_epoch).sum())
    }

    /// Whether both say the same of who owns what.
    pub(crate) fn same_owners(&self, other: &Self) -> bool {
        self.owners.len() == other.owners.len()
            && (0..SLOTS).all(|slot| match (self.owner(slot), other.owner(slot)) {
                (None, None) => true,
                (Some(mine), Some(theirs)) => {
                    mine.address == theirs.address && mine.config_epoch == theirs.config_epoch
                }
                (Some(_), None) | (None, Some(_)) => false,
            })
    }

    /// Whether both say the same of who owns what, and of how much of it has failed.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        self.age() == other.age() && self.same_owners(other) && self.covered() == other.covered()
    }

    /// How many replicas of the master at this address may be elected, as far as the cluster knows.
    pub(crate) fn electable(&self, address: &str) -> u32 {
        let Some(master) = self.nodes.iter().find(|node| *node.address == *address) else { return 0 };
        let follows = |node: &&Node| matches!(&node.role, Role::Replica { of } if *of == master.id);
        self.nodes.iter().filter(follows).filter(|node| node.health != Health::Failed).count() as u32
    }

    /// The master that owns a slot.
    pub fn owner(&self, slot: u16) -> Option<&Node> {
        let index = *self.owners.get(usize::from(slot))?;
        if index == Self::NOBODY { None } else { self.nodes.get(usize::from(index)) }
    }

    /// How many slots have an owner that is not known to have failed.
    pub fn covered(&self) -> u16 {
        let alive =
            |owner: &&u16| self.nodes.get(usize::from(**owner)).is_some_and(|node| node.health != Health::Failed);
        self.owners.iter().filter(alive).count().min(usize::from(SLOTS)) as u16
    }

    /// The masters that own slots.
    pub fn masters(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.role == Role::Master && !node.slots.is_empty())
    }
}
