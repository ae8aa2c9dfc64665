//! A client that polls, request by request, each to whichever server it is told.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Lines of the head, in lower case.
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The values of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.head.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).collect()
    }
}

/// A session on polling, as its client knows it.
pub(crate) struct Polling {
    pub(crate) sid: String,
    requests: u64,
}

impl Polling {
    /// Opens a session.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let answer = request(address, "GET", "", "").await;
        let sid = answer.body.strip_prefix(r#"0{"sid":""#).and_then(|rest| rest.split('"').next());
        Self { sid: sid.unwrap_or_else(|| panic!("instead of the handshake: {answer:?}")).to_owned(), requests: 0 }
    }

    /// Asks for packets.
    pub(crate) async fn get(&mut self, address: SocketAddr) -> Answer {
        self.request(address, "GET", "").await
    }

    /// Sends packets.
    pub(crate) async fn post(&mut self, address: SocketAddr, body: &str) -> Answer {
        self.request(address, "POST", body).await
    }

    async fn request(&mut self, address: SocketAddr, method: &str, body: &str) -> Answer {
        self.requests += 1;
        let session = format!("&sid={}&t={}", self.sid, self.requests);
        request(address, method, &session, body).await
    }
}

/// One request on a connection of its own. Dropping the future breaks it off.
pub(crate) async fn request(address: SocketAddr, method: &str, session: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("a server");
    let request = format!(
        "{method} /socket.io/?EIO=4&transport=polling{session} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://page\r\n\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head[9..12].parse().expect("a status");
    Answer { status, head: head.lines().map(str::to_lowercase).collect(), body: body.to_owned() }
}
