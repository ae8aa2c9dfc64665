//! The pods of a revision, and the hash that names it.

use super::{from_field, resources};
use crate::controller::validate::{Validated, hex, paths};
use crate::names;
use chat_api::{PodTemplate, SecretKey};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EnvVar, HTTPGetAction, KeyToPath,
    PodSecurityContext, PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecretVolumeSource, SecurityContext,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sha2::{Digest, Sha256};

/// The user of the image: nobody's.
const USER: i64 = 65_532;

/// Time after the drain in which what was closed last still goes out, in seconds.
const GRACE_SECONDS: i64 = 15;

/// The pods of a revision.
#[derive(Clone, Debug)]
pub struct Template {
    /// What they are made of, secrets included, and settings but for those that running servers are told: two that differ in anything of it have
    /// different hashes.
    pub hash: String,
    /// The pods, with the labels of their revision.
    pub pods: PodTemplateSpec,
}

/// Makes the pods of the wanted revision.
pub fn template(cluster: &Validated) -> Template {
    let mut pods = PodTemplateSpec { metadata: Some(metadata(cluster)), spec: Some(spec(cluster)) };
    let mut hash = Sha256::new();
    hash.update(serde_json::to_vec(&pods).expect("pods are JSON"));
    hash.update(&cluster.lasting_config);
    hash.update(&cluster.secrets_hash);
    let hash = hex(&hash.finalize()[..5]);
    let labels = pods.metadata.get_or_insert_default().labels.get_or_insert_default();
    labels.insert(names::REVISION.to_owned(), hash.clone());
    for volume in pods.spec.iter_mut().flat_map(|spec| spec.volumes.iter_mut().flatten()) {
        if let Some(config) = &mut volume.config_map {
            config.name = names::revision(&cluster.name, &hash);
        }
    }
    Template { hash, pods }
}

fn metadata(cluster: &Validated) -> ObjectMeta {
    let own = cluster.spec.pod_template.clone().unwrap_or_default();
    let mut labels = own.labels;
    labels.extend(names::labels(&cluster.name, names::SERVER));
    labels.insert(names::SERVING.to_owned(), "true".to_owned());
    let annotations = Some(own.annotations).filter(|annotations| !annotations.is_empty());
    ObjectMeta { labels: Some(labels), annotations, ..ObjectMeta::default() }
}

fn spec(cluster: &Validated) -> PodSpec {
    let own = cluster.spec.pod_template.clone().unwrap_or_default();
    let (volumes, mounts) = volumes(cluster);
    let PodTemplate { node_selector, tolerations, affinity, topology_spread_constraints, .. } = own.clone();
    let apart = if affinity.is_none() && topology_spread_constraints.is_empty() {
        apart(cluster)
    } else {
        topology_spread_constraints
    };
    PodSpec {
        service_account_name: Some(cluster.name.clone()),
        automount_service_account_token: Some(false),
        // Variables of the namespace's services would be taken for settings.
        enable_service_links: Some(false),
        image_pull_secrets: Some(cluster.spec.image_pull_secrets.clone()).filter(|secrets| !secrets.is_empty()),
        termination_grace_period_seconds: Some(i64::from(cluster.spec.drain.deadline_seconds) + GRACE_SECONDS),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(USER),
            run_as_group: Some(USER),
            fs_group: Some(USER),
            seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), ..SeccompProfile::default() }),
            ..PodSecurityContext::default()
        }),
        containers: vec![container(cluster, mounts)],
        volumes: Some(volumes),
        node_selector: Some(node_selector).filter(|selector| !selector.is_empty()),
        tolerations: Some(tolerations).filter(|tolerations| !tolerations.is_empty()),
        affinity,
        topology_spread_constraints: Some(apart),
        priority_class_name: own.priority_class_name,
        runtime_class_name: own.runtime_class_name,
        ..PodSpec::default()
    }
}

/// Servers keep away from each other where nodes allow.
fn apart(cluster: &Validated) -> Vec<TopologySpreadConstraint> {
    let spread = |key: &str| TopologySpreadConstraint {
        max_skew: 1,
        topology_key: key.to_owned(),
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(names::label_selector(&cluster.name, names::SERVER)),
        ..TopologySpreadConstraint::default()
    };
    vec![spread("kubernetes.io/hostname"), spread("topology.kubernetes.io/zone")]
}

fn container(cluster: &Validated, mounts: Vec<VolumeMount>) -> Container {
    let port = |name: &str, port| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    };
    let mut env = vec![
        from_field("POD_IP", "status.podIP"),
        from_field("CHAT_NODE", "metadata.name"),
        EnvVar {
            name: "CHAT_INTERNAL_ADVERTISE".to_owned(),
            value: Some(format!("$(POD_IP):{}", names::INTERNAL_PORT)),
            ..EnvVar::default()
        },
    ];
    env.extend(cluster.spec.env.clone());
    Container {
        name: names::SERVER.to_owned(),
        image: Some(cluster.image.clone()),
        image_pull_policy: cluster.spec.image_pull_policy.clone(),
        args: Some(vec!["--config".to_owned(), paths::CONFIG.to_owned()]),
        env: Some(env),
        ports: Some(vec![
            port("public", names::PUBLIC_PORT),
            port("internal", names::INTERNAL_PORT),
            port("metrics", names::METRICS_PORT),
        ]),
        resources: Some(cluster.spec.resources.clone().unwrap_or_else(|| resources("128Mi", "512Mi"))),
        security_context: Some(SecurityContext {
            allow_privilege_escalation: Some(false),
            read_only_root_filesystem: Some(true),
            capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
            ..SecurityContext::default()
        }),
        // A server that waits for Redis is alive, and not ready.
        startup_probe: Some(probe("/livez", 1, 60)),
        liveness_probe: Some(probe("/livez", 10, 3)),
        readiness_probe: Some(probe("/readyz", 2, 2)),
        volume_mounts: Some(mounts),
        ..Container::default()
    }
}

fn probe(path: &str, period_seconds: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String("metrics".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period_seconds),
        timeout_seconds: Some(2),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

fn volumes(cluster: &Validated) -> (Vec<Volume>, Vec<VolumeMount>) {
    let secrets = &cluster.secrets;
    let given = [
        ("signing", Some(&secrets.signing), paths::SIGNING),
        ("signing-accepted", secrets.signing_accepted.as_ref(), paths::SIGNING_ACCEPTED),
        ("jwt", secrets.jwt.as_ref(), paths::JWT),
        ("redis", secrets.redis_password.as_ref(), paths::REDIS_PASSWORD),
        ("redis-ca", secrets.redis_ca.as_ref(), paths::REDIS_CA),
    ];
    let mut volumes = vec![Volume {
        name: "config".to_owned(),
        config_map: Some(ConfigMapVolumeSource::default()),
        ..Volume::default()
    }];
    let mut mounts = vec![mount("config", paths::CONFIG)];
    for (name, reference, path) in given {
        let Some(reference) = reference else { continue };
        volumes.push(Volume { name: name.to_owned(), secret: Some(secret(reference, path)), ..Volume::default() });
        mounts.push(mount(name, path));
    }
    (volumes, mounts)
}

/// A Secret's one key, as the file of a path.
fn secret(reference: &SecretKey, path: &str) -> SecretVolumeSource {
    let (_, file) = path.rsplit_once('/').unwrap_or(("", path));
    SecretVolumeSource {
        secret_name: Some(reference.name.clone()),
        items: Some(vec![KeyToPath { key: reference.key.clone(), path: file.to_owned(), mode: None }]),
        default_mode: Some(0o440),
        ..SecretVolumeSource::default()
    }
}

fn mount(volume: &str, path: &str) -> VolumeMount {
    let (folder, _) = path.rsplit_once('/').unwrap_or((path, ""));
    VolumeMount {
        name: volume.to_owned(),
        mount_path: folder.to_owned(),
        read_only: Some(true),
        ..VolumeMount::default()
    }
}
