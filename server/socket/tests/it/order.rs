//! The events of one connection are handled one after the other, however long each takes; those of others go on.

use crate::probe::{Probed, text};
use std::fmt::Write;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_event_holds_back_those_behind_it_and_nobody_else() {
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    let (mut ben, _) = probed.connect().await;
    for (id, name) in ["slow", "fast", "slow", "fast"].iter().enumerate() {
        ann.send(&format!(r#"42{id}["{name}",{id}]"#)).await;
    }
    probed.noted("begin slow 0").await;
    ben.send(r#"427["fast","ben"]"#).await;
    assert_eq!(text(&mut ben).await, r#"437["ben"]"#);
    assert_eq!(*probed.notes.lock(), ["begin slow 0", "begin fast \"ben\"", "end fast \"ben\""]);
    probed.gate.add_permits(2);
    for id in 0..4 {
        assert_eq!(text(&mut ann).await, format!("43{id}[{id}]"));
    }
    let expected =
        ["slow 0", "fast 1", "slow 2", "fast 3"].map(|event| [format!("begin {event}"), format!("end {event}")]);
    assert_eq!(probed.notes.lock()[3..], expected.concat()[1..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_events_in_one_segment_are_handled_in_their_order() {
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    probed.gate.add_permits(100);
    let (mut bytes, mut expected) = (Vec::new(), String::new());
    for n in 0..100 {
        let event = format!(r#"42{n}["slow",{n}]"#);
        chat_wire::websocket::encode_masked(
            true,
            chat_wire::websocket::Opcode::Text,
            event.as_bytes(),
            [7; 4],
            &mut bytes,
        );
        let _ = writeln!(expected, "43{n}[{n}]");
    }
    ann.raw(&bytes).await;
    let mut answers = String::new();
    for _ in 0..100 {
        let _ = writeln!(answers, "{}", text(&mut ann).await);
    }
    assert_eq!(answers, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_connection_is_told_once_and_last() {
    let probed = Probed::start().await;
    let (mut ann, socket) = probed.connect().await;
    ann.send(r#"42["fast",1]"#).await;
    ann.send("41").await;
    probed.noted("disconnect").await;
    ann.cut();
    probed.noted("closed transport_lost").await;
    assert!(!socket.lock().is_open());
    assert_eq!(*probed.notes.lock(), ["begin fast 1", "end fast 1", "disconnect", "closed transport_lost"]);
    assert_eq!(probed.server.connections(), 0);
}
