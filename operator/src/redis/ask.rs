//! Asks the pods how they see the cluster, and tells them what the plan says.

use super::formation::{Command, Order};
use super::resp::{AskError, Connection};
use super::view::View;
use super::world::World;
use futures_util::StreamExt;

/// Pods that are talked to at a time.
const AT_A_TIME: usize = 32;

/// An order that was not carried out. The next look decides anew.
#[derive(Debug, thiserror::Error)]
#[error("pod {pod} did not {what}")]
pub struct Undone {
    /// Who was told.
    pub pod: String,
    /// What it was told.
    pub what: &'static str,
    /// Why not.
    #[source]
    pub source: AskError,
}

/// Fills in how each pod sees the cluster; whoever does not answer has no view.
pub async fn look(world: &mut World) {
    let addresses: Vec<_> = world.nodes.iter().map(|node| node.address).collect();
    let questions = addresses.into_iter().enumerate().map(|(at, address)| async move {
        let Some(address) = address else { return (at, None) };
        let view = match Connection::open(address).await {
            Ok(connection) => view(connection).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &view {
            tracing::debug!(%address, error = %error, "a node of Redis was asked in vain");
        }
        (at, view.ok())
    });
    let questions: Vec<_> = questions.collect();
    let answers: Vec<_> = futures_util::stream::iter(questions).buffer_unordered(AT_A_TIME).collect().await;
    for (at, view) in answers {
        world.nodes[at].view = view;
    }
}

/// Asks one node how it sees its cluster.
pub(super) async fn view(mut connection: Connection) -> Result<View, AskError> {
    let nodes = connection.ask(&["CLUSTER", "NODES"]).await?;
    let info = connection.ask(&["CLUSTER", "INFO"]).await?;
    let replication = connection.ask(&["INFO", "replication"]).await?;
    View::parse(&nodes, &info, &replication).ok_or(AskError::Nonsense)
}

/// Tells the pods what they are to do; gives back what was not done.
pub async fn carry_out(world: &World, orders: &[Order]) -> Vec<Undone> {
    let told: Vec<_> = orders.iter().map(|order| tell(world, order)).collect();
    let told: Vec<_> = futures_util::stream::iter(told).buffer_unordered(AT_A_TIME).collect().await;
    told.into_iter().filter_map(Result::err).collect()
}

async fn tell(world: &World, order: &Order) -> Result<(), Undone> {
    let undone = |source| Undone { pod: order.pod.clone(), what: what(&order.command), source };
    let node = world.nodes.iter().find(|node| node.pod == order.pod);
    let Some((address, id)) = node.and_then(|node| Some((node.address?, node.id()?))) else { return Ok(()) };
    let mut connection = Connection::open(address).await.map_err(undone)?;
    // Addresses of pods are given to others: only the node that was looked at is told anything.
    if connection.ask(&["CLUSTER", "MYID"]).await.map_err(undone)? != id {
        return Ok(());
    }
    let asked = match &order.command {
        Command::Meet { id, address } => {
            let mut other = Connection::open(*address).await.map_err(undone)?;
            if other.ask(&["CLUSTER", "MYID"]).await.map_err(undone)? != *id {
                return Ok(());
            }
            let (ip, port) = (address.ip().to_string(), address.port().to_string());
            connection.ask(&["CLUSTER", "MEET", &ip, &port]).await
        }
        Command::Forget(id) => connection.ask(&["CLUSTER", "FORGET", id]).await,
        Command::AddSlots(range) => {
            let (first, last) = (range.start().to_string(), range.end().to_string());
            connection.ask(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await
        }
        Command::Replicate(id) => connection.ask(&["CLUSTER", "REPLICATE", id]).await,
        Command::FailOver => connection.ask(&["CLUSTER", "FAILOVER"]).await,
        Command::TakeOver => connection.ask(&["CLUSTER", "FAILOVER", "TAKEOVER"]).await,
    };
    asked.map(drop).map_err(undone)
}

const fn what(command: &Command) -> &'static str {
    match command {
        Command::Meet { .. } => "meet another node",
        Command::Forget(_) => "forget a node",
        Command::AddSlots(_) => "take its slots",
        Command::Replicate(_) => "follow its master",
        Command::FailOver => "take its master's place",
        Command::TakeOver => "take the place of its lost master",
    }
}
