//! The pods of a shard: a StatefulSet each, so that its pods can be kept apart from each other without keeping all pods apart.

use super::config_map;
use super::metadata;
use super::policy::BUS_PORT;
use crate::controller::build::{from_field, resources};
use crate::controller::validate::{Validated, hex};
use crate::names;
use chat_api::ManagedRedis;
use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec, StatefulSetUpdateStrategy,
};
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EnvVar, EnvVarSource, ExecAction,
    Lifecycle, LifecycleHandler, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodAffinityTerm, PodAntiAffinity,
    PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceFieldSelector, SeccompProfile, SecurityContext,
    Volume, VolumeMount, VolumeResourceRequirements, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The user of both images.
const USER: i64 = 999;

/// The time for a failover and for the replicas to catch up before the node ends, in seconds.
const GRACE_SECONDS: i64 = 45;

/// How long a node may take until it answers, in tries 2 seconds apart: it may wait for its replica's election and load its data.
const START_TRIES: i32 = 300;

/// The annotation that has pods made anew when settings or scripts change.
const CONFIG_HASH: &str = "chatcluster.dev/config";

/// The pods of a shard, so many of them.
pub fn stateful_set(cluster: &Validated, redis: &ManagedRedis, shard: usize, pods: usize) -> StatefulSet {
    let mut labels = names::labels(&cluster.name, names::REDIS);
    labels.insert(names::SHARD.to_owned(), shard.to_string());
    let mut metadata = metadata(cluster, names::shard(&cluster.name, shard));
    metadata.labels = Some(labels.clone());
    let annotations = BTreeMap::from([(CONFIG_HASH.to_owned(), config_hash(cluster))]);
    StatefulSet {
        metadata,
        spec: Some(StatefulSetSpec {
            replicas: Some(i32::try_from(pods).unwrap_or(i32::MAX)),
            service_name: Some(names::redis(&cluster.name)),
            pod_management_policy: Some("Parallel".to_owned()),
            // The operator deletes pods itself: a replica first, and no master before its replica has taken its place.
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("OnDelete".to_owned()),
                ..StatefulSetUpdateStrategy::default()
            }),
            persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
                when_deleted: Some("Delete".to_owned()),
                when_scaled: Some("Delete".to_owned()),
            }),
            selector: own(cluster, shard),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta {
                    labels: Some(labels),
                    annotations: Some(annotations),
                    ..ObjectMeta::default()
                }),
                spec: Some(spec(cluster, redis, shard)),
            },
            volume_claim_templates: Some(vec![claim(redis)]),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

fn config_hash(cluster: &Validated) -> String {
    let files = serde_json::to_vec(&config_map(cluster).data).expect("texts are JSON");
    hex(&Sha256::digest(files)[..5])
}

/// The pods of a shard.
fn own(cluster: &Validated, shard: usize) -> LabelSelector {
    let mut selector = names::selector(&cluster.name, names::REDIS);
    selector.insert(names::SHARD.to_owned(), shard.to_string());
    LabelSelector { match_labels: Some(selector), ..LabelSelector::default() }
}

fn claim(redis: &ManagedRedis) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta { name: Some("data".to_owned()), ..ObjectMeta::default() },
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: redis.storage.class_name.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), redis.storage.size.clone())])),
                ..VolumeResourceRequirements::default()
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        status: None,
    }
}

fn spec(cluster: &Validated, redis: &ManagedRedis, shard: usize) -> PodSpec {
    let files = ConfigMapVolumeSource {
        name: names::redis(&cluster.name),
        default_mode: Some(0o555),
        ..ConfigMapVolumeSource::default()
    };
    PodSpec {
        service_account_name: Some(cluster.name.clone()),
        automount_service_account_token: Some(false),
        enable_service_links: Some(false),
        image_pull_secrets: Some(cluster.spec.image_pull_secrets.clone()).filter(|secrets| !secrets.is_empty()),
        termination_grace_period_seconds: Some(GRACE_SECONDS),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        affinity: Some(Affinity { pod_anti_affinity: Some(apart(cluster, shard)), ..Affinity::default() }),
        containers: vec![container(cluster, redis)],
        volumes: Some(vec![Volume { name: "config".to_owned(), config_map: Some(files), ..Volume::default() }]),
        ..PodSpec::default()
    }
}

/// A replica is never on the machine of its master where machines allow; then not in its zone; then shards keep apart.
fn apart(cluster: &Validated, shard: usize) -> PodAntiAffinity {
    let term = |weight: i32, key: &str, pods: LabelSelector| WeightedPodAffinityTerm {
        weight,
        pod_affinity_term: PodAffinityTerm {
            topology_key: key.to_owned(),
            label_selector: Some(pods),
            ..PodAffinityTerm::default()
        },
    };
    let all = names::label_selector(&cluster.name, names::REDIS);
    PodAntiAffinity {
        preferred_during_scheduling_ignored_during_execution: Some(vec![
            term(100, "kubernetes.io/hostname", own(cluster, shard)),
            term(50, "topology.kubernetes.io/zone", own(cluster, shard)),
            term(10, "kubernetes.io/hostname", all),
        ]),
        required_during_scheduling_ignored_during_execution: None,
    }
}

fn container(cluster: &Validated, redis: &ManagedRedis) -> Container {
    let port = |name: &str, port| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: Some(read_only),
        ..VolumeMount::default()
    };
    let memory = EnvVar {
        name: "MEMORY_LIMIT".to_owned(),
        value_from: Some(EnvVarSource {
            resource_field_ref: Some(ResourceFieldSelector {
                resource: "limits.memory".to_owned(),
                ..ResourceFieldSelector::default()
            }),
            ..EnvVarSource::default()
        }),
        ..EnvVar::default()
    };
    Container {
        name: names::REDIS.to_owned(),
        image: Some(redis.image.clone()),
        image_pull_policy: cluster.spec.image_pull_policy.clone(),
        command: Some(script("start.sh")),
        env: Some(vec![from_field("POD_IP", "status.podIP"), memory]),
        ports: Some(vec![port("redis", names::REDIS_PORT), port("bus", BUS_PORT)]),
        resources: Some(redis.resources.clone().unwrap_or_else(|| resources("256Mi", "1Gi"))),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        startup_probe: Some(probe("alive.sh", 2, START_TRIES)),
        liveness_probe: Some(probe("alive.sh", 10, 3)),
        readiness_probe: Some(probe("ready.sh", 5, 2)),
        lifecycle: Some(Lifecycle {
            pre_stop: Some(LifecycleHandler {
                exec: Some(ExecAction { command: Some(script("stop.sh")) }),
                ..LifecycleHandler::default()
            }),
            ..Lifecycle::default()
        }),
        volume_mounts: Some(vec![mount("data", "/data", false), mount("config", "/etc/redis", true)]),
        ..Container::default()
    }
}

fn script(name: &str) -> Vec<String> {
    vec!["sh".to_owned(), format!("/etc/redis/{name}")]
}

fn probe(name: &str, period_seconds: i32, failures: i32) -> Probe {
    Probe {
        exec: Some(ExecAction { command: Some(script(name)) }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}
