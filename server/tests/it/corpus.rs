//! The corpus of bad input, sent to a live server: each case gets the documented answer, is counted, and hurts nobody else.

use crate::client::Client;
use crate::http::{get, open_polling, post};
use crate::live::Live;
use crate::wait::eventually;
use crate::wire::{Got, Wire};
use chat_wire::websocket::Opcode;
use std::collections::BTreeMap;
use std::time::Duration;

/// The maximum that the cases of `websocket.tsv` are made for.
const PAYLOAD_MAX: usize = 1_000_000;

fn cases(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.split_once('\t').expect("a tab"))
}

fn text(input: &str) -> String {
    serde_json::from_str(input).expect("a JSON string")
}

/// A server, and a member whom nothing of it may touch.
async fn server() -> (Live, Client) {
    let live = Live::with(|plan| plan.settings.limits.max_payload = PAYLOAD_MAX).await;
    let mut witness = Client::guest(live.address, "witness").await;
    witness.join("lobby").await;
    (live, witness)
}

async fn unharmed(witness: &mut Client, case: &str) {
    let n = witness.away.numbers("lobby").len() as u64 + 1;
    witness.say("lobby", case).await;
    witness.reaches("lobby", n).await;
    assert_eq!(witness.away.numbers("lobby"), (1..=n).collect::<Vec<_>>());
}

/// The close code of a violation (docs/protocol.md, "What is refused, and how").
fn code(outcome: &str) -> u16 {
    match outcome {
        "utf8" => 1007,
        "too_large" => 1009,
        _ => 1002,
    }
}

/// Closed connections were counted by the reason that their codes say.
async fn counted(live: &Live, codes: &BTreeMap<u16, u64>) {
    for (code, reason) in [(1002, "bad_input"), (1007, "bad_text"), (1008, "broken_rule"), (1009, "too_large")] {
        let expected = codes.get(&code).copied().unwrap_or_default();
        eventually(&format!("{expected} closed for {reason}"), || live.closed(reason) == expected).await;
    }
    let limit = codes.get(&1009).copied().unwrap_or_default();
    assert_eq!(live.limit("max_payload"), limit);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_streams() {
    let (live, mut witness) = server().await;
    let mut codes = BTreeMap::new();
    for (outcome, input) in cases(include_str!("../../wire/tests/corpus/websocket.tsv")) {
        let bytes: Vec<u8> = input.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("hex")).collect();
        let mut wire = Wire::open(live.address).await;
        wire.raw(&bytes).await;
        if outcome == "ok" {
            // Good frames; what is in them may be nothing for a layer above, and parts of frames are waited for.
            wire.frame(true, Opcode::Ping, b"here").await;
            let got = tokio::time::timeout(Duration::from_millis(50), wire.next()).await;
            match got {
                Ok(Got::Close(code @ Some(1000 | 1002))) => *codes.entry(code.unwrap_or_default()).or_default() += 1,
                Ok(Got::Pong(_)) | Err(_) => {}
                Ok(other) => panic!("{input}: {other:?}"),
            }
        } else {
            let closed = wire.closed().await;
            assert_eq!(closed, Some(code(outcome)), "{outcome}: {input}");
            *codes.entry(code(outcome)).or_default() += 1;
        }
    }
    // Thousands of empty fragments are no line of a file.
    let mut wire = Wire::open(live.address).await;
    wire.frame(false, Opcode::Text, b"").await;
    for _ in 0..chat_wire::limits::FRAGMENTS_MAX {
        wire.frame(false, Opcode::Continuation, b"").await;
    }
    assert_eq!(wire.closed().await, Some(1008));
    codes.insert(1008, 1);
    assert!(codes[&1002] > 40 && codes[&1007] > 5 && codes[&1009] > 2, "{codes:?}");
    counted(&live, &codes).await;
    unharmed(&mut witness, "after all frames").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn socket_packets() {
    let (live, mut witness) = server().await;
    let mut codes = BTreeMap::new();
    for (outcome, input) in cases(include_str!("../../wire/tests/corpus/socket.tsv")) {
        let packet = text(input);
        // A CONNECT is the first packet; anything else has to be wrong for somebody who is in.
        let connected = !packet.starts_with("40");
        let mut wire = Wire::open(live.address).await;
        if connected {
            wire.send(r#"40{"name":"mallory"}"#).await;
            assert!(matches!(wire.next().await, Got::Text(reply) if reply.starts_with("40")));
        }
        wire.send(&packet).await;
        if outcome != "ok" {
            assert_eq!(wire.closed().await, Some(1002), "{outcome}: {packet}");
            *codes.entry(1002).or_default() += 1;
            continue;
        }
        let goes_on = ["42[", "4217[", "4317[", "450-"].iter().any(|start| packet.starts_with(start));
        if goes_on {
            wire.send(r#"4299["rooms",{}]"#).await;
            let answered = async {
                loop {
                    let got = wire.next().await;
                    let Got::Text(text) = got else { panic!("{packet}: {got:?}") };
                    if text.starts_with("4399[") {
                        return;
                    }
                }
            };
            tokio::time::timeout(crate::wait::DEADLINE, answered).await.expect("an answer to what follows");
        } else if packet.starts_with("41/") || ["40", "41", "451", "461"].iter().all(|start| !packet.starts_with(start))
        {
            // Well formed, and wrong here: a namespace that was not entered, an error from a client.
            assert_eq!(wire.closed().await, Some(1002), "{packet}");
            *codes.entry(1002).or_default() += 1;
        }
    }
    assert!(codes[&1002] > 80, "{codes:?}");
    counted(&live, &codes).await;
    unharmed(&mut witness, "after all packets").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_payloads() {
    let (live, mut witness) = server().await;
    let mut refused = 0;
    for (_, input) in cases(include_str!("../../wire/tests/corpus/payload.tsv")) {
        let body = text(input);
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={}", open_polling(live.address).await);
        let answer = post(live.address, &path, &body).await;
        // Of the good payloads only a pong means something to somebody who has not connected a namespace.
        if body == "3probe" {
            assert_eq!((answer.status, &*answer.body), (200, "ok"));
            continue;
        }
        refused += 1;
        assert_eq!((answer.status, &*answer.body), (400, r#"{"code":3,"message":"Bad request"}"#), "{body:?}");
        // The session is over: after what was answered before, the close packet, alone.
        let mut last = get(live.address, &path).await;
        if last.body.starts_with("44{") {
            last = get(live.address, &path).await;
        }
        assert_eq!((last.status, &*last.body), (200, "1"), "{body:?}");
        let gone = get(live.address, &path).await;
        assert_eq!((gone.status, &*gone.body), (400, r#"{"code":1,"message":"Session ID unknown"}"#), "{body:?}");
    }
    assert!(refused > 30, "{refused}");
    eventually("all are counted", || live.closed("bad_input") == refused).await;
    unharmed(&mut witness, "after all payloads").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries() {
    let (live, mut witness) = server().await;
    let (mut bad, mut unknown) = (0, 0);
    for (outcome, input) in cases(include_str!("../../wire/tests/corpus/query.tsv")) {
        let query = text(input);
        let answer = get(live.address, &format!("/socket.io/?{query}")).await;
        let expected = match outcome {
            "unknown_transport" => r#"{"code":0,"message":"Transport unknown"}"#,
            "unsupported_version" => r#"{"code":5,"message":"Unsupported protocol version"}"#,
            "bad_request" => r#"{"code":3,"message":"Bad request"}"#,
            // Good ones: a session that there is not, a WebSocket without its headers, a handshake.
            _ if query.contains("sid=") => r#"{"code":1,"message":"Session ID unknown"}"#,
            _ if query.contains("websocket") => r#"{"code":3,"message":"Bad request"}"#,
            _ => {
                assert_eq!(answer.status, 200, "{query}");
                assert!(answer.body.starts_with("0{"), "{query}: {}", answer.body);
                continue;
            }
        };
        assert_eq!((answer.status, &*answer.body), (400, expected), "{query:.200}");
        if expected.contains("Session ID") { unknown += 1 } else { bad += 1 }
    }
    assert!(bad > 20 && unknown > 0);
    let refused = |reason: &str| live.metrics.sockets.refused.with_label_values(&[reason]).get();
    assert_eq!((refused("bad_request"), refused("forged_sid")), (bad, unknown));
    unharmed(&mut witness, "after all queries").await;
}
