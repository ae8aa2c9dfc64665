//! One read, from its call until it is answered or its deadline is over.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::call::{Call, ReadError, Value};
use crate::connection::{Broken, Command};
use crate::counters::Purpose;
use crate::courier::Work;
use crate::fault::Fault;
use crate::partition::Partition;
use crate::shared::{Shared, answer};

/// How long one attempt may take.
const ANSWER_MAX: Duration = Duration::from_millis(1500);
/// How long raising epochs is waited for.
const RAISE_MAX: Duration = Duration::from_secs(3);
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_millis(160);

pub(crate) async fn read(shared: &Arc<Shared>, partition: Partition, call: Call) -> Result<Value, ReadError> {
    let command = shared.fcall("FCALL_RO", call);
    let deadline = Instant::now() + shared.read_deadline;
    let mut ask: Option<Arc<str>> = None;
    let mut moved = None;
    let mut pause = PAUSE_MIN;
    while Instant::now() < deadline {
        let asking = ask.is_some();
        let Some(address) = ask.take().or_else(|| shared.owner_after(partition, moved.take())) else {
            shared.news(PAUSE_MAX, deadline).await;
            continue;
        };
        match attempt(shared, &address, &command, asking, deadline).await {
            Ok(Ok(value)) => return Ok(answer(value)),
            Ok(Err(fault)) => {
                shared.fault(&fault, &address);
                match fault {
                    Fault::Ask(address) => {
                        ask = Some(address);
                        continue;
                    }
                    Fault::Tenure => raised(shared, &address, partition, deadline).await,
                    Fault::FunctionMissing => {
                        if load(shared, &address).await {
                            continue;
                        }
                    }
                    Fault::Moved(to) => moved = to.map(|to| (address, to)),
                    Fault::ReadOnly | Fault::Busy => {}
                    Fault::Unreplicated | Fault::OutOfMemory | Fault::NoCluster => {
                        return Err(ReadError::Refused(fault.name().into()));
                    }
                    Fault::NotPermitted(text) | Fault::Other(text) => return Err(ReadError::Refused(text)),
                }
            }
            Err(_) => shared.broken(Purpose::Read, &address),
        }
        shared.news(pause, deadline).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
    Err(ReadError::Unavailable)
}

async fn attempt(
    shared: &Shared,
    address: &Arc<str>,
    command: &Command,
    asking: bool,
    deadline: Instant,
) -> Result<Result<Value, Fault>, Broken> {
    let attempt = async {
        let connection = shared.link(address).get().await?;
        if !asking {
            return connection.command(command, ANSWER_MAX).await;
        }
        let asks = Command::new("ASKING", []);
        let mut answers = connection.pipeline(&[&asks, command], ANSWER_MAX).await?;
        Ok(answers.pop().unwrap_or(Err(Fault::Busy)))
    };
    // A reader whose deadline is over just goes: the connection, which others share, is no worse for it.
    timeout_at(deadline, attempt).await.unwrap_or_else(|_| Err(Broken::timeout()))
}

async fn load(shared: &Shared, address: &Arc<str>) -> bool {
    let Ok(connection) = shared.link(address).get().await else { return false };
    matches!(shared.load(&connection).await, Ok(Ok(())))
}

/// Has the master's epochs raised.
async fn raised(shared: &Arc<Shared>, address: &Arc<str>, partition: Partition, deadline: Instant) {
    let (done, wait) = oneshot::channel();
    // A courier with a full inbox meets the tenure by itself.
    if shared.courier(address).try_send(Work::Raise(partition, done)).is_ok() {
        let _ = timeout_at(deadline.min(Instant::now() + RAISE_MAX), wait).await;
    }
}
