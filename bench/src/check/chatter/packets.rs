//! What a client makes of the packets that come.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Asked, Chatters, Line, REFUSED_PAUSE, Stay};
use crate::check::position::Position;
use crate::check::record::Event;
use crate::fleet::{Ended, Handler, Reply};
use crate::scan;

/// Pause after a connection that the server ended.
const ENDED_PAUSE: Duration = Duration::from_millis(200);

impl Handler for Chatters {
    fn opened(&mut self, id: usize, reply: &mut Reply<'_>) {
        let chatter = &mut self.all[id];
        chatter.presented = chatter.pid.is_some();
        let mut auth = serde_json::Map::new();
        match &chatter.token {
            Some(token) => auth.insert("token".into(), token.clone().into()),
            None => auth.insert("name".into(), chatter.name.clone().into()),
        };
        for (key, value) in [("pid", &chatter.pid), ("offset", &chatter.offset)] {
            if let Some(value) = value {
                auth.insert(key.into(), value.clone().into());
            }
        }
        reply.send(format!("40{}", Value::Object(auth)).as_bytes());
    }

    fn message(&mut self, id: usize, packet: &[u8], _reply: &mut Reply<'_>) {
        let understood = match packet {
            [b'0', body @ ..] => self.connected(id, body),
            [b'2', body @ ..] => self.event(id, body),
            [b'3', ..] => self.answer(id, packet),
            [b'4', ..] => {
                // A stock client would stay away; here it tries again, and the run tells of it.
                self.note_trouble(id, "refused", packet);
                self.all[id].pid = None;
                Some(())
            }
            _ => None,
        };
        if understood.is_none() {
            self.note_trouble(id, "makes no sense", packet);
        }
    }

    fn ended(&mut self, id: usize, how: Ended) {
        self.down(id, &format!("{how:?}"), ENDED_PAUSE);
    }
}

fn position(value: &Value) -> Option<Position> {
    value.as_str()?.parse().ok()
}

impl Chatters {
    fn connected(&mut self, id: usize, body: &[u8]) -> Option<()> {
        let reply: Value = serde_json::from_slice(body).ok()?;
        let chatter = &mut self.all[id];
        chatter.pid = reply["pid"].as_str().map(str::to_owned);
        chatter.answered = true;
        Some(())
    }

    fn event(&mut self, id: usize, body: &[u8]) -> Option<()> {
        let arguments: Vec<Value> = serde_json::from_slice(body).ok()?;
        let chatter = &mut self.all[id];
        if !chatter.answered {
            self.note_trouble(id, "event before the connect reply", body);
            return Some(());
        }
        if chatter.pid.is_some()
            && let Some(Value::String(offset)) = arguments.last()
        {
            chatter.offset = Some(offset.clone());
        }
        let (name, argument) = (arguments.first()?.as_str()?, arguments.get(1)?);
        if name == "ready" {
            return self.ready(id, argument);
        }
        let Some(index) = chatter.room(argument["room"].as_str()?) else {
            self.note_trouble(id, "event of a room that it never joined", body);
            return Some(());
        };
        let room = &mut chatter.rooms[index];
        let name_of_room = room.name.clone();
        let event = match name {
            "joined" => {
                let from = position(&argument["from"])?;
                room.stay = Stay::In;
                room.last = Some(from);
                Event::Joined { room: name_of_room, from }
            }
            "message" => {
                let position = position(&argument["position"])?;
                room.last = Some(position);
                Event::Entry { room: name_of_room, position, id: argument["id"].as_str()?.to_owned() }
            }
            "gap" => {
                let (from, to) = (position(&argument["from"])?, position(&argument["to"])?);
                room.last = Some(to);
                Event::Gap { room: name_of_room, from, to, reset: argument["reason"].as_str()? == "reset" }
            }
            "void" => {
                let after = position(&argument["after"])?;
                room.last = Some(after);
                Event::Void { room: name_of_room, after }
            }
            "typing" | "presence" | "receipt" => return Some(()),
            _ => return None,
        };
        self.record(id, event);
        Some(())
    }

    /// The rooms are those that the server names: others are joined again, ones it knows more of are ours.
    fn ready(&mut self, id: usize, ready: &Value) -> Option<()> {
        let recovered = ready["recovered"].as_bool()?;
        let presented = self.all[id].presented;
        self.record(id, Event::Connected { recovered, presented });
        let chatter = &mut self.all[id];
        if let Some(token) = ready["token"].as_str() {
            chatter.token = Some(token.to_owned());
        }
        chatter.line = Line::Ready;
        let mut events = Vec::new();
        for room in &mut chatter.rooms {
            let listed = ready["rooms"].as_array()?.iter().find(|listed| listed["room"] == *room.name);
            match (listed, room.stay) {
                (Some(_), Stay::In | Stay::Leaving) => room.stay = Stay::In,
                (Some(listed), Stay::Out | Stay::Joining) => {
                    let from = position(&listed["position"])?;
                    room.stay = Stay::In;
                    room.last = Some(from);
                    events.push(Event::Joined { room: room.name.clone(), from });
                }
                (None, Stay::Leaving) => {
                    room.stay = Stay::Out;
                    events.push(Event::Left { room: room.name.clone() });
                }
                (None, Stay::Out | Stay::Joining | Stay::In) => room.stay = Stay::Out,
            }
        }
        for event in events {
            self.record(id, event);
        }
        Some(())
    }

    fn answer(&mut self, id: usize, packet: &[u8]) -> Option<()> {
        let (ack, arguments) = scan::ack(packet)?;
        let arguments: Vec<Value> = serde_json::from_slice(arguments).ok()?;
        let answer = arguments.first()?;
        let (asked, _) = self.all[id].asked.remove(&ack)?;
        if answer["ok"] == true { self.granted(id, asked, answer) } else { self.refused(id, asked, answer) }
    }

    fn granted(&mut self, id: usize, asked: Asked, answer: &Value) -> Option<()> {
        let chatter = &mut self.all[id];
        match asked {
            // `joined` came before the answer and said all; it may have been answered with a leave already.
            Asked::Join(room) => matches!(chatter.rooms[room].stay, Stay::In | Stay::Leaving).then_some(()),
            Asked::Leave(room) => {
                chatter.rooms[room].stay = Stay::Out;
                let name = chatter.rooms[room].name.clone();
                self.record(id, Event::Left { room: name });
                Some(())
            }
            Asked::Send(room) => {
                let room = &mut chatter.rooms[room];
                let (message, room) = (room.outbox.pop_front()?, room.name.clone());
                let durable = answer["replicated"] != false;
                self.record(id, Event::Acked { room, id: message, position: position(&answer["position"])?, durable });
                Some(())
            }
            Asked::History(room) => {
                let entries = answer["entries"].as_array()?;
                let next = entries.last().and_then(|last| last["position"].as_str()).map(str::to_owned);
                let more = answer["more"].as_bool()?;
                chatter.pages.insert(room, next.filter(|_| more));
                let name = chatter.rooms[room].name.clone();
                for entry in entries {
                    let id = entry["id"].as_str()?.to_owned();
                    let position = position(&entry["position"])?;
                    self.record_logged(Event::Logged { room: name.clone(), position, id });
                }
                Some(())
            }
        }
    }

    /// Everything is asked again after a pause; nothing is given up.
    fn refused(&mut self, id: usize, asked: Asked, answer: &Value) -> Option<()> {
        let code = answer["error"]["code"].as_str()?.to_owned();
        let pause = answer["error"]["retry_after_ms"].as_u64().map_or(REFUSED_PAUSE, Duration::from_millis);
        let retry_at = Instant::now() + pause.min(Duration::from_secs(10));
        *self.refusals.entry(code.clone()).or_default() += 1;
        self.record(id, Event::Refused { code });
        let chatter = &mut self.all[id];
        match asked {
            Asked::Join(room) => {
                chatter.rooms[room].stay = Stay::Out;
                chatter.rooms[room].retry_at = retry_at;
            }
            Asked::Leave(room) => {
                chatter.rooms[room].stay = Stay::In;
                chatter.rooms[room].retry_at = retry_at;
            }
            Asked::Send(room) => chatter.rooms[room].send_retry_at = retry_at,
            Asked::History(room) => drop(chatter.pages.insert(room, None)),
        }
        Some(())
    }
}
