//! Runs ChatClusters on Kubernetes: servers that scale by their connections, drained before they go.
//!
//! [`controller`] carries a ChatCluster out: dereference, validate, build, apply, status. Which servers are made, emptied and removed is one pure
//! decision in [`drain`]; [`servers`] is how the operator hears of the servers and asks something of them.
//! [`custom_metrics`] tells the autoscaler what the servers carry, and [`events`] people what happens.
//! [`redis`] looks at the Redis Cluster behind them, and runs it where it is asked to. [`trouble`] is why a pod of either does not run.

pub mod controller;
pub mod custom_metrics;
pub mod drain;
pub mod events;
pub mod health;
pub mod metrics;
pub mod names;
pub mod redis;
pub mod run;
pub mod servers;
pub mod settings;
pub mod stores;
pub mod trouble;
