//! The log on Redis under the contract: what a failover does to its data is done to the master's keys, and a tenure begins.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chat_log::contract::{Harness, Terms};
use chat_log::redis::{Options, RedisLog};
use chat_log::{Append, BoxFuture, Position, RoomLog};
use chat_redis::{Cluster, Partition};
use chat_rig::{Flavour, Node, RedisCluster};
use tokio::task::block_in_place;

use crate::clusters::{self, eval};

/// Which server the contract runs on.
pub(crate) trait Server: Send + Sync + 'static {
    const FLAVOUR: Flavour;
}

pub(crate) struct OnCluster<S> {
    log: Arc<RedisLog>,
    cluster: Cluster,
    nodes: &'static RedisCluster,
    /// The masters by partition: on the shared clusters nothing moves.
    masters: Vec<Node>,
    prefix: String,
    server: PhantomData<S>,
}

const ROLL_BACK: &str = r"
local meta, d0, d1, hash, stream = unpack(KEYS)
local n = tonumber(ARGV[1])
for i = 2, #ARGV do
  local id = string.gsub(ARGV[i], '..', function(hex) return string.char(tonumber(hex, 16)) end)
  redis.call('HDEL', d0, id)
  redis.call('HDEL', d1, id)
end
redis.call('HSET', meta, 'o', 'another tenure', 'p', 'another tenure')
if n == 0 then
  redis.call('DEL', hash, stream)
  return 'OK'
end
local last
for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
  if tonumber(string.match(entry[1], '-(%d+)')) > n then redis.call('XDEL', stream, entry[1]) else last = entry end
end
local branches = {}
for epoch, first in string.gmatch(redis.call('HGET', hash, 'b'), '(%d+):(%d+)') do
  if tonumber(first) <= n then branches[#branches + 1] = epoch .. ':' .. first end
end
redis.call('HSET', hash, 'n', n, 't', last[2][2], 'e', string.match(last[1], '%d+'), 'b', table.concat(branches, ' '))
return 'OK'";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

impl<S: Server> OnCluster<S> {
    /// A key, or the channel, of a room.
    pub(crate) fn named(&self, kind: &str, room: &str) -> String {
        self.key(self.cluster.partition(room), kind, room)
    }

    /// The master of a room.
    pub(crate) fn master(&self, room: &str) -> &Node {
        &self.masters[self.cluster.partition(room).index()]
    }

    fn key(&self, partition: Partition, kind: &str, rest: &str) -> String {
        String::from_utf8(self.cluster.key(partition, kind, rest).to_vec()).unwrap()
    }

    fn everywhere(&self, command: &[&str]) {
        block_in_place(|| self.nodes.nodes().iter().for_each(|node| drop(node.command(command).unwrap())));
    }

    /// Any call makes a log notice that a tenure began.
    async fn notice(&self) {
        let rooms: Vec<Arc<str>> = (0..64).map(|i| Arc::from(format!("notice {i}"))).collect();
        self.log.tails(&rooms).await.unwrap();
    }
}

impl<S: Server> Harness for OnCluster<S> {
    const MODEL_CASES: u32 = 16;
    /// A node of a stream.
    const TRIM_LUMP: usize = 100;

    async fn start(terms: Terms) -> Self {
        let nodes = block_in_place(|| clusters::shared(S::FLAVOUR));
        let prefix = clusters::prefix();
        let user = format!("user-{prefix}");
        let rules = [format!("~{prefix}:*"), format!("&{prefix}:*")];
        let redis = chat_redis::Options {
            user: Some(user.clone()),
            password: Some(b"secret".to_vec()),
            write_deadline: Duration::from_secs(2),
            read_deadline: Duration::from_secs(2),
            ..clusters::options(nodes, &prefix)
        };
        let Terms { retained_entries, retained_age, dedup_age } = terms;
        let tail_check = Duration::from_millis(500);
        let options = Options { retained_entries, retained_age, dedup_age, tail_check, ..Options::default() };
        let command = ["ACL", "SETUSER", &user, "on", ">secret", &rules[0], &rules[1], "+@all"];
        block_in_place(|| nodes.nodes().iter().for_each(|node| drop(node.command(&command).unwrap())));
        let cluster = Cluster::start(redis, &clusters::library());
        let masters = block_in_place(|| {
            let owners = nodes.view().unwrap();
            let owner =
                |slot| owners.iter().find(|owner| owner.slots.iter().any(|range| range.contains(&slot))).unwrap();
            let partitions = cluster.partitions();
            let ids: Vec<_> = partitions.all().map(|partition| &owner(partitions.slot(partition)).id).collect();
            let named = |id: &String| nodes.nodes().iter().find(|node| node.id().is_ok_and(|own| own == *id)).unwrap();
            ids.into_iter().map(|id| named(id).clone()).collect()
        });
        let log = Arc::new(RedisLog::start(cluster.clone(), options));
        Self { log, cluster, nodes, masters, prefix, server: PhantomData }
    }

    fn log(&self) -> Arc<dyn RoomLog> {
        Arc::clone(&self.log) as _
    }

    async fn elapse(&self, time: Duration) {
        self.log.elapse(time);
    }

    async fn roll_back(&self, room: &Arc<str>, n: u64) {
        let mut at = Position::START;
        let mut lost = vec![n.to_string()];
        loop {
            let page = self.log.read(room, at, 1000).await.unwrap();
            for entry in page.entries.iter().filter(|entry| entry.position.n > n) {
                let (author, id) = (Arc::clone(&entry.author), entry.id.clone());
                let append = Append { room: Arc::clone(room), author, id, body: Bytes::new() };
                lost.push(hex(&RedisLog::remembered(&append)));
            }
            at = page.end(at);
            if page.is_last(at) {
                break;
            }
        }
        let partition = self.cluster.partition(&**room);
        let keys = [("m", ""), ("d0", ""), ("d1", ""), ("r", &**room), ("l", &**room)];
        let keys = keys.map(|(kind, rest)| self.key(partition, kind, rest));
        let lost: Vec<_> = lost.iter().map(String::as_str).collect();
        let keys = keys.each_ref().map(String::as_str);
        block_in_place(|| eval(&self.masters[partition.index()], ROLL_BACK, &keys, &lost));
        self.log.tails(std::slice::from_ref(room)).await.unwrap();
    }

    async fn lose_everything(&self) {
        block_in_place(|| {
            for master in self.nodes.masters().unwrap() {
                let keys = master.command(&["KEYS", &format!("{}:*", self.prefix)]).unwrap();
                for key in keys.lines() {
                    master.command(&["DEL", key]).unwrap();
                }
            }
        });
        self.notice().await;
    }

    async fn cut(&self) {
        let user = format!("user-{}", self.prefix);
        self.everywhere(&["ACL", "SETUSER", &user, "off"]);
        self.everywhere(&["CLIENT", "KILL", "USER", &user]);
    }

    async fn heal(&self) {
        self.everywhere(&["ACL", "SETUSER", &format!("user-{}", self.prefix), "on"]);
    }

    async fn lose_answer(&self) {
        self.log.lose_answers(1);
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let task = tokio::spawn(work);
        Box::pin(async move { task.await.expect("the work goes well") })
    }

    async fn nap(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
