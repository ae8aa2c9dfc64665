//! What happened to a ChatCluster, for `kubectl describe` and whoever watches events.
//!
//! News is what has changed between two answers ([`news`]): so nothing is said twice, a restart of the operator included, and nothing is said where
//! nothing happens. It is told by events of the API server ([`announcer`]), so many a ChatCluster and no more.

mod announcer;
mod budget;
mod news;

pub use announcer::Announcer;
pub use news::{News, Tone, news};
