//! The one task that asks the nodes who owns what: once a second, and at once when somebody has a doubt.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep, timeout};

use crate::call::Value;
use crate::connection::{Broken, Command};
use crate::counters::Purpose;
use crate::link::Link;
use crate::shared::Shared;
use crate::topology::{Topology, parse};

/// Without a doubt.
const EVERY: Duration = Duration::from_secs(1);
/// However many doubts there are.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// Who has not answered by then is not waited for, once others have.
const STRAGGLERS: Duration = Duration::from_millis(250);
/// Who has not answered by then does not answer.
const ANSWER_MAX: Duration = Duration::from_millis(700);
/// In a quiet cluster seeds are asked in each so-manieth round.
const SEEDS_EVERY: u32 = 10;
/// Views that are older than ours are believed after so long without any other: the cluster was made anew.
const OLDER_AFTER: Duration = Duration::from_secs(10);

/// How the last round of questions ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) started: Instant,
    /// Masters with slots.
    masters: usize,
    /// Those of them that answered, with exactly the view that is believed.
    agreeing: usize,
}

impl Default for Round {
    fn default() -> Self {
        Self { started: Instant::now(), masters: 0, agreeing: 0 }
    }
}

impl Round {
    /// Whether what is believed is what most masters say. A new owner of a slot would have needed the votes of most.
    pub(crate) fn is_majority(&self) -> bool {
        self.agreeing * 2 > self.masters
    }
}

pub(crate) struct Refresher {
    shared: Arc<Shared>,
    links: HashMap<Arc<str>, Arc<Link>>,
    rounds: u32,
    /// Not all nodes answered in the last round.
    incomplete: bool,
    /// When an answer was last as new as what is believed.
    fresh_at: Instant,
}

impl Refresher {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, links: HashMap::new(), rounds: 0, incomplete: true, fresh_at: Instant::now() }
    }

    pub(crate) async fn run(mut self) {
        let mut doubted = true;
        loop {
            self.round(doubted).await;
            sleep(AT_MOST_EVERY).await;
            doubted = timeout(EVERY, self.shared.kick.notified()).await.is_ok();
        }
    }

    async fn round(&mut self, doubted: bool) {
        let started = Instant::now();
        self.shared.counters.round();
        let with_seeds = doubted || self.incomplete || self.rounds.is_multiple_of(SEEDS_EVERY);
        self.rounds = self.rounds.wrapping_add(1);

        let addresses = self.addresses(with_seeds);
        let asked = addresses.len();
        let mut asking: FuturesUnordered<_> = addresses.into_iter().map(|address| self.ask(address)).collect();
        let mut views: Vec<(Arc<str>, Topology)> = Vec::new();
        let mut answered = 0;
        loop {
            let limit = if views.is_empty() { ANSWER_MAX } else { STRAGGLERS };
            let left = limit.saturating_sub(started.elapsed());
            match timeout(left, asking.next()).await {
                Ok(Some(view)) => {
                    answered += 1;
                    if let Some((address, view)) = view {
                        // What is newer is believed at once: those that hang must not keep the others' news back.
                        if view.age() > self.shared.topology.borrow().age() {
                            self.believe(&view);
                        }
                        views.push((address, view));
                    }
                }
                Ok(None) | Err(_) => break,
            }
        }
        drop(asking);
        self.incomplete = answered < asked || views.len() < asked;
        // Views of one age may differ in who looks healthy: always the same node's is taken, so that they do not take turns.
        views.sort_by(|(one, _), (other, _)| one.cmp(other));
        if let Some((_, newest)) = views.iter().rev().max_by_key(|(_, view)| view.age()) {
            self.believe(newest);
        }

        let believed = self.shared.topology.borrow().clone();
        let agreeing = believed
            .masters()
            .filter(|master| {
                views.iter().any(|(address, view)| *address == master.address && view.age() == believed.age())
            })
            .count();
        self.shared.round.send_replace(Round { started, masters: believed.masters().count(), agreeing });
    }

    /// All nodes that are known, and the seeds, whose names are looked up anew with each connection.
    fn addresses(&mut self, with_seeds: bool) -> BTreeSet<Arc<str>> {
        let topology = self.shared.topology.borrow().clone();
        let mut addresses: BTreeSet<Arc<str>> = topology.nodes.iter().map(|node| node.address.clone()).collect();
        if with_seeds {
            addresses.extend(self.shared.seeds.iter().map(|seed| Arc::from(seed.as_str())));
        }
        let nodes: BTreeSet<&Arc<str>> = topology.nodes.iter().map(|node| &node.address).collect();
        // A connection to a seed that is no node's own address is not kept: tomorrow the name is somebody else's.
        self.links.retain(|address, _| nodes.contains(address));
        for address in &addresses {
            if !self.links.contains_key(address) {
                let link = Link::new(address.clone(), self.shared.connector.clone(), self.shared.counters.clone());
                self.links.insert(address.clone(), Arc::new(link));
            }
        }
        addresses
    }

    fn ask(&self, address: Arc<str>) -> impl Future<Output = Option<(Arc<str>, Topology)>> + use<> {
        let link = self.links.get(&address).cloned();
        let shared = self.shared.clone();
        async move {
            let link = link?;
            match timeout(ANSWER_MAX, view(&link, &address)).await {
                Ok(Ok(view)) => view.map(|view| (address, view)),
                Ok(Err(_)) | Err(_) => {
                    shared.counters.broken(Purpose::Topology);
                    None
                }
            }
        }
    }

    fn believe(&mut self, view: &Topology) {
        if view.covered() == 0 {
            return;
        }
        let believed = self.shared.topology.borrow().clone();
        if view.age() < believed.age() && self.fresh_at.elapsed() < OLDER_AFTER {
            return;
        }
        self.fresh_at = Instant::now();
        if *view == *believed {
            return;
        }
        if !view.same_owners(&believed) {
            self.shared.counters.topology_changed();
            tracing::info!(epoch = view.epoch, masters = view.masters().count(), "the cluster's topology has changed");
        }
        self.shared.forget_others(view);
        self.shared.topology.send_replace(Arc::new(view.clone()));
    }
}

async fn view(link: &Link, address: &str) -> Result<Option<Topology>, Broken> {
    let connection = link.get().await?;
    let info = Command::new("CLUSTER", ["INFO".into()]);
    let nodes = Command::new("CLUSTER", ["NODES".into()]);
    let answers = connection.pipeline(&[&info, &nodes], ANSWER_MAX).await?;
    let text = |answer: &Result<Value, _>| match answer {
        Ok(Value::Bytes(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        Ok(Value::Null | Value::Integer(_) | Value::Array(_)) | Err(_) => None,
    };
    let [info, nodes] = answers.as_slice() else { return Ok(None) };
    Ok(text(info).zip(text(nodes)).map(|(info, nodes)| parse::topology(&info, &nodes, address)))
}
