//! Everything on a Redis Cluster: it outlives the process, and several servers share it.

use super::{Keeper, Stores};
use crate::announcer;
use crate::cluster::{self, Board, RedisBoard, Registry};
use crate::health::{self, Health};
use crate::metrics::Metrics;
use crate::presence::{self, Boots, RedisPresence, Servers};
use crate::records::{self, Owner, RedisRecords};
use crate::rooms::{self, Bounds, RedisRooms};
use chat_log::redis::{self as redis_log, RedisLog};
use chat_redis::{Cluster, Library, Options, Tls, Topology, Unfit};
use chat_settings::{Settings, Unreplicated};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// How often it is said that this build's functions are in use.
const TIDY_EVERY: Duration = Duration::from_secs(600);

/// Functions of other builds that nobody used for so long are deleted.
const UNUSED_MAX: Duration = Duration::from_secs(24 * 3600);

/// How often it is asked whether Redis answers.
const CHECK_EVERY: Duration = Duration::from_secs(2);

/// A Redis Cluster that is to hold everything.
#[derive(Clone)]
pub struct Redis {
    cluster: Cluster,
}

/// Why the settings of Redis cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadRedis {
    /// A file that cannot be read.
    #[error("redis-ca-file: {0} cannot be read")]
    Authorities(std::path::PathBuf, #[source] std::io::Error),
    /// A Redis that will not do.
    #[error("redis: {0}")]
    Unfit(#[source] Unfit),
}

/// The functions that all parts of a server call, in one library: servers of two builds have one each.
pub fn library() -> Library {
    PARTS.into_iter().fold(Library::new(), Library::part)
}

/// No two of them may give a function the same name: Redis would take none of the library.
const PARTS: [&str; 5] = [redis_log::FUNCTIONS, records::LIBRARY, rooms::LIBRARY, presence::PART, cluster::PART];

impl Redis {
    /// Begins to look for the cluster that the settings name, if they name one.
    pub fn start(settings: &Settings) -> Result<Option<Self>, BadRedis> {
        let Some(seeds) = &settings.redis.redis else { return Ok(None) };
        let own = &settings.redis;
        let authorities = own
            .redis_ca_file
            .as_ref()
            .map(|path| std::fs::read(path).map_err(|error| BadRedis::Authorities(path.clone(), error)));
        let authorities = authorities.transpose()?;
        let options = Options {
            tls: seeds.tls.then_some(Tls { authorities }),
            user: own.redis_user.clone(),
            password: settings.redis_password.as_ref().map(|password| password.expose().to_vec()),
            prefix: own.redis_prefix.clone(),
            partitions: own.redis_partitions as u16,
            unreplicated_allowed: own.redis_unreplicated == Unreplicated::Allow,
            write_deadline: own.redis_write_deadline,
            ..Options::new(seeds.nodes.iter().map(ToString::to_string).collect())
        };
        Ok(Some(Self { cluster: Cluster::start(options, &library()) }))
    }

    /// Where servers find each other.
    pub fn board(&self) -> Arc<dyn Board> {
        Arc::new(RedisBoard::new(self.cluster.clone()))
    }

    /// The cluster itself.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Its nodes, for those who show them.
    pub fn topology(&self) -> watch::Receiver<Arc<Topology>> {
        self.cluster.topology()
    }

    /// Takes over settings that may change while it runs.
    pub fn reload(&self, settings: &Settings) {
        self.cluster.set_unreplicated_allowed(settings.redis.redis_unreplicated == Unreplicated::Allow);
        self.cluster.set_write_deadline(settings.redis.redis_write_deadline);
    }

    /// Waits until this Redis will do, and says what it is waiting for. What does not pass by itself is an error.
    pub async fn fit(&self, health: &Health) -> Result<(), BadRedis> {
        let mut interval = tokio::time::interval(CHECK_EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            match self.cluster.check().await {
                Ok(fitness) => {
                    if let Some(warning) = fitness.warning() {
                        tracing::warn!(warning, "Redis keeps one copy of some rooms");
                    }
                    tracing::info!(version = fitness.version, "Redis will do");
                    health.redis(Ok(()), Instant::now());
                    return Ok(());
                }
                Err(unfit) if unfit.may_pass() => health.redis(Err(unfit.to_string()), Instant::now()),
                Err(unfit) => return Err(BadRedis::Unfit(unfit)),
            }
        }
    }

    /// Keeps the function libraries of builds that are gone from staying in Redis for ever, until it is dropped.
    pub async fn tidy(&self) {
        let mut interval = tokio::time::interval(TIDY_EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if let Err(error) = self.cluster.tidy(UNUSED_MAX).await {
                tracing::debug!(error = %error, "function libraries are as they were");
            }
        }
    }

    /// Tells how Redis is from here on, until it is dropped.
    pub async fn watch(&self, health: &Health) {
        let mut interval = tokio::time::interval(CHECK_EVERY);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            let answer = health::redis::ask(&self.cluster).await;
            health.redis(answer, Instant::now());
        }
    }
}

/// Keeps everything on a Redis Cluster, as this boot among the servers of the registry.
pub fn on_redis(
    redis: Redis,
    settings: &Settings,
    registry: &Arc<Registry>,
    metrics: &Arc<Metrics>,
) -> prometheus::Result<Stores> {
    let retention = &settings.retention;
    let options = redis_log::Options {
        retained_entries: retention.retention_entries,
        retained_age: retention.retention_age,
        retained_bytes: retention.retention_bytes,
        dedup_age: retention.dedup_age,
        ..redis_log::Options::default()
    };
    let (cluster, boot) = (redis.cluster.clone(), registry.own().boot);
    let log = Arc::new(RedisLog::start(cluster.clone(), options));
    metrics.register_redis(&cluster.counters(), &log.counters())?;
    let there = registry.clone();
    let owner = Owner {
        name: boot.to_string().into(),
        is_there: Arc::new(move |name| {
            !there.is_fresh() || name.parse().is_ok_and(|boot| there.view().get(boot).is_some())
        }),
    };
    let records = RedisRecords::new(cluster.clone(), settings.recovery.session_expiry, owner, metrics.clone());
    let rooms = RedisRooms::new(cluster.clone(), Bounds::of(&settings.limits), metrics.clone());
    let (sender, boots) = watch::channel(Boots::default());
    tokio::spawn(presence::follow_registry(registry.views(), boot, sender));
    let kept = RedisPresence::new(cluster, boot, announcer::KEPT_FOR);
    Ok(Stores {
        log: log.clone(),
        records: Arc::new(records),
        rooms: Arc::new(rooms),
        servers: Servers::among(boot, Arc::new(kept), boots),
        keeper: Keeper::Redis(redis, log),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_functions_of_the_library_have_one_name() {
        let mut names = BTreeSet::new();
        for line in PARTS.iter().flat_map(|part| part.lines()).filter(|line| line.starts_with("register")) {
            let name = line.split('\'').nth(1).expect("a name in quotes");
            assert!(names.insert(name), "{name} is there twice");
        }
        assert!(names.len() > 20, "they were found: {names:?}");
    }
}
