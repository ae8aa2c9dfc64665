//! The registry in Redis: one hash in one partition. See `registry.lua`.

use super::board::{Away, Board, Seen, Sheet};
use super::entry::{Entry, State};
use bytes::Bytes;
use chat_log::BoxFuture;
use chat_redis::{Call, Cluster, Partition, Value};
use std::sync::Arc;
use std::time::Duration;

/// The functions of the registry, a part of the deployment's library.
pub const PART: &str = include_str!("registry.lua");

/// What the partition of the registry is chosen by.
const NAME: &str = "chatcluster registry";

/// The kind of its key.
const KIND: &str = "n";

/// The registry in Redis.
pub struct RedisBoard {
    cluster: Cluster,
    partition: Partition,
    key: Bytes,
}

impl RedisBoard {
    /// On this cluster, whose library has the [`PART`].
    pub fn new(cluster: Cluster) -> Self {
        let partition = cluster.partition(NAME);
        let key = cluster.key(partition, KIND, "");
        Self { cluster, partition, key }
    }

    /// What reads the registry in a partition, or what would stand in its place: answers quickly, and shows that the library is there.
    pub fn question(cluster: &Cluster, partition: Partition) -> Call {
        Call { function: "registry_read", keys: vec![cluster.key(partition, KIND, "")], args: Vec::new() }
    }

    async fn exchange(&self, entry: &Entry, expiry: Duration) -> Result<Sheet, Away> {
        let text = serde_json::to_vec(entry).map_err(|error| Away(error.to_string()))?;
        let args = vec![entry.boot.to_string().into(), expiry.as_millis().to_string().into(), text.into()];
        let call = Call { function: "registry_write", keys: vec![self.key.clone()], args };
        if entry.state == State::Ended {
            // The process ends after this, and with it what was not sent yet.
            self.cluster.write(self.partition, call).await.map_err(|error| Away(error.to_string()))?;
        } else {
            // Nothing waits for replicas: what a failover loses is written again two seconds later. Whether it arrived is seen in what is read.
            self.cluster.post(self.partition, call);
        }
        let value = self
            .cluster
            .read(self.partition, Self::question(&self.cluster, self.partition))
            .await
            .map_err(|error| Away(error.to_string()))?;
        sheet(&value).ok_or_else(|| Away("the answer is none of the registry".to_owned()))
    }
}

impl Board for RedisBoard {
    fn announce<'a>(&'a self, entry: &'a Entry, expiry: Duration) -> BoxFuture<'a, Result<Sheet, Away>> {
        Box::pin(self.exchange(entry, expiry))
    }
}

/// The answer is a flat list: the time, how many fields are not of this format, then for each entry when it was written, and the entry.
fn sheet(value: &Value) -> Option<Sheet> {
    let [now, foreign, rest @ ..] = value.as_array()? else { return None };
    let number = |value: &Value| u64::try_from(value.as_integer()?).ok();
    let mut sheet = Sheet { now_ms: number(now)?, entries: Vec::new(), foreign: number(foreign)? };
    for pair in rest.chunks_exact(2) {
        let seen = number(&pair[0]).zip(pair[1].as_bytes().and_then(|bytes| Entry::parse(bytes)));
        match seen {
            Some((written_ms, entry)) => sheet.entries.push(Seen { entry: Arc::new(entry), written_ms }),
            None => sheet.foreign += 1,
        }
    }
    Some(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn an_answer_is_read_and_what_is_foreign_in_it_counted() {
        let good = r#"{"node":"a","boot":"00000000000000ff","address":"a:1","state":"serving"}"#;
        let value = Value::Array(
            [
                text("1700000000500"),
                Value::Integer(1),
                text("1700000000000"),
                text(good),
                text("1700000000000"),
                text("{}"),
                text("x"),
                text(good),
            ]
            .to_vec(),
        );
        let sheet = sheet(&value).expect("a sheet");
        assert_eq!((sheet.now_ms, sheet.foreign, sheet.entries.len()), (1_700_000_000_500, 3, 1));
        assert_eq!(sheet.entries[0].written_ms, 1_700_000_000_000);
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for value in [Value::Null, Value::Integer(1), Value::Array(vec![]), Value::Array(vec![text("x"), text("0")])] {
            assert!(sheet(&value).is_none());
        }
    }
}
