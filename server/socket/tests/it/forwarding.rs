//! Polling requests that land on a server which does not own the session.

use crate::pair::{Fate, Pair, assert_unknown};
use crate::polling::{self, Polling};
use crate::wait::eventually;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use chat_socket::{Boot, Config, Forwarded, Origins};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_a_session_may_land_anywhere() {
    let pair = Pair::start().await;
    let (a, b) = (pair.a.address, pair.b.address);
    let mut client = Polling::open(a).await;
    assert_eq!(client.post(b, "40").await.body, "ok");
    assert_eq!(client.get(b).await.body, r#"40{"sid":"sid"}"#);
    for n in 0..20 {
        let (to, from) = if n % 2 == 0 { (b, a) } else { (a, b) };
        assert_eq!(client.post(to, &format!(r#"42{n}["fast",{n}]"#)).await.body, "ok");
        assert_eq!(client.get(from).await.body, format!("43{n}[{n}]"));
    }
    assert_eq!((pair.a.server.connections(), pair.b.server.connections()), (1, 0));
    assert_eq!(pair.forwarded("answered"), 22);
    // A GET that comes again, elsewhere, gets the same once more.
    let again = polling::request(b, "GET", &format!("&sid={}&t=42", client.sid), "").await;
    assert_eq!(again.body, "4319[19]");
    let missing = client.post(b, r#"42["fast""#).await;
    assert_eq!(missing.status, 400, "a broken packet ends it");
    assert_eq!(client.get(b).await.body, "1");
    assert_unknown(&client.get(b).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_that_was_asked_says_who_may_read_the_answer() {
    let listed = || Origins::Listed(vec!["http://page".to_owned()]);
    let pair = Pair::with(|config: &mut Config| config.admission.origins = listed()).await;
    let (mut client, _) = pair.connect().await;
    for answer in [client.post(pair.b.address, "3").await, client.post(pair.a.address, "3").await] {
        assert_eq!(answer.header("access-control-allow-origin"), ["http://page"]);
        assert_eq!(answer.header("access-control-allow-credentials"), ["true"]);
        assert_eq!(answer.header("content-type"), ["text/plain; charset=utf-8"]);
        assert_eq!(answer.header("cache-control"), ["no-store"]);
    }
    let mut admission = pair.b.server.config().admission.clone();
    admission.origins = Origins::Listed(Vec::new());
    pair.b.server.admit(admission);
    assert_eq!(client.post(pair.b.address, "3").await.status, 403);
    assert_eq!(pair.forwarded("answered"), 1, "nothing of it reaches the owner");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_get_that_is_broken_off_elsewhere_ends_the_session() {
    let pair = Pair::start().await;
    let (mut client, socket) = pair.connect().await;
    let held = tokio::time::timeout(Duration::from_millis(200), client.get(pair.b.address)).await;
    assert!(held.is_err(), "it is held");
    pair.a.noted("closed polling_broken").await;
    assert!(!socket.lock().is_open());
    eventually("it is counted", || pair.forwarded("broken_off") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forged_sids_and_those_of_servers_that_are_gone_are_unknown_and_a_slow_owner_is_not() {
    let pair = Pair::start().await;
    let (mut client, _) = pair.connect().await;
    let sid = client.sid.clone();
    for forged in ["x".to_owned(), sid.to_lowercase(), format!("{}A", &sid[..sid.len() - 1])] {
        client.sid = forged;
        assert_unknown(&client.get(pair.b.address).await);
    }
    assert_eq!((pair.refused("forged_sid"), pair.forwarded("gone")), (3, 0));
    client.sid = sid;
    pair.peers.fates.lock().forward = Fate::Lost;
    let slow = client.get(pair.b.address).await;
    assert_eq!((slow.status, slow.header("retry-after")), (503, vec!["2"]));
    pair.peers.fates.lock().forward = Fate::Answered;
    // A server that is no part of the cluster any more, but has its key.
    let gone = Pair::start().await;
    client.sid = Polling::open(gone.a.address).await.sid;
    assert_unknown(&client.get(pair.b.address).await);
    assert_eq!((pair.forwarded("slow"), pair.forwarded("gone"), pair.refused("unknown_sid")), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_forwarded_is_not_forwarded_again() {
    let pair = Pair::start().await;
    let (client, _) = pair.connect().await;
    let forwarded = |sid: &str, transport: &str| {
        let uri = format!("/socket.io/?EIO=4&transport={transport}&sid={sid}&t=x");
        let (head, ()) = Request::builder().uri(uri).body(()).expect("a request").into_parts();
        Forwarded { head, body: "".into() }
    };
    // It is a's, and came to b as if it were b's.
    let answer = pair.b.server.forwarded(forwarded(&client.sid, "polling")).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers().get("access-control-allow-origin"), None);
    assert_eq!(body(answer.into_body()).await, r#"{"code":1,"message":"Session ID unknown"}"#);
    assert_eq!(pair.b.server.forwarded(forwarded("", "polling")).await.status(), 400);
    assert_eq!(pair.a.server.forwarded(forwarded(&client.sid, "websocket")).await.status(), 400);
    assert_eq!((pair.forwarded("answered"), pair.forwarded("gone")), (0, 0));
    assert_ne!(pair.a.server.config().boot, Boot(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_long_does_not_reach_the_owner() {
    let pair = Pair::with(|config| config.max_payload = 100).await;
    let (mut client, _) = pair.connect().await;
    assert_eq!(client.post(pair.b.address, &"4".repeat(101)).await.status, 413);
    assert_eq!((pair.forwarded("answered"), pair.refused("too_large")), (0, 1));
}

async fn body(body: Body) -> String {
    String::from_utf8(to_bytes(body, 1_000).await.expect("a body").to_vec()).expect("text")
}
