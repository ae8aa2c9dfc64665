//! Who is in a room: here, and on the other servers.
//!
//! Rooms of few users have names: a user on two servers is one. Above [`NAMES_MAX`], counted as the servers counted, their numbers add up.
//! That rule takes what all servers know alike, so that they all show the same.

mod elsewhere;
mod here;
mod said;

pub use elsewhere::{Asked, Kept};
pub use said::{Crowd, NAMES_BYTES_MAX, NAMES_MAX, Named, Said};

use crate::user::User;
use chat_socket::Boot;
use elsewhere::Elsewhere;
use here::Here;
use std::sync::Arc;
use std::time::Duration;

/// How often the same is told where not everybody got it: a member that is slow for longer learns of the next change.
const TELLS_MAX: u8 = 5;

/// The users of a room.
#[derive(Default)]
pub struct Presence {
    here: Here,
    elsewhere: Elsewhere,
    /// When the store was last asked about the other servers.
    read_at: Option<Duration>,
    /// An announcement is due.
    pub due: bool,
    /// A hash of what the members here were told last, and how often.
    told: (u64, u8),
}

impl Presence {
    /// A user who was not here before.
    pub fn enter(&mut self, user: &Arc<User>) {
        self.here.enter(user);
    }

    /// A user who is no longer here.
    pub fn exit(&mut self, user: &Arc<User>) {
        self.here.exit(user);
    }

    /// How many users are in the room.
    pub fn online(&self) -> usize {
        if self.elsewhere.online() == 0 { self.here.online() } else { self.together().online }
    }

    /// Whether the room is too large for names and for what is told to each of its members.
    pub fn is_large(&self) -> bool {
        self.counted() > NAMES_MAX
    }

    /// Who is in the room, on all servers, by name.
    pub fn together(&self) -> Crowd {
        let online = self.counted();
        let here = self.here.crowd();
        let crowds = [&here].into_iter().chain(self.elsewhere.crowds()).filter(|crowd| crowd.online > 0);
        let names = crowds.map(|crowd| crowd.names.as_deref());
        let Some(names) = (online <= NAMES_MAX).then(|| names.collect::<Option<Vec<_>>>()).flatten() else {
            return Crowd { online, names: None };
        };
        let mut names = names.concat();
        // Of one who is shown by two names all servers take the same.
        names.sort();
        names.dedup_by(|later, first| later.id == first.id);
        names.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Crowd { online: names.len(), names: Some(names) }
    }

    /// What the other servers are told: who is here, by name where the room is small.
    pub fn to_say(&self) -> Crowd {
        if self.is_large() { Crowd { online: self.here.online(), names: None } } else { self.here.crowd() }
    }

    fn counted(&self) -> usize {
        self.here.online() + self.elsewhere.online()
    }

    /// Whether the users here are few enough to be named, but not known by name any more.
    pub fn wants_names(&self) -> bool {
        self.here.wants_names()
    }

    /// Makes those here known again; dropped if somebody has come or gone since.
    pub fn name(&mut self, users: Vec<Arc<User>>) {
        self.here.name(users);
    }

    /// Another server has said who is there. `true` if that changes anything.
    pub fn hear(&mut self, boot: Boot, said: Said) -> bool {
        self.elsewhere.hear(boot, said)
    }

    /// Only these other servers are there. `true` if that changes anything.
    pub fn keep(&mut self, is_there: impl Fn(Boot) -> bool) -> bool {
        self.elsewhere.keep(is_there)
    }

    /// What to ask the store about these boots.
    pub fn ask(&self, room: &Arc<str>, boots: &[Boot]) -> Asked {
        self.elsewhere.ask(room, boots)
    }

    /// What the store answered. `true` if that changes anything.
    pub fn correct(&mut self, asked: &Asked, boots: &[Boot], kept: Vec<Kept>) -> bool {
        self.elsewhere.correct(asked, boots, kept)
    }

    /// Whether the store was last asked longer ago than this.
    pub fn is_older_than(&self, age: Duration, now: Duration) -> bool {
        self.read_at.is_none_or(|read| now.saturating_sub(read) > age)
    }

    /// The store is asked now: nobody else has to.
    pub fn reading(&mut self, now: Duration) {
        self.read_at = Some(now);
    }

    /// The members here were told this. `true` if it is to be told again, since not everybody got it.
    pub fn tells_again(&mut self, content: u64, everybody: bool) -> bool {
        let times = if self.told.0 == content { self.told.1.saturating_add(1) } else { 1 };
        self.told = (content, times);
        !everybody && times < TELLS_MAX
    }

    /// Nobody follows the room here any more.
    pub fn unfollow(&mut self) {
        self.elsewhere.clear();
        self.read_at = None;
    }
}
