//! The floor: the least that a chat server on Linux can do for a delivery.
//!
//! One thread, epoll, one `send` a member and batch. No runtime, no HTTP library, no heartbeat, no bound on what is
//! queued, no session, no access rule, no error handling beyond hanging up; not a chat server, but what one has to be
//! compared with. The frames have the form and size of the real server's, so the bytes on the wire are the same.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use chat_bench::scan;
use chat_wire::websocket::{Message, Reader, Step, accept_key, encode_text};
use clap::Parser;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

const LISTENER: u64 = u64::MAX;
const MESSAGE_BYTES_MAX: usize = 1 << 20;

/// The least that a chat server can do for a delivery.
#[derive(Debug, Parser)]
struct Cli {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:9100")]
    listen: String,
}

struct Client {
    stream: TcpStream,
    upgraded: bool,
    unsent: Vec<u8>,
}

#[derive(Default)]
struct Room {
    members: Vec<usize>,
    tail: u64,
    /// Frames of this turn.
    pending: Vec<u8>,
}

struct Floor {
    epoll: rustix::fd::OwnedFd,
    clients: Vec<Option<Client>>,
    rooms: HashMap<Vec<u8>, Room>,
    busy: Vec<Vec<u8>>,
}

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(Cli::parse().listen)?;
    listener.set_nonblocking(true)?;
    // The standard library listens with a backlog of 128; a storm needs more.
    rustix::net::listen(&listener, 4096)?;
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
    let mut floor = Floor { epoll, clients: Vec::new(), rooms: HashMap::new(), busy: Vec::new() };
    let mut events = Vec::with_capacity(256);
    let mut buffer = vec![0; 1 << 16];
    loop {
        events.clear();
        epoll::wait(&floor.epoll, spare_capacity(&mut events), None)?;
        for event in &events {
            match event.data.u64() {
                LISTENER => floor.accept(&listener)?,
                id => floor.ready(id as usize, &mut buffer),
            }
        }
        floor.flush_rooms();
    }
}

impl Floor {
    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            let free = self.clients.iter().rposition(Option::is_none).filter(|_| self.clients.len() > 20_000);
            let id = free.unwrap_or(self.clients.len());
            epoll::add(&self.epoll, &stream, EventData::new_u64(id as u64), EventFlags::IN)?;
            let client = Some(Client { stream, upgraded: false, unsent: Vec::new() });
            if id == self.clients.len() { self.clients.push(client) } else { self.clients[id] = client }
        }
    }

    fn ready(&mut self, id: usize, buffer: &mut [u8]) {
        let Some(client) = self.clients[id].as_mut() else { return };
        if !client.unsent.is_empty() {
            write(&self.epoll, id, client, &[]);
        }
        let len = match client.stream.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Ok(0) | Err(_) => return self.hang_up(id),
            Ok(len) => len,
        };
        let input = &mut buffer[..len];
        if !client.upgraded {
            client.upgraded = true;
            let Some(answer) = upgrade(input) else { return self.hang_up(id) };
            write(&self.epoll, id, client, &answer);
            return;
        }
        // A client's packets are small, and each comes in one piece on loopback: half a frame is an error here.
        let mut at = 0;
        let mut reader = Reader::new();
        while at < len {
            match reader.next(&mut input[at..], MESSAGE_BYTES_MAX) {
                Ok(Step::Message { message: Message::Text(text), used }) => {
                    self.packet(id, text.as_bytes());
                    at += used;
                }
                Ok(Step::Message { .. } | Step::Absorbed { .. } | Step::Incomplete { .. }) | Err(_) => {
                    return self.hang_up(id);
                }
            }
        }
    }

    fn packet(&mut self, id: usize, packet: &[u8]) {
        if packet.starts_with(b"40") {
            return self.send(id, br#"40{"sid":"AAAAAAAAAAAAAAAAAAAA"}"#);
        }
        let Some(ack) = packet.strip_prefix(b"42").and_then(scan::leading_number) else { return };
        let Some(name) = scan::field(packet, br#""room":""#) else { return };
        if !self.rooms.contains_key(name) {
            self.rooms.insert(name.to_vec(), Room::default());
        }
        let Some(room) = self.rooms.get_mut(name) else { return };
        if memchr::memmem::find(packet, br#"["join""#).is_some() {
            room.members.push(id);
            let tail = room.tail;
            return self.send(id, format!(r#"43{ack}[{{"ok":true,"from":"1-{tail}"}}]"#).as_bytes());
        }
        room.tail += 1;
        if room.pending.is_empty() {
            self.busy.push(name.to_vec());
        }
        let text = |bytes: Option<&[u8]>| String::from_utf8_lossy(bytes.unwrap_or_default()).into_owned();
        let (name, n) = (text(Some(name)), room.tail);
        let (key, body) = (text(scan::field(packet, br#""id":""#)), text(scan::field(packet, br#""text":""#)));
        let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let entry = format!(
            r#"42["message",{{"room":"{name}","position":"1-{n}","at":{at},"id":"{key}","from":{{"id":"g-AAAAAAAAAAAAAAAA","name":"b{id}"}},"kind":"message","text":"{body}"}},"r:{name}:1-{n}"]"#
        );
        encode_text(entry.as_bytes(), &mut room.pending);
        self.send(id, format!(r#"43{ack}[{{"ok":true,"position":"1-{n}","at":{at}}}]"#).as_bytes());
    }

    fn send(&mut self, id: usize, packet: &[u8]) {
        let mut frame = Vec::new();
        encode_text(packet, &mut frame);
        if let Some(client) = &mut self.clients[id] {
            write(&self.epoll, id, client, &frame);
        }
    }

    fn flush_rooms(&mut self) {
        for name in self.busy.drain(..) {
            let Some(room) = self.rooms.get_mut(&name) else { continue };
            for &id in &room.members {
                if let Some(client) = &mut self.clients[id] {
                    write(&self.epoll, id, client, &room.pending);
                }
            }
            room.pending.clear();
        }
    }

    fn hang_up(&mut self, id: usize) {
        self.clients[id] = None;
        for room in self.rooms.values_mut() {
            room.members.retain(|&member| member != id);
        }
    }
}

/// Writes what fits and keeps the rest until the socket takes more.
fn write(epoll: &rustix::fd::OwnedFd, id: usize, client: &mut Client, bytes: &[u8]) {
    let waited = !client.unsent.is_empty();
    let written = if waited {
        client.unsent.extend_from_slice(bytes);
        let written = client.stream.write(&client.unsent).unwrap_or(0);
        client.unsent.drain(..written);
        written
    } else {
        let written = client.stream.write(bytes).unwrap_or(0);
        client.unsent.extend_from_slice(&bytes[written..]);
        written
    };
    let waits = !client.unsent.is_empty();
    if waits != waited {
        let flags = if waits { EventFlags::IN | EventFlags::OUT } else { EventFlags::IN };
        // A socket that cannot be watched is found dead at its next read.
        let _ = epoll::modify(epoll, &client.stream, EventData::new_u64(id as u64), flags);
    }
    let _ = written;
}

/// The answer to an upgrade, and Engine.IO's open packet after it.
fn upgrade(request: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(request).ok()?;
    let key = text.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))?;
    let accept = accept_key(key.trim());
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
    )
    .into_bytes();
    let open = br#"0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}"#;
    encode_text(open, &mut answer);
    Some(answer)
}
