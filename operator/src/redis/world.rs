//! What a plan is made from: the pods that there shall be and are, and how each of them sees the cluster.

use super::view::View;
use crate::trouble::Trouble;
use std::net::SocketAddr;

/// What there shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Masters.
    pub shards: usize,
    /// Replicas of each.
    pub replicas: usize,
}

/// A pod of the StatefulSets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The pod's name.
    pub pod: String,
    /// Which shard it was made for.
    pub shard: usize,
    /// Which pod of the shard it is.
    pub ordinal: usize,
    /// Where it is now.
    pub address: Option<SocketAddr>,
    /// Kubernetes has it for ready.
    pub ready: bool,
    /// It is not as its StatefulSet now makes pods.
    pub outdated: bool,
    /// It is being ended.
    pub deleting: bool,
    /// Why it does not run.
    pub trouble: Option<Trouble>,
    /// How it sees the cluster, if it answered.
    pub view: Option<View>,
}

impl Node {
    /// Its id, if it answered.
    pub fn id(&self) -> Option<&str> {
        self.view.as_ref().map(|view| view.id.as_str())
    }
}

/// What there shall be, and what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    /// What there shall be.
    pub wanted: Shape,
    /// The pods, by shard and ordinal.
    pub nodes: Vec<Node>,
}

impl World {
    /// The pods that answered.
    pub fn views(&self) -> impl Iterator<Item = (&Node, &View)> {
        self.nodes.iter().filter_map(|node| Some((node, node.view.as_ref()?)))
    }

    /// The pod that has this id.
    pub fn node_of(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id() == Some(id))
    }

    /// A pod by its place.
    pub fn node_at(&self, shard: usize, ordinal: usize) -> Option<&Node> {
        self.nodes.iter().find(|node| (node.shard, node.ordinal) == (shard, ordinal))
    }

    /// The places of pods that do not answer, or are not there.
    pub fn silent(&self) -> Vec<(usize, usize)> {
        let Shape { shards, replicas } = self.wanted;
        let wanted = (0..shards).flat_map(|shard| (0..=replicas).map(move |ordinal| (shard, ordinal)));
        let missing = wanted.filter(|(shard, ordinal)| self.node_at(*shard, *ordinal).is_none());
        let mute = self.nodes.iter().filter(|node| node.view.is_none()).map(|node| (node.shard, node.ordinal));
        missing.chain(mute).collect()
    }

    /// All pods that there shall be are there, and all that are there answered: an id that none of them has, no pod has.
    pub fn is_complete(&self) -> bool {
        self.silent().is_empty()
    }

    /// The replicas of a master, by what they say themselves.
    pub fn replicas_of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (&'a Node, &'a View)> {
        self.views().filter(move |(_, view)| view.follows() == Some(id))
    }
}
