//! Who is in a room on this server, by user: several connections of one are one. What each user has here is kept with the user.

use super::said::{Crowd, NAMES_MAX, Named};
use crate::user::User;
use std::sync::Arc;

/// The users of a room on this server.
pub(super) struct Here {
    online: usize,
    /// The users, while they are few; `None` since they were more than [`NAMES_MAX`].
    named: Option<Vec<Arc<User>>>,
}

impl Default for Here {
    fn default() -> Self {
        Self { online: 0, named: Some(Vec::new()) }
    }
}

impl Here {
    /// A user who was not here before.
    pub(super) fn enter(&mut self, user: &Arc<User>) {
        self.online += 1;
        if self.online > NAMES_MAX {
            self.named = None;
        } else if let Some(named) = &mut self.named {
            named.push(user.clone());
        }
    }

    /// A user who is no longer here.
    pub(super) fn exit(&mut self, user: &Arc<User>) {
        debug_assert!(self.online > 0, "an exit follows on an enter");
        self.online = self.online.saturating_sub(1);
        if let Some(named) = &mut self.named {
            named.retain(|other| !Arc::ptr_eq(other, user));
        } else if self.online == 0 {
            self.named = Some(Vec::new());
        }
    }

    /// How many users are here.
    pub(super) fn online(&self) -> usize {
        self.online
    }

    /// Whether the users are few enough to be named, but not known by name any more.
    pub(super) fn wants_names(&self) -> bool {
        self.named.is_none() && self.online <= NAMES_MAX
    }

    /// Makes them known again; dropped if somebody has come or gone since.
    pub(super) fn name(&mut self, users: Vec<Arc<User>>) {
        if self.named.is_none() && users.len() == self.online {
            self.named = Some(users);
        }
    }

    /// Who they are, as it is passed on.
    pub(super) fn crowd(&self) -> Crowd {
        let names = self.named.as_ref().map(|users| users.iter().map(Named::from).collect());
        Crowd { online: self.online, names }.bounded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Users;

    #[test]
    fn names_go_in_large_rooms_and_come_back_in_small_ones() {
        let (users, mut here) = (Users::default(), Here::default());
        let crowd: Vec<_> = (0..=NAMES_MAX).map(|n| users.meet(&n.to_string(), "name", true)).collect();
        for user in &crowd {
            here.enter(user);
        }
        assert_eq!(here.crowd(), Crowd { online: NAMES_MAX + 1, names: None });
        here.exit(&crowd[0]);
        assert!(here.wants_names());
        here.name(crowd[2..].to_vec());
        assert_eq!(here.crowd().names, None, "one is missing");
        here.name(crowd[1..].to_vec());
        assert_eq!(here.crowd().names.map(|names| names.len()), Some(NAMES_MAX));
        assert!(!here.wants_names());
    }
}
