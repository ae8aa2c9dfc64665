//! The Redis Cluster behind the servers.

use crate::SecretKey;
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// The Redis Cluster that holds the rooms: one that is there, or one that the operator runs.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.existing) != has(self.managed)").message("spec.redis needs exactly one of existing and managed"),
    validation = Rule::new("has(self.existing) == has(oldSelf.existing)").message("spec.redis cannot change between existing and managed: the rooms would stay behind"),
    validation = Rule::new("has(self.prefix) == has(oldSelf.prefix)").message("spec.redis.prefix cannot be set or taken away later: the rooms would stay behind")
)]
pub struct Redis {
    /// A Redis Cluster that is run elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub existing: Option<ExistingRedis>,
    /// A Redis Cluster that the operator runs in this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<ManagedRedis>,
    /// What all keys begin with. Without it: the ChatCluster's namespace and name, so that several can share a Redis Cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64), regex(pattern = r"^[a-zA-Z0-9][a-zA-Z0-9._/-]*$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.redis.prefix cannot change: the rooms would stay behind"))]
    pub prefix: Option<String>,
    /// What becomes of messages while a shard has no replica: Allow takes them and says so in each answer, Refuse takes none.
    #[serde(default)]
    pub unreplicated: Unreplicated,
}

/// What becomes of messages while nothing holds a second copy.
#[derive(schemars::JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub enum Unreplicated {
    /// They are taken, and their answers say so.
    #[default]
    Allow,
    /// They are refused.
    Refuse,
}

/// A Redis Cluster (7.0 or newer) or Valkey Cluster (8 or newer) that is run elsewhere.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingRedis {
    /// Some of its nodes, as host:port. Names outlive addresses.
    #[schemars(length(min = 1, max = 16), inner(length(min = 3, max = 260)))]
    #[x_kube(validation = Rule::new("self.all(s, s.matches('^[][a-zA-Z0-9._:-]+:[0-9]{1,5}$'))").message("each of spec.redis.existing.seeds is host:port, such as redis-0.redis:6379"))]
    pub seeds: Vec<String>,
    /// Its user and password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<RedisAuth>,
    /// Connects by TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RedisTls>,
}

/// User and password of Redis.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisAuth {
    /// The ACL user. Without it, Redis's default user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password.
    pub password_secret_ref: SecretKey,
}

/// TLS to Redis.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RedisTls {
    /// The PEM certificates of the authorities that may sign Redis's certificate. Without it, those of the system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretKey>,
}

/// A Redis Cluster that the operator runs: shards of one master and its replicas each.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedRedis {
    /// The image: Valkey 8 or newer, or Redis 7.0 or newer.
    #[serde(default = "image")]
    #[schemars(length(min = 1, max = 512), regex(pattern = r"^\S+$"))]
    pub image: String,
    /// How many masters the rooms are spread over.
    #[serde(default = "shards")]
    #[schemars(range(min = 3, max = 64))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.redis.managed.shards cannot change yet: make a new ChatCluster of the wanted size"))]
    pub shards: i32,
    /// How many replicas each master has. With none the end of one pod loses messages.
    #[serde(default = "replicas_per_shard")]
    #[schemars(range(min = 0, max = 3))]
    pub replicas_per_shard: i32,
    /// Where the data lies.
    #[serde(default)]
    #[x_kube(validation = Rule::new("self == oldSelf").message("spec.redis.managed.storage cannot change yet: make a new ChatCluster with the wanted storage"))]
    pub storage: Storage,
    /// What a pod may use. Without it: 100m of a core and 256Mi are requested, and 1Gi of memory is the limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,
}

impl Default for ManagedRedis {
    fn default() -> Self {
        Self {
            image: image(),
            shards: shards(),
            replicas_per_shard: replicas_per_shard(),
            storage: Storage::default(),
            resources: None,
        }
    }
}

/// A volume for each pod of Redis.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("isQuantity(self.size) && quantity(self.size).isGreaterThan(quantity('0'))").message("spec.redis.managed.storage.size is a size such as 8Gi"))]
pub struct Storage {
    /// How large.
    #[serde(default = "size")]
    #[schemars(length(max = 32))]
    pub size: Quantity,
    /// Of which StorageClass. Without it, the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
}

impl Default for Storage {
    fn default() -> Self {
        Self { size: size(), class_name: None }
    }
}

fn image() -> String {
    "valkey/valkey:8.1".to_owned()
}

const fn shards() -> i32 {
    3
}

const fn replicas_per_shard() -> i32 {
    1
}

fn size() -> Quantity {
    Quantity("8Gi".to_owned())
}
