//! Events that a client is to answer.

use crate::application::{Application, Namespace};
use crate::frame::Frame;
use crate::socket::{Guard, Socket};
use chat_wire::socket as packet;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::oneshot;

/// How many acknowledgements of one client may be outstanding.
const ACKS_MAX: usize = 256;

/// The answers that a client owes.
#[derive(Default)]
pub(crate) struct Acks {
    next: u64,
    waiting: BTreeMap<u64, oneshot::Sender<String>>,
}

impl Acks {
    /// The id of the next event, on a server that the session has moved to: an answer to an earlier one finds nobody.
    pub(crate) fn going_on_at(next: u64) -> Option<Box<Self>> {
        (next > 0).then(|| Box::new(Self { next, waiting: BTreeMap::new() }))
    }

    /// The id of the next event.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}

/// Why an emitted event got no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    /// None came in time.
    #[error("the client did not answer in time")]
    Timeout,
    /// The connection ended first, or went on at another server.
    #[error("the connection ended before the client answered")]
    Closed,
    /// Too many answers of this client are outstanding.
    #[error("the client owes too many answers")]
    TooMany,
}

impl<A: Application> Socket<A> {
    /// Emits an event and waits for the client's answer, the JSON array of its arguments.
    pub async fn emit_with_ack(
        &self,
        namespace: Namespace,
        name: &str,
        arguments: &[&str],
        timeout: Duration,
    ) -> Result<String, AckError> {
        let answer = {
            let mut guard = self.lock();
            if !guard.is_open() {
                return Err(AckError::Closed);
            }
            let path = guard.path(namespace);
            let acks = guard.inner.acks.get_or_insert_default();
            if acks.waiting.len() >= ACKS_MAX {
                return Err(AckError::TooMany);
            }
            let id = acks.next;
            acks.next += 1;
            let (sender, answer) = oneshot::channel();
            acks.waiting.insert(id, sender);
            let mut body = Vec::new();
            packet::event(path, Some(id), name, arguments.iter().copied(), &mut body);
            guard.send(&Frame::text(&body));
            answer
        };
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(arguments)) => Ok(arguments),
            Ok(Err(_)) => Err(AckError::Closed),
            Err(_) => {
                // The answers that nobody waits for any more make room.
                if let Some(acks) = &mut self.lock().inner.acks {
                    acks.waiting.retain(|_, waiting| !waiting.is_closed());
                }
                Err(AckError::Timeout)
            }
        }
    }
}

impl<A: Application> Guard<'_, A> {
    /// Hands a client's answer to whoever waits for it.
    pub(crate) fn answered(&mut self, id: u64, arguments: &str) {
        if let Some(acks) = &mut self.inner.acks
            && let Some(waiting) = acks.waiting.remove(&id)
        {
            // Whoever waited may have given up in this moment.
            let _ = waiting.send(arguments.to_owned());
        }
    }

    pub(crate) fn forget_acks(&mut self) {
        self.inner.acks = None;
    }
}
