//! Keeps this server on the board, and a copy of who else is.

use super::roster::{Change, Roster, Taken, View};
use super::{Away, Board, Boot, Counters, Entry, Load, Rates, Sheet, State};
use parking_lot::Mutex;
use rand::Rng;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::{Notify, broadcast, watch};

/// How often an entry is written. Each pause is up to a fifth shorter or longer, so that servers that started together do not beat together.
const BEAT: Duration = Duration::from_secs(2);

/// How long an entry is good for.
pub const EXPIRY: Duration = Duration::from_secs(10);

/// How long the board may take.
const ANSWER: Duration = Duration::from_secs(4);

/// How many changes may wait for somebody who listens; who misses some is told so, and looks at the view.
const CHANGES_KEPT: usize = 1024;

/// A view of this age is new enough to say that a server is not there: so all who ask for the gone share one look.
const MOMENT: Duration = Duration::from_millis(300);

/// How long a look at the board may take for somebody who waits for it.
const LOOK: Duration = Duration::from_secs(1);

/// Who this server is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its name.
    pub node: String,
    /// This run of it.
    pub boot: Boot,
    /// Where its internal port is reached.
    pub address: String,
    /// Which build it runs.
    pub build: String,
}

/// The registry of servers, as this one sees it.
pub struct Registry {
    own: Identity,
    started_at: u64,
    board: Arc<dyn Board>,
    counters: Counters,
    view: watch::Sender<Arc<View>>,
    changes: broadcast::Sender<Change>,
    poked: Notify,
    rates: Mutex<Rates>,
}

impl Registry {
    /// A registry that knows nobody yet: see [`run`](Self::run).
    pub fn new(own: Identity, board: Arc<dyn Board>, counters: Counters) -> Arc<Self> {
        Arc::new(Self {
            own,
            started_at: unix_ms(),
            board,
            counters,
            view: watch::Sender::new(Arc::default()),
            changes: broadcast::Sender::new(CHANGES_KEPT),
            poked: Notify::new(),
            rates: Mutex::default(),
        })
    }

    /// Who this server is.
    pub fn own(&self) -> &Identity {
        &self.own
    }

    /// What this server did a second, of late: as in its entry, whether that can be written or not.
    pub fn rates(&self) -> Rates {
        *self.rates.lock()
    }

    /// Who is there, this server among them once it has been on the board. The last copy, however old: see [`is_fresh`](Self::is_fresh).
    pub fn view(&self) -> Arc<View> {
        self.view.borrow().clone()
    }

    /// Each view as it comes, about every two seconds.
    pub fn views(&self) -> watch::Receiver<Arc<View>> {
        self.view.subscribe()
    }

    /// Who comes and goes from here on. Whoever lags behind is told so, and takes the [`view`](Self::view) instead.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// Whether the copy is as new as it should be. If not, that a server is missing in it says nothing.
    pub fn is_fresh(&self) -> bool {
        self.view.borrow().answered().is_some_and(|at| at.elapsed() < EXPIRY)
    }

    /// The view; asked for anew if it does not know this boot and is not quite new. A server that has just come may have clients before all others have
    /// heard of it.
    pub async fn view_with(&self, boot: Boot) -> Arc<View> {
        let begun = Instant::now();
        let mut views = self.views();
        let known = views.borrow_and_update().clone();
        let is_new = |view: &View, since: Instant| view.answered().is_some_and(|at| at >= since);
        if known.get(boot).is_some() || begun.checked_sub(MOMENT).is_some_and(|since| is_new(&known, since)) {
            return known;
        }
        self.poke();
        let newer = async {
            while !is_new(&views.borrow_and_update().clone(), begun) {
                if views.changed().await.is_err() {
                    return;
                }
            }
        };
        // If nothing comes the last copy has to do.
        let _ = tokio::time::timeout(LOOK, newer).await;
        self.view()
    }

    /// Writes the entry at once, since something in it has changed that others should know.
    pub fn poke(&self) {
        self.poked.notify_one();
    }

    /// Writes the entry and reads those of the others, until it is dropped.
    pub async fn run(self: Arc<Self>, load: impl Fn() -> Load + Send) {
        let (mut roster, mut standing) = (Roster::new(self.own.boot, EXPIRY), Standing::default());
        let mut earlier = (Instant::now(), load());
        loop {
            let (now, carried) = (Instant::now(), load());
            let rates = carried.rates_since(&earlier.1, now.duration_since(earlier.0));
            earlier = (now, carried);
            *self.rates.lock() = rates;
            let entry = Entry { rates, ..self.entry(&carried) };
            let asked = Instant::now();
            let answer = self.watched(self.board.announce(&entry, EXPIRY)).await;
            match answer {
                Ok(sheet) => {
                    self.skew(&sheet, asked.elapsed());
                    let taken = roster.take(&sheet, Instant::now());
                    self.publish(&roster, taken, &sheet, &mut standing);
                }
                Err(away) => {
                    self.counters.beat(false);
                    if !std::mem::replace(&mut standing.away, true) {
                        tracing::warn!(error = %away, "the registry is not kept up; the last copy serves");
                    }
                }
            }
            self.rest().await;
        }
    }

    /// Says good-bye, so that the others need not wait for the expiry. Not to be called while [`run`](Self::run) runs.
    pub async fn leave(&self) {
        let nothing = Load {
            state: State::Ended,
            connections: 0,
            connections_max: 0,
            rooms: 0,
            sends: 0,
            deliveries: 0,
            accepts: 0,
        };
        if let Err(away) = self.answered(self.board.announce(&self.entry(&nothing), EXPIRY)).await {
            tracing::warn!(error = %away, "not taken off the registry; the entry will expire");
        }
    }

    fn entry(&self, load: &Load) -> Entry {
        let Identity { node, boot, address, build } = self.own.clone();
        let Load { state, connections, connections_max, rooms, sends: _, deliveries: _, accepts: _ } = *load;
        Entry {
            node,
            boot,
            address,
            build,
            started_at: self.started_at,
            state,
            connections,
            connections_max,
            rooms,
            rates: Rates::default(),
        }
    }

    async fn answered(&self, answer: impl Future<Output = Result<Sheet, Away>>) -> Result<Sheet, Away> {
        let late = |_| Away(format!("no answer within {} s", ANSWER.as_secs()));
        tokio::time::timeout(ANSWER, answer).await.unwrap_or_else(|elapsed| Err(late(elapsed)))
    }

    /// The same, while the age of the copy is shown growing.
    async fn watched(&self, answer: impl Future<Output = Result<Sheet, Away>>) -> Result<Sheet, Away> {
        let answer = self.answered(answer);
        tokio::pin!(answer);
        loop {
            tokio::select! {
                answer = &mut answer => return answer,
                () = tokio::time::sleep(Duration::from_secs(1)) => self.show_age(),
            }
        }
    }

    async fn rest(&self) {
        self.show_age();
        let pause = BEAT.mul_f64(rand::rng().random_range(0.8..1.2));
        // Poked or not: the next beat is due.
        let _ = tokio::time::timeout(pause, self.poked.notified()).await;
    }

    fn show_age(&self) {
        let age = self.view.borrow().answered().map_or(Duration::ZERO, |at| at.elapsed());
        self.counters.registry_age.set(age.as_secs_f64());
    }

    /// How far our clock is from the board's, at best knowledge: the answer was written halfway.
    fn skew(&self, sheet: &Sheet, took: Duration) {
        let own = unix_ms().saturating_sub(took.as_millis() as u64 / 2);
        self.counters.clock_skew.set(own.abs_diff(sheet.now_ms) as f64 / 1000.0);
    }

    fn publish(&self, roster: &Roster, taken: Taken, sheet: &Sheet, standing: &mut Standing) {
        // What was written need not have arrived; then the next one may.
        self.counters.beat(sheet.entries.iter().any(|seen| seen.entry.boot == self.own.boot));
        self.counters.nodes.set(roster.view().len() as i64);
        self.counters.namesakes.set(taken.namesakes.len() as i64);
        self.counters.foreign_entries.inc_by(sheet.foreign + taken.beyond);
        if std::mem::take(&mut standing.away) {
            tracing::info!("the registry is kept up again");
        }
        let conflict = taken.namesakes.first().cloned();
        if conflict.is_some() != standing.conflict {
            standing.conflict = conflict.is_some();
            match conflict {
                Some(other) => tracing::warn!(
                    node = self.own.node,
                    other = other.address,
                    "another server runs under the same node name: give each its own"
                ),
                None => tracing::info!(node = self.own.node, "no other server runs under this node name any more"),
            }
        }
        self.view.send_replace(roster.view().clone());
        for change in taken.changes {
            match &change {
                Change::Came(entry) => {
                    tracing::info!(node = entry.node, boot = %entry.boot, address = entry.address, "server came");
                }
                Change::Gone(entry) => tracing::info!(node = entry.node, boot = %entry.boot, "server gone"),
            }
            // Nobody may be listening.
            let _ = self.changes.send(change);
        }
    }
}

/// What was last said in the log, so that it is said once.
#[derive(Default)]
struct Standing {
    away: bool,
    conflict: bool,
}

fn unix_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::MemoryBoard;

    fn registry(board: &Arc<MemoryBoard>, node: &str) -> Arc<Registry> {
        let own =
            Identity { node: node.into(), boot: Boot::random(), address: "127.0.0.1:1".into(), build: "1".into() };
        Registry::new(own, board.clone(), Counters::new(&prometheus::Registry::new()).expect("counters"))
    }

    fn load() -> Load {
        Load {
            state: State::Serving,
            connections: 3,
            connections_max: 9,
            rooms: 2,
            sends: 0,
            deliveries: 0,
            accepts: 0,
        }
    }

    #[tokio::test]
    async fn servers_find_each_other_and_say_good_bye() {
        let board = Arc::new(MemoryBoard::default());
        let (one, other) = (registry(&board, "a"), registry(&board, "b"));
        let mut changes = one.changes();
        let running = [tokio::spawn(one.clone().run(load)), tokio::spawn(other.clone().run(load))];
        let mut came = Vec::new();
        while came.len() < 2 {
            let change = tokio::time::timeout(EXPIRY, changes.recv()).await.expect("in time").expect("a change");
            let Change::Came(entry) = change else { panic!("{change:?}") };
            came.push(entry.node.clone());
        }
        came.sort();
        assert_eq!(came, ["a", "b"]);
        assert!(one.is_fresh());
        assert_eq!(one.view().get(other.own().boot).expect("b").entry.connections, 3);
        running[1].abort();
        other.leave().await;
        one.poke();
        let change = tokio::time::timeout(EXPIRY, changes.recv()).await.expect("in time").expect("a change");
        assert!(matches!(&change, Change::Gone(entry) if entry.node == "b"), "{change:?}");
        assert_eq!(board.len(), 1);
        running[0].abort();
    }
}
