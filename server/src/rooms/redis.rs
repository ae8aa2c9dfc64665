//! Rooms in a Redis Cluster, each in the slot of its log; `room.lua` says what is kept there and what the calls do.

use super::{
    About, Access, Bounds, Change, Changed, Created, Listed, Member, PUBLIC_MAX, Role, Rooms, RoomsError, Visibility,
};
use crate::metrics::Metrics;
use bytes::Bytes;
use chat_log::{BoxFuture, Position};
use chat_redis::{Call, Cluster, Partition, ReadError, Value, WriteError};
use chat_settings::Limit;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The part of the library of Redis functions that this is made of.
pub const LIBRARY: &str = include_str!("room.lua");

/// The kinds of keys: of a room, of a partition's public rooms, of a user.
const META: &str = "rm";
const MEMBERS: &str = "ru";
const RECEIPTS: &str = "rr";
const PUBLIC: &str = "rp";
const OF_USER: &str = "ur";

/// Rooms in a Redis Cluster. Cheap to clone.
#[derive(Clone)]
pub struct RedisRooms {
    cluster: Cluster,
    bounds: Bounds,
    metrics: Arc<Metrics>,
}

impl RedisRooms {
    /// A store within these bounds.
    pub fn new(cluster: Cluster, bounds: Bounds, metrics: Arc<Metrics>) -> Self {
        Self { cluster, bounds, metrics }
    }

    async fn make(&self, room: &str, about: &About, members: &[Member]) -> Result<Created, RoomsError> {
        if members.len() > self.bounds.members {
            return Ok(Created::Full(Limit::RoomMembers));
        }
        // The index comes first: a room too many in it is left out when it is read, one too few would be lost.
        for member in members {
            if !self.enter(&member.id, room).await? {
                return Ok(Created::Full(Limit::RoomsPerUser));
            }
        }
        let partition = self.cluster.partition(room);
        let keys = vec![self.key(META, room), self.key(MEMBERS, room), self.cluster.key(partition, PUBLIC, "")];
        let publics = self.bounds.rooms.div_ceil(usize::from(self.cluster.partitions().count()));
        let mut args = vec![
            mark(),
            text(&about.title),
            text(match about.visibility {
                Visibility::Public => "public",
                Visibility::Private => "private",
            }),
            text(&about.by),
            number(about.at_ms),
            number(publics),
            text(room),
        ];
        args.extend(members.iter().flat_map(|member| [text(&member.id), stored(member.role, &member.name)]));
        let value = self.write(partition, "room_create", keys, args).await?;
        match word(&value) {
            Some("ok") => Ok(Created::Made),
            Some("full") => Ok(Created::Full(Limit::Rooms)),
            Some("exists") => Ok(Created::Exists),
            _ => {
                self.metrics.foreign_rooms.inc();
                Ok(Created::Exists)
            }
        }
    }

    async fn look(&self, room: &str, users: &[&str]) -> Result<Option<Access>, RoomsError> {
        let keys = vec![self.key(META, room), self.key(MEMBERS, room), self.key(RECEIPTS, room)];
        let args = users.iter().map(|user| text(user)).collect();
        let value = self.read_from(self.cluster.partition(room), "room_access", keys, args).await?;
        match word(&value) {
            Some("none") => return Ok(None),
            Some("ok") => {}
            _ => {
                self.metrics.foreign_rooms.inc();
                return Ok(None);
            }
        }
        let access = access(value.as_array().unwrap_or_default());
        if access.is_none() {
            self.metrics.foreign_rooms.inc();
        }
        Ok(access)
    }

    async fn list_members(&self, room: &str) -> Result<Vec<Member>, RoomsError> {
        let keys = vec![self.key(MEMBERS, room)];
        let value = self.read_from(self.cluster.partition(room), "room_members", keys, Vec::new()).await?;
        let pairs = self.list(&value).chunks(2);
        let member = |pair: &[Value]| {
            let [id, value] = pair else { return None };
            let (role, name) = parse(utf8(value)?)?;
            Some(Member { id: utf8(id)?.into(), name: name.into(), role })
        };
        Ok(self.readable(pairs.map(member)))
    }

    async fn change_to(&self, room: &str, version: u64, change: &Change) -> Result<Changed, RoomsError> {
        let Change { user, name, role } = change;
        if role.is_some() && !self.enter(user, room).await? {
            return Ok(Changed::Full(Limit::RoomsPerUser));
        }
        let keys = vec![self.key(META, room), self.key(MEMBERS, room)];
        let value = role.map_or_else(Bytes::new, |role| stored(role, name));
        let args = vec![number(version), mark(), text(user), value, number(self.bounds.members)];
        let value = self.write(self.cluster.partition(room), "room_change", keys, args).await?;
        let changed = match word(&value) {
            Some("ok") => Changed::Done(version + 1),
            Some("full") => Changed::Full(Limit::RoomMembers),
            // A room that is gone, or is none any more, is found to be so by whoever looks again.
            _ => Changed::Moved,
        };
        if role.is_none() && matches!(changed, Changed::Done(_)) {
            let (partition, key) = self.of_user(user);
            // One too many is left out when the index is read.
            let _ = self.write(partition, "user_exit", vec![key], vec![text(room)]).await;
        }
        Ok(changed)
    }

    /// Adds a room to those of a user; `false` if they are too many.
    async fn enter(&self, user: &str, room: &str) -> Result<bool, RoomsError> {
        let (partition, key) = self.of_user(user);
        let args = vec![text(room), number(self.bounds.rooms_of_user)];
        let value = self.write(partition, "user_enter", vec![key], args).await?;
        Ok(word(&value) == Some("ok"))
    }

    async fn receipts_of(&self, user: &str, rooms: &[Arc<str>]) -> Result<Vec<Option<Position>>, RoomsError> {
        let mut places: HashMap<Partition, Vec<usize>> = HashMap::new();
        for (place, room) in rooms.iter().enumerate() {
            places.entry(self.cluster.partition(&**room)).or_default().push(place);
        }
        let mut reads = JoinSet::new();
        for (partition, places) in places {
            let keys = places.iter().map(|place| self.key(RECEIPTS, &rooms[*place])).collect();
            let (store, args) = (self.clone(), vec![text(user)]);
            reads.spawn(async move { (places, store.read_from(partition, "room_receipts", keys, args).await) });
        }
        let mut receipts = vec![None; rooms.len()];
        for (places, value) in reads.join_all().await {
            let value = value?;
            for (place, value) in places.into_iter().zip(value.as_array().unwrap_or_default()) {
                receipts[place] = utf8(value).and_then(|receipt| receipt.parse().ok());
            }
        }
        Ok(receipts)
    }

    async fn list_public(&self) -> Result<Vec<Listed>, RoomsError> {
        let partitions = self.cluster.partitions();
        let most = PUBLIC_MAX.div_ceil(usize::from(partitions.count())).max(4);
        let mut reads = JoinSet::new();
        for partition in partitions.all() {
            let (store, key) = (self.clone(), self.cluster.key(partition, PUBLIC, ""));
            reads.spawn(async move { store.read_from(partition, "room_public", vec![key], vec![number(most)]).await });
        }
        let mut listed = Vec::new();
        for value in reads.join_all().await {
            let value = value?;
            let room = |pair: &[Value]| {
                let [room, at_ms] = pair else { return None };
                let (room, title) = utf8(room)?.split_once('\0')?;
                Some(Listed { room: room.into(), title: title.into(), at_ms: at_ms.as_integer()?.try_into().ok()? })
            };
            listed.extend(self.readable(self.list(&value).chunks(2).map(room)));
        }
        listed.sort_by_key(|room| std::cmp::Reverse(room.at_ms));
        listed.truncate(PUBLIC_MAX);
        Ok(listed)
    }

    /// What follows the status of an answer.
    fn list<'a>(&self, value: &'a Value) -> &'a [Value] {
        if let (Some("ok"), Some([_, rest @ ..])) = (word(value), value.as_array()) {
            return rest;
        }
        self.metrics.foreign_rooms.inc();
        &[]
    }

    /// Those that can be read; the others are counted.
    fn readable<T>(&self, values: impl Iterator<Item = Option<T>>) -> Vec<T> {
        let mut foreign = 0;
        let readable = values.filter_map(|value| {
            foreign += u64::from(value.is_none());
            value
        });
        let readable = readable.collect();
        self.metrics.foreign_rooms.inc_by(foreign);
        readable
    }

    fn key(&self, kind: &str, room: &str) -> Bytes {
        self.cluster.key(self.cluster.partition(room), kind, room)
    }

    fn of_user(&self, user: &str) -> (Partition, Bytes) {
        let partition = self.cluster.partition(user);
        (partition, self.cluster.key(partition, OF_USER, user))
    }

    async fn write(
        &self,
        partition: Partition,
        function: &'static str,
        keys: Vec<Bytes>,
        args: Vec<Bytes>,
    ) -> Result<Value, RoomsError> {
        match self.cluster.write(partition, Call { function, keys, args }).await {
            Ok(written) => Ok(written.value),
            Err(WriteError::Unavailable | WriteError::Unreplicated | WriteError::OutOfMemory) => {
                Err(RoomsError::Unavailable)
            }
            Err(WriteError::Unknown) => Err(RoomsError::Unknown),
            Err(WriteError::Refused(error)) => {
                tracing::error!(function, error, "a room was not written");
                Err(RoomsError::Unavailable)
            }
        }
    }

    async fn read_from(
        &self,
        partition: Partition,
        function: &'static str,
        keys: Vec<Bytes>,
        args: Vec<Bytes>,
    ) -> Result<Value, RoomsError> {
        self.cluster.read(partition, Call { function, keys, args }).await.map_err(|error| match error {
            ReadError::Unavailable => RoomsError::Unavailable,
            ReadError::Refused(error) => {
                tracing::error!(function, error, "a room was not read");
                RoomsError::Unavailable
            }
        })
    }
}

impl Rooms for RedisRooms {
    fn create<'a>(
        &'a self,
        room: &'a Arc<str>,
        about: &'a About,
        members: &'a [Member],
    ) -> BoxFuture<'a, Result<Created, RoomsError>> {
        Box::pin(self.make(room, about, members))
    }

    fn access<'a>(
        &'a self,
        room: &'a Arc<str>,
        users: &'a [&'a str],
    ) -> BoxFuture<'a, Result<Option<Access>, RoomsError>> {
        Box::pin(self.look(room, users))
    }

    fn members<'a>(&'a self, room: &'a Arc<str>) -> BoxFuture<'a, Result<Vec<Member>, RoomsError>> {
        Box::pin(self.list_members(room))
    }

    fn change<'a>(
        &'a self,
        room: &'a Arc<str>,
        version: u64,
        change: &'a Change,
    ) -> BoxFuture<'a, Result<Changed, RoomsError>> {
        Box::pin(self.change_to(room, version, change))
    }

    fn read(&self, room: &Arc<str>, user: &str, at: Position) {
        let args = vec![text(user), text(&at.to_string()), number(self.bounds.receipts)];
        let call = Call { function: "room_receipt", keys: vec![self.key(RECEIPTS, room)], args };
        self.cluster.post(self.cluster.partition(&**room), call);
    }

    fn receipts<'a>(
        &'a self,
        user: &'a str,
        rooms: &'a [Arc<str>],
    ) -> BoxFuture<'a, Result<Vec<Option<Position>>, RoomsError>> {
        Box::pin(self.receipts_of(user, rooms))
    }

    fn rooms_of<'a>(&'a self, user: &'a str) -> BoxFuture<'a, Result<Vec<Arc<str>>, RoomsError>> {
        Box::pin(async move {
            let (partition, key) = self.of_user(user);
            let value = self.read_from(partition, "user_rooms", vec![key], Vec::new()).await?;
            Ok(self.readable(self.list(&value).iter().map(|room| utf8(room).map(Arc::from))))
        })
    }

    fn public(&self) -> BoxFuture<'_, Result<Vec<Listed>, RoomsError>> {
        Box::pin(self.list_public())
    }
}

/// The answer of `room_access`.
fn access(values: &[Value]) -> Option<Access> {
    let [_, title, visibility, by, at_ms, version, read, roles @ ..] = values else { return None };
    let visibility = match utf8(visibility)? {
        "public" => Visibility::Public,
        "private" => Visibility::Private,
        _ => return None,
    };
    let at_ms = at_ms.as_integer()?.try_into().ok()?;
    let about = About { title: utf8(title)?.into(), visibility, by: utf8(by)?.into(), at_ms };
    // A role that this build does not know allows nothing.
    let roles = roles.iter().map(|value| Some(parse(utf8(value)?)?.0)).collect();
    let version = version.as_integer()?.try_into().ok()?;
    Some(Access { about, version, roles, read: utf8(read)?.parse().ok() })
}

/// A membership as it is stored: the letter of the role, then the name.
fn stored(role: Role, name: &str) -> Bytes {
    format!("{}{name}", role.letter()).into()
}

fn parse(stored: &str) -> Option<(Role, &str)> {
    let letter = stored.chars().next()?;
    Some((Role::of_letter(letter)?, &stored[letter.len_utf8()..]))
}

/// How a call went.
fn word(value: &Value) -> Option<&str> {
    utf8(value.as_array()?.first()?)
}

fn utf8(value: &Value) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()?).ok()
}

/// Tells this call, and its repetitions, from all others.
fn mark() -> Bytes {
    Bytes::copy_from_slice(&rand::random::<[u8; 8]>())
}

fn text(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn number(number: impl itoa::Integer) -> Bytes {
    Bytes::copy_from_slice(itoa::Buffer::new().format(number).as_bytes())
}
