//! The clusters that the tests of this crate share, one of Redis and one of Valkey: started by the first that needs it, ended with the process.

use chat_redis::{Cluster, Library, Options};
use chat_rig::{Flavour, RedisCluster};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Nothing that a test waits for takes longer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The processes.
pub(crate) fn redis(flavour: Flavour) -> &'static RedisCluster {
    static REDIS: OnceLock<RedisCluster> = OnceLock::new();
    static VALKEY: OnceLock<RedisCluster> = OnceLock::new();
    let cell = match flavour {
        Flavour::Redis => &REDIS,
        Flavour::Valkey => &VALKEY,
    };
    cell.get_or_init(|| RedisCluster::builder().flavour(flavour).start().expect("a cluster"))
}

/// The cluster of a flavour, under a prefix of the test's own.
pub(crate) async fn cluster(flavour: Flavour, prefix: &str) -> Cluster {
    let options = Options { prefix: prefix.into(), partitions: 8, ..Options::new(redis(flavour).seeds()) };
    let library = Library::new().part(crate::records::LIBRARY).part(crate::rooms::LIBRARY);
    let cluster = Cluster::start(options, &library);
    let until = Instant::now() + DEADLINE;
    while let Err(unfit) = cluster.check().await {
        assert!(Instant::now() < until, "{unfit}");
        sleep(Duration::from_millis(20)).await;
    }
    cluster
}
