//! The `ChatCluster` resource: what a person may wish for, what the operator answers, and which wishes are refused.
//!
//! The custom resource definition follows from these types (`crd`), and so do the rules that the API server checks by itself; their docstrings are what
//! `kubectl explain` shows. Here is no client and no runtime: a ChatCluster can be read and checked anywhere.

#![allow(unreachable_pub, reason = "the derived schemas repeat the types where nobody reaches them")]

mod auth;
mod autoscaling;
mod cluster;
mod crd;
mod exposure;
mod pace;
mod pods;
mod redis;
mod status;

pub use auth::{Auth, SecretKey};
pub use autoscaling::{Autoscaling, Behavior};
pub use cluster::{ChatCluster, ChatClusterSpec};
pub use crd::crd_yaml;
pub use exposure::{Ingress, Monitoring, NetworkPolicy, Service, ServiceType};
pub use pace::{Drain, Rebalance, Rollout};
pub use pods::PodTemplate;
pub use redis::{ExistingRedis, ManagedRedis, Redis, RedisAuth, RedisTls, Storage, Unreplicated};
pub use status::{
    ChatClusterStatus, Condition, ConditionType, DrainReason, Draining, Phase, RedisStatus, RevisionStatus,
    RolloutStatus,
};

/// The API group of the resource.
pub const GROUP: &str = "chatcluster.dev";
