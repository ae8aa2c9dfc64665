//! A Socket.IO client that keeps pid and offset as stock clients do, and remembers all that it was sent.

use crate::wait::DEADLINE;
use crate::wire::{Got, Wire};
use chat_log::Position;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use tokio::time::{Instant, timeout_at};

/// What a client was told of a room, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// A stay begins.
    Joined(Position),
    /// An entry, with its id.
    Entry(Position, String),
    /// Entries that cannot be had.
    Gap { from: Position, to: Position, reason: String },
    /// Entries to withdraw.
    Void { after: Position },
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By a close frame with this code.
    Closed(Option<u16>),
    /// Without one.
    Lost,
}

/// A connected client.
pub(crate) struct Client {
    pub(crate) wire: Wire,
    pub(crate) away: Away,
    /// Whether it answers heartbeats.
    pub(crate) answers_pings: bool,
    /// Heartbeats that it has not answered.
    pub(crate) owed: usize,
    /// The last `ready`.
    pub(crate) ready: Value,
    /// What it was told of private rooms that are its user's or no longer are.
    pub(crate) rooms: Vec<Value>,
    /// Volatile events, by name.
    pub(crate) volatile: Vec<(String, Value)>,
    /// How the connection ended.
    pub(crate) ended: Option<End>,
    answers: BTreeMap<u64, Value>,
    next: u64,
}

/// What a client keeps over its connections.
#[derive(Clone)]
pub(crate) struct Away {
    pub(crate) address: SocketAddr,
    pub(crate) auth: Value,
    pub(crate) pid: Option<String>,
    pub(crate) offset: Option<String>,
    /// Durable events, by room.
    pub(crate) rooms: BTreeMap<String, Vec<Item>>,
    /// Durable events in all.
    pub(crate) count: usize,
}

impl Away {
    /// A client that was never connected.
    pub(crate) fn new(address: SocketAddr, auth: Value) -> Self {
        Self { address, auth, pid: None, offset: None, rooms: BTreeMap::new(), count: 0 }
    }

    /// Comes back, or for the first time.
    pub(crate) async fn back(self) -> Client {
        let wire = Wire::open(self.address).await;
        self.back_on(wire).await
    }

    /// Comes back on this WebSocket.
    pub(crate) async fn back_on(self, mut wire: Wire) -> Client {
        wire.send(&format!("40{}", self.credentials())).await;
        let mut client = self.on(wire);
        client.until("the connect reply and `ready`", |client| !client.ready.is_null()).await;
        client
    }

    /// With this WebSocket, on which nothing was said yet.
    pub(crate) fn on(self, wire: Wire) -> Client {
        let (ready, ended, answers) = (Value::Null, None, BTreeMap::new());
        let (volatile, rooms) = (Vec::new(), Vec::new());
        Client { wire, away: self, answers_pings: true, owed: 0, ready, rooms, volatile, ended, answers, next: 0 }
    }

    /// What its CONNECT carries.
    pub(crate) fn credentials(&self) -> Value {
        let mut auth = self.auth.clone();
        for (key, value) in [("pid", &self.pid), ("offset", &self.offset)] {
            if let Some(value) = value {
                auth[key] = value.clone().into();
            }
        }
        auth
    }

    /// What it was told of a room.
    pub(crate) fn of(&self, room: &str) -> &[Item] {
        self.rooms.get(room).map_or(&[], Vec::as_slice)
    }

    /// The entries that it was sent of a room, each as often as it came.
    pub(crate) fn entries(&self, room: &str) -> Vec<(Position, &str)> {
        self.of(room)
            .iter()
            .filter_map(|item| match item {
                Item::Entry(at, id) => Some((*at, id.as_str())),
                Item::Joined(_) | Item::Gap { .. } | Item::Void { .. } => None,
            })
            .collect()
    }

    /// The numbers of those entries.
    pub(crate) fn numbers(&self, room: &str) -> Vec<u64> {
        self.entries(room).iter().map(|(at, _)| at.n).collect()
    }
}

impl Client {
    /// A guest of this name.
    pub(crate) async fn guest(address: SocketAddr, name: &str) -> Self {
        Away::new(address, json!({ "name": name })).back().await
    }

    /// Cuts the connection, without a word.
    pub(crate) fn cut(self) -> Away {
        self.wire.cut();
        self.away
    }

    /// Emits an event that wants an answer; returns its number.
    pub(crate) async fn emit(&mut self, event: &str, argument: &Value) -> u64 {
        let id = self.next;
        self.next += 1;
        self.wire.send(&format!("42{id}{}", json!([event, argument]))).await;
        id
    }

    /// Emits an event and waits for the answer.
    pub(crate) async fn call(&mut self, event: &str, argument: Value) -> Value {
        let id = self.emit(event, &argument).await;
        self.until(&format!("the answer to {event}"), |client| client.answers.contains_key(&id)).await;
        self.answers.remove(&id).expect("an answer")
    }

    /// As [`Self::call`]; the answer has to be a success.
    pub(crate) async fn ask(&mut self, event: &str, argument: Value) -> Value {
        let answer = self.call(event, argument.clone()).await;
        assert_eq!(answer["ok"], true, "{event} {argument}: {answer}");
        answer
    }

    /// The answers to what was emitted.
    pub(crate) async fn answers_to(&mut self, ids: &[u64]) -> Vec<Value> {
        self.until("the answers", |client| client.has_answers(ids)).await;
        ids.iter().filter_map(|id| self.answers.remove(id)).collect()
    }

    /// Whether these have come.
    pub(crate) fn has_answers(&self, ids: &[u64]) -> bool {
        ids.iter().all(|id| self.answers.contains_key(id))
    }

    /// Begins a stay.
    pub(crate) async fn join(&mut self, room: &str) {
        self.ask("join", json!({ "room": room })).await;
    }

    /// Sends a message of this id.
    pub(crate) async fn say(&mut self, room: &str, id: &str) -> Value {
        self.ask("send", message(room, id, 1)).await
    }

    /// Sends messages `first` to `last` with texts of so many bytes, many at once.
    pub(crate) async fn flood(&mut self, room: &str, first: u64, last: u64, bytes: usize) {
        let mut at = first;
        while at <= last {
            let end = last.min(at + 63);
            let mut ids = Vec::new();
            for n in at..=end {
                ids.push(self.emit("send", &message(room, &n.to_string(), bytes)).await);
            }
            for answer in self.answers_to(&ids).await {
                assert_eq!(answer["ok"], true, "{answer}");
            }
            at = end + 1;
        }
    }

    /// Reads until it was told so much of a room.
    pub(crate) async fn told(&mut self, room: &str, items: usize) {
        self.until(&format!("{items} items of {room}"), |client| client.away.of(room).len() >= items).await;
    }

    /// Takes what came by polling; how many pongs it owes for that.
    pub(crate) fn polled(&mut self, payload: &str) -> usize {
        let mut pings = 0;
        for packet in payload.split('\u{1e}') {
            match packet {
                "2" => pings += 1,
                "6" => {}
                packet => self.packet(packet),
            }
        }
        pings
    }

    /// Reads until the last entry of a room has this number.
    pub(crate) async fn reaches(&mut self, room: &str, n: u64) {
        let last = |client: &Self| match client.away.of(room).last() {
            Some(Item::Entry(at, _)) => at.n,
            Some(Item::Joined(_) | Item::Gap { .. } | Item::Void { .. }) | None => 0,
        };
        self.until(&format!("entry {n} of {room}"), |client| last(client) >= n).await;
    }

    /// Reads until the connection is over; the code of the close frame, if one came.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        self.until("the end of the connection", |client| client.ended.is_some()).await;
        match self.ended {
            Some(End::Closed(code)) => code,
            Some(End::Lost) | None => None,
        }
    }

    /// Reads until the condition holds.
    pub(crate) async fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + DEADLINE;
        while !holds(self) {
            assert!(self.ended.is_none(), "{what}: the connection ended, {:?}", self.ended);
            let Ok(got) = timeout_at(deadline, self.wire.next()).await else {
                panic!("{what}: not within {DEADLINE:?}; {} durable events came", self.away.count)
            };
            self.take(got).await;
        }
    }

    /// Answers the heartbeats that it owes.
    pub(crate) async fn pay(&mut self) {
        self.answers_pings = true;
        for _ in 0..std::mem::take(&mut self.owed) {
            self.wire.send("3").await;
        }
    }

    async fn take(&mut self, got: Got) {
        match got {
            Got::Text(text) if text == "2" => {
                self.owed += 1;
                if self.answers_pings {
                    self.pay().await;
                }
            }
            Got::Text(text) => self.packet(&text),
            Got::Close(code) => {
                self.wire.frame(true, chat_wire::websocket::Opcode::Close, &code.unwrap_or(1000).to_be_bytes()).await;
                self.ended = Some(End::Closed(code));
            }
            Got::End => self.ended = Some(End::Lost),
            Got::Binary(_) | Got::Pong(_) => panic!("nobody asked for {got:?}"),
        }
    }

    fn packet(&mut self, text: &str) {
        let (kind, data) = text.split_at(2);
        let json = data.trim_start_matches(|first: char| first.is_ascii_digit());
        let value: Value = serde_json::from_str(json).unwrap_or_else(|_| panic!("no JSON in {text}"));
        match kind {
            "40" => {
                let pid = value["pid"].as_str().map(str::to_owned);
                // A new pid does not touch the offset.
                self.away.pid = pid;
            }
            "42" => {
                assert!(json.len() == data.len(), "an event that wants an answer: {text}");
                assert!(self.away.pid.is_some() || self.away.auth["recovery"] == false, "before the reply: {text}");
                self.event(&value);
            }
            "43" => {
                let id = data[..data.len() - json.len()].parse().expect("the id of an answer");
                assert!(self.answers.insert(id, value[0].clone()).is_none(), "answered twice: {text}");
            }
            _ => panic!("unexpected: {text}"),
        }
    }

    fn event(&mut self, event: &Value) {
        let arguments = event.as_array().expect("an event");
        let (name, argument) = (arguments[0].as_str().expect("a name"), &arguments[1]);
        if let (Some(_), Some(offset)) = (&self.away.pid, arguments[1..].last().and_then(Value::as_str)) {
            self.away.offset = Some(offset.to_owned());
        }
        let at = |key: &str| argument[key].as_str().and_then(|at| at.parse().ok()).expect("a position");
        let item = match name {
            "ready" => {
                self.ready = argument.clone();
                return;
            }
            "room" => {
                assert_eq!(arguments.len() == 3, self.away.pid.is_some(), "an offset where there is recovery: {event}");
                self.rooms.push(argument.clone());
                return;
            }
            "presence" | "typing" | "receipt" => {
                assert!(arguments.len() == 2 && argument.is_object(), "it would be taken for an offset: {event}");
                self.volatile.push((name.to_owned(), argument.clone()));
                return;
            }
            "joined" => Item::Joined(at("from")),
            "message" => Item::Entry(at("position"), argument["id"].as_str().expect("an id").to_owned()),
            "gap" => {
                let reason = argument["reason"].as_str().expect("a reason").to_owned();
                Item::Gap { from: at("from"), to: at("to"), reason }
            }
            "void" => Item::Void { after: at("after") },
            _ => panic!("an event that is not documented: {event}"),
        };
        let room = argument["room"].as_str().expect("a room").to_owned();
        self.away.rooms.entry(room).or_default().push(item);
        self.away.count += 1;
    }
}

/// The argument of `send`.
pub(crate) fn message(room: &str, id: &str, bytes: usize) -> Value {
    json!({ "room": room, "id": id, "text": "x".repeat(bytes) })
}
