//! A Redis (or Valkey) Cluster of real processes, and what can be done to it.

mod builder;
mod client;
mod form;
mod node;
mod view;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use builder::{Builder, Flavour};
pub use node::Node;
pub use view::Member;

use crate::folder::Folder;
use crate::wait;

/// A slot that was moved is known to all nodes in this time.
const MOVE_MAX: Duration = Duration::from_secs(20);

/// A running cluster. Its processes are killed and its data removed when it is dropped, whoever still holds nodes of it.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<Node>,
    masters: usize,
    replicas: usize,
    authority: Option<PathBuf>,
    /// Removed after the nodes were killed.
    _folder: Folder,
}

impl RedisCluster {
    /// A cluster to be described.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// All nodes, in the order in which they were made: masters first, as the roles were then.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The nodes' present addresses.
    pub fn seeds(&self) -> Vec<String> {
        self.nodes.iter().map(Node::address).collect()
    }

    /// With TLS, the file with the certificate of the authority that signed the nodes' own.
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The members as the node sees them that is farthest in the cluster's history. Fails when no node answers.
    pub fn view(&self) -> io::Result<Vec<Member>> {
        let epoch = |node: &Node| {
            let epoch = node.field(&["CLUSTER", "INFO"], "cluster_current_epoch").ok()??;
            epoch.parse::<u64>().ok()
        };
        let answering = self.nodes.iter().filter(|node| node.is_answering());
        let farthest = answering.filter_map(|node| Some((epoch(node)?, node))).max_by_key(|(epoch, _)| *epoch);
        let (_, node) = farthest.ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "no node answers"))?;
        Ok(view::parse(&node.command(&["CLUSTER", "NODES"])?))
    }

    /// The masters that serve slots by [`Self::view`], in the order of their slots.
    pub fn masters(&self) -> io::Result<Vec<Node>> {
        let mut masters: Vec<Member> = self.view()?.into_iter().filter(Member::is_master).collect();
        masters.sort_by_key(|member| member.slots.first().map(|slots| *slots.start()));
        masters.iter().map(|member| self.node_of(&member.id)).collect()
    }

    /// The node that serves a slot by [`Self::view`].
    pub fn master_of_slot(&self, slot: u16) -> io::Result<Node> {
        let view = self.view()?;
        let owner = view.iter().find(|member| member.slots.iter().any(|range| range.contains(&slot)));
        self.node_of(&owner.ok_or_else(|| not_found(format!("nobody serves slot {slot}")))?.id)
    }

    /// A replica of `master` that is in order by [`Self::view`].
    pub fn replica_of(&self, master: &Node) -> io::Result<Node> {
        let (view, id) = (self.view()?, master.id()?);
        let replica = view.iter().find(|member| member.master.as_ref() == Some(&id) && !member.failing);
        self.node_of(&replica.ok_or_else(|| not_found(format!("{} has no replica", master.name())))?.id)
    }

    /// Waits until all nodes run, agree, and every replica is in step with its master.
    pub fn await_healthy(&self, within: Duration) -> io::Result<()> {
        wait::until("the cluster to be in order", within, || {
            self.nodes.iter().try_for_each(|node| self.health_of(node))
        })
    }

    /// Waits until another node serves the slot than `former`, and believes so itself.
    pub fn await_promotion(&self, slot: u16, former: &Node, within: Duration) -> io::Result<Node> {
        wait::until(&format!("another node than {} at slot {slot}", former.name()), within, || {
            let promoted = self.master_of_slot(slot).map_err(|error| error.to_string())?;
            if promoted.name() == former.name() {
                return Err("it is still the owner".to_owned());
            }
            match promoted.field(&["CLUSTER", "INFO"], "cluster_state").map_err(|error| error.to_string())?.as_deref() {
                Some("ok") => Ok(promoted),
                state => Err(format!("{}: {state:?}", promoted.name())),
            }
        })
    }

    /// `CLUSTER FAILOVER`: the replica takes over in agreement with its master. Returns before it has happened.
    pub fn fail_over(&self, replica: &Node) -> io::Result<()> {
        replica.command(&["CLUSTER", "FAILOVER"]).map(drop)
    }

    /// Moves one slot with its keys to another master, under whatever load there is.
    pub fn move_slot(&self, slot: u16, to: &Node) -> io::Result<()> {
        let from = self.master_of_slot(slot)?;
        let (number, from_id, to_id) = (slot, from.id()?, to.id()?);
        let slot = number.to_string();
        if from_id == to_id {
            return Ok(());
        }
        to.command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &from_id])?;
        from.command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &to_id])?;
        loop {
            let keys = from.command(&["CLUSTER", "GETKEYSINSLOT", &slot, "100"])?;
            if keys.is_empty() {
                break;
            }
            let (ip, port) = (to.host().ip().to_string(), to.port().to_string());
            let mut migrate = vec!["MIGRATE", &ip, &port, "", "0", "5000", "REPLACE"];
            let password = self.nodes[0].password();
            migrate.extend(password.iter().flat_map(|password| ["AUTH", password]));
            migrate.push("KEYS");
            migrate.extend(keys.lines());
            from.command(&migrate)?;
        }
        to.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id])?;
        from.command(&["CLUSTER", "SETSLOT", &slot, "NODE", &to_id])?;
        // A node that has not heard of the new owner's epoch may claim its next slot with an older one, and lose it again.
        wait::until("all nodes to know the slot's owner", MOVE_MAX, || {
            self.nodes.iter().filter(|node| node.is_answering()).try_for_each(|node| knows_owner(node, number, &to_id))
        })
    }

    /// Ends all nodes at once, and starts them again; on new ports, as pods come back on new addresses, when `moved`.
    pub fn restart_all(&self, moved: bool) -> io::Result<()> {
        self.nodes.iter().try_for_each(Node::kill)?;
        for node in &self.nodes {
            if moved { node.start_on_new_port()? } else { node.start()? }
        }
        if moved {
            form::meet(&self.nodes)?;
        }
        Ok(())
    }

    fn node_of(&self, id: &str) -> io::Result<Node> {
        let known = self.nodes.iter().find(|node| node.id().is_ok_and(|own| own == id));
        known.cloned().ok_or_else(|| not_found(format!("no node of this rig has the id {id}")))
    }

    /// What one node says of itself and of the others; an error is what is not in order.
    fn health_of(&self, node: &Node) -> Result<(), String> {
        let named = |text: &str| format!("{} {text}", node.name());
        if !node.is_answering() {
            return Err(named("does not run"));
        }
        let field = |command: &[&str], name: &str| node.field(command, name).map_err(|error| error.to_string());
        if field(&["CLUSTER", "INFO"], "cluster_state")?.as_deref() != Some("ok") {
            return Err(named("says that the cluster is not ok"));
        }
        let view = view::parse(&node.command(&["CLUSTER", "NODES"]).map_err(|error| error.to_string())?);
        let masters = view.iter().filter(|member| member.is_master()).count();
        let replicas = view.iter().filter(|member| member.master.is_some()).count();
        if view.iter().any(|member| member.failing)
            || (masters, replicas) != (self.masters, self.masters * self.replicas)
        {
            return Err(named(&format!("sees {view:?}")));
        }
        for other in &self.nodes {
            let (id, address) = (other.id().map_err(|error| error.to_string())?, other.address());
            if !view.iter().any(|member| member.id == id && member.address == address) {
                return Err(named(&format!("does not see {} at {address}", other.name())));
            }
        }
        let replication = &["INFO", "replication"];
        if field(replication, "role")?.as_deref() == Some("slave") {
            match field(replication, "master_link_status")?.as_deref() {
                Some("up") => Ok(()),
                _ => Err(named("is not in step with its master")),
            }
        } else {
            let online = node.command(replication).map_err(|error| error.to_string())?.matches("state=online").count();
            if online >= self.replicas { Ok(()) } else { Err(named("waits for its replicas")) }
        }
    }
}

impl Drop for RedisCluster {
    fn drop(&mut self) {
        // What cannot be killed has ended.
        self.nodes.iter().for_each(|node| drop(node.kill()));
    }
}

/// Fails with what the node believes, if that is something else.
fn knows_owner(node: &Node, slot: u16, id: &str) -> Result<(), String> {
    let view = view::parse(&node.command(&["CLUSTER", "NODES"]).map_err(|error| error.to_string())?);
    let owner = view.iter().find(|member| member.slots.iter().any(|range| range.contains(&slot)));
    let found = owner.map(|member| member.id.as_str());
    if found == Some(id) { Ok(()) } else { Err(format!("{} takes {found:?} for it", node.name())) }
}

fn not_found(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, text)
}
