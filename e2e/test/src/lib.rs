//! The whole product on a real Kubernetes: the chart is installed, a ChatCluster applied, clients talk, and everything that happens to such a
//! cluster happens to this one, until nothing is left of it. What the clients wrote down decides.
//!
//! Everything is done as people do it, by [`kube`]ctl; the clients and their judge are those of `chat-bench check`.

pub mod chat;
pub mod crowd;
pub mod judge;
pub mod kube;
pub mod page;
pub mod story;
