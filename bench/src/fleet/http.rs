//! As much of HTTP/1.1 as a polling client needs: requests with fixed headers, answers with a length.

use super::target::Target;

/// The sample key of RFC 6455: a server cannot tell it from a fresh one, and nothing here caches.
const WEBSOCKET_KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// An answer's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) status: u16,
    /// Bytes of the head, with the empty line at its end.
    pub(super) len: usize,
    /// Bytes of the body.
    pub(super) body_len: usize,
    /// The server ends the connection after this answer.
    pub(super) close: bool,
}

/// The answer is not one that we can read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadHead;

/// Appends the request to upgrade to WebSocket.
pub(super) fn push_upgrade(target: &Target, out: &mut Vec<u8>) {
    let Target { path, host, .. } = target;
    out.extend_from_slice(
        format!(
            "GET {path}?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {WEBSOCKET_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Appends the upgrade request of a session that is on polling.
pub(super) fn push_move(target: &Target, sid: &str, out: &mut Vec<u8>) {
    let Target { path, host, .. } = target;
    out.extend_from_slice(
        format!(
            "GET {path}?EIO=4&transport=websocket&sid={sid} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {WEBSOCKET_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        .as_bytes(),
    );
}

/// Appends a polling GET; the first of a session has no `sid`.
pub(super) fn push_get(target: &Target, sid: &str, number: u32, out: &mut Vec<u8>) {
    let Target { path, host, .. } = target;
    let session = if sid.is_empty() { String::new() } else { format!("&sid={sid}") };
    out.extend_from_slice(
        format!("GET {path}?EIO=4&transport=polling&t={number}{session} HTTP/1.1\r\nHost: {host}\r\n\r\n").as_bytes(),
    );
}

/// Appends a polling POST.
pub(super) fn push_post(target: &Target, sid: &str, number: u32, body: &[u8], out: &mut Vec<u8>) {
    let Target { path, host, .. } = target;
    let len = body.len();
    out.extend_from_slice(
        format!(
            "POST {path}?EIO=4&transport=polling&t=p{number}&sid={sid} HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: text/plain;charset=UTF-8\r\nContent-Length: {len}\r\n\r\n"
        )
        .as_bytes(),
    );
    out.extend_from_slice(body);
}

/// Reads the head at the front of `input`; nothing while it is not whole.
pub(super) fn head(input: &[u8]) -> Result<Option<Head>, BadHead> {
    let Some(end) = memchr::memmem::find(input, b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&input[..end]).map_err(|_| BadHead)?;
    let mut lines = text.split("\r\n");
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()).ok_or(BadHead)?;
    let mut head = Head { status, len: end + 4, body_len: 0, close: false };
    for line in lines {
        let (name, value) = line.split_once(':').ok_or(BadHead)?;
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            head.body_len = value.parse().map_err(|_| BadHead)?;
        } else if name.eq_ignore_ascii_case("connection") {
            head.close = value.eq_ignore_ascii_case("close");
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(BadHead);
        }
    }
    Ok(Some(head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_length() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\nok";
        assert_eq!(head(answer), Ok(Some(Head { status: 200, len: 57, body_len: 2, close: true })));
        assert_eq!(head(&answer[..20]), Ok(None));
    }

    #[test]
    fn what_we_cannot_read_is_an_error() {
        assert_eq!(head(b"SMTP\r\n\r\n"), Err(BadHead));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Err(BadHead));
        assert_eq!(head(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n"), Err(BadHead));
    }
}
