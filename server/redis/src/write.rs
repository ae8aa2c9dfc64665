//! One write, from its call until it counts or its deadline is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::call::{Call, WriteError, Written};
use crate::courier::{Attempt, Order, Parcel, Work};
use crate::fault::Fault;
use crate::partition::Partition;
use crate::shared::Shared;

/// How long news of the topology are waited for between two attempts: twice as long each time, up to a bound.
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(160);

pub(crate) async fn write(shared: &Arc<Shared>, partition: Partition, call: Call) -> Result<Written, WriteError> {
    let started = Instant::now();
    let written = attempts(shared, partition, call, started + shared.write_deadline()).await;
    shared.counters.write(started.elapsed(), written.as_ref().map(|written| written.replicated));
    written
}

async fn attempts(
    shared: &Arc<Shared>,
    partition: Partition,
    call: Call,
    deadline: Instant,
) -> Result<Written, WriteError> {
    let command = shared.fcall("FCALL", call);
    let order = Arc::new(Order { partition, command, sent: AtomicBool::new(false) });
    // Executed in an earlier attempt, perhaps.
    let mut executed = false;
    let mut ask = None;
    let mut moved = None;
    let mut pause = PAUSE_MIN;
    loop {
        if Instant::now() >= deadline {
            return Err(outcome_of(executed));
        }
        let asking = ask.is_some();
        let Some(address) = ask.take().or_else(|| shared.owner_after(partition, moved.take())) else {
            shared.news(PAUSE_MAX, deadline).await;
            continue;
        };
        order.sent.store(false, Ordering::SeqCst);
        let (attempt, mut outcome) = oneshot::channel();
        let parcel = Parcel { order: order.clone(), asking, attempt };
        match shared.courier(&address).try_send(Work::Call(parcel)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                shared.counters.queue_refusal();
                return Err(outcome_of(executed));
            }
            // It is just being let go of.
            Err(TrySendError::Closed(_)) => {
                shared.news(PAUSE_MIN, deadline).await;
                continue;
            }
        }
        let attempt = match timeout_at(deadline, &mut outcome).await {
            Ok(Ok(attempt)) => attempt,
            // The courier has ended with it.
            Ok(Err(_)) => left(&order),
            Err(_) => {
                outcome.close();
                outcome.try_recv().unwrap_or_else(|_| left(&order))
            }
        };
        match next(attempt, &mut executed) {
            Next::Done(written) => return written,
            Next::Ask(address) => ask = Some(address),
            Next::Again(elsewhere) => {
                moved = elsewhere.map(|to| (address, to));
                shared.news(pause, deadline).await;
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

fn left(order: &Order) -> Attempt {
    if order.sent.load(Ordering::SeqCst) { Attempt::Unconfirmed } else { Attempt::Unreached }
}

fn outcome_of(executed: bool) -> WriteError {
    if executed { WriteError::Unknown } else { WriteError::Unavailable }
}

#[derive(Debug, PartialEq)]
enum Next {
    Done(Result<Written, WriteError>),
    /// Once more, at the node that the slot is on its way to.
    Ask(Arc<str>),
    /// Once more, with what is known of the topology then, and perhaps at the node that was named instead.
    Again(Option<Arc<str>>),
}

/// What follows on an attempt. A call that may have been executed before never ends with an error that says it was not.
fn next(attempt: Attempt, executed: &mut bool) -> Next {
    let refused = |error| Next::Done(Err(if *executed { WriteError::Unknown } else { error }));
    match attempt {
        Attempt::Counts(written) => Next::Done(Ok(written)),
        Attempt::Unreached => Next::Again(None),
        Attempt::Unconfirmed => {
            *executed = true;
            Next::Again(None)
        }
        Attempt::Refused(Fault::Ask(address)) => Next::Ask(address),
        Attempt::Refused(Fault::Moved(to)) => Next::Again(to),
        Attempt::Refused(Fault::ReadOnly | Fault::Busy | Fault::FunctionMissing | Fault::Tenure) => Next::Again(None),
        Attempt::Refused(Fault::OutOfMemory) => refused(WriteError::OutOfMemory),
        Attempt::Refused(Fault::Unreplicated) => refused(WriteError::Unreplicated),
        Attempt::Refused(Fault::NoCluster) => refused(WriteError::Refused("not a cluster".into())),
        Attempt::Refused(Fault::NotPermitted(text) | Fault::Other(text)) => refused(WriteError::Refused(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Value;

    #[test]
    fn what_may_have_been_executed_is_never_said_not_to_be() {
        for (fault, first, later) in [
            (Fault::OutOfMemory, WriteError::OutOfMemory, WriteError::Unknown),
            (Fault::Unreplicated, WriteError::Unreplicated, WriteError::Unknown),
            (Fault::Other("ERR x".into()), WriteError::Refused("ERR x".into()), WriteError::Unknown),
        ] {
            let mut executed = false;
            assert_eq!(next(Attempt::Refused(fault.clone()), &mut executed), Next::Done(Err(first)));
            assert_eq!(next(Attempt::Unconfirmed, &mut executed), Next::Again(None));
            assert_eq!(next(Attempt::Refused(fault), &mut executed), Next::Done(Err(later)));
        }
    }

    #[test]
    fn what_passes_is_tried_again() {
        let mut executed = false;
        for fault in [Fault::Moved(None), Fault::ReadOnly, Fault::Busy, Fault::FunctionMissing, Fault::Tenure] {
            assert_eq!(next(Attempt::Refused(fault), &mut executed), Next::Again(None));
        }
        let moved = Fault::Moved(Some("a:1".into()));
        assert_eq!(next(Attempt::Refused(moved), &mut executed), Next::Again(Some("a:1".into())));
        assert_eq!(next(Attempt::Refused(Fault::Ask("a:1".into())), &mut executed), Next::Ask("a:1".into()));
        assert_eq!(next(Attempt::Unreached, &mut executed), Next::Again(None));
        assert!(!executed);
        let written = Written { value: Value::Null, replicated: true };
        assert_eq!(next(Attempt::Counts(written.clone()), &mut executed), Next::Done(Ok(written)));
    }
}
