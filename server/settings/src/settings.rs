//! The settings in force: all sources merged, all values checked.

use std::ffi::OsString;
use std::io;
use std::path::Path;

use crate::groups::{Access, Drain, Files, Logging, Network, Recovery, Redis, Retention, Transport};
use crate::values::Values;
use crate::{Key, Limits, Secret, SettingsError, checks, flags};

/// All that a server is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server's name among the others.
    pub node: String,
    /// The keys that session ids and guest tokens are accepted under; the first one signs. Empty: the server makes one up.
    pub signing_keys: Vec<Secret>,
    /// The secret of JSON Web Tokens. `None`: they are not accepted.
    pub jwt_secret: Option<Secret>,
    /// Where the server is to be found.
    pub network: Network,
    /// Who may come in. Its secrets are as they were given: use `signing_keys` and `jwt_secret`.
    pub access: Access,
    /// The password of the Redis user.
    pub redis_password: Option<Secret>,
    /// The Redis Cluster that holds the rooms. Its password is as it was given: use `redis_password`.
    pub redis: Redis,
    /// How connections are kept.
    pub transport: Transport,
    /// How long a session can be recovered.
    pub recovery: Recovery,
    /// What rooms keep.
    pub retention: Retention,
    /// How the server goes away.
    pub drain: Drain,
    /// What the server says about itself.
    pub logging: Logging,
    /// The values of all limits.
    pub limits: Limits,
    /// Where the settings came from.
    pub files: Files,
}

impl Settings {
    /// Merges and checks all sources. `args` begins with the program's name; of `variables`, those that begin with `CHAT_` count, and `HOSTNAME` for
    /// the node's name; `read_file` is called for the files that settings name, and for nothing else.
    pub fn load(
        args: impl IntoIterator<Item = impl Into<OsString> + Clone>,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, SettingsError> {
        let mut values = Values::default();
        flags::give(&mut values, &flags::parse(args)?);
        Self::merge(values, variables, read_file)
    }

    /// Adds the weaker sources to the flags.
    pub(crate) fn merge(
        mut values: Values,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        read_file: impl Fn(&Path) -> io::Result<String>,
    ) -> Result<Self, SettingsError> {
        let mut host = None;
        let variables = variables.into_iter().inspect(|(name, value)| {
            if name == "HOSTNAME" && !value.is_empty() {
                host = Some(value.to_string_lossy().into_owned());
            }
        });
        values.give_variables(variables)?;
        if let Some(path) = Files::take(&values)?.config {
            let text = checks::read("config", &path, &read_file)?;
            values.give_file(&path, &text)?;
        }
        let access = Access::take(&values)?;
        let network = Network::take(&values)?;
        let redis = Redis::take(&values)?;
        let settings = Self {
            node: network.node.clone().or(host).unwrap_or_else(|| "local".to_owned()),
            signing_keys: checks::signing_keys(&access, &read_file)?,
            jwt_secret: checks::jwt_secret(&access, &read_file)?,
            redis_password: checks::redis_password(&redis, &read_file)?,
            network,
            access,
            redis,
            transport: Transport::take(&values)?,
            recovery: Recovery::take(&values)?,
            retention: Retention::take(&values)?,
            drain: Drain::take(&values)?,
            logging: Logging::take(&values)?,
            limits: Limits::take(&values)?,
            files: Files::take(&values)?,
        };
        checks::together(&settings)?;
        Ok(settings)
    }

    /// Takes over from newer settings what may change while the server runs. Returns the names of settings that differ but need a restart.
    pub fn reload(&mut self, newer: &Self) -> Vec<String> {
        let write_deadline = self.redis.redis_write_deadline;
        let kept = [
            self.network.reload(&newer.network),
            self.access.reload(&newer.access),
            self.redis.reload(&newer.redis),
            self.transport.reload(&newer.transport),
            self.recovery.reload(&newer.recovery),
            self.retention.reload(&newer.retention),
            self.drain.reload(&newer.drain),
            self.logging.reload(&newer.logging),
            self.limits.reload(&newer.limits),
            self.files.reload(&newer.files),
        ];
        let mut kept = kept.concat();
        // The paths may be the same, and what is in the files not.
        if self.access == newer.access && self.signing_keys != newer.signing_keys {
            kept.push("signing-key-file".to_owned());
        }
        if self.access == newer.access && self.jwt_secret != newer.jwt_secret {
            kept.push("jwt-secret-file".to_owned());
        }
        if self.redis == newer.redis && self.redis_password != newer.redis_password {
            kept.push("redis-password-file".to_owned());
        }
        // The newer deadline goes with the newer dedup-age, and that one needs a restart.
        if checks::remembered_longer_than_tried(self).is_err() {
            self.redis.redis_write_deadline = write_deadline;
            kept.push("redis-write-deadline".to_owned());
        }
        kept
    }

    /// The definitions of all settings, in the order of the documentation.
    pub fn keys() -> impl Iterator<Item = &'static Key> {
        let groups = [
            Files::KEYS,
            Network::KEYS,
            Access::KEYS,
            Redis::KEYS,
            Transport::KEYS,
            Recovery::KEYS,
            Retention::KEYS,
            Drain::KEYS,
            Logging::KEYS,
            Limits::KEYS,
        ];
        groups.into_iter().flatten()
    }

    /// The settings as a file that says the same; secrets are left out of it.
    pub fn to_yaml(&self) -> String {
        let shown = [
            self.files.show(),
            self.network.show(),
            self.access.show(),
            self.redis.show(),
            self.transport.show(),
            self.recovery.show(),
            self.retention.show(),
            self.drain.show(),
            self.logging.show(),
            self.limits.show(),
        ];
        crate::file::write(Self::keys().zip(shown.concat()))
    }
}
