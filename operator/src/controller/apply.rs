//! Writes objects by server-side apply: what is as it should be is not written again, and what belongs to somebody else is left alone.
//!
//! What was written last is remembered for each ChatCluster, so that a look that changes nothing asks the API server nothing. After a restart of the
//! operator each object is applied once more, which changes nothing either. What the API server refused is remembered too (`refusals`).

use super::refusals::Refusals;
use super::validate::hex;
use crate::names;
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
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
use std::time::Instant;

/// How often objects of kinds that are not watched are looked at, in seconds.
const UNWATCHED_EVERY: i64 = 600;

/// What is wished for where an object is not to be.
const REMOVAL: &str = "";

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
    #[error("{kind} {name} cannot be written")]
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

impl ApplyError {
    /// What a person is to be told of it, if it stays so until somebody does something; nothing if the next look may find it otherwise.
    pub fn lasting(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Foreign { .. } => Some(("NameTaken", self.to_string())),
            Self::Refused { source, .. } => {
                let kube::Error::Api(status) = &**source else { return None };
                is_lasting(source)
                    .then(|| ("ObjectRefused", format!("{self}, since the API server says: {}", status.message)))
            }
        }
    }

    /// Whether the API server gave an answer: then the next object may fare better.
    pub fn was_answered(&self) -> bool {
        match self {
            Self::Foreign { .. } => true,
            Self::Refused { source, .. } => matches!(&**source, kube::Error::Api(_)),
        }
    }
}

/// The API server will say the same again, until somebody does something.
pub fn is_lasting(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    matches!(status.code, 400 | 403 | 422) && !is_ending(error)
}

/// The namespace is being deleted: nothing can be made in it any more.
pub fn is_ending(error: &kube::Error) -> bool {
    let kube::Error::Api(status) = error else { return false };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    status.code == 403 && causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating")
}

/// Applies the objects of ChatClusters, and remembers what it has applied.
pub struct Applier {
    client: Client,
    /// By the uid of the ChatCluster, then by kind and name: what was written last, and as what the API server answered it.
    applied: Mutex<HashMap<String, HashMap<String, Applied>>>,
    refusals: Refusals,
}

#[derive(Clone, PartialEq, Eq)]
struct Applied {
    wish: String,
    answer: String,
}

impl Applier {
    /// One that has applied nothing yet.
    pub fn new(client: Client) -> Self {
        Self { client, applied: Mutex::default(), refusals: Refusals::default() }
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
        let key = format!("{kind}/{name}");
        let wished = hash(&wish);
        let as_before = found.as_ref().is_some_and(|found| {
            let now = Applied { wish: wished.clone(), answer: answer(&**found) };
            self.remembers(owner, &key, &now)
        });
        if as_before {
            return Ok(false);
        }
        self.ask_again(owner, &kind, &name, &wished)?;
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        if found.is_none() {
            // The store shows our own only: somebody else's of this name would be taken over by an apply.
            let there = api.get_metadata_opt(&name).await.map_err(|source| refused(&kind, &name, source))?;
            if there.is_some_and(|there| !belongs(&there, owner)) {
                return Err(ApplyError::Foreign { kind, name });
            }
        }
        let ours = PatchParams::apply(names::MANAGER).force();
        let written = api.patch(&name, &ours, &Patch::Apply(&wish)).await;
        let written = written.map_err(|source| self.refused(owner, &kind, &name, &wished, source))?;
        self.remember(owner, key, Applied { wish: wished, answer: answer(&written) });
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
        self.ask_again(owner, &kind, name, REMOVAL)?;
        self.forget(owner, &format!("{kind}/{name}"));
        let api: Api<K> = Api::namespaced(self.client.clone(), &namespace);
        match api.delete(&found.name_any(), &DeleteParams::background()).await {
            Ok(_) => Ok(true),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(source) => Err(self.refused(owner, &kind, name, REMOVAL, source)),
        }
    }

    /// The same for a kind that is not watched, since the cluster may not know it: asked for and written every few minutes. Where the kind is
    /// unknown nothing is written, and nothing is wrong.
    pub async fn apply_now_and_then(
        &self,
        owner: &ObjectMeta,
        owner_ref: OwnerRef,
        kind: &ApiResource,
        mut wish: DynamicObject,
        now: Timestamp,
    ) -> Result<bool, ApplyError> {
        wish.metadata.owner_references = Some(vec![owner_ref]);
        let (key, name) = (format!("{}/{}", kind.kind, wish.name_any()), wish.name_any());
        let turn = Applied { wish: hash(&wish), answer: turn(now) };
        if self.remembers(owner, &key, &turn) {
            return Ok(false);
        }
        self.ask_again(owner, &kind.kind, &name, &turn.wish)?;
        let api = self.unwatched(owner, kind);
        match api.get_metadata_opt(&name).await {
            Ok(Some(there)) if !belongs(&there, owner) => {
                return Err(ApplyError::Foreign { kind: kind.kind.clone(), name });
            }
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(source) => return Err(self.refused(owner, &kind.kind, &name, &turn.wish, source)),
        }
        match api.patch(&name, &PatchParams::apply(names::MANAGER).force(), &Patch::Apply(&wish)).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(source) => return Err(self.refused(owner, &kind.kind, &name, &turn.wish, source)),
        }
        self.remember(owner, key, turn);
        Ok(true)
    }

    /// Has an object of such a kind not be there, if it is this owner's.
    pub async fn remove_now_and_then(
        &self,
        owner: &ObjectMeta,
        kind: &ApiResource,
        name: &str,
        now: Timestamp,
    ) -> Result<bool, ApplyError> {
        let key = format!("{}/{name}", kind.kind);
        let turn = Applied { wish: String::new(), answer: turn(now) };
        if self.remembers(owner, &key, &turn) {
            return Ok(false);
        }
        let api = self.unwatched(owner, kind);
        let removed = match api.get_metadata_opt(name).await {
            Ok(Some(there)) if belongs(&there, owner) => {
                api.delete(name, &DeleteParams::background()).await.map(|_| true)
            }
            Ok(_) => Ok(false),
            // Nobody knows the kind, or the operator may not ask, where nobody wishes for any.
            Err(kube::Error::Api(status)) if matches!(status.code, 403 | 404) => Ok(false),
            Err(source) => Err(source),
        };
        self.remember(owner, key, turn);
        removed.map_err(|source| refused(&kind.kind, name, source))
    }

    fn unwatched(&self, owner: &ObjectMeta, kind: &ApiResource) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), owner.namespace.as_deref().unwrap_or_default(), kind)
    }

    /// Forgets what was applied for ChatClusters that are gone.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.applied.lock().retain(|owner, _| is_there(owner));
        self.refusals.keep(is_there);
    }

    /// Whether the API server is to be asked, or has refused this very wish a moment ago.
    fn ask_again(&self, owner: &ObjectMeta, kind: &str, name: &str, wish: &str) -> Result<(), ApplyError> {
        let owner = owner.uid.as_deref().unwrap_or_default();
        match self.refusals.standing(owner, &format!("{kind}/{name}"), wish, Instant::now()) {
            None => Ok(()),
            Some(said) => Err(refused(kind, name, kube::Error::Api(Box::new(said)))),
        }
    }

    /// Takes down a refusal, if it is one that lasts.
    fn refused(&self, owner: &ObjectMeta, kind: &str, name: &str, wish: &str, source: kube::Error) -> ApplyError {
        if let kube::Error::Api(said) = &source
            && is_lasting(&source)
        {
            let owner = owner.uid.as_deref().unwrap_or_default();
            self.refusals.note(owner, &format!("{kind}/{name}"), wish, said, Instant::now());
        }
        refused(kind, name, source)
    }

    fn remembers(&self, owner: &ObjectMeta, key: &str, applied: &Applied) -> bool {
        let Some(owner) = &owner.uid else { return false };
        self.applied.lock().get(owner).and_then(|objects| objects.get(key)) == Some(applied)
    }

    fn remember(&self, owner: &ObjectMeta, key: String, applied: Applied) {
        let Some(owner) = owner.uid.clone() else { return };
        self.refusals.forget(&owner, &key);
        self.applied.lock().entry(owner).or_default().insert(key, applied);
    }

    fn forget(&self, owner: &ObjectMeta, key: &str) {
        let Some(owner) = &owner.uid else { return };
        if let Some(objects) = self.applied.lock().get_mut(owner) {
            objects.remove(key);
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

/// Which span of [`UNWATCHED_EVERY`] seconds it is.
fn turn(now: Timestamp) -> String {
    (now.as_second() / UNWATCHED_EVERY).to_string()
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
