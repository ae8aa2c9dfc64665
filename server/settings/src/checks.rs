//! What no setting can check alone: secrets in files, and settings that must go together.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::kind::{Bytes, Kind, Time};
use crate::{Access, Redis, Secret, Settings, SettingsError};

/// The fewest bytes of a secret: those of the HMAC-SHA-256 that it keys.
const SECRET_BYTES_MIN: usize = 32;

/// Reads a file that a setting names.
pub(crate) fn read(
    name: &'static str,
    path: &Path,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<String, SettingsError> {
    let unreadable = |source| SettingsError::Unreadable { name, path: path.to_owned(), source };
    read_file(path).map_err(unreadable)
}

/// The signing keys, the present one first.
pub(crate) fn signing_keys(
    access: &Access,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Vec<Secret>, SettingsError> {
    let Access { signing_key, signing_key_file, signing_key_previous, signing_key_previous_file, .. } = access;
    let present =
        secret("signing-key", signing_key.as_ref(), "signing-key-file", signing_key_file.as_ref(), &read_file)?;
    let previous = secret(
        "signing-key-previous",
        signing_key_previous.as_ref(),
        "signing-key-previous-file",
        signing_key_previous_file.as_ref(),
        &read_file,
    )?;
    if present.is_none() && previous.is_some() {
        let why = "there is no signing-key that it is the previous one of; set signing-key too";
        return Err(SettingsError::Secret { name: "signing-key-previous", why });
    }
    Ok(present.into_iter().chain(previous).collect())
}

/// The secret of JSON Web Tokens.
pub(crate) fn jwt_secret(
    access: &Access,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<Secret>, SettingsError> {
    secret("jwt-secret", access.jwt_secret.as_ref(), "jwt-secret-file", access.jwt_secret_file.as_ref(), read_file)
}

/// The password of Redis.
pub(crate) fn redis_password(
    redis: &Redis,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<Secret>, SettingsError> {
    let (given, file) = (redis.redis_password.as_ref(), redis.redis_password_file.as_ref());
    let Some((name, password)) = given_once("redis-password", given, "redis-password-file", file, read_file)? else {
        return Ok(None);
    };
    if password.expose().is_empty() {
        let why = "it is empty; take it out if Redis wants no password";
        return Err(SettingsError::Secret { name, why });
    }
    Ok(Some(password))
}

/// A key of ours that is given itself or by a file: long enough to sign with.
fn secret(
    name: &'static str,
    given: Option<&Secret>,
    file_name: &'static str,
    file: Option<&PathBuf>,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<Secret>, SettingsError> {
    let Some((name, secret)) = given_once(name, given, file_name, file, read_file)? else { return Ok(None) };
    if secret.expose().len() < SECRET_BYTES_MIN {
        let why = "a secret needs at least 32 bytes; `openssl rand -hex 32` makes one";
        return Err(SettingsError::Secret { name, why });
    }
    Ok(Some(secret))
}

/// A secret that is given itself or by a file, with the name of the setting that gave it.
fn given_once(
    name: &'static str,
    given: Option<&Secret>,
    file_name: &'static str,
    file: Option<&PathBuf>,
    read_file: impl Fn(&Path) -> io::Result<String>,
) -> Result<Option<(&'static str, Secret)>, SettingsError> {
    match (given, file) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            let why = "it is given both itself and as a file; take one of them out";
            Err(SettingsError::Secret { name, why })
        }
        (Some(secret), None) => Ok(Some((name, secret.clone()))),
        (None, Some(path)) => Ok(Some((file_name, Secret::from_file(&read(file_name, path, read_file)?)))),
    }
}

/// Settings that must go together.
pub(crate) fn together(settings: &Settings) -> Result<(), SettingsError> {
    let Settings { network, transport, recovery, retention, drain, limits, redis, .. } = settings;
    if redis.redis.is_some() && settings.signing_keys.is_empty() {
        let why = "the servers on one Redis know each other and each other's clients by it; give all of them the same";
        return Err(SettingsError::Secret { name: "signing-key", why });
    }
    different(("listen", network.listen), ("internal-listen", network.internal_listen))?;
    different(("listen", network.listen), ("metrics-listen", network.metrics_listen))?;
    different(("internal-listen", network.internal_listen), ("metrics-listen", network.metrics_listen))?;

    let beat = transport.ping_interval + transport.ping_timeout;
    longer(
        ("session-expiry", recovery.session_expiry),
        ("ping-interval + ping-timeout", beat),
        "a session must outlive the time in which its connection is found dead; raise session-expiry",
    )?;
    longer(
        ("drain-deadline", drain.drain_deadline),
        ("drain-accept", drain.drain_accept),
        "the deadline counts from SIGTERM, so no time to close connections would be left; raise drain-deadline",
    )?;
    longer(
        ("retention-age", retention.retention_age),
        ("dedup-age", retention.dedup_age),
        "a duplicate must find its first entry; raise retention-age",
    )?;
    remembered_longer_than_tried(settings)?;
    // Names, positions and ids around a text, in JSON.
    let overhead = 4096;
    larger(
        ("max-payload", limits.max_payload),
        ("text-bytes + data-bytes + 4096", limits.text_bytes + limits.data_bytes + overhead),
        "the longest message must fit into a payload with what is around it; raise max-payload",
    )?;
    larger(
        ("outbox", limits.outbox),
        ("text-bytes + data-bytes + 4096", limits.text_bytes + limits.data_bytes + overhead),
        "the longest message must fit into an outbox with what is around it; raise outbox",
    )?;
    larger(
        ("retention-bytes", retention.retention_bytes),
        ("text-bytes + data-bytes + 4096", limits.text_bytes + limits.data_bytes + overhead),
        "a room must be able to keep the longest message; raise retention-bytes",
    )
}

/// An id must be remembered until the last try of its message: of the first sending, which is told after one deadline that nobody knows, and of a second one,
/// which may wait for another's deadline before its own begins. Without Redis nothing is tried for longer than a moment.
pub(crate) fn remembered_longer_than_tried(settings: &Settings) -> Result<(), SettingsError> {
    let Settings { retention, redis, .. } = settings;
    if redis.redis.is_none() {
        return Ok(());
    }
    longer(
        ("dedup-age", retention.dedup_age),
        ("3 x redis-write-deadline", redis.redis_write_deadline * 3),
        "what is tried again after its id was forgotten is there twice; raise dedup-age, or lower redis-write-deadline",
    )
}

fn different(
    (one, a): (&'static str, SocketAddr),
    (other, b): (&'static str, SocketAddr),
) -> Result<(), SettingsError> {
    let overlap = a.ip() == b.ip() || a.ip().is_unspecified() || b.ip().is_unspecified();
    if a.port() == 0 || a.port() != b.port() || !overlap {
        return Ok(());
    }
    let why = "they need different ports";
    Err(SettingsError::Conflict { one, one_value: a.to_string(), other, other_value: b.to_string(), why })
}

fn longer(
    (one, a): (&'static str, Duration),
    (other, b): (&'static str, Duration),
    why: &'static str,
) -> Result<(), SettingsError> {
    if a > b {
        return Ok(());
    }
    Err(SettingsError::Conflict { one, one_value: Time::show(&a), other, other_value: Time::show(&b), why })
}

fn larger(
    (one, a): (&'static str, usize),
    (other, b): (&'static str, usize),
    why: &'static str,
) -> Result<(), SettingsError> {
    if a >= b {
        return Ok(());
    }
    Err(SettingsError::Conflict { one, one_value: Bytes::show(&a), other, other_value: Bytes::show(&b), why })
}
