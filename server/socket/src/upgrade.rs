//! Takes the TCP stream of a WebSocket from hyper, and moves a session from polling to it.

use crate::application::Application;
use crate::counters::{Bound, Counters, MovedAs};
use crate::handshake;
use crate::moving;
use crate::peers::PeerError;
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
        let head = request.into_parts().0;
        match session {
            None => handshake::websocket(&server, &head, io, rest),
            Some(session) => upgrade(&server, &head, &session, io, rest).await,
        }
    });
}

/// Answers the probe and takes the upgrade packet; the session stays on polling until then, and if it never comes.
async fn upgrade<A: Application>(
    server: &Arc<Server<A>>,
    head: &Parts,
    session: &Session<A>,
    mut io: TcpStream,
    mut input: Vec<u8>,
) {
    let mut probed = false;
    let probing = probe(server, session, &mut io, &mut input, &mut probed);
    let upgraded = tokio::time::timeout(server.config().upgrade_timeout, probing).await;
    match (upgraded, session) {
        (Ok(true), Session::Here(socket)) => finish(socket, io, input),
        (Ok(true), Session::Elsewhere { owner, sid }) => moving::take(server, head, (*owner, sid), io, input).await,
        (failed, session) => {
            if failed.is_err() {
                server.counters().reached(Bound::UpgradeTimeout);
            }
            if probed {
                gone(server, session);
            }
        }
    }
}

/// Waits for `2probe` and `5`; `false` if something else came, or the end. `probed` says whether the session knows of it.
async fn probe<A: Application>(
    server: &Arc<Server<A>>,
    session: &Session<A>,
    io: &mut TcpStream,
    input: &mut Vec<u8>,
    probed: &mut bool,
) -> bool {
    let mut reader = Reader::new();
    loop {
        let (step, used) = match reader.next(input, PROBE_BYTES_MAX) {
            Ok(Step::Incomplete { .. }) => (None, 0),
            Ok(Step::Absorbed { used }) => (Some(Told::Nothing), used),
            Ok(Step::Message { message, used }) => (Some(told(message)), used),
            Err(_) => (Some(Told::Other), 0),
        };
        input.drain(..used);
        let mut answer = Vec::new();
        match step {
            None => match io.read_buf(input).await {
                Ok(count) if count > 0 => {}
                Ok(_) | Err(_) => return false,
            },
            Some(Told::Nothing) => {}
            Some(Told::Probe) if !*probed => {
                if !ask(server, session, probed).await {
                    return false;
                }
                websocket::encode_text(engine::PROBE_ANSWER.as_bytes(), &mut answer);
            }
            Some(Told::Upgrade) if *probed => return true,
            Some(Told::Pong(payload)) => websocket::encode(Opcode::Pong, &payload, &mut answer),
            Some(Told::Probe | Told::Upgrade | Told::Other) => return false,
        }
        if !answer.is_empty() && io.write_all(&answer).await.is_err() {
            return false;
        }
    }
}

/// Whether the session is ready to move to this WebSocket.
async fn ask<A: Application>(server: &Arc<Server<A>>, session: &Session<A>, probed: &mut bool) -> bool {
    match session {
        Session::Here(socket) => *probed = begin(socket).is_some(),
        Session::Elsewhere { owner, sid } => {
            // From here on the owner may know of it, even if its answer does not come.
            *probed = true;
            if let Err(error) = server.peers().probe(*owner, sid).await {
                server.counters().moved(error.into());
                *probed = error == PeerError::Slow;
                return false;
            }
        }
    }
    *probed
}

/// The WebSocket has probed and is gone.
fn gone<A: Application>(server: &Arc<Server<A>>, session: &Session<A>) {
    match session {
        Session::Here(socket) => {
            lost(socket, None);
        }
        Session::Elsewhere { owner, sid } => {
            server.counters().moved(MovedAs::ProbeLost);
            server.peers().probe_lost(*owner, sid);
        }
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

/// A WebSocket probes; the number of the probe, if the session is ready for it.
pub(crate) fn begin<A: Application>(socket: &Socket<A>) -> Option<u32> {
    let mut guard = socket.lock();
    if !guard.is_open() {
        return None;
    }
    let polling = guard.inner.polling.as_mut()?;
    match polling.transport.probe() {
        Probe::Answer { .. } => {
            polling.probes = polling.probes.wrapping_add(1);
            // The driver ends the waiting GET, with what there is to send or with a noop.
            socket.waker().wake();
            Some(polling.probes)
        }
        Probe::Refuse => None,
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

/// The WebSocket that probed is gone: the session stays on polling. `probe` is its number, where another one may have probed since.
/// `true` if the session was waiting for it.
pub(crate) fn lost<A: Application>(socket: &Socket<A>, probe: Option<u32>) -> bool {
    let mut guard = socket.lock();
    let Some(polling) = &mut guard.inner.polling else { return false };
    let waited = polling.transport.is_probing() && probe.is_none_or(|probe| probe == polling.probes);
    if waited {
        polling.transport.probe_lost();
    }
    waited
}
