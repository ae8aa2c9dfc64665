//! A client's polling request on its way to the owner of the session: a line of JSON with what the owner needs of its head, then its body.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use bytes::{BufMut, Bytes, BytesMut};
use chat_socket::{Forwarded, Peer};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What an envelope may add to a body, in bytes.
pub const OVERHEAD_MAX: usize = 64 * 1024;

/// The headers that go along. Cookies and credentials of whatever stands before the server stay where they are.
const HEADERS: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::USER_AGENT,
    header::ORIGIN,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
];

/// The head of a forwarded request.
#[derive(Serialize, Deserialize)]
pub(super) struct Envelope {
    method: String,
    query: String,
    headers: Vec<(String, String)>,
    client: Option<SocketAddr>,
}

impl Envelope {
    /// Puts a request into one.
    pub(super) fn seal(request: &Forwarded) -> Bytes {
        let Forwarded { head, body } = request;
        let headers = HEADERS.into_iter().flat_map(|name| {
            let values = head.headers.get_all(&name).iter().filter_map(|value| value.to_str().ok());
            values.map(move |value| (name.as_str().to_owned(), value.to_owned()))
        });
        let envelope = Self {
            method: head.method.to_string(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: headers.collect(),
            client: head.extensions.get::<Peer>().map(|peer| peer.0),
        };
        let mut sealed = BytesMut::new().writer();
        // A String takes all that is written; JSON holds no line break.
        let _ = serde_json::to_writer(&mut sealed, &envelope);
        let mut sealed = sealed.into_inner();
        sealed.put_u8(b'\n');
        sealed.put_slice(body);
        sealed.freeze()
    }

    /// Takes the request out again.
    pub(super) fn open(sealed: &Bytes) -> Option<Forwarded> {
        let end = sealed.iter().position(|byte| *byte == b'\n')?;
        let Self { method, query, headers, client } = serde_json::from_slice(&sealed[..end]).ok()?;
        let uri: Uri = format!("/?{query}").parse().ok()?;
        let method = Method::from_bytes(method.as_bytes()).ok()?;
        let (mut head, ()) = Request::builder().method(method).uri(uri).body(()).ok()?.into_parts();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
        }
        head.headers = map;
        if let Some(client) = client {
            head.extensions.insert(Peer(client));
        }
        Some(Forwarded { head, body: sealed.slice(end + 1..) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_request_comes_out_as_it_went_in() {
        let (mut head, ()) = Request::builder()
            .method("POST")
            .uri("/socket.io/?EIO=4&transport=polling&sid=abc&t=%20x")
            .header("content-type", "text/plain;charset=UTF-8")
            .header("x-forwarded-for", "203.0.113.9")
            .header("x-forwarded-for", "10.0.0.1")
            .header("cookie", "secret")
            .body(())
            .expect("a request")
            .into_parts();
        let client: SocketAddr = "192.0.2.1:4711".parse().expect("an address");
        head.extensions.insert(Peer(client));
        let body = Bytes::from_static(b"4x\n4y");
        let opened = Envelope::open(&Envelope::seal(&Forwarded { head, body: body.clone() })).expect("a request");
        assert_eq!(opened.body, body);
        assert_eq!(opened.head.method, Method::POST);
        assert_eq!(opened.head.uri.query(), Some("EIO=4&transport=polling&sid=abc&t=%20x"));
        assert_eq!(opened.head.headers.get_all("x-forwarded-for").iter().count(), 2);
        assert_eq!(opened.head.headers["content-type"], "text/plain;charset=UTF-8");
        assert_eq!(opened.head.headers.get("cookie"), None);
        assert_eq!(opened.head.extensions.get::<Peer>(), Some(&Peer(client)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::open(&bytes.into());
        }

        #[test]
        fn no_head_makes_it_panic(method in "\\PC{0,8}", query in "\\PC{0,30}", name in "\\PC{0,8}", value in "\\PC{0,8}") {
            let envelope = Envelope { method, query, headers: vec![(name, value)], client: None };
            let mut bytes = serde_json::to_vec(&envelope).expect("JSON");
            bytes.push(b'\n');
            let _ = Envelope::open(&bytes.into());
        }
    }
}
