//! Whether the server wants to be sent clients, and why not.

pub mod redis;

use parking_lot::Mutex;
use std::fmt;
use std::time::{Duration, Instant};

/// How long Redis may be away before the server asks to be sent nobody. All servers lose it at once, and an empty Service helps no client.
pub const REDIS_AWAY_MAX: Duration = Duration::from_secs(30);

/// Whether the server wants to be sent clients.
#[derive(Debug, Default)]
pub struct Health(Mutex<Standing>);

#[derive(Debug, Default)]
struct Standing {
    draining: bool,
    redis: Option<Redis>,
}

#[derive(Debug)]
enum Redis {
    /// It has never answered.
    Awaited { why: String },
    /// It answers for enough partitions.
    Here,
    /// It does not any more.
    Away { since: Instant, why: String },
}

/// Why the server wants to be sent nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotReady {
    /// It sends those whom it has elsewhere.
    Draining,
    /// Redis has not answered yet.
    AwaitingRedis(String),
    /// Redis has not answered for so long.
    WithoutRedis(Duration, String),
}

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Draining => f.write_str("draining"),
            Self::AwaitingRedis(why) => write!(f, "waiting for Redis: {why}"),
            Self::WithoutRedis(away, why) => write!(f, "without Redis for {} s: {why}", away.as_secs()),
        }
    }
}

impl Health {
    /// Of a server whose rooms are on Redis: not ready until it has answered.
    pub fn awaiting_redis() -> Self {
        let redis = Some(Redis::Awaited { why: "not asked yet".to_owned() });
        Self(Mutex::new(Standing { draining: false, redis }))
    }

    /// Notes whether the server drains; returns whether it did.
    pub fn drain(&self, draining: bool) -> bool {
        std::mem::replace(&mut self.0.lock().draining, draining)
    }

    /// Redis answers for a majority of the partitions, or does not, and why. Logged when that changes.
    pub fn redis(&self, answer: Result<(), String>, now: Instant) {
        let mut standing = self.0.lock();
        let before = standing.redis.take();
        standing.redis = Some(match answer {
            Ok(()) => {
                if !matches!(before, Some(Redis::Here)) {
                    tracing::info!("Redis answers");
                }
                Redis::Here
            }
            Err(why) => {
                let said = match &before {
                    Some(Redis::Awaited { why } | Redis::Away { why, .. }) => Some(why),
                    Some(Redis::Here) | None => None,
                };
                if said != Some(&why) {
                    tracing::warn!(why, "Redis does not answer");
                }
                match before {
                    None | Some(Redis::Awaited { .. }) => Redis::Awaited { why },
                    Some(Redis::Here) => Redis::Away { since: now, why },
                    Some(Redis::Away { since, .. }) => Redis::Away { since, why },
                }
            }
        });
    }

    /// What is wrong with Redis, if something is.
    pub fn trouble(&self) -> Option<String> {
        match &self.0.lock().redis {
            Some(Redis::Awaited { why } | Redis::Away { why, .. }) => Some(why.clone()),
            Some(Redis::Here) | None => None,
        }
    }

    /// Whether clients are welcome now.
    pub fn ready(&self, now: Instant) -> Result<(), NotReady> {
        let standing = self.0.lock();
        if standing.draining {
            return Err(NotReady::Draining);
        }
        match &standing.redis {
            None | Some(Redis::Here) => Ok(()),
            Some(Redis::Awaited { why }) => Err(NotReady::AwaitingRedis(why.clone())),
            Some(Redis::Away { since, why }) => {
                let away = now.saturating_duration_since(*since);
                if away < REDIS_AWAY_MAX { Ok(()) } else { Err(NotReady::WithoutRedis(away, why.clone())) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no(why: &str) -> Result<(), String> {
        Err(why.to_owned())
    }

    #[test]
    fn a_server_of_its_own_is_ready_until_it_drains() {
        let (health, now) = (Health::default(), Instant::now());
        assert_eq!(health.ready(now), Ok(()));
        assert!(!health.drain(true));
        assert_eq!(health.ready(now), Err(NotReady::Draining));
        assert!(health.drain(false));
        assert_eq!(health.ready(now), Ok(()));
    }

    #[test]
    fn redis_is_waited_for_at_the_start_and_forgiven_for_a_while_later() {
        let (health, now) = (Health::awaiting_redis(), Instant::now());
        assert!(matches!(health.ready(now), Err(NotReady::AwaitingRedis(_))));
        health.redis(no("nobody answers at redis:6379"), now);
        let why = health.ready(now).expect_err("not ready").to_string();
        assert_eq!(why, "waiting for Redis: nobody answers at redis:6379");
        health.redis(Ok(()), now);
        assert_eq!(health.ready(now), Ok(()));

        let later = |seconds| now + Duration::from_secs(seconds);
        health.redis(no("3 of 256 partitions answer"), now);
        health.redis(no("0 of 256 partitions answer"), later(29));
        assert_eq!(health.ready(later(29)), Ok(()));
        let why = health.ready(later(31)).expect_err("not ready").to_string();
        assert_eq!(why, "without Redis for 31 s: 0 of 256 partitions answer");
        health.redis(Ok(()), later(40));
        assert_eq!(health.ready(later(40)), Ok(()));
        health.redis(no("again"), later(50));
        assert_eq!(health.ready(later(79)), Ok(()), "counted anew");
    }
}
