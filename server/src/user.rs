//! Who is connected. A user may have several connections, which share one allowance.

use crate::allowance::Allowance;
use parking_lot::Mutex;
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

/// A user: the same by id, whatever the name that is shown.
#[derive(Debug)]
pub struct User {
    /// The id, from the token; for guests a random one.
    pub id: Arc<str>,
    /// The name that is shown.
    pub name: Arc<str>,
    /// Whether the id was made here and only the token proves it.
    pub guest: bool,
    /// What may be sent: entries.
    pub sends: Allowance,
    /// What may be signalled: typing, receipts.
    pub signs: Allowance,
    /// What may be asked: everything else.
    pub requests: Allowance,
}

impl PartialEq for User {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for User {}

impl Hash for User {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// As others see it: `{id, name}`.
impl Serialize for User {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut user = serializer.serialize_struct("User", 2)?;
        user.serialize_field("id", &*self.id)?;
        user.serialize_field("name", &*self.name)?;
        user.end()
    }
}

/// The users of this server, each once for all its connections.
#[derive(Default)]
pub struct Users {
    known: Mutex<HashMap<Arc<str>, Weak<User>>>,
}

impl Users {
    /// The user of this id. One that comes with a new name is shown by it from then on.
    pub fn meet(&self, id: &str, name: &str, guest: bool) -> Arc<User> {
        let mut known = self.known.lock();
        if let Some(user) = known.get(id).and_then(Weak::upgrade) {
            if *user.name == *name {
                return user;
            }
        }
        let user = Arc::new(User {
            id: id.into(),
            name: name.into(),
            guest,
            sends: Allowance::default(),
            signs: Allowance::default(),
            requests: Allowance::default(),
        });
        known.insert(user.id.clone(), Arc::downgrade(&user));
        user
    }

    /// Forgets those who are gone; called now and then.
    pub fn sweep(&self) {
        self.known.lock().retain(|_, user| user.strong_count() > 0);
    }
}
