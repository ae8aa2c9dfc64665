//! The one task that asks the nodes who owns what: once a second, and at once when somebody has a doubt.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::call::Value;
use crate::connection::{Broken, Command};
use crate::counters::Purpose;
use crate::link::Link;
use crate::shared::Shared;
use crate::topology::{Node, Topology, parse};

/// Without a doubt.
const EVERY: Duration = Duration::from_secs(1);
/// However many doubts there are.
const AT_MOST_EVERY: Duration = Duration::from_millis(50);
/// Who has not answered by then is not waited for, once others have.
const STRAGGLERS: Duration = Duration::from_millis(250);
/// Who has not answered by then does not answer.
const ANSWER_MAX: Duration = Duration::from_millis(700);
/// Who has not answered by then is not waited for, once most masters have said the same.
const STRAGGLERS_OF_MANY: Duration = Duration::from_millis(100);
/// While all nodes answer, seeds are asked in each so-manieth round.
const SEEDS_EVERY: u32 = 10;
/// How long a connection to a seed that is no node's own address is kept: tomorrow the name is somebody else's.
const SEED_FOR: Duration = Duration::from_secs(10);
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
    /// With the moment at which each was made.
    links: HashMap<Arc<str>, (Arc<Link>, Instant)>,
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
        loop {
            self.round().await;
            sleep(AT_MOST_EVERY).await;
            // Whether somebody has a doubt or nobody has: it is time.
            let _ = timeout(EVERY, self.shared.kick.notified()).await;
        }
    }

    async fn round(&mut self) {
        let started = Instant::now();
        self.shared.counters.round();
        let with_seeds = self.incomplete || self.rounds.is_multiple_of(SEEDS_EVERY);
        self.rounds = self.rounds.wrapping_add(1);

        let addresses = self.addresses(with_seeds);
        let asked = addresses.len();
        let mut asking: FuturesUnordered<_> = addresses.into_iter().map(|address| self.ask(address)).collect();
        let mut views: Vec<(Arc<str>, Topology)> = Vec::new();
        let mut answered = 0;
        let mut agreed = false;
        loop {
            let limit = match (views.is_empty(), agreed) {
                (true, _) => ANSWER_MAX,
                (false, false) => STRAGGLERS,
                (false, true) => STRAGGLERS_OF_MANY,
            };
            let left = limit.saturating_sub(started.elapsed());
            match timeout(left, asking.next()).await {
                Ok(Some(view)) => {
                    answered += 1;
                    if let Ok(Some((address, view))) = view {
                        // What is newer is believed at once: those that hang must not keep the others' news back.
                        if view.sound && view.age() > self.shared.topology.borrow().age() {
                            self.believe(&view, false);
                        }
                        views.push((address, view));
                        // Who waits for a majority needs no more than that.
                        if !agreed {
                            let round = self.count(started, &views);
                            agreed = round.is_majority();
                            if agreed {
                                self.shared.round.send_replace(round);
                            }
                        }
                    }
                }
                Ok(None) | Err(_) => break,
            }
        }
        drop(asking);
        self.incomplete = answered < asked || views.len() < asked;
        if let Some(best) = best(&views) {
            let of_most = is_of_most(&views, best);
            self.believe(best, of_most);
        }
        self.shared.round.send_replace(self.count(started, &views));
    }

    fn count(&self, started: Instant, views: &[(Arc<str>, Topology)]) -> Round {
        let believed = self.shared.topology.borrow().clone();
        let says_so = |address: &Arc<str>| views.iter().any(|(of, view)| of == address && view.age() == believed.age());
        let agreeing = believed.masters().filter(|master| says_so(&master.address)).count();
        Round { started, masters: believed.masters().count(), agreeing }
    }

    /// All nodes that are known, and the seeds, whose names are looked up anew with each connection.
    fn addresses(&mut self, with_seeds: bool) -> BTreeSet<Arc<str>> {
        let topology = self.shared.topology.borrow().clone();
        let mut addresses: BTreeSet<Arc<str>> = topology.nodes.iter().map(|node| node.address.clone()).collect();
        if with_seeds {
            addresses.extend(self.shared.seeds.iter().map(|seed| Arc::from(seed.as_str())));
        }
        let nodes: BTreeSet<&Arc<str>> = topology.nodes.iter().map(|node| &node.address).collect();
        self.links.retain(|address, (_, made)| nodes.contains(address) || made.elapsed() < SEED_FOR);
        for address in &addresses {
            if !self.links.contains_key(address) {
                let link = Link::new(address.clone(), self.shared.connector.clone(), self.shared.counters.clone());
                self.links.insert(address.clone(), (Arc::new(link), Instant::now()));
            }
        }
        addresses
    }

    /// In a task of its own, which goes on when the round is over: so a connection that hangs reaches its timeout, and is discarded.
    fn ask(&self, address: Arc<str>) -> JoinHandle<Option<(Arc<str>, Topology)>> {
        let link = self.links.get(&address).map(|(link, _)| link.clone());
        let shared = self.shared.clone();
        tokio::spawn(async move {
            let link = link?;
            match view(&link, &address).await {
                Ok(view) => view.map(|view| (address, view)),
                Err(_) => {
                    shared.broken(Purpose::Topology, &address);
                    None
                }
            }
        })
    }

    /// `of_most`: most of the masters that it names say the same.
    fn believe(&mut self, view: &Topology, of_most: bool) {
        if view.covered() == 0 {
            return;
        }
        let believed = self.shared.topology.borrow().clone();
        if view.age() < believed.age() && !of_most && self.fresh_at.elapsed() < OLDER_AFTER {
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

/// The view to go by: of a node that takes the cluster for sound rather than of one that is cut off, the newest, the one that most share; and then always
/// the same node's, so that they do not take turns in who looks healthy.
fn best(views: &[(Arc<str>, Topology)]) -> Option<&Topology> {
    let newest = views.iter().map(|(_, view)| (view.sound, view.age())).max()?;
    let newest: Vec<_> = views.iter().filter(|(_, view)| (view.sound, view.age()) == newest).collect();
    let sharing = |view: &Topology| newest.iter().filter(|(_, other)| other.agrees_with(view)).count();
    let best = newest.iter().max_by_key(|(address, view)| (sharing(view), Reverse(address.clone())));
    best.map(|(_, view)| view)
}

/// Whether most of the masters that a view names have given one of the same age.
fn is_of_most(views: &[(Arc<str>, Topology)], of: &Topology) -> bool {
    let says_so = |master: &&Node| views.iter().any(|(from, view)| *from == master.address && view.age() == of.age());
    of.masters().filter(says_so).count() * 2 > of.masters().count()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the node at `from` says: its state, the current epoch, and who owns the slots 0 to 9 and 10 to 19.
    fn view(from: &str, state: &str, epoch: u64, [first, second]: [&str; 2]) -> (Arc<str>, Topology) {
        let info = format!("cluster_state:{state}\r\ncluster_current_epoch:{epoch}\r\n");
        let nodes = format!("i {first} master - 0 0 1 connected 0-9\nj {second} master - 0 0 2 connected 10-19\n");
        (from.into(), parse::topology(&info, &nodes, from))
    }

    fn owners(views: &[(Arc<str>, Topology)]) -> [String; 2] {
        let best = best(views).expect("a view");
        [0, 10].map(|slot| best.owner(slot).map(|node| node.address.to_string()).unwrap_or_default())
    }

    #[test]
    fn the_best_view_is_sound_new_and_shared() {
        const OLD: [&str; 2] = ["a:1@2", "b:1@2"];
        const NEW: [&str; 2] = ["a:1@2", "c:1@2"];
        // A node that is cut off counts last, whatever its address and its epoch.
        for epoch in [5, 9] {
            let views = [view("0:1", "fail", epoch, OLD), view("b:1", "ok", 5, NEW), view("c:1", "ok", 5, NEW)];
            assert_eq!(owners(&views), ["a:1", "c:1"], "{epoch}");
        }
        // A slot that has moved without a new epoch: what most say.
        let views = [view("0:1", "ok", 5, OLD), view("b:1", "ok", 5, NEW), view("c:1", "ok", 5, NEW)];
        assert_eq!(owners(&views), ["a:1", "c:1"]);
        // What is newer counts more than what most say.
        let views = [view("0:1", "ok", 6, OLD), view("b:1", "ok", 5, NEW), view("c:1", "ok", 5, NEW)];
        assert_eq!(owners(&views), ["a:1", "b:1"]);
        // If nobody takes it for sound, the newest.
        let views = [view("a:1", "fail", 6, NEW), view("b:1", "fail", 5, OLD)];
        assert_eq!(owners(&views), ["a:1", "c:1"]);
        assert_eq!(best(&[]), None);
    }

    #[test]
    fn a_majority_is_of_the_masters_that_the_view_names() {
        const NODES: [&str; 2] = ["a:1@2", "b:1@2"];
        let views = [view("a:1", "ok", 5, NODES), view("x:1", "ok", 5, NODES), view("b:1", "ok", 6, NODES)];
        assert!(!is_of_most(&views, &views[0].1), "one of two, and a seed");
        let views = [view("a:1", "ok", 5, NODES), view("b:1", "fail", 5, NODES)];
        assert!(is_of_most(&views, &views[0].1));
    }
}
