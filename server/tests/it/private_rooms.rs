//! Private rooms: who may do what in them, by every event and every role, and what becomes of those who are put out.

use crate::client::{Away, Client, Item};
use crate::live::Live;
use crate::several::Several;
use serde_json::{Value, json};
use std::fmt::Write;

const ROOM: &str = "den";

fn id(client: &Client) -> String {
    client.ready["user"]["id"].as_str().expect("an id").to_owned()
}

/// Whether an answer is a success, else its code.
fn code(answer: &Value) -> &str {
    if answer["ok"] == true { "ok" } else { answer["error"]["code"].as_str().expect("a code") }
}

async fn guests<const N: usize>(live: &Live, names: [&str; N]) -> [Client; N] {
    let mut guests = Vec::new();
    for name in names {
        guests.push(Client::guest(live.address, name).await);
    }
    guests.try_into().ok().expect("as many as names")
}

/// A private room of an owner and members of these roles, all but strangers in it.
async fn den(owner: &mut Client, others: &mut [(&mut Client, Option<&str>)]) {
    owner.ask("create", json!({ "room": ROOM, "title": "The den", "visibility": "private" })).await;
    owner.join(ROOM).await;
    for (other, role) in others {
        if let Some(role) = role {
            owner.ask("invite", json!({ "room": ROOM, "user": id(other), "role": role })).await;
            other.join(ROOM).await;
        }
    }
}

/// Event by event, for owner, admin, member, reader and stranger.
const EXPECTED: &str = "
join     ok ok ok ok not_found
history  ok ok ok ok not_found
members  ok ok ok ok not_found
read     ok ok ok ok forbidden
typing   ok ok ok forbidden forbidden
send     ok ok ok forbidden forbidden
edit     ok ok ok forbidden forbidden
react    ok ok ok forbidden forbidden
delete   ok ok ok forbidden forbidden
role     ok ok forbidden forbidden not_found
invite   ok ok forbidden forbidden not_found
kick     ok ok forbidden forbidden not_found
leave    ok ok ok ok ok";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_by_every_role() {
    let live = Live::start().await;
    let [mut owner, mut admin, mut member, mut reader, mut stranger, target] =
        guests(&live, ["owner", "admin", "member", "reader", "stranger", "target"]).await;
    let roles = [Some("admin"), Some("member"), Some("reader"), None];
    let mut others: Vec<_> = [&mut admin, &mut member, &mut reader, &mut stranger].into_iter().zip(roles).collect();
    den(&mut owner, &mut others).await;
    let mut everybody = [owner, admin, member, reader, stranger];
    let mut found = String::new();
    for line in EXPECTED.lines().skip(1) {
        let event = line.split_whitespace().next().expect("an event");
        write!(found, "\n{event:8}").expect("a string takes all");
        for (place, who) in everybody.iter_mut().enumerate() {
            let target = id(&target);
            // Each finds the target a member, and a message of its own, where it may send at all.
            let mut of = Value::Null;
            if matches!(event, "edit" | "react" | "delete") {
                let sent =
                    who.call("send", json!({ "room": ROOM, "id": format!("{event}-{place}"), "text": "x" })).await;
                of = sent.get("position").cloned().unwrap_or_else(|| "1-1".into());
            }
            let argument = match event {
                "join" | "history" | "members" | "leave" => json!({ "room": ROOM }),
                "read" => json!({ "room": ROOM, "position": "0-0" }),
                "typing" => json!({ "room": ROOM, "typing": true }),
                "send" => json!({ "room": ROOM, "id": format!("send-{place}"), "text": "x" }),
                "edit" => json!({ "room": ROOM, "id": format!("e-{place}"), "of": of, "text": "y" }),
                "react" => json!({ "room": ROOM, "id": format!("r-{place}"), "of": of, "emoji": "x" }),
                "delete" => json!({ "room": ROOM, "id": format!("d-{place}"), "of": of }),
                "invite" | "kick" => json!({ "room": ROOM, "user": target }),
                "role" => json!({ "room": ROOM, "user": target, "role": "reader" }),
                _ => panic!("{event} is not in the table"),
            };
            if event == "role" && place == 0 {
                who.ask("invite", json!({ "room": ROOM, "user": target })).await;
            }
            let answer = who.call(event, argument).await;
            write!(found, " {}", code(&answer)).expect("a string takes all");
        }
    }
    assert_eq!(found, EXPECTED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kick_ends_the_stay_at_its_place_and_an_invitation_begins_another() {
    let live = Live::start().await;
    let [mut ann, mut ben] = guests(&live, ["ann", "ben"]).await;
    den(&mut ann, &mut [(&mut ben, Some("member"))]).await;
    ann.join("lobby").await;
    ben.join("lobby").await;
    ben.say(ROOM, "before").await;
    ann.ask("kick", json!({ "room": ROOM, "user": id(&ben) })).await;
    ann.say(ROOM, "after").await;
    ann.say("lobby", "all").await;
    ben.told(ROOM, 3).await;
    ben.reaches("lobby", 1).await;
    let seen: Vec<_> =
        ben.away.entries(ROOM).iter().map(|(_, id)| id.split(':').next().expect("a kind").to_owned()).collect();
    assert_eq!(seen, ["before", "kick"]);
    for event in ["join", "history", "members"] {
        assert_eq!(code(&ben.call(event, json!({ "room": ROOM })).await), "not_found", "{event}");
    }
    assert_eq!(code(&ben.call("send", json!({ "room": ROOM, "id": "x", "text": "x" })).await), "forbidden");
    let rooms = |answer: Value| {
        let rooms = answer["rooms"].as_array().expect("rooms").clone();
        rooms.iter().map(|room| room["room"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert!(!rooms(ben.ask("rooms", json!({})).await).contains(&ROOM.to_owned()));
    // Invited again, the past with the kick in it can be read to its end.
    ann.ask("invite", json!({ "room": ROOM, "user": id(&ben) })).await;
    assert!(rooms(ben.ask("rooms", json!({})).await).contains(&ROOM.to_owned()));
    let before = ben.away.of(ROOM).len();
    ben.ask("join", json!({ "room": ROOM, "after": "0-0" })).await;
    ann.say(ROOM, "again").await;
    let last = |client: &Client| matches!(client.away.of(ROOM).last(), Some(Item::Entry(_, id)) if id == "again");
    ben.until("all of it", last).await;
    let kinds: Vec<_> = ben.away.of(ROOM)[before..]
        .iter()
        .map(|item| match item {
            Item::Entry(_, id) => id.split(':').next().expect("a kind").to_owned(),
            other @ (Item::Joined(_) | Item::Gap { .. } | Item::Void { .. }) => {
                format!("{other:?}").split([' ', '(']).next().expect("a word").to_owned()
            }
        })
        .collect();
    assert_eq!(kinds, ["Joined", "invite", "before", "kick", "after", "invite", "again"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_kicked_while_away_does_not_recover_into_the_room() {
    let live = Live::start().await;
    let [mut ann, mut ben] = guests(&live, ["ann", "ben"]).await;
    den(&mut ann, &mut [(&mut ben, Some("member"))]).await;
    ben.join("lobby").await;
    ben.say(ROOM, "before").await;
    let ben_id = id(&ben);
    let away = ben.cut();
    ann.ask("kick", json!({ "room": ROOM, "user": ben_id })).await;
    ann.say(ROOM, "after").await;
    let ben = away.back().await;
    assert_eq!(ben.ready["recovered"], true);
    let rooms: Vec<_> = ben.ready["rooms"].as_array().expect("rooms").iter().map(|room| room["room"].clone()).collect();
    assert_eq!(rooms, ["lobby"]);
    // It is out of the record, too: invited again, the session does not come back into it by itself.
    ann.ask("invite", json!({ "room": ROOM, "user": ben_id })).await;
    let ben = ben.cut().back().await;
    assert_eq!(ben.ready["rooms"].as_array().map(Vec::len), Some(1));
    assert!(ben.away.entries(ROOM).iter().all(|(_, id)| *id == "before"), "{:?}", ben.away.of(ROOM));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_of_two_is_the_same_for_both_and_for_nobody_else() {
    let live = Live::start().await;
    let [mut ann, mut ben, mut eve] = guests(&live, ["ann", "ben", "eve"]).await;
    let (ann_id, ben_id) = (id(&ann), id(&ben));
    let room = ann.ask("dm", json!({ "user": ben_id })).await["room"].clone();
    assert_eq!(ben.ask("dm", json!({ "user": ann_id })).await["room"], room);
    assert_eq!((&room["visibility"], &room["title"]), (&json!("private"), &json!("ann, ben")));
    let name = room["room"].as_str().expect("a name").to_owned();
    ann.join(&name).await;
    ben.join(&name).await;
    ann.say(&name, "hello").await;
    ben.reaches(&name, 1).await;
    for event in ["join", "history", "members"] {
        assert_eq!(code(&eve.call(event, json!({ "room": name })).await), "not_found", "{event}");
    }
    // Nobody comes, goes or rules.
    for (event, argument) in [
        ("invite", json!({ "room": name, "user": id(&eve) })),
        ("kick", json!({ "room": name, "user": ben_id })),
        ("role", json!({ "room": name, "user": ben_id, "role": "reader" })),
    ] {
        assert_eq!(code(&ann.call(event, argument).await), "forbidden", "{event}");
    }
    assert_eq!(code(&ann.call("dm", json!({ "user": ann_id })).await), "invalid");
    assert_eq!(code(&eve.call("create", json!({ "room": "dm:x" })).await), "invalid");
    assert_eq!(code(&eve.call("join", json!({ "room": "dm:x" })).await), "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_keeps_an_owner_and_its_bounds() {
    let live = Live::with(|plan| {
        plan.settings.limits.room_members = 3;
        plan.settings.limits.rooms_per_user = 2;
    })
    .await;
    let [mut ann, mut ben] = guests(&live, ["ann", "ben"]).await;
    den(&mut ann, &mut [(&mut ben, Some("member"))]).await;
    let (ann_id, ben_id) = (id(&ann), id(&ben));
    let role = |user: &str, role: &str| json!({ "room": ROOM, "user": user, "role": role });
    assert_eq!(code(&ann.call("role", role(&ann_id, "admin")).await), "conflict");
    assert_eq!(code(&ann.call("kick", json!({ "room": ROOM, "user": ann_id })).await), "conflict");
    ann.ask("role", role(&ben_id, "owner")).await;
    ann.ask("role", role(&ann_id, "member")).await;
    assert_eq!(code(&ann.call("kick", json!({ "room": ROOM, "user": ben_id })).await), "forbidden");
    ann.ask("kick", json!({ "room": ROOM, "user": ann_id })).await;
    let members = ben.ask("members", json!({ "room": ROOM })).await["members"].clone();
    assert_eq!(members, json!([{ "id": ben_id, "name": "ben", "role": "owner" }]));

    for user in ["x", "y"] {
        ben.ask("invite", json!({ "room": ROOM, "user": user })).await;
    }
    assert_eq!(code(&ben.call("invite", json!({ "room": ROOM, "user": "z" })).await), "unavailable");
    assert_eq!(live.limit("room_members"), 1);
    let private = |members: Value| json!({ "visibility": "private", "members": members });
    assert_eq!(code(&ben.call("create", private(json!(["1", "2", "3"]))).await), "too_large");
    ben.ask("create", private(json!([]))).await;
    assert_eq!(code(&ben.call("create", private(json!([]))).await), "unavailable");
    assert_eq!(live.limit("rooms_per_user"), 1);
    assert_eq!(code(&ben.call("create", json!({ "members": ["x"] })).await), "invalid");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_told_of_rooms_wherever_they_are_connected() {
    let several = Several::start(2).await;
    let [mut ann, mut ben] =
        [Client::guest(several.address(0), "ann").await, Client::guest(several.address(1), "ben").await];
    let (ann_id, ben_id) = (id(&ann), id(&ben));
    // A second connection of the same user, at the other server and without recovery.
    let token = ben.ready["token"].clone();
    let mut also_ben = Away::new(several.address(0), json!({ "token": token, "recovery": false })).back().await;
    ann.ask("create", json!({ "room": ROOM, "title": "The den", "visibility": "private" })).await;
    // The stores of rooms are each server's own here, so that all of ann's requests go to hers.
    let from = json!({ "id": ann_id, "name": "ann" });
    let mut expected = Vec::new();
    for (event, role) in [("invite", Some("reader")), ("role", Some("admin")), ("kick", None)] {
        let mut argument = json!({ "room": ROOM, "user": ben_id });
        let mut told = json!({ "room": ROOM, "title": "The den", "visibility": "private", "from": from });
        if let Some(role) = role {
            argument["role"] = role.into();
            told["role"] = role.into();
        }
        ann.ask(event, argument).await;
        expected.push(told);
        for client in [&mut ben, &mut also_ben] {
            client.until(event, |client| client.rooms.len() >= expected.len()).await;
            assert_eq!(client.rooms, expected);
        }
    }
    // Of a new room those who did not make it, and nobody who is not in it.
    let dm = ann.ask("dm", json!({ "user": ben_id })).await["room"]["room"].clone();
    ann.ask("create", json!({ "room": "cave", "visibility": "private", "members": [ben_id] })).await;
    ben.until("both", |client| client.rooms.len() >= 5).await;
    let last: Vec<_> = ben.rooms[3..].iter().map(|told| (told["room"].clone(), told["role"].clone())).collect();
    assert_eq!(last, [(dm, json!("member")), (json!("cave"), json!("member"))]);
    assert!(ann.rooms.is_empty(), "{:?}", ann.rooms);
    // What it was told moves no recovery: it goes on where it was.
    ben.join("lobby").await;
    ben.say("lobby", "one").await;
    ann.ask("invite", json!({ "room": ROOM, "user": ben_id })).await;
    ben.until("told", |client| client.rooms.len() >= 6).await;
    let mut ben = ben.cut().back().await;
    assert_eq!(ben.ready["recovered"], true);
    ben.say("lobby", "two").await;
    ben.reaches("lobby", 2).await;
    assert_eq!(ben.away.numbers("lobby"), [1, 2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_room_that_is_forgotten_is_not_opened_to_all() {
    // Each of these servers has rooms of its own, so that what is made at the one is gone at the other, while sessions go on at both.
    let several = Several::start(2).await;
    let mut ann = Client::guest(several.address(0), "ann").await;
    ann.ask("create", json!({ "room": ROOM, "visibility": "private" })).await;
    ann.join(ROOM).await;
    ann.join("lobby").await;
    let mut away = ann.cut();
    away.address = several.address(1);
    let ann = away.back().await;
    assert_eq!(ann.ready["recovered"], true);
    let rooms = |client: &Client| {
        let rooms = client.ready["rooms"].as_array().expect("rooms").clone();
        rooms.into_iter().map(|room| room["room"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rooms(&ann), ["lobby"]);
    let mut eve = Client::guest(several.address(1), "eve").await;
    let listed = eve.ask("rooms", json!({})).await;
    assert!(!listed.to_string().contains(ROOM), "{listed}");

    // Nor does a stay in the private room go on in a public one of that name.
    let mut ben = Client::guest(several.address(0), "ben").await;
    ben.ask("create", json!({ "room": "cave", "visibility": "private" })).await;
    ben.join("cave").await;
    let mut away = ben.cut();
    eve.ask("create", json!({ "room": "cave" })).await;
    eve.join("cave").await;
    away.address = several.address(1);
    let ben = away.back().await;
    assert_eq!((&ben.ready["recovered"], rooms(&ben)), (&json!(true), vec![]));
    // The record has let go of both: back at the first server, where they still are, the session is in neither.
    for (client, expected) in [(ann, vec!["lobby"]), (ben, vec![])] {
        let mut away = client.cut();
        away.address = several.address(0);
        assert_eq!(rooms(&away.back().await), expected);
    }
}
