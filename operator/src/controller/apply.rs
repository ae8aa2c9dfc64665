//! Writes objects by server-side apply: what is as it should be is not written again, and what belongs to somebody else is left alone.

use super::validate::hex;
use crate::names;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::core::ObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, Resource, ResourceExt};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

/// Why an object was not written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It is there already, and not ours.
    #[error(
        "{kind} {name} is there and does not belong to this ChatCluster: rename one of the two, or delete it if nobody needs it"
    )]
    Foreign {
        /// What it is.
        kind: String,
        /// Its name.
        name: String,
    },
    /// The API server did not take it.
    #[error("{kind} {name} cannot be applied")]
    Refused {
        /// What it is.
        kind: String,
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

/// Applies the objects of ChatClusters, and remembers what it has applied.
pub struct Applier {
    client: Client,
    /// What was written last, and as what the API server answered it.
    applied: Mutex<HashMap<String, Applied>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Applied {
    wish: String,
    answer: String,
}

impl Applier {
    /// One that has applied nothing yet.
    pub fn new(client: Client) -> Self {
        Self { client, applied: Mutex::default() }
    }

    /// Has an object be as wished, for this owner. Returns whether anything was written.
    pub async fn apply<K>(
        &self,
        store: &Store<K>,
        owner: &ObjectMeta,
        owner_ref: OwnerRef,
        mut wish: K,
    ) -> Result<bool, ApplyError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + Serialize
            + DeserializeOwned
            + 'static,
        K::DynamicType: Hash + Eq,
    {
        wish.meta_mut().owner_references = Some(vec![owner_ref]);
        let (kind, name) = (K::kind(&()).into_owned(), wish.name_any());
        let namespace = wish.namespace().unwrap_or_default();
        let found = store.get(&ObjectRef::new(&name).within(&namespace));
        if let Some(found) = &found
            && !belongs(&**found, owner)
        {
            return Err(ApplyError::Foreign { kind, name });
        }
        let key = format!("{kind}/{namespace}/{name}");
        let wished = hash(&wish);
        let as_before = found.as_ref().is_some_and(|found| {
            let now = Applied { wish: wished.clone(), answer: answer(&**found) };
            self.applied.lock().get(&key) == Some(&now)
        });
        if as_before {
            return Ok(false);
        }
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        if found.is_none() {
            // The store shows our own only: somebody else's of this name would be taken over by an apply.
            let there = api.get_metadata_opt(&name).await.map_err(|source| refused(&kind, &name, source))?;
            if there.is_some_and(|there| !belongs(&there, owner)) {
                return Err(ApplyError::Foreign { kind, name });
            }
        }
        let ours = PatchParams::apply(names::MANAGER).force();
        let written =
            api.patch(&name, &ours, &Patch::Apply(&wish)).await.map_err(|source| refused(&kind, &name, source))?;
        self.applied.lock().insert(key, Applied { wish: wished, answer: answer(&written) });
        Ok(found.is_none_or(|found| answer(&*found) != answer(&written)))
    }

    /// Has an object not be there, if it is this owner's.
    pub async fn remove<K>(&self, store: &Store<K>, owner: &ObjectMeta, name: &str) -> Result<bool, ApplyError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Debug + DeserializeOwned + 'static,
        K::DynamicType: Hash + Eq,
    {
        let namespace = owner.namespace.clone().unwrap_or_default();
        let found = store.get(&ObjectRef::new(name).within(&namespace));
        let Some(found) = found.filter(|found| belongs(&**found, owner) && found.meta().deletion_timestamp.is_none())
        else {
            return Ok(false);
        };
        let kind = K::kind(&()).into_owned();
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        match api.delete(&found.name_any(), &DeleteParams::background()).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(source) => Err(refused(&kind, name, source)),
        }
    }
}

/// The reference to the owner of all that is applied.
pub type OwnerRef = k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

fn refused(kind: &str, name: &str, source: kube::Error) -> ApplyError {
    ApplyError::Refused { kind: kind.to_owned(), name: name.to_owned(), source: Box::new(source) }
}

/// Whether an object is this owner's.
fn belongs<K: Resource>(object: &K, owner: &ObjectMeta) -> bool {
    object.owner_references().iter().any(|reference| Some(&reference.uid) == owner.uid.as_ref())
}

fn hash<K: Serialize>(wish: &K) -> String {
    let json = serde_json::to_vec(wish).expect("objects are JSON");
    hex(&Sha256::digest(json)[..16])
}

/// What changes when somebody changes an object: its generation where it has one (its status is none of our business), or else its version.
fn answer<K: Resource>(object: &K) -> String {
    let meta = object.meta();
    let version = meta
        .generation
        .map_or_else(|| meta.resource_version.clone().unwrap_or_default(), |generation| generation.to_string());
    format!("{}@{version}", meta.uid.clone().unwrap_or_default())
}
