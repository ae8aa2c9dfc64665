//! The figures of ChatClusters, from what their servers have said to this operator.

use super::documents::Figure;
use crate::health::Health;
use crate::servers::{Servers, Unknown, may_have_clients};
use crate::stores::{self, Stores};
use chat_api::ChatCluster;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::core::{Selector, SelectorExt};
use kube::runtime::reflector::ObjectRef;
use std::sync::Arc;

/// Why there is no figure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFigure {
    /// The operator has just begun.
    #[error("the operator has just started, and has not seen all servers yet; ask again")]
    Unseen,
    /// There is no such object.
    #[error("there is no ChatCluster {name} in namespace {namespace}")]
    Missing {
        /// Where.
        namespace: String,
        /// Which.
        name: String,
    },
    /// The operator does not look there.
    #[error("this operator runs the ChatClusters of namespace {own} only, and not those of {namespace}")]
    Elsewhere {
        /// Where it was looked for.
        namespace: String,
        /// Where the operator looks.
        own: String,
    },
    /// A server is silent.
    #[error("ChatCluster {name} in namespace {namespace}: {unknown}")]
    Silent {
        /// Where.
        namespace: String,
        /// Which.
        name: String,
        /// How many.
        unknown: Unknown,
    },
}

/// Where figures come from.
pub struct Figures {
    /// All ChatClusters and their pods.
    pub stores: Arc<Stores>,
    /// What the servers said.
    pub servers: Arc<Servers>,
    /// Whether all has been seen.
    pub health: Arc<Health>,
    /// The namespace that the operator looks at, if it is one.
    pub namespace: Option<String>,
}

impl Figures {
    /// That of one ChatCluster.
    pub fn one(&self, namespace: &str, name: &str, now: Timestamp) -> Result<Figure, NoFigure> {
        self.looks_at(namespace)?;
        let found = self.stores.clusters.get(&ObjectRef::new(name).within(namespace));
        let found = found.as_ref().and_then(|found| found.0.as_ref().ok());
        let missing = || NoFigure::Missing { namespace: namespace.to_owned(), name: name.to_owned() };
        self.figure(found.ok_or_else(missing)?, now)
    }

    /// Those of all that a selector takes, by name: all of them, or none.
    pub fn all(&self, namespace: &str, selector: &Selector, now: Timestamp) -> Result<Vec<Figure>, NoFigure> {
        self.looks_at(namespace)?;
        let seen = self.stores.clusters.state();
        let mut found: Vec<_> = seen
            .iter()
            .filter_map(|cluster| cluster.0.as_ref().ok())
            .filter(|cluster| cluster.namespace().as_deref() == Some(namespace) && selector.matches(cluster.labels()))
            .collect();
        found.sort_by_key(|cluster| cluster.name_any());
        found.into_iter().map(|cluster| self.figure(cluster, now)).collect()
    }

    fn looks_at(&self, namespace: &str) -> Result<(), NoFigure> {
        if let Some(own) = self.namespace.as_ref().filter(|own| *own != namespace) {
            return Err(NoFigure::Elsewhere { namespace: namespace.to_owned(), own: own.clone() });
        }
        if self.health.has_seen() { Ok(()) } else { Err(NoFigure::Unseen) }
    }

    fn figure(&self, cluster: &ChatCluster, now: Timestamp) -> Result<Figure, NoFigure> {
        let pods = stores::of(&self.stores.pods, cluster).filter(|pod| may_have_clients(pod, now));
        let uids: Vec<_> = pods.filter_map(|pod| pod.uid()).collect();
        let name = cluster.name_any();
        match self.servers.total(uids.iter().map(String::as_str), now) {
            Ok(total) => Ok(Figure { name, at: total.at.unwrap_or(now), total }),
            Err(unknown) => Err(NoFigure::Silent { namespace: cluster.namespace().unwrap_or_default(), name, unknown }),
        }
    }
}
