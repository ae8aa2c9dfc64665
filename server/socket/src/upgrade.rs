//! Takes the TCP stream of a WebSocket from hyper, and moves a session from polling to it.

use crate::application::Application;
use crate::counters::{Bound, Counters};
use crate::handshake;
use crate::server::Server;
use crate::sid::Boot;
use crate::socket::{Phase, Socket};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use chat_wire::engine::transport::{Probe, Upgrade};
use chat_wire::engine::{self, Packet};
use chat_wire::websocket::{self, Message, Opcode, Reader, Step};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest message before the upgrade: `2probe`, `5`, and a client's control frames.
const PROBE_BYTES_MAX: usize = 125;

/// The session that a request names.
pub(crate) enum Session<A: Application> {
    /// One of this server's.
    Here(Arc<Socket<A>>),
    /// One of another server's.
    Elsewhere {
        /// Whose.
        owner: Boot,
        /// Its id as it came.
        sid: String,
    },
}

/// The key of a WebSocket handshake (RFC 6455, section 4.2.1); `None` if the request is none.
pub(crate) fn key(headers: &HeaderMap) -> Option<&str> {
    let has = |name, token: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
    };
    let version = headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes() == b"13";
    let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?;
    (version && key.len() == 24 && has(header::UPGRADE, "websocket") && has(header::CONNECTION, "upgrade"))
        .then_some(key)
}

/// Waits for hyper to hand over the stream, then opens a session on it, or probes for the one that it names.
pub(crate) fn start<A: Application>(server: &Arc<Server<A>>, head: Parts, session: Option<Session<A>>) {
    let server = server.clone();
    tokio::spawn(async move {
        let mut request = Request::from_parts(head, ());
        let Ok(upgraded) = hyper::upgrade::on(&mut request).await else { return };
        let Ok(parts) = upgraded.downcast::<TokioIo<TcpStream>>() else {
            // Only our own `serve` feeds these routes, and it gives hyper nothing else.
            tracing::error!("a WebSocket came over something else than TCP");
            return;
        };
        let (io, rest) = (parts.io.into_inner(), Vec::from(parts.read_buf));
        match session {
            None => handshake::websocket(&server, &request.into_parts().0, io, rest),
            Some(Session::Elsewhere { .. }) => {}
            Some(Session::Here(socket)) => {
                let timeout = server.config().upgrade_timeout;
                if tokio::time::timeout(timeout, probe(&socket, io, rest)).await.is_err() {
                    server.counters().reached(Bound::UpgradeTimeout);
                    lost(&socket);
                }
            }
        }
    });
}

/// Answers the probe and takes the upgrade packet; the session stays on polling until then, and if it never comes.
async fn probe<A: Application>(socket: &Arc<Socket<A>>, mut io: TcpStream, mut input: Vec<u8>) {
    let mut reader = Reader::new();
    let mut probed = false;
    loop {
        let (step, used) = match reader.next(&mut input, PROBE_BYTES_MAX) {
            Ok(Step::Incomplete { .. }) => (None, 0),
            Ok(Step::Absorbed { used }) => (Some(Told::Nothing), used),
            Ok(Step::Message { message, used }) => (Some(told(message)), used),
            Err(_) => (Some(Told::Other), 0),
        };
        input.drain(..used);
        match step {
            None => match io.read_buf(&mut input).await {
                Ok(count) if count > 0 => {}
                Ok(_) | Err(_) => break,
            },
            Some(Told::Nothing) => {}
            Some(Told::Probe) if !probed => {
                if !begin(socket) {
                    return;
                }
                probed = true;
                let mut answer = Vec::new();
                websocket::encode_text(engine::PROBE_ANSWER.as_bytes(), &mut answer);
                if io.write_all(&answer).await.is_err() {
                    break;
                }
            }
            Some(Told::Upgrade) if probed => return finish(socket, io, input),
            Some(Told::Pong(payload)) => {
                let mut answer = Vec::new();
                websocket::encode(Opcode::Pong, &payload, &mut answer);
                if io.write_all(&answer).await.is_err() {
                    break;
                }
            }
            Some(Told::Probe | Told::Upgrade | Told::Other) => break,
        }
    }
    if probed {
        lost(socket);
    }
}

/// What a message before the upgrade says.
enum Told {
    Probe,
    Upgrade,
    /// A WebSocket ping, to be answered.
    Pong(Vec<u8>),
    Nothing,
    Other,
}

fn told(message: Message<'_>) -> Told {
    match message {
        Message::Text(engine::PROBE) => Told::Probe,
        Message::Text(text) if matches!(Packet::decode_text(text), Ok(Packet::Upgrade)) => Told::Upgrade,
        Message::Ping(payload) => Told::Pong(payload.to_vec()),
        Message::Pong(_) => Told::Nothing,
        Message::Text(_) | Message::Binary(_) | Message::Close(_) => Told::Other,
    }
}

fn begin<A: Application>(socket: &Socket<A>) -> bool {
    let mut guard = socket.lock();
    if !guard.is_open() {
        return false;
    }
    let Some(polling) = &mut guard.inner.polling else { return false };
    match polling.transport.probe() {
        Probe::Answer { .. } => {
            // The driver ends the waiting GET, with what there is to send or with a noop.
            socket.waker().wake();
            true
        }
        Probe::Refuse => false,
    }
}

fn finish<A: Application>(socket: &Arc<Socket<A>>, io: TcpStream, rest: Vec<u8>) {
    let mut guard = socket.lock();
    if guard.inner.phase != Phase::Open {
        return;
    }
    let Some(polling) = &mut guard.inner.polling else { return };
    match polling.transport.upgrade() {
        Upgrade::Done { held } => {
            if let Some(held) = held {
                polling.answer(Bytes::from_static(held.as_bytes()));
            }
            polling.rest = rest;
            socket.set_io(io);
            guard.wait_for_client();
            let counters = socket.server().counters();
            counters.upgraded.inc();
            counters.connections.with_label_values(&[Counters::transport(false)]).dec();
            counters.connections.with_label_values(&[Counters::transport(true)]).inc();
            socket.waker().wake();
        }
        Upgrade::Refuse => {}
    }
}

fn lost<A: Application>(socket: &Socket<A>) {
    if let Some(polling) = &mut socket.lock().inner.polling {
        polling.transport.probe_lost();
    }
}
