//! The one connection to a node that several users share: made when it is wanted, made anew when it broke.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::connection::{Broken, Connection, Connector};
use crate::counters::Counters;

/// What a connect came to answers everybody for so long, though it failed or broke at once: a node that is cut off from the others takes
/// connections and refuses what comes over them, and each new one costs a handshake.
const SETTLED_FOR: Duration = Duration::from_millis(100);

type Connecting = Shared<BoxFuture<'static, (Result<Arc<Connection>, Broken>, Instant)>>;

pub(crate) struct Link {
    address: Arc<str>,
    connector: Arc<Connector>,
    counters: Counters,
    connecting: Mutex<Option<Connecting>>,
}

impl Link {
    pub(crate) fn new(address: Arc<str>, connector: Arc<Connector>, counters: Counters) -> Self {
        Self { address, connector, counters, connecting: Mutex::default() }
    }

    /// The connection; a broken one is replaced, though not more often than ten times a second.
    pub(crate) async fn get(&self) -> Result<Arc<Connection>, Broken> {
        let connecting = {
            let mut place = self.connecting.lock();
            match place.as_ref() {
                Some(connecting) if is_good(connecting) => connecting.clone(),
                Some(_) | None => place.insert(self.connect()).clone(),
            }
        };
        connecting.await.0
    }

    /// In a task of its own, so that whoever stops waiting leaves nobody behind with half a connect.
    fn connect(&self) -> Connecting {
        let (connector, address) = (self.connector.clone(), self.address.clone());
        let counters = self.counters.clone();
        let task = tokio::spawn(async move {
            let connected = connector.connect(&address, 32).await.map(Arc::new);
            counters.connects(connected.is_ok());
            (connected, Instant::now())
        });
        async move {
            match task.await {
                Ok(connected) => connected,
                Err(_) => (Err(Broken::timeout()), Instant::now()),
            }
        }
        .boxed()
        .shared()
    }
}

fn is_good(connecting: &Connecting) -> bool {
    match connecting.peek() {
        None => true,
        Some((connected, at)) => {
            at.elapsed() < SETTLED_FOR || connected.as_ref().is_ok_and(|connection| !connection.is_broken())
        }
    }
}
