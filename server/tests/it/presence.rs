//! Typing, presence and receipts across servers.

use crate::client::{Away, Client};
use crate::several::Several;
use crate::wait::eventually;
use chat_log::RoomLog;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::task::JoinSet;

const ROOM: &str = "lobby";

/// The last `presence` that a client was told: how many, and who.
fn shown(client: &Client) -> Option<(u64, Option<BTreeSet<String>>)> {
    let (_, presence) = client.volatile.iter().rev().find(|(name, _)| name == "presence")?;
    let name = |user: &Value| user["name"].as_str().expect("a name").to_owned();
    let names = presence["users"].as_array().map(|users| users.iter().map(name).collect());
    Some((presence["online"].as_u64().expect("a number"), names))
}

/// Reads until it is shown exactly these.
pub(crate) async fn sees(client: &mut Client, names: &[&str]) {
    let names: BTreeSet<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let wanted = Some((names.len() as u64, Some(names)));
    client.until(&format!("presence {wanted:?}"), |client| shown(client) == wanted).await;
}

/// Reads until it was told of something by somebody.
async fn hears(client: &mut Client, event: &str, from: &str) -> Value {
    let is = |(name, argument): &&(String, Value)| name == event && argument["user"]["name"] == from;
    client.until(&format!("{event} of {from}"), |client| client.volatile.iter().any(|it| is(&it))).await;
    client.volatile.iter().find(is).expect("it came").1.clone()
}

async fn member(several: &Several, place: usize, name: &str) -> Client {
    member_at(several.address(place), name).await
}

/// A member of the room, on the server at this address.
pub(crate) async fn member_at(address: SocketAddr, name: &str) -> Client {
    let mut client = Client::guest(address, name).await;
    client.join(ROOM).await;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_on_other_servers_are_shown_and_go() {
    let several = Several::start(3).await;
    let mut ann = member(&several, 0, "ann").await;
    let mut ben = member(&several, 1, "ben").await;
    sees(&mut ann, &["ann", "ben"]).await;
    sees(&mut ben, &["ann", "ben"]).await;
    // Who comes first to a server is answered with those on the others.
    let mut cleo = Client::guest(several.address(2), "cleo").await;
    let joined = cleo.ask("join", json!({ "room": ROOM })).await;
    assert_eq!((&joined["online"], joined["users"].as_array().map(Vec::len)), (&json!(3), Some(3)), "{joined}");
    sees(&mut ann, &["ann", "ben", "cleo"]).await;
    ben.ask("leave", json!({ "room": ROOM })).await;
    for client in [&mut ann, &mut cleo] {
        sees(client, &["ann", "cleo"]).await;
    }
    cleo.cut();
    sees(&mut ann, &["ann"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_that_nobody_here_is_in_are_listed_with_those_elsewhere() {
    let several = Several::start(2).await;
    let mut ann = member(&several, 0, "ann").await;
    sees(&mut ann, &["ann"]).await;
    let mut ben = Client::guest(several.address(1), "ben").await;
    // The room is known here, from somebody who was in it.
    ben.join(ROOM).await;
    ben.ask("leave", json!({ "room": ROOM })).await;
    let answer = ben.ask("rooms", json!({})).await;
    assert_eq!(answer["rooms"][0]["online"], 1, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_on_two_servers_is_one() {
    let several = Several::start(2).await;
    let mut here = member(&several, 0, "ann").await;
    let token = here.ready["token"].clone();
    let mut there = Away::new(several.address(1), json!({ "token": token, "name": "ann" })).back().await;
    let joined = there.ask("join", json!({ "room": ROOM })).await;
    assert_eq!(there.ready["user"]["id"], here.ready["user"]["id"]);
    assert_eq!(joined["online"], 1);
    let mut ben = member(&several, 1, "ben").await;
    for client in [&mut here, &mut there, &mut ben] {
        sees(client, &["ann", "ben"]).await;
    }
    here.cut();
    ben.volatile.clear();
    let mut cleo = member(&several, 0, "cleo").await;
    // She is still there.
    for client in [&mut there, &mut ben, &mut cleo] {
        sees(client, &["ann", "ben", "cleo"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_on_a_dead_server_is_gone_with_it() {
    let mut several = Several::start(3).await;
    let mut ann = member(&several, 0, "ann").await;
    let _ben = member(&several, 1, "ben").await;
    sees(&mut ann, &["ann", "ben"]).await;
    let killed = several.kill(1);
    sees(&mut ann, &["ann"]).await;
    // What it stored is still there, and counts for nobody who comes.
    assert_eq!(several.presence.rooms(killed.boot), 1);
    let mut cleo = member(&several, 1, "cleo").await;
    sees(&mut cleo, &["ann", "cleo"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_and_receipts_reach_the_other_servers_and_not_their_author() {
    let several = Several::start(2).await;
    let mut ann = member(&several, 0, "ann").await;
    let mut ben = member(&several, 1, "ben").await;
    let position = ann.say(ROOM, "1").await["position"].clone();
    ben.reaches(ROOM, 1).await;
    ann.reaches(ROOM, 1).await;
    ann.ask("typing", json!({ "room": ROOM, "typing": true })).await;
    let typing = hears(&mut ben, "typing", "ann").await;
    assert_eq!((&typing["room"], &typing["typing"]), (&json!(ROOM), &json!(true)));
    ann.ask("read", json!({ "room": ROOM, "position": position })).await;
    let receipt = hears(&mut ben, "receipt", "ann").await;
    assert_eq!((&receipt["room"], &receipt["position"]), (&json!(ROOM), &position));
    ben.ask("typing", json!({ "room": ROOM, "typing": false })).await;
    hears(&mut ann, "typing", "ben").await;
    let own = |(name, argument): &(String, Value)| name != "presence" && argument["user"]["name"] == "ann";
    assert!(!ann.volatile.iter().any(own), "{:?}", ann.volatile);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_lost_is_said_again() {
    let mut several = Several::start(1).await;
    let mut ann = member(&several, 0, "ann").await;
    sees(&mut ann, &["ann"]).await;
    let boot = several.servers[0].boot;
    assert_eq!(several.presence.rooms(boot), 1);
    several.presence.lose(boot);
    eventually("it is said again", || several.presence.rooms(boot) == 1).await;
    several.add().await;
    let mut ben = member(&several, 1, "ben").await;
    sees(&mut ben, &["ann", "ben"]).await;
    assert!(several.servers[0].live.series("chat_presence_repeats_total") >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_out_holds_nobody_up() {
    let several = Several::start(2).await;
    let mut ann = member(&several, 0, "ann").await;
    sees(&mut ann, &["ann"]).await;
    several.presence.set_out(true);
    let mut ben = member(&several, 1, "ben").await;
    ben.say(ROOM, "1").await;
    ann.reaches(ROOM, 1).await;
    // The channel goes on.
    sees(&mut ann, &["ann", "ben"]).await;
    assert_eq!(shown(&ben).map_or(1, |(online, _)| online), 1);
    several.presence.set_out(false);
    sees(&mut ben, &["ann", "ben"]).await;
    assert!(several.servers[1].live.series("chat_presence_reads_failed_total") >= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_words_are_counted_and_passed_over() {
    let several = Several::start(2).await;
    let mut ann = member(&several, 0, "ann").await;
    let mut ben = member(&several, 1, "ben").await;
    let other = several.servers[1].boot.0.to_be_bytes();
    let head = |kind: u8| [&[1, kind][..], &other].concat();
    let long = format!(r#"{{"room":"lobby","user":{{"id":"x","name":"{}"}},"typing":true}}"#, "x".repeat(20_000));
    let foreign = [
        Vec::new(),
        b"2t".to_vec(),
        [&head(b'z')[..], b"{}"].concat(),
        [&head(b't')[..], b"{\"room\":\"lobby\"}]"].concat(),
        [&head(b't')[..], br#"{"room":"other","user":{"id":"x","name":"x"},"typing":true}"#].concat(),
        [&head(b't')[..], long.as_bytes()].concat(),
        [&head(b'r')[..], br#"{"room":"lobby","user":{"id":"x","name":"x"},"position":"x"}"#].concat(),
        [&head(b'p')[..], b"1 99 5 [[1]]"].concat(),
        [&head(b'p')[..], b"9 99 5"].concat(),
    ];
    let room: Arc<str> = ROOM.into();
    for bytes in &foreign {
        several.log.publish(&room, bytes.clone().into());
    }
    let counted = || several.servers[0].live.series("chat_volatile_foreign_total") == foreign.len() as u64;
    eventually("all of them are counted", counted).await;
    ann.say(ROOM, "1").await;
    ben.reaches(ROOM, 1).await;
    sees(&mut ann, &["ann", "ben"]).await;
    assert!(ann.volatile.iter().all(|(name, _)| name == "presence"), "{:?}", ann.volatile);
}

const CROWD: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_rooms_cost_little_and_name_nobody() {
    let several = Several::start(3).await;
    let mut joining = JoinSet::new();
    for n in 0..3 * CROWD {
        let address = several.address(n % 3);
        joining.spawn(async move {
            let mut client = Client::guest(address, &format!("guest {n}")).await;
            client.join(ROOM).await;
            client
        });
    }
    let mut clients = joining.join_all().await;
    let all = Some((3 * CROWD as u64, None));
    for client in &mut clients {
        client.until("the number of all", |client| shown(client) == all).await;
    }
    let series = |name: &str| several.servers.iter().map(|server| server.live.series(name)).sum::<u64>();
    let said = series(r#"chat_volatile_published_total{kind="presence"}"#);
    // Once the room is large it is told in every fifth round.
    let bytes = || series(r#"chat_volatile_published_bytes_total{kind="presence"}"#);
    let before = (said, bytes());
    clients.truncate(2 * CROWD + CROWD / 2);
    let rest = clients.len() as u64;
    for client in &mut clients {
        client.until("those that are left", |client| shown(client) == Some((rest, None))).await;
    }
    let said = series(r#"chat_volatile_published_total{kind="presence"}"#) - before.0;
    let each = (bytes() - before.1) / said.max(1);
    assert!(said >= 1 && each <= 40, "{said} words of {each} bytes");
    // Typing is not passed on.
    clients[0].ask("typing", json!({ "room": ROOM, "typing": true })).await;
    assert_eq!(series(r#"chat_volatile_published_total{kind="typing"}"#), 0);
    clients.truncate(4);
    for client in &mut clients {
        client
            .until("names again", |client| shown(client).is_some_and(|(online, names)| online == 4 && names.is_some()))
            .await;
    }
}
