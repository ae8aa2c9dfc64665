//! A session on polling whose WebSocket lands on another server moves there; whatever goes wrong, it is in one place or over.

use crate::pair::{Fate, Pair, assert_unknown, short};
use crate::polling::Polling;
use crate::probe::{Probed, text};
use crate::wait::eventually;
use crate::wire::{Got, Wire};
use chat_socket::{Config, Frame, Namespace};
use std::time::Duration;

/// The session is at `b` and nowhere else.
async fn assert_moved(pair: &Pair) {
    pair.a.noted("closed moved").await;
    eventually("it is in one place", || (pair.a.server.connections(), pair.b.server.connections()) == (0, 1)).await;
    assert_eq!((Pair::moved(&pair.a, "given"), Pair::moved(&pair.b, "taken")), (1, 1));
    let open = |at: &Probed, transport: &str| at.server.counters().connections.with_label_values(&[transport]).get();
    assert_eq!((open(&pair.a, "polling"), open(&pair.b, "websocket")), (0, 1));
    assert_eq!(pair.a.server.counters().unauthenticated.get(), 0);
    assert_eq!(pair.b.server.counters().unauthenticated.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_moves_with_what_is_unsent_and_what_is_known() {
    let pair = Pair::start().await;
    let (mut client, socket) = pair.connect().await;
    assert_eq!(client.post(pair.a.address, r#"42["fast",1]"#).await.body, "ok");
    let (sid, address) = (client.sid.clone(), pair.a.address);
    let held = tokio::spawn(async move {
        let answer = client.get(address).await;
        (client, answer)
    });
    eventually("the GET waits", || socket.lock().is_drained()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut wire = Wire::of_session(pair.b.address, &sid).await;
    wire.send("2probe").await;
    assert_eq!(text(&mut wire).await, "3probe");
    let (mut client, answer) = held.await.expect("a GET");
    assert_eq!(answer.body, "6", "it is ended, so that the client can move");
    assert_eq!(client.get(pair.b.address).await.body, "6", "and none is held from here on");
    {
        let mut guard = socket.lock();
        guard.emit(Namespace::MAIN, "unsent", &["1"]);
        guard.ping();
        guard.emit(Namespace::MAIN, "unsent", &["2"]);
    }
    wire.send("5").await;
    for expected in [r#"42["unsent",1]"#, "2", r#"42["unsent",2]"#] {
        assert_eq!(text(&mut wire).await, expected);
    }
    assert_moved(&pair).await;
    assert!(pair.b.notes.lock().contains(&"arrived 1".to_owned()), "one event was handled");
    for at in [&pair.a, &pair.b] {
        assert_unknown(&client.get(at.address).await);
    }
    // What is sent at its old place reaches nobody.
    socket.lock().send(&Frame::text(br#"42["late"]"#));
    let moved = pair.b.server.sockets().pop().expect("a connection");
    assert_eq!(moved.lock().pings(), 1);
    wire.send("3").await;
    eventually("the pong of a ping that was sent elsewhere", || moved.lock().pings() == 0).await;
    wire.send(r#"429["fast",9]"#).await;
    assert_eq!(text(&mut wire).await, "439[9]");
    drop(moved);
    wire.send("1").await;
    assert_eq!(wire.closed().await, Some(1000));
    pair.b.noted("closed client").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_handled_is_answered_before_the_session_moves() {
    let pair = Pair::start().await;
    let (mut client, _) = pair.connect().await;
    let body = ["42", "7", r#"["slow",7]"#].concat();
    assert_eq!(client.post(pair.a.address, &body).await.body, "ok");
    pair.a.noted("begin slow 7").await;
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    wire.send(r#"428["fast",8]"#).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(pair.b.server.connections(), 0, "not before it is handled");
    pair.a.gate.add_permits(1);
    assert_eq!(text(&mut wire).await, "437[7]");
    assert_eq!(text(&mut wire).await, "438[8]");
    assert_moved(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_moves_when_nothing_is_under_way_in_any_lane() {
    let pair = Pair::start().await;
    let (mut client, _) = pair.connect().await;
    let body = [r#"421["in",1,"a"]"#, r#"422["in",2,"b"]"#].join("\x1e");
    assert_eq!(client.post(pair.a.address, &body).await.body, "ok");
    pair.a.noted("begin in 2").await;
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    wire.send(r#"423["fast",3]"#).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    pair.a.lanes.of("\"b\"").add_permits(1);
    pair.a.noted("end in 2").await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(pair.b.server.connections(), 0, "not while one is under way");
    pair.a.lanes.of("\"a\"").add_permits(1);
    for expected in ["432[2]", "431[1]", "433[3]"] {
        assert_eq!(text(&mut wire).await, expected);
    }
    assert_moved(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_moves_before_it_has_connected() {
    let pair = Pair::start().await;
    let client = Polling::open(pair.a.address).await;
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    wire.send("40").await;
    assert_eq!(text(&mut wire).await, r#"40{"sid":"sid"}"#);
    assert_moved(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_an_outbox_moves_whole() {
    let pair = Pair::start().await;
    let (client, socket) = pair.connect().await;
    let mut wire = pair.probe(&client).await;
    let long = "x".repeat(50_000);
    for n in 0..20 {
        socket.lock().send(&Frame::text(format!(r#"42["long",{n},"{long}"]"#).as_bytes()));
    }
    wire.send("5").await;
    for n in 0..20 {
        assert!(text(&mut wire).await.starts_with(&format!(r#"42["long",{n},"#)));
    }
    assert_moved(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_breaks_leaves_the_session_where_it_is() {
    let pair = Pair::start().await;
    let (mut client, socket) = pair.connect().await;
    for lost in 1..=3 {
        let wire = pair.probe(&client).await;
        assert_eq!(client.get(pair.a.address).await.body, "6");
        wire.cut();
        eventually("the owner hears of it", || Pair::moved(&pair.b, "probe_lost") == lost).await;
        // From here on a GET is held again, until there is something.
        let address = pair.b.address;
        let held = async { client.get(address).await.body };
        let event = async {
            tokio::time::sleep(Duration::from_millis(150)).await;
            socket.lock().emit(Namespace::MAIN, "e", &[]);
        };
        let (got, ()) = tokio::join!(held, event);
        assert_eq!(got, r#"42["e"]"#);
    }
    assert!(socket.lock().is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_without_an_end_is_given_up_by_both_servers() {
    let pair = Pair::with(short).await;
    let (mut client, socket) = pair.connect().await;
    let mut wire = pair.probe(&client).await;
    assert_eq!(wire.next().await, Got::End);
    let limit = |at: &Probed| at.server.counters().limits.with_label_values(&["upgrade_timeout"]).get();
    eventually("the other server gives up", || limit(&pair.b) == 1).await;
    // The hint is lost: the owner has its own clock.
    let mut wire = Wire::of_session(pair.a.address, &client.sid).await;
    wire.send("2probe").await;
    assert_eq!(text(&mut wire).await, "3probe");
    wire.send("5").await;
    eventually("it has moved here", || socket.lock().is_websocket()).await;
    assert_eq!(client.get(pair.a.address).await.status, 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_websocket_is_closed_and_the_first_goes_on() {
    let pair = Pair::start().await;
    let (client, _) = pair.connect().await;
    let mut first = pair.probe(&client).await;
    for at in [&pair.a, &pair.b] {
        let mut second = Wire::of_session(at.address, &client.sid).await;
        second.send("2probe").await;
        assert_eq!(second.next().await, Got::End);
    }
    first.send("5").await;
    first.send(r#"421["fast",1]"#).await;
    assert_eq!(text(&mut first).await, "431[1]");
    assert_moved(&pair).await;
}

/// A WebSocket that lands at `b` while the network is like this; what it gets after `2probe`, and after `5`.
async fn with_fates(pair: &Pair, client: &Polling, probe: Fate, take: Fate) -> Vec<Got> {
    let mut wire = Wire::of_session(pair.b.address, &client.sid).await;
    {
        let mut fates = pair.peers.fates.lock();
        (fates.probe, fates.take) = (probe, take);
    }
    wire.send("2probe").await;
    let mut got = vec![wire.next().await];
    if got == [Got::Text("3probe".to_owned())] {
        wire.send("5").await;
        got.push(wire.next().await);
    }
    *pair.peers.fates.lock() = crate::pair::Fates::default();
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_does_not_answer_the_probe_keeps_the_session() {
    let pair = Pair::with(short).await;
    let (mut client, socket) = pair.connect().await;
    for fate in [Fate::Lost, Fate::Silent, Fate::AnswerLost] {
        assert_eq!(with_fates(&pair, &client, fate, Fate::Answered).await, [Got::End], "{fate:?}");
        socket.lock().emit(Namespace::MAIN, "e", &[]);
        assert_eq!(client.get(pair.b.address).await.body, r#"42["e"]"#);
    }
    assert_eq!(Pair::moved(&pair.b, "slow"), 2);
    // It can still move.
    eventually("no probe is left", || Pair::moved(&pair.b, "probe_lost") == 3).await;
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    wire.send(r#"421["fast",1]"#).await;
    assert_eq!(text(&mut wire).await, "431[1]");
    assert_moved(&pair).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_way_is_lost_is_over_at_both_ends() {
    let pair = Pair::with(short).await;
    let (mut client, _) = pair.connect().await;
    let got = with_fates(&pair, &client, Fate::Answered, Fate::AnswerLost).await;
    assert_eq!(got[1..], [Got::End]);
    pair.a.noted("closed moved").await;
    assert_eq!((Pair::moved(&pair.a, "given"), Pair::moved(&pair.b, "slow")), (1, 1));
    assert_unknown(&client.get(pair.a.address).await);
    assert_eq!((pair.a.server.connections(), pair.b.server.connections()), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_not_reached_at_the_end_goes_on_until_its_client_is_gone() {
    for fate in [Fate::Lost, Fate::Silent] {
        let pair = Pair::with(|config: &mut Config| {
            short(config);
            config.ping_interval = Duration::from_millis(200);
            config.ping_timeout = Duration::from_millis(200);
        })
        .await;
        let (client, _) = pair.connect().await;
        let got = with_fates(&pair, &client, Fate::Answered, fate).await;
        assert_eq!(got[1..], [Got::End], "{fate:?}");
        assert_eq!((Pair::moved(&pair.a, "given"), Pair::moved(&pair.b, "slow")), (0, 1));
        pair.a.noted("closed ping_timeout").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_owner_that_is_busy_for_too_long_ends_the_session() {
    let pair = Pair::with(short).await;
    let (mut client, _) = pair.connect().await;
    assert_eq!(client.post(pair.a.address, r#"42["slow",1]"#).await.body, "ok");
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    assert_eq!(wire.next().await, Got::End);
    pair.a.noted("closed server").await;
    assert_eq!((Pair::moved(&pair.a, "kept"), Pair::moved(&pair.a, "given")), (1, 0));
    eventually("it is counted", || Pair::moved(&pair.b, "slow") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_in_the_middle_of_a_packet_does_not_move() {
    let pair = Pair::start().await;
    let (mut client, _) = pair.connect().await;
    let half = r#"451-["fast",{"_placeholder":true,"num":0}]"#;
    assert_eq!(client.post(pair.a.address, half).await.body, "ok");
    let mut wire = pair.probe(&client).await;
    wire.send("5").await;
    assert_eq!(wire.next().await, Got::End);
    pair.a.noted("closed server").await;
    assert_eq!((Pair::moved(&pair.a, "kept"), Pair::moved(&pair.b, "gone")), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_takes_nobody_takes_no_sessions_either() {
    let pair = Pair::start().await;
    let (mut client, socket) = pair.connect().await;
    pair.b.server.refuse_new();
    assert!(Wire::try_of_session(pair.b.address, &client.sid).await.is_none());
    assert_eq!(pair.refused("application"), 1);
    socket.lock().emit(Namespace::MAIN, "e", &[]);
    assert_eq!(client.get(pair.b.address).await.body, r#"42["e"]"#, "its requests are forwarded as before");
}
