//! The one way by which writes reach a master: what comes while a batch is under way becomes the next batch, one pipeline with one `WAIT`.
//!
//! A batch is: the head (`tenure`: what the master is and which replicas follow it), the calls in their order, a `beat`, which makes sure that
//! this connection has written something for `WAIT` to wait for (from Redis 7.2, and in Valkey, it answers at once on a connection that has not), `WAIT`, and
//! `TIME`, which with that of the beat tells how long the replicas took.
//! One batch at a time: the later ones grow meanwhile, which costs less of everybody's time than a second one under way.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::call::{Call, Value, Written};
use crate::confirm::{Head, Verdict, verdict};
use crate::connection::{Broken, Command, Connection};
use crate::counters::{BatchEnd, Purpose};
use crate::fault::Fault;
use crate::link::Link;
use crate::partition::Partition;
use crate::shared::{Shared, answer, number};
use crate::topology::Topology;

mod raise;

/// Calls in a batch.
const BATCH_MAX: usize = 512;
/// Bytes in a batch, from which on no further call is added.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// How long `WAIT` waits for the replicas.
const WAIT_MS: u64 = 500;
/// How long a batch may take, with its `WAIT`.
const ANSWER_MAX: Duration = Duration::from_millis(WAIT_MS + 1000);
/// How long a majority is waited for that still takes this master for the owner.
const MAJORITY_MAX: Duration = Duration::from_millis(1500);
/// Without an answer for so long, and again and again, the nodes are asked whether this is still the master.
const DOUBT_EVERY: Duration = Duration::from_millis(200);
/// What a master that was replaced still has to say is waited for so long: one that handed over in agreement answers, one that hangs does not.
const REPLACED_MAX: Duration = Duration::from_millis(100);
/// How often calls are sent again within the courier, after loading the library and after raising epochs.
const ROUNDS_MAX: usize = 4;

/// Something for a master.
pub(crate) enum Work {
    /// A call whose outcome is waited for.
    Call(Parcel),
    /// Something whose outcome nobody waits for.
    Post(Command),
    /// A reader found that the partition's epoch was not raised.
    Raise(Partition, oneshot::Sender<()>),
}

/// A call on its way.
pub(crate) struct Parcel {
    pub(crate) order: Arc<Order>,
    /// The slot is on its way to this master: it must be asked specially.
    pub(crate) asking: bool,
    pub(crate) attempt: oneshot::Sender<Attempt>,
}

/// What is the same in all attempts of a call.
pub(crate) struct Order {
    pub(crate) partition: Partition,
    pub(crate) command: Command,
    /// It may have been executed. Set before it is sent.
    pub(crate) sent: AtomicBool,
}

/// How one attempt of a call ended.
#[derive(Debug)]
pub(crate) enum Attempt {
    /// It was executed, and counts.
    Counts(Written),
    /// The server said no: it was not executed, this time.
    Refused(Fault),
    /// The master was not reached: it was not executed, this time.
    Unreached,
    /// Nobody knows, or it was executed and does not count yet.
    Unconfirmed,
}

pub(crate) struct Courier {
    shared: Arc<Shared>,
    address: Arc<str>,
    link: Link,
    inbox: mpsc::Receiver<Work>,
    /// Replicas that followed the master when it was last asked.
    replicas: u32,
}

/// A pipeline's answers, in the order of the works.
struct Answers {
    head: Result<Head, Fault>,
    works: Vec<Result<Value, Fault>>,
    beat: bool,
    acked: u32,
}

impl Courier {
    pub(crate) fn new(shared: Arc<Shared>, address: Arc<str>, inbox: mpsc::Receiver<Work>) -> Self {
        let link = Link::new(address.clone(), shared.connector.clone(), shared.counters.clone());
        let replicas = {
            let topology = shared.topology.borrow();
            topology.nodes.iter().find(|node| node.address == address).map_or(0, |node| node.replicas_online)
        };
        Self { shared, address, link, inbox, replicas }
    }

    /// Works until nobody can send it anything any more.
    pub(crate) async fn run(mut self) {
        while let Some(first) = self.inbox.recv().await {
            let works = self.gather(first);
            self.deliver(works).await;
        }
    }

    /// What has come up to now.
    fn gather(&mut self, first: Work) -> Vec<Work> {
        let mut bytes = first.size();
        let mut works = vec![first];
        while works.len() < BATCH_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(work) = self.inbox.try_recv() else { break };
            bytes += work.size();
            works.push(work);
        }
        works
    }

    async fn deliver(&mut self, works: Vec<Work>) {
        let mut works = self.raise_for_readers(works).await;
        for _ in 0..ROUNDS_MAX {
            works.retain(Work::is_wanted);
            if works.is_empty() {
                return;
            }
            let connection = match self.unless_replaced(self.link.get()).await {
                Some(Ok(connection)) => connection,
                Some(Err(_)) => {
                    self.shared.counters.batch_end(BatchEnd::Unreachable);
                    return self.give_up(works, || Attempt::Unreached);
                }
                None => return self.hand_back(works, || Attempt::Unreached),
            };
            let started = Instant::now();
            let mut sent = Vec::with_capacity(works.len());
            for work in works {
                if work.set_out() {
                    sent.push(work);
                }
            }
            works = match self.unless_replaced(self.send(&connection, &sent)).await {
                Some(Ok(answers)) => {
                    let held = self.settle_all(&connection, sent, answers).await;
                    self.shared.counters.batch(held.1, started.elapsed());
                    held.0
                }
                None => {
                    connection.discard();
                    self.shared.broken(Purpose::Write, &self.address);
                    return self.hand_back(sent, || Attempt::Unconfirmed);
                }
                Some(Err(broken)) => {
                    self.shared.broken(Purpose::Write, &self.address);
                    self.shared.counters.batch_end(BatchEnd::Broken);
                    self.shared.kick.notify_one();
                    tracing::info!(node = &*self.address, timeout = broken.timeout, error = %broken, "a batch of writes was cut short");
                    return self.give_up(sent, || Attempt::Unconfirmed);
                }
            };
            if works.is_empty() {
                return;
            }
        }
        self.give_up(works, || Attempt::Refused(Fault::Busy));
    }

    /// What readers have asked for comes first; the rest is returned.
    async fn raise_for_readers(&mut self, works: Vec<Work>) -> Vec<Work> {
        let mut partitions = BTreeSet::new();
        let mut waiting = Vec::new();
        let mut rest = Vec::with_capacity(works.len());
        for work in works {
            match work {
                Work::Raise(partition, done) => {
                    partitions.insert(partition);
                    waiting.push(done);
                }
                other @ (Work::Call(_) | Work::Post(_)) => rest.push(other),
            }
        }
        if !partitions.is_empty()
            && let Err(fault) = self.raise(&partitions).await
        {
            tracing::debug!(node = &*self.address, ?fault, "epochs were not raised");
        }
        for done in waiting {
            // A reader whose deadline is over has gone.
            let _ = done.send(());
        }
        rest
    }

    /// The answer, or nothing where another node takes this one's place as a master meanwhile: the calls go there at once, and not when a batch
    /// has lasted as long as it may.
    async fn unless_replaced<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        let mut answer = pin!(answer);
        let mut topology = self.shared.topology.subscribe();
        let is_master = |topology: &Topology| topology.masters().any(|master| master.address == self.address);
        let was_master = is_master(&topology.borrow_and_update());
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return Some(answer),
                changed = timeout(DOUBT_EVERY, topology.changed()) => {
                    if changed.is_err() {
                        self.shared.kick.notify_one();
                    }
                }
            }
            if was_master && !is_master(&topology.borrow_and_update()) {
                return timeout(REPLACED_MAX, answer).await.ok();
            }
        }
    }

    /// This is no master any more: whatever was to go to it looks for the one that is.
    fn hand_back(&mut self, works: Vec<Work>, attempt: impl Fn() -> Attempt) {
        tracing::info!(node = &*self.address, "a master was replaced that does not answer");
        self.shared.counters.batch_end(BatchEnd::Replaced);
        self.give_up(works, attempt);
        let waiting: Vec<Work> = std::iter::from_fn(|| self.inbox.try_recv().ok()).collect();
        self.give_up(waiting, || Attempt::Unreached);
    }

    fn give_up(&self, works: Vec<Work>, attempt: impl Fn() -> Attempt) {
        for work in works {
            match work {
                Work::Call(parcel) => parcel.end(attempt()),
                Work::Post(_) => self.shared.counters.posts_dropped(1),
                Work::Raise(..) => {}
            }
        }
    }

    async fn send(&self, connection: &Connection, works: &[Work]) -> Result<Answers, Broken> {
        let head = self.head();
        let asking = Command::new("ASKING", []);
        let mut commands = Vec::with_capacity(works.len() + 4);
        commands.push(&head);
        for work in works {
            match work {
                Work::Call(parcel) => {
                    if parcel.asking {
                        commands.push(&asking);
                    }
                    commands.push(&parcel.order.command);
                }
                Work::Post(command) => commands.push(command),
                Work::Raise(..) => {}
            }
        }
        // A batch of posts alone is not waited for.
        let calls = works.iter().any(|work| matches!(work, Work::Call(_)));
        let end = calls.then(|| self.beaten(works)).flatten();
        let end = end.map(|partition| [self.beat(partition), wait(self.replicas), Command::new("TIME", [])]);
        commands.extend(end.iter().flatten());

        let mut answers = connection.pipeline(&commands, ANSWER_MAX).await?.into_iter();
        let mut next = || answers.next().unwrap_or(Err(Fault::Busy));
        let head = next().and_then(|value| Head::parse(&answer(value)).ok_or(Fault::Busy));
        let mut read = Vec::with_capacity(works.len());
        for work in works {
            if work.is_asking() {
                let _ = next();
            }
            read.push(next().map(answer));
        }
        let beaten_at = if end.is_some() { next().map(answer) } else { Err(Fault::Busy) };
        let mut beat = beaten_at.is_ok();
        let mut acked = count(next());
        if let (Ok(before), Ok(after)) = (&beaten_at, next())
            && let Some(took) = between(before, &after)
            && self.replicas > 0
        {
            self.shared.counters.waited(took);
        }
        // A slot that is just coming or going may take the beat with it; one that took a call takes a beat, too.
        let done = works.iter().zip(&read).find_map(|(work, answer)| answer.is_ok().then(|| work.order()).flatten());
        if !beat && let Some((order, is_asking)) = done {
            let again = [asking, self.beat(order.partition), wait(self.replicas)];
            let again: Vec<&Command> = again.iter().skip(usize::from(!is_asking)).collect();
            let mut answers = connection.pipeline(&again, ANSWER_MAX).await?;
            acked = count(answers.pop().unwrap_or(Err(Fault::Busy)));
            beat = answers.pop().is_some_and(|beat| beat.is_ok());
        }
        Ok(Answers { head, works: read, beat, acked })
    }

    /// The partition that the beat goes to: one of a call that is here as far as we know, or any that is.
    fn beaten(&self, works: &[Work]) -> Option<Partition> {
        let is_here = |&partition: &Partition| self.shared.owner(partition).as_ref() == Some(&self.address);
        let mut of_calls = works.iter().filter_map(Work::order).map(|(order, _)| order.partition);
        of_calls.find(is_here).or_else(|| self.shared.partitions.all().find(is_here))
    }

    /// Tells everybody how it went; what is to be sent once more is returned, and how many calls there were.
    async fn settle_all(&mut self, connection: &Connection, works: Vec<Work>, answers: Answers) -> (Vec<Work>, usize) {
        let Answers { head, works: values, beat, acked } = answers;
        let asked = self.replicas;
        let missing = head == Err(Fault::FunctionMissing);
        if missing && !self.load(connection).await {
            self.give_up(works, || Attempt::Refused(Fault::FunctionMissing));
            return (Vec::new(), 0);
        }
        let mut held = Vec::new();
        let mut done = Vec::new();
        let mut stale = BTreeSet::new();
        let mut calls = 0;
        for (work, value) in works.into_iter().zip(values) {
            if let Err(fault) = &value {
                self.shared.fault(fault, &self.address);
            }
            match (work, value) {
                (Work::Call(parcel), Ok(value)) => {
                    calls += 1;
                    done.push((parcel, value));
                }
                // One that is asked specially waits for its slot to be here: its epoch cannot be raised before.
                (Work::Call(parcel), Err(Fault::Tenure)) if !parcel.asking => {
                    stale.insert(parcel.order.partition);
                    held.push(Work::Call(parcel));
                }
                (Work::Call(parcel), Err(Fault::FunctionMissing)) if missing => held.push(Work::Call(parcel)),
                (Work::Call(parcel), Err(fault)) => parcel.end(Attempt::Refused(fault)),
                (Work::Post(command), Err(Fault::FunctionMissing)) if missing => held.push(Work::Post(command)),
                (Work::Post(_), Err(_)) => self.shared.counters.posts_dropped(1),
                (Work::Post(_) | Work::Raise(..), _) => {}
            }
        }
        if let Ok(head) = &head {
            self.replicas = head.online;
        }
        if !done.is_empty() {
            let replicated = match head {
                Ok(head) if beat => {
                    let allowed = self.shared.unreplicated_allowed.load(Ordering::Relaxed);
                    self.confirmed(connection, &head, asked, acked, allowed).await
                }
                Ok(_) | Err(_) => None,
            };
            self.shared.counters.batch_end(match replicated {
                Some(true) => BatchEnd::Replicated,
                Some(false) => BatchEnd::Unreplicated,
                None => BatchEnd::Short,
            });
            for (parcel, value) in done {
                parcel.end(match replicated {
                    Some(replicated) => Attempt::Counts(Written { value, replicated }),
                    None => Attempt::Unconfirmed,
                });
            }
        }
        if !stale.is_empty()
            && let Err(fault) = self.raise(&stale).await
        {
            self.give_up(held, || Attempt::Refused(fault.clone()));
            return (Vec::new(), calls);
        }
        (held, calls)
    }

    /// Whether what was executed counts, and if so, whether replicas have it. Without those it counts where that is `allowed`.
    async fn confirmed(
        &self,
        connection: &Connection,
        head: &Head,
        mut asked: u32,
        mut acked: u32,
        allowed: bool,
    ) -> Option<bool> {
        let head = head.with_electable(self.shared.topology.borrow().electable(&self.address));
        loop {
            match verdict(&head, asked, acked) {
                Verdict::Replicated => return Some(true),
                Verdict::Short => return None,
                Verdict::Alone => return (allowed && self.is_owner_since(Instant::now()).await).then_some(false),
                Verdict::WaitFor(replicas) => {
                    let acks = connection.command(&wait(replicas), ANSWER_MAX).await;
                    asked = replicas;
                    acked = acks.ok()?.ok()?.as_count()? as u32;
                }
            }
        }
    }

    /// Whether a majority of masters, asked after that moment, takes this one for the owner of its slots.
    async fn is_owner_since(&self, since: Instant) -> bool {
        let mut rounds = self.shared.round.subscribe();
        let deadline = Instant::now() + MAJORITY_MAX;
        loop {
            let round = *rounds.borrow_and_update();
            if round.started >= since && round.is_majority() {
                let topology = self.shared.topology.borrow();
                return topology.masters().any(|master| master.address == self.address);
            }
            self.shared.kick.notify_one();
            if !matches!(timeout_at(deadline, rounds.changed()).await, Ok(Ok(()))) {
                return false;
            }
        }
    }

    async fn load(&self, connection: &Connection) -> bool {
        match self.shared.load(connection).await {
            Ok(Ok(())) => true,
            Ok(Err(fault)) => {
                self.shared.fault(&fault, &self.address);
                tracing::warn!(node = &*self.address, ?fault, "the function library could not be loaded");
                false
            }
            Err(_) => false,
        }
    }

    fn head(&self) -> Command {
        let required = u64::from(!self.shared.unreplicated_allowed.load(Ordering::Relaxed));
        let call = Call { function: "tenure", keys: Vec::new(), args: vec![number(required)] };
        self.shared.fcall("FCALL", call)
    }

    fn beat(&self, partition: Partition) -> Command {
        let meta = self.shared.partitions.key(partition, "m", "");
        self.shared.fcall("FCALL", Call { function: "beat", keys: vec![meta], args: Vec::new() })
    }
}

fn wait(replicas: u32) -> Command {
    Command::new("WAIT", [number(u64::from(replicas)), number(WAIT_MS)])
}

/// From the moment of a beat, in microseconds, to that of a `TIME`, both by the master's clock.
fn between(beat: &Value, time: &Value) -> Option<Duration> {
    let [seconds, micros] = time.as_array()? else { return None };
    let now = seconds.as_count()?.checked_mul(1_000_000)?.checked_add(micros.as_count()?)?;
    Some(Duration::from_micros(now.saturating_sub(beat.as_count()?)))
}

fn count(acked: Result<Value, Fault>) -> u32 {
    acked.ok().as_ref().and_then(Value::as_count).map_or(0, |acked| acked as u32)
}

impl Parcel {
    /// Whoever does not wait any more does not hear it.
    fn end(self, attempt: Attempt) {
        let _ = self.attempt.send(attempt);
    }
}

impl Work {
    fn size(&self) -> usize {
        let bytes = |command: &Command| command.args.iter().map(|arg| arg.len() + 16).sum();
        match self {
            Self::Call(parcel) => bytes(&parcel.order.command),
            Self::Post(command) => bytes(command),
            Self::Raise(..) => 0,
        }
    }

    fn is_asking(&self) -> bool {
        matches!(self, Self::Call(parcel) if parcel.asking)
    }

    /// Whether anybody still waits for it.
    fn is_wanted(&self) -> bool {
        match self {
            Self::Call(parcel) => !parcel.attempt.is_closed(),
            Self::Raise(..) | Self::Post(_) => true,
        }
    }

    /// Marks it as sent, unless nobody waits for it any more. The other side closes first and looks for the mark then, so that one of both sees the other.
    fn set_out(&self) -> bool {
        if let Self::Call(parcel) = self {
            parcel.order.sent.store(true, Ordering::SeqCst);
        }
        self.is_wanted()
    }

    /// A call, and whether it is asked specially.
    fn order(&self) -> Option<(&Order, bool)> {
        match self {
            Self::Call(parcel) => Some((&parcel.order, parcel.asking)),
            Self::Post(_) | Self::Raise(..) => None,
        }
    }
}
