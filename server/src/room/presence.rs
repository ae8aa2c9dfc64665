//! Who is in a room, by user: several connections of one are one. What each user has here is kept with the user.

use crate::user::User;
use std::sync::Arc;

/// Rooms with more users than this get their number, not their names.
pub const NAMES_MAX: usize = 100;

/// The users of a room on this server.
pub struct Presence {
    online: usize,
    /// The users, while they are few; `None` since they were more than [`NAMES_MAX`].
    named: Option<Vec<Arc<User>>>,
    /// An announcement is due.
    pub due: bool,
}

impl Default for Presence {
    fn default() -> Self {
        Self { online: 0, named: Some(Vec::new()), due: false }
    }
}

impl Presence {
    /// A user who was not here before.
    pub fn enter(&mut self, user: &Arc<User>) {
        self.online += 1;
        if self.online > NAMES_MAX {
            self.named = None;
        } else if let Some(named) = &mut self.named {
            named.push(user.clone());
        }
    }

    /// A user who is no longer here.
    pub fn exit(&mut self, user: &Arc<User>) {
        debug_assert!(self.online > 0, "an exit follows on an enter");
        self.online = self.online.saturating_sub(1);
        if let Some(named) = &mut self.named {
            named.retain(|other| !Arc::ptr_eq(other, user));
        } else if self.online == 0 {
            self.named = Some(Vec::new());
        }
    }

    /// How many users are here.
    pub fn online(&self) -> usize {
        self.online
    }

    /// Whether the users are few enough to be named, but not known by name any more.
    pub fn wants_names(&self) -> bool {
        self.named.is_none() && self.online <= NAMES_MAX
    }

    /// Makes them known again; dropped if somebody has come or gone since.
    pub fn name(&mut self, users: Vec<Arc<User>>) {
        if self.named.is_none() && users.len() == self.online {
            self.named = Some(users);
        }
    }

    /// Who they are, in small rooms.
    pub fn users(&self) -> Option<Vec<Arc<User>>> {
        let mut users = self.named.clone()?;
        users.sort_by_cached_key(|user| (user.name(), user.id.clone()));
        Some(users)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Users;

    #[test]
    fn names_go_in_large_rooms_and_come_back_in_small_ones() {
        let (users, mut presence) = (Users::default(), Presence::default());
        let crowd: Vec<_> = (0..=NAMES_MAX).map(|n| users.meet(&n.to_string(), "name", true)).collect();
        for user in &crowd {
            presence.enter(user);
        }
        assert_eq!((presence.online(), presence.users()), (NAMES_MAX + 1, None));
        presence.exit(&crowd[0]);
        assert!(presence.wants_names());
        presence.name(crowd[2..].to_vec());
        assert_eq!(presence.users(), None, "one is missing");
        presence.name(crowd[1..].to_vec());
        assert_eq!(presence.users().map(|users| users.len()), Some(NAMES_MAX));
        assert!(!presence.wants_names());
    }
}
