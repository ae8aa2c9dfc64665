//! Looks at ChatClusters on a real API server. The operator runs in this process; the test is what Kubernetes' controllers, kubelets and the servers
//! themselves would be.

mod away;
mod crash;
mod fleet;
mod gate;
mod leading;
pub(crate) mod member;
mod nodes;
mod others;
mod refused;
mod rotation;
pub(crate) mod stage;
mod steady;
mod stuck;
mod way;
