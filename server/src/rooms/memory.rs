//! Rooms in the process's own memory.

use super::{
    About, Access, Bounds, Change, Changed, Created, Listed, Member, PUBLIC_MAX, Rooms, RoomsError, Visibility,
};
use chat_log::{BoxFuture, Position};
use chat_settings::Limit;
use parking_lot::Mutex;
use std::collections::{BTreeSet, HashMap};
use std::future::ready;
use std::sync::Arc;

/// Rooms that are there for as long as the process, as their entries are with the memory log.
pub struct MemoryRooms {
    bounds: Bounds,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    rooms: HashMap<Arc<str>, Room>,
    /// Public rooms, by age.
    public: BTreeSet<(u64, Arc<str>)>,
    /// Private rooms, by member.
    of_user: HashMap<Arc<str>, BTreeSet<Arc<str>>>,
}

struct Room {
    about: About,
    version: u64,
    members: Vec<Member>,
    receipts: HashMap<Arc<str>, Position>,
}

impl MemoryRooms {
    /// No rooms yet.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, kept: Mutex::default() }
    }

    fn make(&self, room: &Arc<str>, about: &About, members: &[Member]) -> Created {
        let mut kept = self.kept.lock();
        if kept.rooms.contains_key(room) {
            return Created::Exists;
        }
        if kept.rooms.len() >= self.bounds.rooms {
            return Created::Full(Limit::Rooms);
        }
        if members.len() > self.bounds.members {
            return Created::Full(Limit::RoomMembers);
        }
        let full =
            |member: &Member| kept.of_user.get(&member.id).is_some_and(|of| of.len() >= self.bounds.rooms_of_user);
        if members.iter().any(full) {
            return Created::Full(Limit::RoomsPerUser);
        }
        match about.visibility {
            Visibility::Public => {
                kept.public.insert((about.at_ms, room.clone()));
            }
            Visibility::Private => {
                for member in members {
                    kept.of_user.entry(member.id.clone()).or_default().insert(room.clone());
                }
            }
        }
        let made = Room { about: about.clone(), version: 0, members: members.to_vec(), receipts: HashMap::new() };
        kept.rooms.insert(room.clone(), made);
        Created::Made
    }

    fn change_now(&self, name: &Arc<str>, version: u64, change: &Change) -> Changed {
        let mut kept = self.kept.lock();
        let Kept { rooms, of_user, .. } = &mut *kept;
        let Some(room) = rooms.get_mut(name).filter(|room| room.version == version) else { return Changed::Moved };
        let place = room.members.iter().position(|member| member.id == change.user);
        match (place, change.role) {
            (Some(place), None) => {
                room.members.swap_remove(place);
                if let Some(of) = of_user.get_mut(&change.user) {
                    of.remove(name);
                }
                of_user.retain(|_, of| !of.is_empty());
            }
            (Some(place), Some(role)) => room.members[place].role = role,
            (None, Some(_)) if room.members.len() >= self.bounds.members => return Changed::Full(Limit::RoomMembers),
            (None, Some(role)) => {
                let of = of_user.entry(change.user.clone()).or_default();
                if of.len() >= self.bounds.rooms_of_user {
                    return Changed::Full(Limit::RoomsPerUser);
                }
                of.insert(name.clone());
                room.members.push(Member { id: change.user.clone(), name: change.name.clone(), role });
            }
            (None, None) => {}
        }
        room.version += 1;
        Changed::Done(room.version)
    }
}

impl Rooms for MemoryRooms {
    fn create<'a>(
        &'a self,
        room: &'a Arc<str>,
        about: &'a About,
        members: &'a [Member],
    ) -> BoxFuture<'a, Result<Created, RoomsError>> {
        Box::pin(ready(Ok(self.make(room, about, members))))
    }

    fn access<'a>(
        &'a self,
        room: &'a Arc<str>,
        users: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Option<Access>, RoomsError>> {
        let kept = self.kept.lock();
        let access = kept.rooms.get(room).map(|room| {
            let role = |user: &&str| room.members.iter().find(|member| *member.id == **user).map(|member| member.role);
            Access {
                about: room.about.clone(),
                version: room.version,
                roles: users.iter().map(role).collect(),
                read: users.first().and_then(|user| room.receipts.get(*user).copied()),
            }
        });
        Box::pin(ready(Ok(access)))
    }

    fn members<'a>(&'a self, room: &'a Arc<str>) -> BoxFuture<'a, Result<Vec<Member>, RoomsError>> {
        let members = self.kept.lock().rooms.get(room).map(|room| room.members.clone());
        Box::pin(ready(Ok(members.unwrap_or_default())))
    }

    fn change<'a>(
        &'a self,
        room: &'a Arc<str>,
        version: u64,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Changed, RoomsError>> {
        Box::pin(ready(Ok(self.change_now(room, version, change))))
    }

    fn read(&self, room: &Arc<str>, user: &str, at: Position) {
        let mut kept = self.kept.lock();
        let Some(room) = kept.rooms.get_mut(room) else { return };
        if let Some(read) = room.receipts.get_mut(user) {
            *read = at.max(*read);
        } else if room.receipts.len() < self.bounds.receipts {
            room.receipts.insert(user.into(), at);
        }
    }

    fn receipts<'a>(
        &'a self,
        user: &'a str,
        rooms: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Vec<Option<Position>>, RoomsError>> {
        let kept = self.kept.lock();
        let receipt = |room| kept.rooms.get(room).and_then(|room: &Room| room.receipts.get(user).copied());
        Box::pin(ready(Ok(rooms.iter().map(receipt).collect())))
    }

    fn rooms_of<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Vec<Arc<str>>, RoomsError>> {
        let rooms = self.kept.lock().of_user.get(user).map(|rooms| rooms.iter().cloned().collect());
        Box::pin(ready(Ok(rooms.unwrap_or_default())))
    }

    fn public(&self) -> BoxFuture<'_, Result<Vec<Listed>, RoomsError>> {
        let kept = self.kept.lock();
        let newest = kept.public.iter().rev().take(PUBLIC_MAX);
        let listed = newest.filter_map(|(at_ms, name)| {
            let room = kept.rooms.get(name)?;
            Some(Listed { room: name.clone(), title: room.about.title.clone(), at_ms: *at_ms })
        });
        Box::pin(ready(Ok(listed.collect())))
    }
}
