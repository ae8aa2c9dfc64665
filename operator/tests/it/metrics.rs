//! What the operator says of itself at `/metrics`: documented, and as promtool wants it.

use crate::reconcile::stage::Stage;
use chat_operator::health::{Health, router};
use chat_operator::metrics::Metrics;
use chat_rig::host::find_program;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

#[test]
fn the_documentation_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operator-metrics.md");
    let document = Metrics::document().expect("metrics");
    if std::env::var_os("CHAT_REGENERATE").is_some() {
        std::fs::write(&path, &document).expect("docs/operator-metrics.md");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == document, "docs/operator-metrics.md is not what the code says: run `make generate`");
}

async fn scrape(metrics: Arc<Metrics>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let served = tokio::spawn(async move { axum::serve(listener, router(Arc::new(Health::default()), metrics)).await });
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n").await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    served.abort();
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    body.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn promtool_has_nothing_to_say_of_an_operator_that_works() {
    let mut stage = Stage::new("metrics").await;
    stage.create("chat", json!({ "replicas": 2, "redis": stage.redis() })).await;
    stage.settle("chat").await;
    stage.change("chat", json!({ "replicas": 1 })).await;
    stage.settle("chat").await;
    let text = scrape(stage.metrics()).await;
    let row = format!(r#"chat_operator_servers{{cluster="chat",namespace="{}",state="serving"}} 1"#, stage.namespace);
    assert!(text.contains(&row), "{text}");
    assert!(text.contains(r#"chat_operator_drains_total{event="ended"} 1"#), "{text}");

    let mut promtool = Command::new(find_program("promtool").expect("promtool"));
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut checks = promtool.spawn().expect("promtool");
    checks.stdin.take().expect("its input").write_all(text.as_bytes()).expect("its input");
    let checked = checks.wait_with_output().expect("its verdict");
    let said = String::from_utf8_lossy(&checked.stderr);
    assert!(checked.status.success() && said.is_empty() && checked.stdout.is_empty(), "{said}\n{text}");
}
