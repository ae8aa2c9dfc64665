//! Several servers in this process, each with its internal port: they find each other, and a polling client is served whichever of them it asks.

use crate::client::Client as ChatClient;
use crate::http::{get, open_polling, post};
use crate::live::{Live, Plan};
use crate::wait::eventually;
use axum::http::{Method, StatusCode};
use bytes::Bytes;
use chat_server::cluster::signature::{Addressee, Keys};
use chat_server::cluster::{Answer, Boot, Client, MemoryBoard, Question};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const KEY: &str = "a-signing-key-for-the-tests-of-a-cluster";

/// Servers that share a board and a key.
async fn members(count: usize) -> Vec<Live> {
    let board = Arc::new(MemoryBoard::default());
    let mut members = Vec::new();
    for n in 0..count {
        members.push(Live::among(board.clone(), |plan| clustered(plan, n)).await);
    }
    eventually("all know all", || members.iter().all(|member| member.membership.registry().view().len() == count))
        .await;
    members
}

fn clustered(plan: &mut Plan, n: usize) {
    let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let keyed = chat_settings::Settings::load(["chat-server", "--signing-key", KEY], [], none).expect("settings");
    plan.settings.signing_keys = keyed.signing_keys;
    plan.settings.network.internal_listen = "127.0.0.1:0".parse().expect("an address");
    plan.settings.transport.ping_interval = Duration::from_secs(2);
    plan.settings.node = format!("n{n}");
}

fn keys(key: &str) -> Arc<Keys> {
    let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let settings = chat_settings::Settings::load(["chat-server", "--signing-key", key], [], none).expect("settings");
    Arc::new(Keys::new(settings.signing_keys.iter().map(chat_settings::Secret::expose)))
}

async fn ask(client: &Client, live: &Live, to: Addressee, method: Method, path: &str, body: &str) -> Answer {
    let question = Question {
        address: &live.internal.to_string(),
        to,
        method,
        path,
        body: Bytes::copy_from_slice(body.as_bytes()),
        within: Duration::from_secs(5),
        answer_bytes_max: 100_000,
    };
    client.ask(question).await.expect("an answer")
}

fn own(live: &Live) -> Addressee {
    Addressee::Boot(live.membership.registry().own().boot)
}

const POLL: &str = "/socket.io/?EIO=4&transport=polling&sid=";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polling_session_goes_on_whichever_server_is_asked() {
    let members = members(3).await;
    let sid = open_polling(members[0].address).await;
    let path = format!("{POLL}{sid}");
    let connected = post(members[1].address, &path, r#"40{"name":"ann"}"#).await;
    assert_eq!((connected.status, connected.body.as_str()), (200, "ok"));
    let answer = get(members[2].address, &path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.starts_with("40{"), "{answer:?}");
    let joined = post(members[2].address, &path, r#"421["join",{"room":"lobby"}]"#).await;
    assert_eq!(joined.body, "ok");
    let mut seen = String::new();
    let mut turn = 0;
    while !seen.contains("431[") {
        turn += 1;
        seen += &get(members[turn % 3].address, &path).await.body;
        assert!(turn < 20, "no answer in {seen}");
    }
    assert!(seen.contains(r#""ok":true"#), "{seen}");
    // A GET that is held at the owner for the whole interval of the heartbeats is answered by its ping.
    let begun = Instant::now();
    let mut held = get(members[1].address, &path).await;
    while held.body != "2" {
        assert_eq!(held.status, 200, "{held:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "no ping");
        held = get(members[1].address, &path).await;
    }
    assert_eq!(members[0].server.connections(), 1);
    assert_eq!(members[1].server.connections() + members[2].server.connections(), 0);
    let forwards = members[1].series(r#"chat_internal_requests_total{outcome="answered",request="forward"}"#);
    assert!(forwards >= 2, "{forwards}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_is_broken_off_is_broken_off_at_the_owner() {
    let members = members(2).await;
    let sid = open_polling(members[0].address).await;
    let path = format!("{POLL}{sid}");
    let _ = post(members[1].address, &path, r#"40{"name":"ann"}"#).await;
    let _ = get(members[1].address, &path).await;
    let _ = tokio::time::timeout(Duration::from_millis(200), async {
        loop {
            get(members[1].address, &path).await;
        }
    })
    .await;
    eventually("the owner ends the session", || members[0].closed("polling_broken") == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_of_a_server_that_left_is_unknown_and_that_of_a_silent_one_is_not() {
    let mut members = members(2).await;
    let sid = open_polling(members[1].address).await;
    let path = format!("{POLL}{sid}");
    // It ended without a word: nobody can say yet what became of its sessions.
    let gone = members.pop().expect("two");
    gone.stop_serving();
    let slow = get(members[0].address, &path).await;
    assert_eq!(slow.status, 503, "{slow:?}");
    assert!(slow.head.contains("retry-after: "), "{slow:?}");
    gone.leave().await;
    eventually("it is gone", || members[0].membership.registry().view().len() == 1).await;
    let unknown = get(members[0].address, &path).await;
    assert_eq!((unknown.status, unknown.body.as_str()), (400, r#"{"code":1,"message":"Session ID unknown"}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_not_of_the_deployment_stays_outside() {
    let members = members(2).await;
    let refused = |reason: &str| members[0].series(&format!(r#"chat_internal_refused_total{{reason="{reason}"}}"#));
    for (path, status) in
        [("/livez", 200), ("/readyz", 200), ("/internal/v1/status", 401), ("/", 401), ("/metrics", 401)]
    {
        assert_eq!(get(members[0].internal, path).await.status, status, "{path}");
    }
    assert_eq!(post(members[0].internal, "/internal/v1/drain", r#"{"rate":1,"lease_seconds":9}"#).await.status, 401);
    assert_eq!(refused("unsigned"), 4);

    let (us, them) = (
        Client::new(keys(KEY), Boot::random()),
        Client::new(keys("a-key-of-somebody-else-entirely-0000"), Boot::random()),
    );
    let lease = r#"{"rate":1,"lease_seconds":9}"#;
    let forged = ask(&them, &members[0], own(&members[0]), Method::POST, "/internal/v1/drain", lease).await;
    assert_eq!((forged.status, refused("signature")), (StatusCode::UNAUTHORIZED, 1));
    // What is meant for another boot is not done here, and to act on nobody in particular is not possible.
    for to in [own(&members[1]), Addressee::Anyone] {
        let astray = ask(&us, &members[0], to, Method::POST, "/internal/v1/drain", lease).await;
        assert_eq!(astray.status, StatusCode::GONE);
    }
    assert_eq!(refused("boot"), 2);
    let status = ask(&us, &members[0], Addressee::Anyone, Method::GET, "/internal/v1/status", "").await;
    let status: Value = serde_json::from_slice(&status.body).expect("JSON");
    assert_eq!((&status["node"], &status["drain"]["draining"]), (&json!("n0"), &json!(false)));
    assert_eq!((&status["connections"], &status["sends_per_second"]), (&json!(0), &json!(0.0)));
    let missing = ask(&us, &members[0], own(&members[0]), Method::POST, "/internal/v9/forward", "").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let large = "x".repeat(2_000_000);
    let large = ask(&us, &members[0], own(&members[0]), Method::POST, "/internal/v1/forward", &large).await;
    assert_eq!((large.status, refused("too_large")), (StatusCode::PAYLOAD_TOO_LARGE, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_request_passes_once() {
    use axum::http::HeaderMap;
    use chat_server::cluster::signature::Stamp;
    use std::time::{SystemTime, UNIX_EPOCH};
    let members = members(1).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
    let send = async |age: u64| {
        let stamp = Stamp { time_ms: now - age, from: Boot::random(), to: Addressee::Anyone, nonce: u128::from(age) };
        let mut headers = HeaderMap::new();
        keys(KEY).sign("GET", "/internal/v1/status", b"", &stamp, &mut headers);
        let mut text = String::new();
        for (name, value) in &headers {
            text.extend([name.as_str(), ": ", value.to_str().expect("text"), "\r\n"]);
        }
        let mut statuses = Vec::new();
        for _ in 0..2 {
            statuses.push(crate::http::get_with(members[0].internal, "/internal/v1/status", &text).await.status);
        }
        statuses
    };
    assert_eq!(send(0).await, [200, 401]);
    assert_eq!(members[0].series(r#"chat_internal_refused_total{reason="replay"}"#), 1);
    assert_eq!(send(31_000).await, [401, 401]);
    assert_eq!(members[0].series(r#"chat_internal_refused_total{reason="time"}"#), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_drains_and_lapses() {
    const CLIENTS: usize = 10;
    let board = Arc::new(MemoryBoard::default());
    let live = Live::among(board, |plan| {
        clustered(plan, 0);
        plan.settings.drain.drain_accept = Duration::from_millis(300);
    })
    .await;
    let operator = Client::new(keys(KEY), Boot::random());
    let mut clients = Vec::new();
    for n in 0..CLIENTS {
        clients.push(ChatClient::guest(live.address, &format!("guest {n}")).await);
    }
    let ask = async |path: &str, body: Value| {
        let answer = ask(&operator, &live, own(&live), Method::POST, path, &body.to_string()).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        serde_json::from_slice::<Value>(&answer.body).expect("JSON")
    };
    // Some are closed without a drain: the server goes on.
    ask("/internal/v1/close", json!({ "count": 2, "rate": 100 })).await;
    eventually("two are closed", || live.server.connections() == CLIENTS - 2).await;
    assert_eq!(get(live.address, "/readyz").await.status, 200);

    let status = ask("/internal/v1/drain", json!({ "rate": 100, "lease_seconds": 30 })).await;
    assert_eq!(status["drain"]["draining"], true);
    eventually("all are closed", || live.server.connections() == 0).await;
    assert_eq!(get(live.address, "/readyz").await.body, "draining\n");
    assert_eq!(get(live.address, "/socket.io/?EIO=4&transport=polling").await.status, 503);
    assert_eq!(live.series("chat_draining"), 1);

    ask("/internal/v1/undrain", json!({})).await;
    eventually("it serves again", || live.series("chat_draining") == 0).await;
    assert_eq!(get(live.address, "/socket.io/?EIO=4&transport=polling").await.status, 200);

    // Nobody extends this one.
    ask("/internal/v1/drain", json!({ "rate": 1, "lease_seconds": 0.5 })).await;
    eventually("it drains", || live.series("chat_draining") == 1).await;
    eventually("the lease lapses", || live.series("chat_draining") == 0).await;
    assert_eq!(get(live.address, "/readyz").await.status, 200);
}
