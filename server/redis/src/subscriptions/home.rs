//! One connection to one master, for the channels that it owns.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fred::types::{Message, Value as Wire};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Subscriptions;
use crate::connection::{Broken, Command, Connection};
use crate::counters::Purpose;
use crate::fault::Fault;
use crate::shared::Shared;

/// Subscriptions on their way at once.
const JOINS_MAX: usize = 64;
/// Messages that may wait to be taken; the client sets this much memory aside, some 600 bytes each.
const MESSAGES_MAX: usize = 8192;
/// How often the connection is asked whether it lives, and how long it may take to answer.
const PING_EVERY: Duration = Duration::from_millis(500);
const ANSWER_MAX: Duration = Duration::from_millis(1500);
/// A connection that could not be had, or has ended, is not missed for so long, so that a dead node is not stormed.
const REST: Duration = Duration::from_millis(100);

/// What a home is asked to do, in this order.
pub(super) enum Step {
    Join(Bytes),
    Leave(Bytes),
    /// A channel that is in place has one subscriber more.
    Greet(Bytes, u64),
}

/// What has come of something that was sent.
enum Done {
    Joined(Bytes),
    Refused(Bytes, Fault),
    Nothing,
    Broken(Broken),
}

type Doing = Pin<Box<dyn Future<Output = Done> + Send>>;

pub(super) struct Home {
    id: u64,
    address: Arc<str>,
    shared: Arc<Shared>,
    subscriptions: Arc<Subscriptions>,
}

impl Home {
    pub(super) fn new(id: u64, address: Arc<str>, shared: Arc<Shared>, subscriptions: Arc<Subscriptions>) -> Self {
        Self { id, address, shared, subscriptions }
    }

    /// Until the connection ends, or nobody needs it any more.
    pub(super) async fn run(self, mut steps: mpsc::UnboundedReceiver<Step>, ends: mpsc::Sender<u64>) {
        let connected = self.shared.connector.connect(&self.address, MESSAGES_MAX).await;
        self.shared.counters.connects(connected.is_ok());
        if let Ok(connection) = connected
            && let Err(broken) = self.serve(Arc::new(connection), &mut steps).await
        {
            self.shared.broken(Purpose::Subscribe, &self.address);
            tracing::info!(node = &*self.address, error = %broken, "a connection for subscriptions has ended");
        }
        self.shared.kick.notify_one();
        sleep(REST).await;
        // Nobody to tell: everything ends.
        let _ = ends.send(self.id).await;
    }

    async fn serve(
        &self,
        connection: Arc<Connection>,
        steps: &mut mpsc::UnboundedReceiver<Step>,
    ) -> Result<(), Broken> {
        let mut messages = connection.messages();
        let mut doing: FuturesUnordered<Doing> = FuturesUnordered::new();
        let mut pings = interval(PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Ok(message) => self.take(message),
                    Err(RecvError::Lagged(lost)) => {
                        self.shared.counters.messages_lost(lost);
                        self.subscriptions.disturb_all(self.id);
                    }
                    Err(RecvError::Closed) => return Ok(()),
                },
                Some(done) = doing.next() => self.done(done)?,
                step = steps.recv(), if doing.len() < JOINS_MAX => match step {
                    Some(step) => self.step(step, &connection, &mut doing)?,
                    None => return Ok(()),
                },
                _ = pings.tick() => {
                    if connection.is_broken() {
                        return Err(Broken::closed());
                    }
                    self.begin(ping(connection.clone()), &mut doing)?;
                }
            }
        }
    }

    fn step(
        &self,
        step: Step,
        connection: &Arc<Connection>,
        doing: &mut FuturesUnordered<Doing>,
    ) -> Result<(), Broken> {
        match step {
            Step::Join(channel) => self.begin(join(connection.clone(), channel), doing),
            Step::Leave(channel) => self.begin(leave(connection.clone(), channel), doing),
            Step::Greet(channel, sink) => {
                self.subscriptions.greet(&channel, self.id, sink);
                Ok(())
            }
        }
    }

    /// Its first poll puts the command into the connection's queue, so that commands go out in the order of the steps.
    fn begin(
        &self,
        doing: impl Future<Output = Done> + Send + 'static,
        all: &mut FuturesUnordered<Doing>,
    ) -> Result<(), Broken> {
        let mut doing: Doing = Box::pin(doing);
        match (&mut doing).now_or_never() {
            Some(done) => self.done(done),
            None => {
                all.push(doing);
                Ok(())
            }
        }
    }

    fn done(&self, done: Done) -> Result<(), Broken> {
        match done {
            Done::Joined(channel) => self.subscriptions.confirm(&channel, self.id),
            Done::Refused(channel, fault) => {
                self.shared.fault(&fault, &self.address);
                self.shared.kick.notify_one();
                self.subscriptions.refuse(channel, self.id);
            }
            Done::Nothing => {}
            Done::Broken(broken) => return Err(broken),
        }
        Ok(())
    }

    fn take(&self, message: Message) {
        let payload = match message.value {
            Wire::Bytes(bytes) => bytes,
            Wire::String(text) => text.into_inner(),
            Wire::Boolean(_)
            | Wire::Integer(_)
            | Wire::Double(_)
            | Wire::Null
            | Wire::Queued
            | Wire::Map(_)
            | Wire::Array(_) => return,
        };
        self.subscriptions.message(message.channel.as_bytes(), self.id, &payload);
    }
}

async fn join(connection: Arc<Connection>, channel: Bytes) -> Done {
    // One channel a call: of several the answers would go astray.
    match connection.command(&Command::new("SSUBSCRIBE", [channel.clone()]), ANSWER_MAX).await {
        Ok(Ok(_)) => Done::Joined(channel),
        Ok(Err(fault)) => Done::Refused(channel, fault),
        Err(broken) => Done::Broken(broken),
    }
}

async fn leave(connection: Arc<Connection>, channel: Bytes) -> Done {
    match connection.leave(&channel, ANSWER_MAX).await {
        Ok(()) => Done::Nothing,
        Err(broken) => Done::Broken(broken),
    }
}

async fn ping(connection: Arc<Connection>) -> Done {
    match connection.command(&Command::new("PING", []), ANSWER_MAX).await {
        Ok(_) => Done::Nothing,
        Err(broken) => Done::Broken(broken),
    }
}
