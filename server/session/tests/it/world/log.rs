//! A room's log with all its branches. A server knows one branch; the oracle knows which entry follows which.

use chat_log::Position;
use chat_session::Start;

/// An entry, by its identity: the same `n` on two branches is two entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node(u32);

#[derive(Debug)]
struct Entry {
    n: u64,
    epoch: u64,
    before: Node,
}

/// What one master has.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) epoch: u64,
    nodes: Vec<Node>,
    /// Entries up to here are trimmed.
    pub(crate) floor: u64,
}

/// All that ever was in a room.
#[derive(Debug)]
pub(crate) struct RoomLog {
    entries: Vec<Entry>,
    pub(crate) branches: Vec<Branch>,
}

impl RoomLog {
    /// Before the first entry.
    pub(crate) const ROOT: Node = Node(0);

    pub(crate) fn new() -> Self {
        let root = Entry { n: 0, epoch: 0, before: Self::ROOT };
        Self { entries: vec![root], branches: vec![Branch { epoch: 1, nodes: Vec::new(), floor: 0 }] }
    }

    /// The branch of the present master.
    pub(crate) fn current(&self) -> usize {
        self.branches.len() - 1
    }

    pub(crate) fn n(&self, node: Node) -> u64 {
        self.entries[node.0 as usize].n
    }

    pub(crate) fn position(&self, node: Node) -> Position {
        let entry = &self.entries[node.0 as usize];
        Position::new(entry.epoch, entry.n)
    }

    /// The entry that this one follows.
    pub(crate) fn before(&self, node: Node) -> Node {
        self.entries[node.0 as usize].before
    }

    /// The entry `n` of all that this one rests on.
    pub(crate) fn back(&self, mut node: Node, n: u64) -> Node {
        while self.n(node) > n {
            node = self.before(node);
        }
        node
    }

    pub(crate) fn tail(&self, branch: usize) -> u64 {
        self.branches[branch].nodes.len() as u64
    }

    pub(crate) fn at(&self, branch: usize, n: u64) -> Node {
        if n == 0 { Self::ROOT } else { self.branches[branch].nodes[n as usize - 1] }
    }

    /// How far a reader of this epoch can agree with the branch.
    pub(crate) fn common(&self, branch: usize, epoch: u64) -> u64 {
        let nodes = &self.branches[branch].nodes;
        let above = nodes.iter().rev().take_while(|node| self.entries[node.0 as usize].epoch > epoch).count();
        (nodes.len() - above) as u64
    }

    pub(crate) fn reach(&self, branch: usize, at: Position) -> u64 {
        at.n.min(self.common(branch, at.epoch))
    }

    /// The position of the entry `n`.
    pub(crate) fn own(&self, branch: usize, n: u64) -> Position {
        self.position(self.at(branch, n))
    }

    /// The epoch of the entry after `n`, or the branch's.
    pub(crate) fn next_epoch(&self, branch: usize, n: u64) -> u64 {
        if n < self.tail(branch) { self.own(branch, n + 1).epoch } else { self.branches[branch].epoch }
    }

    /// The position just before the entry `n + 1`.
    pub(crate) fn before_next(&self, branch: usize, n: u64) -> Position {
        Position::new(self.next_epoch(branch, n), n)
    }

    /// The entry that an honest position names: an epoch is given to one branch only.
    pub(crate) fn node(&self, at: Position) -> Node {
        let branch = self.branches.iter().rposition(|branch| branch.epoch == at.epoch);
        branch.filter(|branch| at.n <= self.tail(*branch)).map_or(Self::ROOT, |branch| self.at(branch, at.n))
    }

    /// How a page after `at` begins.
    pub(crate) fn start(&self, branch: usize, at: Position, stale_is_seen: bool) -> Start {
        if at.epoch > self.branches[branch].epoch && stale_is_seen {
            return Start::Ahead;
        }
        let (common, floor) = (self.common(branch, at.epoch), self.branches[branch].floor);
        if at.n > common {
            Start::Void { after: self.own(branch, common), next_epoch: self.next_epoch(branch, common) }
        } else if at.n < floor {
            Start::Gap { to: self.own(branch, floor) }
        } else {
            Start::Follows
        }
    }

    pub(crate) fn append(&mut self, branch: usize) {
        let n = self.tail(branch);
        let (before, epoch) = (self.at(branch, n), self.branches[branch].epoch);
        self.entries.push(Entry { n: n + 1, epoch, before });
        let node = Node(self.entries.len() as u32 - 1);
        self.branches[branch].nodes.push(node);
    }

    /// A replica that has the first `keep` entries becomes the master, in this epoch.
    pub(crate) fn roll_back(&mut self, keep: u64, epoch: u64) {
        let old = &self.branches[self.current()];
        let nodes = old.nodes[..keep as usize].to_vec();
        let floor = old.floor;
        self.branches.push(Branch { epoch, nodes, floor });
    }
}
