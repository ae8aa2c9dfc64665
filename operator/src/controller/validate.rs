//! Holds a ChatCluster and what it refers to against all rules that the API server cannot check, and makes of it what the rest can rely on.

use super::dereference::{Missing, Referred};
use crate::names;
use crate::redis::{NoAuthorities, roots};
use chat_api::{ChatCluster, ChatClusterSpec, Redis, SecretKey, Unreplicated};
use chat_settings::{Settings, SettingsError};
use kube::ResourceExt;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;

/// A ChatCluster that can be carried out.
#[derive(Clone, Debug)]
pub struct Validated {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What it wishes for.
    pub spec: ChatClusterSpec,
    /// The image of its servers.
    pub image: String,
    /// The settings of its servers, as a file.
    pub config: String,
    /// The same without what running servers are told anyway: no server is replaced for that.
    pub lasting_config: String,
    /// The Secrets that its servers mount.
    pub secrets: Mounted,
    /// A hash of what those Secrets hold: servers are replaced when it changes.
    pub secrets_hash: String,
}

/// Where the servers' secrets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mounted {
    /// The key that signs session ids and tokens.
    pub signing: SecretKey,
    /// The key that is accepted beside it.
    pub signing_accepted: Option<SecretKey>,
    /// The secret of JSON Web Tokens.
    pub jwt: Option<SecretKey>,
    /// The password of Redis.
    pub redis_password: Option<SecretKey>,
    /// The authorities of Redis's certificate.
    pub redis_ca: Option<SecretKey>,
}

/// Why a ChatCluster cannot be carried out: each names the field and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Invalid {
    /// A value of a Secret is not to be had.
    #[error("{field}: Secret {}, key {}: {why}; put it there", reference.name, reference.key)]
    Secret {
        /// The field that refers to it.
        field: &'static str,
        /// What it refers to.
        reference: SecretKey,
        /// What is wrong.
        why: Missing,
    },
    /// What shall be a certificate is none.
    #[error("spec.redis.existing.tls.caSecretRef: Secret {}, key {}: {why}; put the authority's certificate there", reference.name, reference.key)]
    Authority {
        /// What the field refers to.
        reference: SecretKey,
        /// What is wrong.
        why: NoAuthorities,
    },
    /// A setting that the operator sets itself.
    #[error("spec.settings.{0}: the operator sets this itself; {1}")]
    Taken(String, &'static str),
    /// The server would not accept its settings.
    #[error("{}", said(.0))]
    Settings(#[source] Box<SettingsError>),
    /// A label that the operator goes by.
    #[error("spec.podTemplate.labels: {0} is a label that the operator goes by; take it out")]
    Label(String),
    /// An API server without its rules would let both or neither pass.
    #[error("spec.redis needs exactly one of existing and managed")]
    Redis,
    /// Another ChatCluster keeps its rooms there.
    #[error(
        "spec.redis.prefix: ChatCluster {namespace}/{name} uses {prefix} on the same Redis already; make this one anew with another prefix, or without one"
    )]
    Prefix {
        /// What both would write under.
        prefix: String,
        /// Whose it is.
        namespace: String,
        /// Whose it is.
        name: String,
    },
    /// No image.
    #[error("spec.image: the operator knows no image by itself; name one")]
    Image,
}

/// Settings that follow from other fields, and where to say it instead.
const TAKEN: [(&str, &str); 22] = [
    ("listen", "ports are fixed in a pod"),
    ("internal-listen", "ports are fixed in a pod"),
    ("metrics-listen", "ports are fixed in a pod"),
    ("internal-advertise", "it is the pod's address"),
    ("node", "it is the pod's name"),
    ("config", "it is made from the spec"),
    ("guests", "write spec.auth.guests"),
    ("signing-key", "write spec.auth.signingKeyRef"),
    ("signing-key-file", "write spec.auth.signingKeyRef"),
    ("signing-key-previous", "write spec.auth.acceptedSigningKeyRef"),
    ("signing-key-previous-file", "write spec.auth.acceptedSigningKeyRef"),
    ("jwt-secret", "write spec.auth.jwtSecretRef"),
    ("jwt-secret-file", "write spec.auth.jwtSecretRef"),
    ("redis", "write spec.redis"),
    ("redis-user", "write spec.redis.existing.auth"),
    ("redis-password", "write spec.redis.existing.auth"),
    ("redis-password-file", "write spec.redis.existing.auth"),
    ("redis-ca-file", "write spec.redis.existing.tls"),
    ("redis-prefix", "write spec.redis.prefix"),
    ("redis-unreplicated", "write spec.redis.unreplicated"),
    ("drain-closes-per-second", "write spec.drain.connectionsPerSecond"),
    ("drain-deadline", "write spec.drain.deadlineSeconds"),
];

/// Settings that the operator says to a running server whenever they matter; the file has them for a server that ends without being asked.
const TOLD: [&str; 1] = ["drain-closes-per-second"];

/// Where a person finds what a setting of the operator is made from.
const MADE_FROM: [(&str, &str); 10] = [
    ("jwt-secret-file", "spec.auth.jwtSecretRef"),
    ("signing-key-file", "spec.auth.signingKeyRef"),
    ("signing-key-previous-file", "spec.auth.acceptedSigningKeyRef"),
    ("redis", "spec.redis.existing.seeds"),
    ("redis-user", "spec.redis.existing.auth.user"),
    ("redis-password-file", "spec.redis.existing.auth.passwordSecretRef"),
    ("redis-ca-file", "spec.redis.existing.tls.caSecretRef"),
    ("redis-prefix", "spec.redis.prefix"),
    ("drain-closes-per-second", "spec.drain.connectionsPerSecond"),
    ("drain-deadline", "spec.drain.deadlineSeconds"),
];

/// What the server says of a setting, of the field that a person wrote it in.
fn said(error: &SettingsError) -> String {
    let field = |name: &str| {
        let made = MADE_FROM.iter().find(|(setting, _)| *setting == name);
        made.map_or_else(|| format!("spec.settings.{name}"), |(_, field)| (*field).to_owned())
    };
    match error {
        SettingsError::Unknown { name, near: Some(near), .. } => {
            format!("spec.settings.{name}: the server has no such setting; did you mean {near}?")
        }
        SettingsError::Unknown { name, near: None, .. } => {
            format!("spec.settings.{name}: the server has no such setting; docs/settings.md lists them")
        }
        SettingsError::Bad { name, value, allowed, .. } => {
            format!("{}: {value:?} is not allowed; allowed is {allowed}", field(name))
        }
        SettingsError::Secret { name, why } => format!("{}: {why}", field(name)),
        SettingsError::Unreadable { name, source, .. } => format!("{}: {source}", field(name)),
        SettingsError::Conflict { .. } | SettingsError::Syntax { .. } | SettingsError::Usage(_) => {
            format!("spec.settings: {error}")
        }
    }
}

/// Where the servers find their secrets.
pub mod paths {
    /// The settings.
    pub const CONFIG: &str = "/etc/chatcluster/config/chat.yaml";
    /// The key that signs.
    pub const SIGNING: &str = "/etc/chatcluster/signing/key";
    /// The key that is accepted too.
    pub const SIGNING_ACCEPTED: &str = "/etc/chatcluster/signing-accepted/key";
    /// The secret of JSON Web Tokens.
    pub const JWT: &str = "/etc/chatcluster/jwt/secret";
    /// The password of Redis.
    pub const REDIS_PASSWORD: &str = "/etc/chatcluster/redis/password";
    /// The authorities of Redis's certificate.
    pub const REDIS_CA: &str = "/etc/chatcluster/redis-ca/ca.crt";
}

/// Checks all that can be checked without asking anybody. `default_image` is that of the operator's own release.
pub fn validate(cluster: &ChatCluster, referred: &Referred, default_image: Option<&str>) -> Result<Validated, Invalid> {
    let spec = cluster.spec.clone();
    let name = cluster.name_any();
    let secrets = mounted(&name, &spec)?;
    for setting in spec.settings.keys() {
        if let Some((_, instead)) = TAKEN.iter().find(|(taken, _)| taken == setting) {
            return Err(Invalid::Taken(setting.clone(), instead));
        }
    }
    let labels = spec.pod_template.iter().flat_map(|pods| pods.labels.keys());
    if let Some(label) =
        labels.into_iter().find(|label| label.contains("chatcluster.dev/") || label.starts_with("app.kubernetes.io/"))
    {
        return Err(Invalid::Label(label.clone()));
    }
    let mut file = settings(cluster, &secrets)?;
    let config = yaml(&file);
    file.retain(|name, _| !TOLD.contains(&name.as_str()));
    let lasting_config = yaml(&file);
    let mut hash = Sha256::new();
    for (field, reference) in secrets.all() {
        let value =
            referred.value(reference).map_err(|why| Invalid::Secret { field, reference: reference.clone(), why })?;
        hash.update((value.len() as u64).to_be_bytes());
        hash.update(value);
    }
    if let Some(reference) = &secrets.redis_ca {
        let pem = referred.value(reference).unwrap_or_default();
        roots(pem).map_err(|why| Invalid::Authority { reference: reference.clone(), why })?;
    }
    accepted(&config, &secrets, referred)?;
    let image = spec.image.clone().or_else(|| default_image.map(str::to_owned)).ok_or(Invalid::Image)?;
    let namespace = cluster.namespace().unwrap_or_default();
    let secrets_hash = hex(&hash.finalize()[..8]);
    Ok(Validated { name, namespace, spec, image, config, lasting_config, secrets, secrets_hash })
}

impl Mounted {
    /// All references, with the fields that name them.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &SecretKey)> {
        let Self { signing, signing_accepted, jwt, redis_password, redis_ca } = self;
        let optional = [
            ("spec.auth.acceptedSigningKeyRef", signing_accepted),
            ("spec.auth.jwtSecretRef", jwt),
            ("spec.redis.existing.auth.passwordSecretRef", redis_password),
            ("spec.redis.existing.tls.caSecretRef", redis_ca),
        ];
        let given = optional.into_iter().filter_map(|(field, reference)| Some((field, reference.as_ref()?)));
        std::iter::once(("spec.auth.signingKeyRef", signing)).chain(given)
    }
}

/// The Secrets that a ChatCluster needs, named or made.
pub fn mounted(name: &str, spec: &ChatClusterSpec) -> Result<Mounted, Invalid> {
    let own = SecretKey { name: names::signing(name), key: "key".to_owned() };
    let existing = spec.redis.existing.as_ref();
    if existing.is_some() == spec.redis.managed.is_some() {
        return Err(Invalid::Redis);
    }
    Ok(Mounted {
        signing: spec.auth.signing_key_ref.clone().unwrap_or(own),
        signing_accepted: spec.auth.accepted_signing_key_ref.clone(),
        jwt: spec.auth.jwt_secret_ref.clone(),
        redis_password: existing.and_then(|redis| Some(redis.auth.as_ref()?.password_secret_ref.clone())),
        redis_ca: existing.and_then(|redis| redis.tls.as_ref()?.ca_secret_ref.clone()),
    })
}

fn yaml(settings: &BTreeMap<String, String>) -> String {
    serde_yaml::to_string(settings).expect("texts are YAML")
}

/// The settings of the servers.
fn settings(cluster: &ChatCluster, secrets: &Mounted) -> Result<BTreeMap<String, String>, Invalid> {
    let ChatClusterSpec { auth, drain, redis, settings, .. } = &cluster.spec;
    let mut file = settings.clone();
    let mut set = |name: &str, value: String| file.insert(name.to_owned(), value);
    set("guests", auth.guests.to_string());
    set("signing-key-file", paths::SIGNING.to_owned());
    if secrets.signing_accepted.is_some() {
        set("signing-key-previous-file", paths::SIGNING_ACCEPTED.to_owned());
    }
    if secrets.jwt.is_some() {
        set("jwt-secret-file", paths::JWT.to_owned());
    }
    set("drain-closes-per-second", drain.connections_per_second.to_string());
    set("drain-deadline", format!("{}s", drain.deadline_seconds));
    set("redis", seeds(cluster, redis)?);
    set("redis-prefix", prefix(cluster));
    let unreplicated = match redis.unreplicated {
        Unreplicated::Allow => "allow",
        Unreplicated::Refuse => "refuse",
    };
    set("redis-unreplicated", unreplicated.to_owned());
    if let Some(user) = redis.existing.as_ref().and_then(|redis| redis.auth.as_ref()?.user.clone()) {
        set("redis-user", user);
    }
    if secrets.redis_password.is_some() {
        set("redis-password-file", paths::REDIS_PASSWORD.to_owned());
    }
    if secrets.redis_ca.is_some() {
        set("redis-ca-file", paths::REDIS_CA.to_owned());
    }
    Ok(file)
}

/// What the keys of this ChatCluster begin with: its own, so that several can share a Redis Cluster.
pub fn prefix(cluster: &ChatCluster) -> String {
    let own = || format!("{}/{}", cluster.namespace().unwrap_or_default(), cluster.name_any());
    cluster.spec.redis.prefix.clone().unwrap_or_else(own)
}

fn seeds(cluster: &ChatCluster, redis: &Redis) -> Result<String, Invalid> {
    match (&redis.existing, &redis.managed) {
        (Some(existing), None) => {
            let scheme = if existing.tls.is_some() { "rediss://" } else { "" };
            Ok(format!("{scheme}{}", existing.seeds.join(",")))
        }
        // The name of the headless Service stands for all nodes, wherever they are by now.
        (None, Some(_)) => Ok(format!("{}:{}", names::redis(&cluster.name_any()), names::REDIS_PORT)),
        (Some(_), Some(_)) | (None, None) => Err(Invalid::Redis),
    }
}

/// Asks the server's own rules.
fn accepted(config: &str, secrets: &Mounted, referred: &Referred) -> Result<(), Invalid> {
    let text = |reference: Option<&SecretKey>| {
        let value = reference.and_then(|reference| referred.value(reference).ok()).unwrap_or_default();
        String::from_utf8(value.to_vec())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "the value is no text (UTF-8)"))
    };
    let read = |path: &std::path::Path| match path.to_str().unwrap_or_default() {
        paths::CONFIG => Ok(config.to_owned()),
        paths::SIGNING => text(Some(&secrets.signing)),
        paths::SIGNING_ACCEPTED => text(secrets.signing_accepted.as_ref()),
        paths::JWT => text(secrets.jwt.as_ref()),
        paths::REDIS_PASSWORD => text(secrets.redis_password.as_ref()),
        _ => text(secrets.redis_ca.as_ref()),
    };
    let nothing = Vec::<(OsString, OsString)>::new();
    let loaded = Settings::load(["chat-server", "--config", paths::CONFIG], nothing, read);
    loaded.map(drop).map_err(|error| Invalid::Settings(Box::new(error)))
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or_default());
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or_default());
        text
    })
}
