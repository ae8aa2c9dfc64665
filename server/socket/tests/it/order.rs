//! The events of one connection are handled one after the other, however long each takes, unless they are in different lanes; those of
//! other connections go on.

use crate::probe::{Probed, text};
use crate::wait::eventually;
use crate::wire::{Got, Wire};
use chat_wire::websocket::{Opcode, encode_masked};

/// Sends texts in one segment, so that the server has them all at once.
async fn send_at_once(wire: &mut Wire, texts: &[impl AsRef<str>]) {
    let mut bytes = Vec::new();
    for text in texts {
        encode_masked(true, Opcode::Text, text.as_ref().as_bytes(), [7; 4], &mut bytes);
    }
    wire.raw(&bytes).await;
}

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
    let events: Vec<_> = (0..100).map(|n| format!(r#"42{n}["slow",{n}]"#)).collect();
    let expected: Vec<_> = (0..100).map(|n| format!("43{n}[{n}]")).collect();
    send_at_once(&mut ann, &events).await;
    let mut answers = Vec::new();
    for _ in 0..100 {
        answers.push(text(&mut ann).await);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_a_lane_are_in_order_and_those_of_others_beside_them() {
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    let events = [r#"421["in",1,"a"]"#, r#"422["in",2,"a"]"#, r#"423["in",3,"b"]"#, r#"424["fast",4]"#];
    send_at_once(&mut ann, &events).await;
    assert_eq!(text(&mut ann).await, "434[4]");
    probed.lanes.of("\"b\"").add_permits(1);
    assert_eq!(text(&mut ann).await, "433[3]");
    probed.lanes.of("\"a\"").add_permits(2);
    assert_eq!(text(&mut ann).await, "431[1]");
    assert_eq!(text(&mut ann).await, "432[2]");
    let expected = "begin fast 4|end fast 4|begin in 1|begin in 3|end in 3|end in 1|begin in 2|end in 2";
    assert_eq!(probed.notes.lock().join("|"), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_in_no_lane_waits_for_all_and_all_wait_for_it() {
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    probed.gate.add_permits(1);
    probed.lanes.of("\"b\"").add_permits(1);
    send_at_once(&mut ann, &[r#"421["in",1,"a"]"#, r#"422["slow",2]"#, r#"423["in",3,"b"]"#]).await;
    probed.noted("begin in 1").await;
    probed.lanes.of("\"a\"").add_permits(1);
    for n in 1..=3 {
        assert_eq!(text(&mut ann).await, format!("43{n}[{n}]"));
    }
    let expected = "begin in 1|end in 1|begin slow 2|end slow 2|begin in 3|end in 3";
    assert_eq!(probed.notes.lock().join("|"), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_ends_a_connection_comes_after_what_was_asked_for_before() {
    // What the client sends, how the connection ends, and what is noted of it.
    let ends = [("41", "disconnect"), ("1", "closed client"), ("garbage", "closed bad_input")];
    for (end, noted) in ends {
        let probed = Probed::start().await;
        let (mut ann, _) = probed.connect().await;
        send_at_once(&mut ann, &[r#"421["in",1,"a"]"#, r#"422["in",2,"b"]"#, end]).await;
        probed.noted("begin in 2").await;
        for (n, lane) in [(2, "\"b\""), (1, "\"a\"")] {
            probed.lanes.of(lane).add_permits(1);
            assert_eq!(text(&mut ann).await, format!("43{n}[{n}]"));
        }
        probed.noted(noted).await;
        let expected = format!("begin in 1|begin in 2|end in 2|end in 1|{noted}");
        assert_eq!(probed.notes.lock()[..5].join("|"), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_client_asked_for_before_it_was_cut_is_done() {
    let probed = Probed::start().await;
    let (mut ann, socket) = probed.connect().await;
    send_at_once(&mut ann, &[r#"42["in",1,"a"]"#, r#"42["in",2,"b"]"#]).await;
    probed.noted("begin in 2").await;
    ann.cut();
    probed.lanes.of("\"b\"").add_permits(1);
    probed.noted("end in 2").await;
    assert!(socket.lock().is_open(), "the first is still under way");
    probed.lanes.of("\"a\"").add_permits(1);
    probed.noted("closed transport_lost").await;
    assert_eq!(probed.notes.lock()[2..].join("|"), "end in 2|end in 1|closed transport_lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_with_too_much_under_way_is_read_no_further_and_counted() {
    const BOUND: usize = 32;
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    let events: Vec<_> = (0..=BOUND).map(|n| format!(r#"42{n}["in",{n},"{n}"]"#)).collect();
    send_at_once(&mut ann, &events).await;
    probed.noted(&format!("begin in {}", BOUND - 1)).await;
    let crowded = || probed.server.counters().crowded.get();
    assert_eq!((probed.notes.lock().len(), crowded()), (BOUND, 1));
    probed.lanes.of("\"5\"").add_permits(1);
    assert_eq!(text(&mut ann).await, "435[5]");
    probed.noted(&format!("begin in {BOUND}")).await;
    assert_eq!(crowded(), 2);
    // It answers as before once there is room.
    for n in (0..=BOUND).filter(|n| *n != 5) {
        probed.lanes.of(&format!("\"{n}\"")).add_permits(1);
        assert_eq!(text(&mut ann).await, format!("43{n}[{n}]"));
    }
    ann.send(r#"429["fast",9]"#).await;
    assert_eq!(text(&mut ann).await, "439[9]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_is_acknowledged_when_its_events_have_begun_and_the_next_goes_on_beside_them() {
    let probed = Probed::start().await;
    let mut client = crate::polling::Polling::open(probed.address).await;
    assert_eq!(client.post(probed.address, "40").await.body, "ok");
    assert_eq!(client.get(probed.address).await.body, r#"40{"sid":"sid"}"#);
    let body = [r#"421["in",1,"a"]"#, r#"422["in",2,"a"]"#].join("\x1e");
    assert_eq!(client.post(probed.address, &body).await.body, "ok");
    assert_eq!(client.post(probed.address, r#"423["in",3,"b"]"#).await.body, "ok");
    probed.lanes.of("\"b\"").add_permits(1);
    assert_eq!(client.get(probed.address).await.body, "433[3]");
    probed.lanes.of("\"a\"").add_permits(2);
    probed.noted("end in 2").await;
    assert_eq!(client.get(probed.address).await.body, "431[1]\x1e432[2]");
    assert_eq!(probed.notes.lock().join("|"), "begin in 1|begin in 3|end in 3|end in 1|begin in 2|end in 2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frame_behind_a_request_in_one_segment_is_read_while_that_goes_on() {
    let probed = Probed::start().await;
    let (mut ann, _) = probed.connect().await;
    let (mut bytes, mut half) = (Vec::new(), Vec::new());
    probed.gate.add_permits(1);
    encode_masked(true, Opcode::Text, br#"42["slow",0]"#, [7; 4], &mut bytes);
    encode_masked(true, Opcode::Text, br#"421["in",1,"a"]"#, [7; 4], &mut bytes);
    encode_masked(true, Opcode::Text, br#"422["fast",2]"#, [7; 4], &mut half);
    let rest = half.split_off(5);
    ann.raw(&[bytes, half].concat()).await;
    probed.noted("begin in 1").await;
    ann.raw(&rest).await;
    assert_eq!(text(&mut ann).await, "432[2]");
    probed.lanes.of("\"a\"").add_permits(1);
    assert_eq!(text(&mut ann).await, "431[1]");
    ann.send("1").await;
    assert_eq!(ann.next().await, Got::Close(Some(1000)));
    eventually("nobody is left", || probed.server.connections() == 0).await;
}
