//! A person drains a running server by a command, and has it serve again.

use crate::client::Client;
use crate::http::get;
use crate::spawned::{Spawned, file, program};
use crate::wait::{DEADLINE, eventually_within};
use std::net::{SocketAddr, TcpListener};
use std::process::Output;
use tokio::task::spawn_blocking;

const KEY: &str = "the-key-of-a-deployment-that-is-drained";

/// Runs the program with these words beside the event loop of the test, which other connections need.
async fn command(words: &[&str]) -> Output {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    spawn_blocking(move || program().args(words).output().expect("the program runs")).await.expect("no panic")
}

/// What it said, where it had to succeed or not.
async fn said(words: &[&str], succeeds: bool) -> String {
    let output = command(words).await;
    let texts = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).expect("text"));
    assert_eq!(output.status.success(), succeeds, "{words:?}: {texts:?}");
    let [out, error] = texts;
    if succeeds { out } else { error }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_drained_watched_and_serves_again() {
    let server = Spawned::start(&["--signing-key", KEY, "--node", "chat-7", "--drain-accept", "0s"]).await;
    let (address, key) = (server.internal.to_string(), file("drain.key", KEY));
    let key = key.to_str().expect("a path");
    let with_key = ["--address", &address, "--signing-key-file", key];
    let status = [&["drain", "--status"], &with_key[..]].concat();
    let mut ann = Client::guest(server.public, "ann").await;
    ann.join("lobby").await;
    let line = said(&status, true).await;
    assert!(line.starts_with("chat-7 (boot ") && line.ends_with("1 connections, 1 rooms, serving\n"), "{line}");

    let ready = async || get(server.operations, "/readyz").await.status == 200;
    assert!(ready().await);
    let out = said(&[&["drain", "--rate", "1000", "--lease", "1h", "--wait"], &with_key[..]].concat(), true).await;
    assert!(out.lines().all(|line| line.contains("draining for 36")), "{out}");
    assert!(out.lines().last().is_some_and(|line| line.contains(" 0 connections")), "{out}");
    ann.closed().await;
    assert!(!ready().await);
    assert!(said(&status, true).await.contains("draining for 3"), "the lease outlives the command");

    let line = said(&[&["undrain"], &with_key[..]].concat(), true).await;
    assert!(line.ends_with("serving\n"), "{line}");
    eventually_within(DEADLINE, async || ready().await).await;
    let mut ann = Client::guest(server.public, "ann").await;
    ann.join("lobby").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_is_said_in_a_line() {
    let mut server = Spawned::start(&["--signing-key", KEY, "--drain-accept", "10m", "--drain-deadline", "20m"]).await;
    let nobody: SocketAddr = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let (internal, public, nobody) = (server.internal.to_string(), server.public.to_string(), nobody.to_string());
    let other = "another-key-than-that-of-this-deployment";
    for (words, said_so) in [
        (&["drain", "--address", &internal, "--signing-key", other][..], "does not accept the signature"),
        (&["drain", "--address", &internal], "give signing-key-file"),
        (&["drain", "--address", &nobody, "--signing-key", KEY], "does not answer"),
        (&["drain", "--address", &public, "--signing-key", KEY], "public port"),
        (&["undrain", "--address", &public, "--signing-key", KEY], "public port"),
        (&["drain", "--signing-key", KEY], "--address"),
        (&["drain", "--address", "nowhere", "--signing-key", KEY], "a host and a port"),
        (&["drain", "--address", &internal, "--lease", "2h", "--signing-key", KEY], "from 1s to 1h"),
        (&["drain", "--address", &internal, "--rate", "0", "--signing-key", KEY], "0 is not in"),
        (&["drain", "--address", &internal, "--status", "--wait", "--signing-key", KEY], "cannot be used with"),
    ] {
        let error = said(words, false).await;
        assert!(error.contains(said_so), "{words:?}: {error}");
        assert!(!error.contains(KEY) && !error.contains(other), "{error}");
    }
    // One that is about to end takes no orders.
    let _ann = Client::guest(server.public, "ann").await;
    server.signal("TERM");
    eventually_within(DEADLINE, async || get(server.operations, "/readyz").await.status == 503).await;
    for word in ["drain", "undrain"] {
        let error = said(&[word, "--address", &internal, "--signing-key", KEY], false).await;
        assert!(error.contains("refuses: the server is about to end"), "{error}");
    }
    server.signal("TERM");
    assert!(server.ended().await.success());
}
