//! Whether a Redis can hold what is to be kept in it.

/// A cluster that will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitness {
    /// Masters, by address, that have no replica: what is written to them may be lost with one machine.
    pub without_replica: Vec<String>,
    /// What the server calls itself: `Redis 7.0.15`, `Valkey 8.0.1`.
    pub version: String,
}

/// Why a Redis will not do; each says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Nobody answers.
    #[error("no Redis node answers yet: {0}")]
    Unreachable(String),
}

pub(crate) async fn check(_shared: &std::sync::Arc<crate::shared::Shared>) -> Result<Fitness, Unfit> {
    Err(Unfit::Unreachable(String::new()))
}
