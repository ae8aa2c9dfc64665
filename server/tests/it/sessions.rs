//! Whose session it is: take-over, the end of a session, and what forged pids, offsets and tokens get.

use crate::client::{Away, Client, Item};
use crate::live::Live;
use crate::wait::eventually;
use chat_server::records::Records;
use serde_json::{Value, json};
use std::time::Duration;

const ROOM: &str = "lobby";

fn outcome(live: &Live, outcome: &str) -> u64 {
    live.series(&format!(r#"chat_recoveries_total{{outcome="{outcome}"}}"#))
}

/// Ann has sent five entries, and both have seen them.
async fn two(live: &Live) -> [Client; 2] {
    let mut ann = Client::guest(live.address, "ann").await;
    let mut ben = Client::guest(live.address, "ben").await;
    ann.join(ROOM).await;
    ben.join(ROOM).await;
    ann.flood(ROOM, 1, 5, 1).await;
    ann.reaches(ROOM, 5).await;
    ben.reaches(ROOM, 5).await;
    [ann, ben]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_taken_over_from_a_connection_that_only_looks_alive() {
    let live = Live::start().await;
    let [mut ann, mut old] = two(&live).await;
    // The old connection is there, but nobody reads it: entries go into it and are never seen.
    let away = old.away.clone();
    ann.flood(ROOM, 6, 20, 1).await;
    let pid = away.pid.clone();
    let mut new = away.back().await;
    assert_eq!(new.ready["recovered"], true);
    assert_eq!(new.away.pid, pid);
    ann.flood(ROOM, 21, 30, 1).await;
    new.reaches(ROOM, 30).await;
    assert_eq!(new.away.numbers(ROOM), (1..=30).collect::<Vec<_>>());
    assert_eq!(old.closed().await, Some(1008));
    assert!(old.away.numbers(ROOM).iter().all(|n| *n <= 20), "nothing after the take-over");
    eventually("the old one is counted", || live.closed("taken_over") == 1).await;
    // One of them is here, not two.
    let rooms = ann.ask("rooms", json!({})).await;
    assert_eq!(rooms["rooms"][0]["online"], 2);
    assert_eq!(live.records.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_by_41_has_no_session_any_more() {
    let live = Live::start().await;
    let [_ann, mut ben] = two(&live).await;
    let pid = ben.away.pid.clone();
    ben.wire.send("41").await;
    eventually("the record is gone", || live.records.len() == 1).await;
    let ben = ben.cut().back().await;
    assert_eq!(ben.ready["recovered"], false);
    assert_eq!(ben.ready["rooms"], json!([]));
    assert_ne!(ben.away.pid, pid);
    assert_eq!(outcome(&live, "unknown"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_without_a_connection_expires_and_one_with_a_connection_does_not() {
    let live = Live::with(|plan| plan.session_expiry = Duration::from_millis(100)).await;
    let [_ann, ben] = two(&live).await;
    let ben = ben.cut();
    eventually("one record is left", || {
        live.records.sweep();
        live.records.len() == 1
    })
    .await;
    assert_eq!(ben.back().await.ready["recovered"], false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_pid_is_of_no_use_without_its_name_or_token() {
    let live = Live::start().await;
    let [mut ann, ben] = two(&live).await;
    let (ann_token, ben_token) = (ann.ready["token"].clone(), ben.ready["token"].clone());
    let (ann_id, pid) = (ann.ready["user"]["id"].clone(), ann.away.pid.clone());
    // By another name, and with another guest's token.
    for auth in [json!({ "name": "eve" }), json!({ "token": ben_token })] {
        let thief = Away { pid: pid.clone(), offset: ann.away.offset.clone(), ..Away::new(live.address, auth) };
        let thief = thief.back().await;
        assert_eq!(thief.ready["recovered"], false);
        assert_ne!(thief.away.pid, pid);
        assert_ne!(thief.ready["user"]["id"], ann_id);
    }
    assert_eq!(outcome(&live, "unknown"), 2);
    assert_eq!(outcome(&live, "recovered"), 0);
    // She has noticed nothing.
    ann.say(ROOM, "still here").await;
    ann.reaches(ROOM, 6).await;
    // With the token it is hers, and by the name alone too: the pid is the secret.
    let mut away = ann.cut();
    away.auth = json!({ "token": ann_token });
    let ann = away.back().await;
    assert_eq!((&ann.ready["recovered"], &ann.ready["user"]["id"]), (&true.into(), &ann_id));
    let mut away = ann.cut();
    away.auth = json!({ "name": "ann" });
    let ann = away.back().await;
    assert_eq!((&ann.ready["recovered"], &ann.ready["user"]["id"]), (&true.into(), &ann_id));
    // A guest's token without the pid is the same guest in a new session.
    let ben_id = ben.ready["user"]["id"].clone();
    let again = Away::new(live.address, json!({ "token": ben_token })).back().await;
    assert_eq!((&again.ready["recovered"], &again.ready["user"]["id"]), (&false.into(), &ben_id));
    drop(ben);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pid_that_is_none_is_an_unknown_session() {
    let live = Live::start().await;
    for (count, pid) in ["", "x", "AAAAAAAAAAAAAAAAAAAAAA", &"x".repeat(5_000), "../../etc"].into_iter().enumerate() {
        let away = Away { pid: Some(pid.to_owned()), ..Away::new(live.address, json!({ "name": "eve" })) };
        let client = away.back().await;
        assert_eq!(client.ready["recovered"], false);
        assert_eq!(outcome(&live, "unknown"), count as u64 + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_offset_claims_nothing() {
    let live = Live::start().await;
    let [mut ann, ben] = two(&live).await;
    ann.join("secret").await;
    ann.say("secret", "hidden").await;
    ann.reaches("secret", 1).await;
    let own = ann.away.offset.clone().expect("an offset");
    assert!(own.starts_with("s:"), "two rooms are ahead: {own}");
    let epoch = ben.away.entries(ROOM)[0].0.epoch;
    let tag = |tag: &str| format!("s:{tag}:1={epoch}-5");
    let forged = [
        own,
        tag("AAAAAAAA"),
        tag(""),
        format!("r:secret:{epoch}-1"),
        format!("r:nowhere:{epoch}-1"),
        format!("r:{ROOM}:{epoch}-9007199254740992"),
        format!("r:{ROOM}:9007199254740992-5"),
        format!("r:{ROOM}:{epoch}-18446744073709551616"),
        format!("r:{ROOM}:{epoch}--5"),
        format!("r:{ROOM}:{epoch}-05"),
        format!("r:{ROOM}"),
        format!("r:{}:{epoch}-5", "x".repeat(4_096)),
        format!("s:x:{}", "1=1-1,".repeat(1_000)),
        "x".repeat(50_000),
        "r:".to_owned(),
        String::new(),
        "\u{0}\"]}".to_owned(),
    ];
    // Nothing was confirmed by a heartbeat: the record stands where he joined, and from there it comes again.
    let mut away = ben.cut();
    for offset in forged {
        away.rooms.clear();
        away.offset = Some(offset.clone());
        let mut ben = away.back().await;
        assert_eq!(ben.ready["recovered"], true, "{offset:.80}");
        let expected = json!([{ "room": ROOM, "position": "0-0" }]);
        assert_eq!(ben.ready["rooms"], expected, "{offset:.80}");
        ben.reaches(ROOM, 5).await;
        assert_eq!(ben.away.numbers(ROOM), [1, 2, 3, 4, 5], "{offset:.80}");
        assert_eq!(ben.away.rooms.len(), 1, "no other room's entries: {offset:.80}");
        away = ben.cut();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_from_an_epoch_that_never_was_goes_back_to_the_record() {
    let live = Live::start().await;
    let [_ann, ben] = two(&live).await;
    let epoch = ben.away.entries(ROOM)[0].0.epoch;
    let mut away = ben.cut();
    away.rooms.clear();
    away.offset = Some(format!("r:{ROOM}:{}-3", epoch + 1_000));
    let mut ben = away.back().await;
    ben.reaches(ROOM, 5).await;
    assert_eq!(ben.away.of(ROOM)[0], Item::Void { after: "0-0".parse().expect("a position") });
    assert_eq!(ben.away.numbers(ROOM), [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shows_nothing_or_nonsense_is_not_let_in() {
    let live = Live::start().await;
    for (auth, code) in [
        ("", "unauthenticated"),
        ("{}", "unauthenticated"),
        (r#"{"token":"x.y.z"}"#, "unauthenticated"),
        (r#"{"name":""}"#, "invalid"),
        (r#"{"name":7}"#, "invalid"),
        (r#"{"name":"ann","recovery":"no"}"#, "invalid"),
    ] {
        let mut wire = crate::wire::Wire::open(live.address).await;
        wire.send(&format!("40{auth}")).await;
        let crate::wire::Got::Text(refused) = wire.next().await else { panic!("no answer to {auth}") };
        let error: Value = serde_json::from_str(refused.strip_prefix("44").expect("CONNECT_ERROR")).expect("JSON");
        assert_eq!(error["data"]["code"], code, "{auth}: {refused}");
    }
    assert!(live.records.is_empty());
}
