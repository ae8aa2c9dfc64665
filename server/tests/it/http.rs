//! One HTTP request on a connection of its own.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// GETs a path with its query, sent as it is.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")).await
}

/// GETs a path with more headers, each ended by a line break.
pub(crate) async fn get_with(address: SocketAddr, path: &str, headers: &str) -> Answer {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{headers}\r\n")).await
}

/// POSTs a body.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}");
    request(address, &format!("{head}\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\n{body}")).await
}

async fn request(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("an answer");
    let text = String::from_utf8(bytes).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head in {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
}

/// Opens a session on polling; its sid.
pub(crate) async fn open_polling(address: SocketAddr) -> String {
    let answer = get(address, "/socket.io/?EIO=4&transport=polling").await;
    let open: serde_json::Value = serde_json::from_str(answer.body.strip_prefix('0').expect("open")).expect("JSON");
    open["sid"].as_str().expect("a sid").to_owned()
}
