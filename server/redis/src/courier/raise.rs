//! The epochs of a master's partitions, raised when it came to them anew.
//!
//! In two steps, since nothing may be written in an epoch that replicas do not know of: `raise` raises and notes the tenure as pending, `WAIT` confirms,
//! and only then `settle` says that the epoch holds for the tenure. Several servers may do it at once: of one that is pending the second makes no
//! further one, but waits for it just the same.

use std::collections::BTreeSet;

use super::{ANSWER_MAX, Courier, wait};
use crate::call::{Call, Value};
use crate::confirm::Head;
use crate::connection::{Broken, Command, Connection};
use crate::counters::Purpose;
use crate::fault::Fault;
use crate::partition::Partition;
use crate::shared::{answer, number};

impl Courier {
    /// Raises the epochs of all partitions of this master, and of `wanted` in any case.
    pub(super) async fn raise(&mut self, wanted: &BTreeSet<Partition>) -> Result<(), Fault> {
        let mut partitions = wanted.clone();
        partitions.extend(
            self.shared.partitions.all().filter(|&each| self.shared.owner(each).as_ref() == Some(&self.address)),
        );
        // Not to be reached, or cut off in the middle: whoever asked tries again.
        let connection = self.link.get().await.map_err(|_| Fault::Busy)?;
        match self.raise_on(&connection, &partitions).await {
            Ok(raised) => raised,
            Err(_) => {
                self.shared.broken(Purpose::Write, &self.address);
                self.shared.kick.notify_one();
                Err(Fault::Busy)
            }
        }
    }

    async fn raise_on(
        &mut self,
        connection: &Connection,
        partitions: &BTreeSet<Partition>,
    ) -> Result<Result<(), Fault>, Broken> {
        let asked = self.replicas;
        let commands: Vec<Command> = std::iter::once(self.head())
            .chain(partitions.iter().map(|&partition| {
                let above = number(self.shared.epoch_seen(partition) + 1);
                self.on_meta("raise", partition, above)
            }))
            .chain(std::iter::once(wait(asked)))
            .collect();
        let mut answers = pipeline(connection, &commands).await?;
        let acked = answers.pop().and_then(|acked| acked.ok()?.as_count()).map_or(0, |acked| acked as u32);
        let mut answers = answers.into_iter();
        let head = match answers.next() {
            Some(Ok(value)) => Head::parse(&answer(value)),
            Some(Err(Fault::FunctionMissing)) => {
                self.load(connection).await;
                return Ok(Err(Fault::FunctionMissing));
            }
            Some(Err(_)) | None => None,
        };
        let Some(head) = head else { return Ok(Err(Fault::Busy)) };
        let mut raised = Vec::new();
        let mut refused = None;
        for (&partition, answered) in partitions.iter().zip(answers) {
            match answered.map(answer) {
                Ok(epoch) => {
                    if let Some(epoch) = epoch.as_count() {
                        self.shared.saw_epoch(partition, epoch);
                    }
                    raised.push(partition);
                }
                Err(fault) => refused = Some(fault),
            }
        }
        let fault = refused.unwrap_or(Fault::Busy);
        // Slots that have gone elsewhere, or are on their way here, are nobody's loss; if none is left, the reason is.
        if raised.is_empty() {
            return Ok(Err(fault));
        }
        self.replicas = head.online;
        // Also where nothing else counts without replicas, so that readers are served: an epoch that is lost with this master was written in by nobody,
        // and the clock, if nothing else, puts the next one above it.
        if self.confirmed(connection, &head, asked, acked, true).await.is_none() {
            return Ok(Err(Fault::Busy));
        }
        let commands: Vec<Command> =
            raised.iter().map(|&partition| self.on_meta("settle", partition, head.tenure.clone().into())).collect();
        pipeline(connection, &commands).await?;
        self.shared.counters.raise();
        tracing::info!(node = &*self.address, partitions = raised.len(), "epochs raised under a new tenure");
        Ok(Ok(()))
    }

    fn on_meta(&self, function: &'static str, partition: Partition, arg: bytes::Bytes) -> Command {
        let meta = self.shared.partitions.key(partition, "m", "");
        self.shared.fcall("FCALL", Call { function, keys: vec![meta], args: vec![arg] })
    }
}

async fn pipeline(connection: &Connection, commands: &[Command]) -> Result<Vec<Result<Value, Fault>>, Broken> {
    let commands: Vec<&Command> = commands.iter().collect();
    connection.pipeline(&commands, ANSWER_MAX).await
}
