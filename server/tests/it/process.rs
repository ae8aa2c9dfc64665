//! What only a process shows: its command line, its signals, its exit codes.

use crate::client::{Client, message};
use crate::http::get;
use crate::spawned::{Spawned, file, run};
use serde_json::{Value, json};
use std::net::TcpListener;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn help_explains_every_setting() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = text(&help.stdout);
    for key in chat_settings::Settings::keys() {
        let flag = format!("--{}", key.name().replace('_', "-"));
        assert!(text.contains(&flag), "{flag} is not in --help");
    }
    assert!(text.contains("check-config"));
}

#[test]
fn a_good_file_is_shown_as_it_is_taken() {
    let path = file("good.yaml", "text-bytes: 2KB\nlog-level: debug\n");
    let checked = run(&["check-config", path.to_str().expect("a path")]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let shown = text(&checked.stdout);
    assert!(shown.contains("text-bytes: 2KB") && shown.contains("log-level: debug"), "{shown}");
}

#[test]
fn a_bad_file_is_refused_by_key_value_and_what_is_allowed() {
    for (name, yaml, parts) in [
        ("value.yaml", "ping-interval: 3 parsecs\n", &["ping-interval", "3 parsecs", "allowed", "line 1"][..]),
        ("range.yaml", "text-bytes: 1KB\nworkers: 5000\n", &["workers", "5000", "1024", "line 2"]),
        ("key.yaml", "text-byte: 1KB\n", &["text-byte", "no such setting", "did you mean text-bytes"]),
        ("syntax.yaml", "{{{\n", &["syntax.yaml"]),
    ] {
        let path = file(name, yaml);
        let checked = run(&["check-config", path.to_str().expect("a path")]);
        assert_eq!(checked.status.code(), Some(2), "{name}");
        let error = text(&checked.stderr);
        for part in parts {
            assert!(error.contains(part), "{name}: no {part:?} in {error}");
        }
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(checked.stdout.is_empty());
    }
    let missing = run(&["check-config", "/nowhere/at-all.yaml"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(text(&missing.stderr).contains("/nowhere/at-all.yaml"));
}

#[test]
fn a_port_that_is_taken_is_one_clear_line() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let free = ["--internal-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"];
    let ended = run(&[&["--listen", &address][..], &free].concat());
    assert_eq!(ended.status.code(), Some(1));
    let error = text(&ended.stderr);
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(
        error.starts_with(&format!("chat-server: listen: cannot listen on {address}: Address already in use")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_drains_at_its_pace_and_ends_well() {
    const CLIENTS: u32 = 10;
    let mut server =
        Spawned::start(&["--drain-accept", "1s", "--drain-closes-per-second", "20", "--drain-deadline", "20s"]).await;
    let mut clients = JoinSet::new();
    for n in 0..CLIENTS {
        let mut client = Client::guest(server.public, &format!("guest {n}")).await;
        client.join("lobby").await;
        clients.spawn(async move {
            let code = client.closed().await;
            (code, Instant::now())
        });
    }
    assert_eq!(get(server.operations, "/readyz").await.status, 200);
    let begun = Instant::now();
    server.signal("TERM");
    server.logs("\"draining\"").await;
    assert_eq!(get(server.operations, "/readyz").await.status, 503);
    assert_eq!(get(server.operations, "/livez").await.status, 200);
    assert!(get(server.operations, "/metrics").await.body.contains("\nchat_draining 1\n"));
    // Balancers learn late: whoever they still send is served.
    let mut late = Client::guest(server.public, "late").await;
    late.join("lobby").await;
    assert!(begun.elapsed() < Duration::from_secs(1), "the machine was too slow for this test");
    let late = tokio::spawn(async move { late.closed().await });
    let closed = clients.join_all().await;
    assert_eq!(late.await.expect("the late one"), Some(1001));
    assert!(closed.iter().all(|(code, _)| *code == Some(1001)), "{closed:?}");
    let first = closed.iter().map(|(_, at)| *at).min().expect("clients");
    let last = closed.iter().map(|(_, at)| *at).max().expect("clients");
    assert!(first - begun >= Duration::from_millis(900), "nobody is closed while new ones are accepted");
    // Eleven at 20 a second: half a second from the first to the last.
    assert!(last - first >= Duration::from_millis(300), "{:?}", last - first);
    let status = server.ended().await;
    assert_eq!(status.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "before the deadline");
    server.logs("\"drained\"").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_without_anybody_ends_at_once() {
    let mut server = Spawned::start(&["--drain-accept", "10s"]).await;
    let begun = Instant::now();
    server.signal("TERM");
    assert_eq!(server.ended().await.code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_changes_limits_and_names_what_needs_a_restart() {
    let path = file("reload.yaml", "text-bytes: 1KB\noutbox: 64KiB\n");
    let server = Spawned::start(&["--config", path.to_str().expect("a path")]).await;
    let mut ann = Client::guest(server.public, "ann").await;
    ann.join("lobby").await;
    assert_eq!(ann.ready["limits"]["text_bytes"], 1_000);
    ann.ask("send", message("lobby", "1", 900)).await;

    std::fs::write(&path, "text-bytes: nonsense\n").expect("a file");
    server.signal("HUP");
    let refused: Value = serde_json::from_str(&server.logs("settings not reloaded").await).expect("a line of JSON");
    assert!(refused["error"].as_str().is_some_and(|error| error.contains("nonsense")), "{refused}");
    ann.ask("send", message("lobby", "2", 900)).await;

    std::fs::write(&path, "text-bytes: 500B\noutbox: 128KiB\n").expect("a file");
    server.signal("HUP");
    let reloaded: Value = serde_json::from_str(&server.logs("settings reloaded").await).expect("a line of JSON");
    assert_eq!(reloaded["restart"], "outbox");
    let answer = ann.call("send", message("lobby", "3", 900)).await;
    assert_eq!(answer["error"]["code"], "too_large", "{answer}");
    ann.ask("send", message("lobby", "4", 400)).await;
    let again = ann.call("send", json!({ "room": "lobby", "id": "1", "text": "y" })).await;
    assert_eq!(again["duplicate"], true, "the log is the same one: {again}");
}
