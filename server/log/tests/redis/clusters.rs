//! The clusters that tests share: one of each flavour, started by the first test that needs it, ended with the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use chat_log::redis::FUNCTIONS;
use chat_redis::{Library, Options};
use chat_rig::{Flavour, Node, RedisCluster};

/// The shared cluster of a flavour. What a test does to it must not reach beyond the test's own prefix.
pub(crate) fn shared(flavour: Flavour) -> &'static RedisCluster {
    static REDIS: OnceLock<RedisCluster> = OnceLock::new();
    static VALKEY: OnceLock<RedisCluster> = OnceLock::new();
    let cell = match flavour {
        Flavour::Redis => &REDIS,
        Flavour::Valkey => &VALKEY,
    };
    cell.get_or_init(|| start(flavour))
}

/// A cluster for one test alone.
pub(crate) fn start(flavour: Flavour) -> RedisCluster {
    let cluster = RedisCluster::builder().flavour(flavour).start();
    cluster.expect("a cluster (make/prerequisites test installs what is missing)")
}

/// A prefix that no other test has.
pub(crate) fn prefix() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    format!("t{}", MADE.fetch_add(1, Ordering::Relaxed))
}

/// The library as a server loads it.
pub(crate) fn library() -> Library {
    Library::new().part(FUNCTIONS)
}

/// How to reach a cluster, with few partitions: raising their epochs is then soon done.
pub(crate) fn options(cluster: &RedisCluster, prefix: &str) -> Options {
    Options { prefix: prefix.to_owned(), partitions: 8, ..Options::new(cluster.seeds()) }
}

/// Runs a script on a node.
pub(crate) fn eval(node: &Node, script: &str, keys: &[&str], args: &[&str]) -> String {
    let count = keys.len().to_string();
    let answer = node.command(&[&["EVAL", script, &count], keys, args].concat()).unwrap();
    assert!(!answer.starts_with("ERR"), "{answer}");
    answer
}
