//! The first packet of a session, on either transport.

use crate::application::Application;
use crate::counters::Counters;
use crate::driver::Driver;
use crate::polling::Polling;
use crate::server::Server;
use crate::sid::Sid;
use crate::socket::Socket;
use axum::http::request::Parts;
use bytes::Bytes;
use chat_wire::engine::{Handshake, Transport};
use std::sync::Arc;
use tokio::net::TcpStream;

/// Opens a session on polling; its first payload is the answer.
pub(crate) fn polling<A: Application>(server: &Arc<Server<A>>, head: &Parts) -> Bytes {
    let sid = server.new_sid();
    let state = server.application().open(head);
    let socket = Socket::new(server.clone(), state, Some(Polling::new(sid, Transport::polling())));
    server.publish_sid(sid, &socket);
    opened(server, false);
    tokio::spawn(Driver::new(socket));
    open_packet(server, sid, true).into()
}

/// Opens a session on a WebSocket. `rest` is what came behind the handshake request. Nobody can ask for the session by
/// its sid, so it is told and forgotten.
pub(crate) fn websocket<A: Application>(server: &Arc<Server<A>>, head: &Parts, io: TcpStream, rest: Vec<u8>) {
    let state = server.application().open(head);
    let socket = Socket::new(server.clone(), state, None);
    socket.set_io(io);
    opened(server, true);
    socket.lock().send(&crate::Frame::text(&open_packet(server, server.new_sid(), false)));
    tokio::spawn(Driver::with_rest(socket, rest));
}

fn open_packet<A: Application>(server: &Server<A>, sid: Sid, upgrades: bool) -> Vec<u8> {
    let config = server.config();
    let mut packet = Vec::new();
    Handshake {
        sid: &sid.text(),
        upgrades,
        ping_interval_ms: config.ping_interval.as_millis() as u64,
        ping_timeout_ms: config.ping_timeout.as_millis() as u64,
        max_payload: config.max_payload as u64,
    }
    .encode(&mut packet);
    packet
}

fn opened<A: Application>(server: &Server<A>, websocket: bool) {
    let transport = Counters::transport(websocket);
    server.counters().opened.with_label_values(&[transport]).inc();
    server.counters().connections.with_label_values(&[transport]).inc();
}
