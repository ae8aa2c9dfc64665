//! Measures and checks a chat server from outside, over the wire that clients use.
//!
//! Two halves on one [`fleet`] of connections: the load [`mode`]s count deliveries by scanning frames and divide the
//! server's CPU and memory by them; the checker records what clients did and saw, and proves the promises from it.

pub mod chaos;
pub mod check;
pub mod compare;
pub mod crowd;
pub mod fleet;
pub mod latency;
pub mod layout;
pub mod members;
pub mod metrics;
pub mod mode;
pub mod process;
pub mod report;
pub mod scale;
pub mod scan;
pub mod seen;
pub mod tally;
