//! What every store of rooms does: the one in memory, and the one on a real cluster.

use super::*;
use crate::metrics::Metrics;
use crate::redis_rig::{DEADLINE, cluster, redis};
use chat_rig::Flavour;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const BOUNDS: Bounds = Bounds { rooms: 8, members: 3, rooms_of_user: 2, receipts: 2 };

fn about(visibility: Visibility, at_ms: u64) -> About {
    About { title: "Zürich {1}".into(), visibility, by: "ann".into(), at_ms }
}

fn member(id: &str, role: Role) -> Member {
    Member { id: id.into(), name: format!("{id}'s name").into(), role }
}

fn change(id: &str, role: Option<Role>) -> Change {
    Change { user: id.into(), name: format!("{id}'s name").into(), role }
}

fn at(epoch: u64, n: u64) -> Position {
    Position::new(epoch, n)
}

async fn members(store: &dyn Rooms, room: &Arc<str>) -> Vec<Member> {
    let mut members = store.members(room).await.expect("members");
    members.sort_by(|a, b| a.id.cmp(&b.id));
    members
}

async fn receipt(store: &dyn Rooms, room: &Arc<str>, user: &str) -> Option<Position> {
    store.access(room, &[user]).await.expect("an answer").expect("a room").read
}

async fn private_rooms(store: &dyn Rooms) {
    let room: Arc<str> = "den {of} lions".into();
    assert_eq!(store.access(&room, &["ann"]).await, Ok(None));
    let made = about(Visibility::Private, 5);
    let first = [member("ann", Role::Owner), member("ben", Role::Reader)];
    assert_eq!(store.create(&room, &made, &first).await, Ok(Created::Made));
    assert_eq!(store.create(&room, &about(Visibility::Public, 6), &[]).await, Ok(Created::Exists));
    let access = store.access(&room, &["ben", "eve", "ann"]).await.expect("an answer").expect("a room");
    let roles = vec![Some(Role::Reader), None, Some(Role::Owner)];
    assert_eq!(access, Access { about: made, version: 0, roles, read: None });
    assert_eq!(members(store, &room).await, first);

    // A change counts once, on the version that it was decided on.
    assert_eq!(store.change(&room, 0, &change("eve", Some(Role::Admin))).await, Ok(Changed::Done(1)));
    assert_eq!(store.change(&room, 0, &change("ann", None)).await, Ok(Changed::Moved));
    assert_eq!(store.change(&room, 1, &change("dan", Some(Role::Member))).await, Ok(Changed::Full(Limit::RoomMembers)));
    assert_eq!(store.change(&room, 1, &change("eve", Some(Role::Member))).await, Ok(Changed::Done(2)));
    assert_eq!(store.change(&room, 2, &change("ben", None)).await, Ok(Changed::Done(3)));
    assert_eq!(members(store, &room).await, [member("ann", Role::Owner), member("eve", Role::Member)]);
    assert_eq!(store.rooms_of("eve").await, Ok(vec![room.clone()]));
    assert_eq!(store.rooms_of("ben").await, Ok(vec![]));

    // The rooms of a user are bounded, by invitation and by creation.
    for other in ["two", "three"] {
        let expected = if other == "two" { Created::Made } else { Created::Full(Limit::RoomsPerUser) };
        let created = store.create(&other.into(), &about(Visibility::Private, 7), &[member("ann", Role::Owner)]).await;
        assert_eq!(created, Ok(expected), "{other}");
    }
    let many: Vec<_> = ["a", "b", "c", "d"].map(|id| member(id, Role::Member)).into();
    let created = store.create(&"crowd".into(), &about(Visibility::Private, 7), &many).await;
    assert_eq!(created, Ok(Created::Full(Limit::RoomMembers)));
}

async fn receipts(store: &dyn Rooms) {
    let rooms: [Arc<str>; 3] = ["one", "two", "three"].map(Arc::from);
    for room in &rooms {
        let _ = store.create(room, &about(Visibility::Public, 1), &[]).await.expect("a room");
    }
    for position in [at(2, 7), at(1, 9), at(2, 6), at(2, 8)] {
        store.read(&rooms[0], "ann", position);
    }
    store.read(&rooms[2], "ann", at(1, 1));
    for user in ["ben", "eve"] {
        store.read(&rooms[0], user, at(1, 1));
    }
    let until = Instant::now() + DEADLINE;
    while receipt(store, &rooms[0], "ben").await.is_none() || receipt(store, &rooms[2], "ann").await.is_none() {
        assert!(Instant::now() < until, "receipts are kept");
        sleep(Duration::from_millis(10)).await;
    }
    let found = store.receipts("ann", &rooms).await.expect("receipts");
    assert_eq!(found, [Some(at(2, 8)), None, Some(at(1, 1))]);
    assert_eq!(receipt(store, &rooms[0], "eve").await, None, "past the bound");
}

async fn public(store: &dyn Rooms) {
    for n in 0..5_u64 {
        let _ = store.create(&format!("room-{n}").into(), &about(Visibility::Public, n), &[]).await.expect("a room");
    }
    let hidden = store.create(&"hidden".into(), &about(Visibility::Private, 9), &[]).await;
    assert_eq!(hidden, Ok(Created::Made));
    let listed = store.public().await.expect("a list");
    assert!(listed.is_sorted_by_key(|room| std::cmp::Reverse(room.at_ms)), "{listed:?}");
    assert!(listed.iter().all(|room| *room.title == *"Zürich {1}" && room.room.starts_with("room-")), "{listed:?}");
    assert!(!listed.is_empty());
}

#[tokio::test]
async fn in_memory() {
    let store = || MemoryRooms::new(BOUNDS);
    private_rooms(&store()).await;
    receipts(&store()).await;
    public(&store()).await;
    let full = store();
    for n in 0..BOUNDS.rooms {
        let _ = full.create(&n.to_string().into(), &about(Visibility::Public, 1), &[]).await;
    }
    assert_eq!(full.create(&"x".into(), &about(Visibility::Public, 1), &[]).await, Ok(Created::Full(Limit::Rooms)));
}

async fn on(flavour: Flavour) {
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    // Public rooms are bounded by partition there.
    let bounds = Bounds { rooms: 64, ..BOUNDS };
    let store = async |prefix| RedisRooms::new(cluster(flavour, prefix).await, bounds, metrics.clone());
    private_rooms(&store("rooms-private").await).await;
    receipts(&store("rooms-receipts").await).await;
    public(&store("rooms-public").await).await;
    assert_eq!(metrics.foreign_rooms.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_redis() {
    on(Flavour::Redis).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_valkey() {
    on(Flavour::Valkey).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_values_are_counted_and_skipped() {
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let cluster = cluster(Flavour::Redis, "rooms-foreign").await;
    let store = RedisRooms::new(cluster.clone(), BOUNDS, metrics.clone());
    let room: Arc<str> = "den".into();
    let partition = cluster.partition(&*room);
    let node = redis(Flavour::Redis).master_of_slot(cluster.partitions().slot(partition)).expect("a master");
    let key = |kind: &str| String::from_utf8(cluster.key(partition, kind, &*room).to_vec()).expect("a readable key");
    let made = store.create(&room, &about(Visibility::Private, 1), &[member("ann", Role::Owner)]).await;
    assert_eq!(made, Ok(Created::Made));
    node.command(&["HSET", &key("ru"), "ben", "x?"]).expect("a value");
    assert_eq!(members(&store, &room).await, [member("ann", Role::Owner)]);
    assert_eq!(metrics.foreign_rooms.get(), 1);
    assert_eq!(store.access(&room, &["ben"]).await.expect("an answer").expect("a room").roles, [None]);
    node.command(&["HSET", &key("rm"), "f", "2"]).expect("a value");
    assert_eq!(store.access(&room, &["ann"]).await, Ok(None));
    assert_eq!(metrics.foreign_rooms.get(), 2);
    node.command(&["DEL", &key("rm")]).expect("a value");
    node.command(&["SET", &key("rm"), "junk"]).expect("a value");
    assert_eq!(store.access(&room, &["ann"]).await, Ok(None));
    assert_eq!(store.create(&room, &about(Visibility::Public, 1), &[]).await, Ok(Created::Exists));
    assert_eq!(metrics.foreign_rooms.get(), 4);
}
