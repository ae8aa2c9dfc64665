//! The metrics: documented, closed sets of labels, and a text that Prometheus reads.

use crate::client::Client;
use crate::http::get;
use crate::live::Live;
use crate::wait::eventually;
use crate::wire::Wire;
use chat_server::metrics::Metrics;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[test]
fn the_documentation_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metrics.md");
    let metrics = Metrics::new().expect("metrics");
    let (redis, log) = (chat_redis::Counters::default(), chat_log::redis::Counters::default());
    metrics.register_redis(&redis, &log).expect("names of their own");
    let document = metrics.document();
    if std::env::var_os("CHAT_REGENERATE").is_some() {
        std::fs::write(&path, &document).expect("docs/metrics.md");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == document, "docs/metrics.md is not what the code says: run `make generate`");
}

/// The series of a text in Prometheus's format, each with its value.
fn parse(text: &str) -> BTreeMap<String, String> {
    let (mut series, mut family, mut kinds) = (BTreeMap::new(), String::new(), BTreeMap::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, meaning) = help.split_once(' ').expect("a meaning");
            assert!(meaning.ends_with('.'), "{line}");
            name.clone_into(&mut family);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert_eq!(name, family);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(kinds.insert(family.clone(), kind.to_owned()).is_none(), "twice: {line}");
        } else {
            let (name, text) = line.rsplit_once(' ').expect("a value");
            let bare = name.split('{').next().expect("a name");
            assert!(bare.starts_with(&family) && bare.starts_with("chat_"), "{line}");
            match kinds[&family].as_str() {
                "counter" => assert!(bare == family && bare.ends_with("_total"), "{line}"),
                "gauge" => assert!(bare == family && !bare.ends_with("_total"), "{line}"),
                _ => {
                    assert!(["_bucket", "_sum", "_count"].iter().any(|end| bare == format!("{family}{end}")), "{line}");
                }
            }
            let value: f64 = text.parse().expect("a number");
            assert!(value >= 0.0, "{line}");
            assert!(series.insert(name.to_owned(), text.to_owned()).is_none(), "twice: {line}");
        }
    }
    series
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_series_is_there_from_the_start_and_no_input_makes_another() {
    let live = Live::start().await;
    let scraped = get(live.address, "/metrics").await;
    assert_eq!(scraped.status, 200);
    assert!(scraped.head.contains("content-type: text/plain; version=0.0.4"), "{}", scraped.head);
    let text = live.metrics.text();
    let before = parse(&text);

    let mut ann = Client::guest(live.address, "ann").await;
    ann.join("lobby").await;
    ann.say("lobby", "1").await;
    for event in ["join", "leave", "send", "edit", "delete", "react", "history", "typing", "read", "rooms", "create"] {
        for argument in [json!({}), json!([]), json!({ "room": 7 }), json!({ "room": "nowhere" })] {
            ann.call(event, argument).await;
        }
    }
    for unknown in ["unknown", "x", "chat_requests_total", "\u{1}\"}", "söme event"] {
        let answer = ann.call(unknown, json!({})).await;
        assert_eq!(answer["error"]["code"], "invalid");
    }
    ann.reaches("lobby", 1).await;
    let mut mallory = Wire::open(live.address).await;
    mallory.send("nonsense").await;
    mallory.closed().await;
    eventually("the bad packet is counted", || live.closed("bad_input") == 1).await;
    get(live.address, "/socket.io/?EIO=3&transport=polling").await;
    get(live.address, "/socket.io/?EIO=4&transport=polling&sid=x").await;
    get(live.address, "/socket.io/?EIO=4&transport=polling").await;
    ann.cut();

    let after = parse(&live.metrics.text());
    let names = |series: &BTreeMap<String, String>| series.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&before), names(&after));
    let at = |name: &str| after[name].as_str();
    assert_eq!(at(r#"chat_requests_total{event="unknown",outcome="invalid"}"#), "5");
    assert_eq!(at(r#"chat_requests_total{event="send",outcome="ok"}"#), "1");
    assert_eq!(at(r#"chat_requests_refused_total{reason="forged_sid"}"#), "1");
    assert_eq!(at("chat_deliveries_total"), "1");
    assert_eq!(at("chat_append_seconds_count"), "1");
}
