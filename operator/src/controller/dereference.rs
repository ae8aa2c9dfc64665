//! What a ChatCluster refers to.

use chat_api::SecretKey;
use std::collections::BTreeMap;

/// The Secrets that a ChatCluster names, as they were found: by name, then by key. One that is missing is not there.
#[derive(Clone, Debug, Default)]
pub struct Referred {
    secrets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
}

/// Why a value of a Secret is not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// There is no such Secret.
    #[error("there is no such Secret in this namespace")]
    Secret,
    /// It has no such key.
    #[error("the Secret has no such key")]
    Key,
    /// There is nothing under the key.
    #[error("the value is empty")]
    Empty,
}

impl Referred {
    /// Notes a Secret that was found.
    pub fn found(&mut self, name: &str, data: BTreeMap<String, Vec<u8>>) {
        self.secrets.insert(name.to_owned(), data);
    }

    /// Whether this Secret was found.
    pub fn knows(&self, name: &str) -> bool {
        self.secrets.contains_key(name)
    }

    /// The value that a reference names.
    pub fn value(&self, reference: &SecretKey) -> Result<&[u8], Missing> {
        let secret = self.secrets.get(&reference.name).ok_or(Missing::Secret)?;
        let value = secret.get(&reference.key).ok_or(Missing::Key)?;
        if value.is_empty() { Err(Missing::Empty) } else { Ok(value) }
    }
}
