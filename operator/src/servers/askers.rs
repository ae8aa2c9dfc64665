//! One asker for the servers of each ChatCluster, kept while its signing key stays the same: so connections to servers are used again.

use super::Asker;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// The askers, by the uid of their ChatCluster.
#[derive(Default)]
pub struct Askers {
    askers: RwLock<HashMap<String, Known>>,
}

struct Known {
    /// The key's hash: another key makes another asker.
    key: [u8; 32],
    asker: Arc<Asker>,
}

impl Askers {
    /// Who asks under this key.
    pub fn of(&self, uid: &str, signing_key: &[u8]) -> Arc<Asker> {
        let key: [u8; 32] = Sha256::digest(signing_key).into();
        if let Some(known) = self.askers.read().get(uid).filter(|known| known.key == key) {
            return known.asker.clone();
        }
        let asker = Arc::new(Asker::new(signing_key));
        self.askers.write().insert(uid.to_owned(), Known { key, asker: asker.clone() });
        asker
    }

    /// Forgets those of ChatClusters that are gone.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.askers.write().retain(|uid, _| is_there(uid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_key_makes_another_asker() {
        let askers = Askers::default();
        let first = askers.of("a", b"key");
        assert!(Arc::ptr_eq(&first, &askers.of("a", b"key")));
        assert!(!Arc::ptr_eq(&first, &askers.of("b", b"key")));
        assert!(!Arc::ptr_eq(&first, &askers.of("a", b"other")));
        askers.keep(|uid| uid == "a");
        assert_eq!(askers.askers.read().len(), 1);
    }
}
