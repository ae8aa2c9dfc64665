//! The store of presence in Redis: for each partition a hash of each server's own, which expires. See `presence.lua`.
//!
//! Nothing here waits for replicas: what a failover loses is found out by the sums and said again.

use super::{PresenceStore, Sum, Unread};
use crate::room::{Asked, Kept, Said};
use bytes::Bytes;
use chat_log::BoxFuture;
use chat_redis::{Call, Cluster, Partition, Value};
use chat_socket::Boot;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// The functions of presence, a part of the deployment's library.
pub const PART: &str = include_str!("presence.lua");

/// The kind of the keys; the rest is the boot.
const KIND: &str = "p";

/// How many partitions are compared at once.
const COMPARED_AT_ONCE: usize = 16;

/// Presence in Redis.
pub struct RedisPresence {
    cluster: Cluster,
    own: Boot,
    keeps_ms: Bytes,
}

impl RedisPresence {
    /// The store for this server, in this cluster, whose library has the [`PART`]. What is said is kept for so long.
    pub fn new(cluster: Cluster, own: Boot, keeps: Duration) -> Self {
        Self { cluster, own, keeps_ms: number(keeps.as_millis() as u64) }
    }

    /// A call on what this server said in a part; none for a part that there is not.
    fn own_call(&self, function: &'static str, part: u16, args: Vec<Bytes>) -> Option<(Partition, Call)> {
        let partition = self.cluster.partitions().at(usize::from(part))?;
        Some((partition, Call { function, keys: vec![self.key(partition, self.own)], args }))
    }

    fn key(&self, partition: Partition, boot: Boot) -> Bytes {
        self.cluster.key(partition, KIND, boot.to_string())
    }

    fn post(&self, function: &'static str, part: u16, args: Vec<Bytes>) {
        if let Some((partition, call)) = self.own_call(function, part, args) {
            self.cluster.post(partition, call);
        }
    }

    async fn renewed(&self, sums: HashMap<u16, Sum>) -> Vec<u16> {
        let (mut lost, mut comparing) = (Vec::new(), JoinSet::new());
        for (part, sum) in sums {
            self.post("presence_keep", part, vec![self.keeps_ms.clone()]);
            let Some((partition, call)) = self.own_call("presence_sum", part, Vec::new()) else { continue };
            if comparing.len() >= COMPARED_AT_ONCE {
                lost.extend(comparing.join_next().await.and_then(Result::ok).flatten());
            }
            let cluster = self.cluster.clone();
            // A part that does not answer is compared the next time.
            comparing.spawn(async move {
                let value = cluster.read(partition, call).await.ok()?;
                (sum_of(&value) != Some(sum)).then_some(part)
            });
        }
        lost.extend(comparing.join_all().await.into_iter().flatten());
        lost
    }

    async fn look(&self, boots: &[Boot], asked: &[Asked]) -> Result<Vec<Vec<Kept>>, Unread> {
        let Some(first) = asked.first() else { return Ok(Vec::new()) };
        let partition = self.cluster.partition(&*first.room);
        let keys = boots.iter().map(|boot| self.key(partition, *boot)).collect();
        let args = asked.iter().flat_map(|asked| {
            let known = asked.known.iter().map(|version| number(*version));
            std::iter::once(Bytes::copy_from_slice(asked.room.as_bytes())).chain(known)
        });
        let call = Call { function: "presence_read", keys, args: args.collect() };
        let value = self.cluster.read(partition, call).await.map_err(|_| Unread)?;
        kept(&value, boots.len(), asked.len()).ok_or(Unread)
    }
}

impl PresenceStore for RedisPresence {
    fn part_of(&self, room: &str) -> u16 {
        self.cluster.partition(room).index() as u16
    }

    fn write(&self, room: &Arc<str>, said: &Said) {
        let text = if said.crowd.online == 0 { Bytes::new() } else { said.encode().into() };
        let args = vec![self.keeps_ms.clone(), Bytes::copy_from_slice(room.as_bytes()), text];
        self.post("presence_write", self.part_of(room), args);
    }

    fn replace(&self, part: u16, words: &[(Arc<str>, Said)]) {
        let words = words.iter().filter(|(_, said)| said.crowd.online > 0);
        let words = words.flat_map(|(room, said)| [Bytes::copy_from_slice(room.as_bytes()), said.encode().into()]);
        let args = std::iter::once(self.keeps_ms.clone()).chain(words).collect();
        self.post("presence_replace", part, args);
    }

    fn renew(&self, sums: HashMap<u16, Sum>) -> BoxFuture<'_, Vec<u16>> {
        Box::pin(self.renewed(sums))
    }

    fn read<'a>(&'a self, boots: &'a [Boot], asked: &'a [Asked]) -> BoxFuture<'a, Result<Vec<Vec<Kept>>, Unread>> {
        Box::pin(self.look(boots, asked))
    }
}

fn number(number: u64) -> Bytes {
    number.to_string().into()
}

fn sum_of(value: &Value) -> Option<Sum> {
    let [rooms, versions] = value.as_array()? else { return None };
    let count = |value: &Value| u64::try_from(value.as_integer()?).ok();
    Some(Sum { rooms: count(rooms)?, versions: count(versions)? })
}

/// The answer: a flat list, for each room and boot. What is foreign in it counts as nothing.
fn kept(value: &Value, boots: usize, rooms: usize) -> Option<Vec<Vec<Kept>>> {
    let one = |value: &Value| match value {
        Value::Integer(0) => Kept::Same,
        Value::Bytes(text) => Said::decode(text).map_or(Kept::Nothing, Kept::Said),
        Value::Integer(_) | Value::Null | Value::Array(_) => Kept::Nothing,
    };
    let answers = value.as_array().filter(|answers| answers.len() == boots * rooms)?;
    Some(answers.chunks_exact(boots.max(1)).map(|room| room.iter().map(one).collect()).collect())
}
