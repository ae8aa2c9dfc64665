//! Events that the server wants an answer to.

use crate::probe::{Probed, text};
use chat_socket::{AckError, Namespace};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answers_go_to_who_asked() {
    let probed = Probed::start().await;
    let (mut wire, socket) = probed.connect().await;
    let ask = |argument: &'static str| {
        let socket = socket.clone();
        tokio::spawn(async move { socket.emit_with_ack(Namespace::MAIN, "ask", &[argument], LONG).await })
    };
    let first = ask("1");
    assert_eq!(text(&mut wire).await, r#"420["ask",1]"#);
    let second = ask("2");
    assert_eq!(text(&mut wire).await, r#"421["ask",2]"#);
    // The other way round, one of an id that nobody asked with, and one twice.
    wire.send(r#"431["two",{"x":[]}]"#).await;
    wire.send(r#"4399["nobody"]"#).await;
    wire.send("430[]").await;
    wire.send(r#"430["late"]"#).await;
    assert_eq!(first.await.expect("a task"), Ok("[]".to_owned()));
    assert_eq!(second.await.expect("a task"), Ok(r#"["two",{"x":[]}]"#.to_owned()));
    assert!(socket.lock().is_open());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_is_a_timeout_and_makes_room_for_others() {
    let probed = Probed::start().await;
    let (mut wire, socket) = probed.connect().await;
    let begun = Instant::now();
    let short = Duration::from_millis(50);
    assert_eq!(socket.emit_with_ack(Namespace::MAIN, "ask", &[], short).await, Err(AckError::Timeout));
    assert!(begun.elapsed() >= short);
    // As many as may be outstanding, and one more.
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let socket = socket.clone();
        asked.spawn(async move { socket.emit_with_ack(Namespace::MAIN, "ask", &[], LONG).await });
    }
    for _ in 0..257 {
        text(&mut wire).await;
    }
    assert_eq!(socket.emit_with_ack(Namespace::MAIN, "ask", &[], LONG).await, Err(AckError::TooMany));
    // An answer to the first comes too late and hurts nobody.
    wire.send("430[]").await;
    for id in 1..=256 {
        wire.send(&format!("43{id}[{id}]")).await;
    }
    assert!(asked.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_ends_owes_no_answer() {
    let probed = Probed::start().await;
    let (mut wire, socket) = probed.connect().await;
    let asked = {
        let socket = socket.clone();
        tokio::spawn(async move { socket.emit_with_ack(Namespace::MAIN, "ask", &[], LONG).await })
    };
    text(&mut wire).await;
    wire.cut();
    assert_eq!(asked.await.expect("a task"), Err(AckError::Closed));
    // Nor does one that has ended before.
    probed.noted("closed transport_lost").await;
    let begun = Instant::now();
    assert_eq!(socket.emit_with_ack(Namespace::MAIN, "ask", &[], LONG).await, Err(AckError::Closed));
    assert!(begun.elapsed() < LONG / 2, "{:?}", begun.elapsed());
}
