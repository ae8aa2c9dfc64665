//! Who is in a room, by user: several connections of one are one.

use crate::user::User;
use std::collections::HashMap;
use std::sync::Arc;

/// Rooms with more users than this get their number, not their names.
pub const NAMES_MAX: usize = 100;

/// The users of a room on this server.
#[derive(Default)]
pub struct Presence {
    stays: HashMap<Arc<User>, u32>,
    /// An announcement is due.
    pub due: bool,
}

impl Presence {
    /// One more stay. `true` if the user was not here before.
    pub fn enter(&mut self, user: &Arc<User>) -> bool {
        let stays = self.stays.entry(user.clone()).or_default();
        *stays += 1;
        *stays == 1
    }

    /// One stay less. `true` if the user is no longer here.
    pub fn exit(&mut self, user: &Arc<User>) -> bool {
        match self.stays.get_mut(user) {
            Some(stays) if *stays > 1 => {
                *stays -= 1;
                false
            }
            Some(_) => {
                self.stays.remove(user);
                if self.stays.is_empty() {
                    self.stays = HashMap::new();
                }
                true
            }
            None => false,
        }
    }

    /// How many users are here.
    pub fn online(&self) -> usize {
        self.stays.len()
    }

    /// Who they are, in small rooms.
    pub fn users(&self) -> Option<Vec<Arc<User>>> {
        (self.stays.len() <= NAMES_MAX).then(|| {
            let mut users: Vec<_> = self.stays.keys().cloned().collect();
            users.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
            users
        })
    }
}
