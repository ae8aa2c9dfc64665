//! A client as the stock one behaves: keeps `pid`, offset and token, comes back with them, asks again what was not
//! answered, sends again under the same id, and joins from its own cursor where its session was not recovered.

mod packets;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use super::position::Position;
use super::record::{Event, Record, Recorder};

/// Without an answer for so long the client takes the connection for dead and makes a new one.
const ANSWER_MAX: Duration = Duration::from_secs(8);

/// Pause before a request that was refused is made again.
const REFUSED_PAUSE: Duration = Duration::from_millis(300);

/// How a client is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// Not, until then.
    Down {
        /// When to try again.
        retry_at: Instant,
    },
    /// On its way since then.
    Connecting {
        /// When it was started.
        since: Instant,
    },
    /// `ready` has come: requests may be made.
    Ready,
}

/// A client's standing in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    Out,
    /// Asked to join.
    Joining,
    In,
    /// Asked to leave.
    Leaving,
}

#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: String,
    pub(super) stay: Stay,
    /// Whether the client wants to be in.
    pub(super) wanted: bool,
    /// The next join is one from now on, not from the cursor.
    pub(super) afresh: bool,
    pub(super) last: Option<Position>,
    pub(super) retry_at: Instant,
    /// Ids of texts to be sent, one after the other, each until it is acknowledged. Rooms do not wait for each other.
    outbox: VecDeque<String>,
    send_retry_at: Instant,
}

/// A question on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Join(usize),
    Leave(usize),
    Send(usize),
    History(usize),
}

/// One client.
#[derive(Debug)]
pub(super) struct Chatter {
    pub(super) name: String,
    pub(super) line: Line,
    pub(super) rooms: Vec<Room>,
    token: Option<String>,
    pid: Option<String>,
    offset: Option<String>,
    /// The session of `pid` was presented at the last CONNECT.
    presented: bool,
    /// The CONNECT was answered; events before that would be kept over connections by a stock client.
    answered: bool,
    next_ack: u64,
    asked: HashMap<u64, (Asked, Instant)>,
    sent: u64,
    recorder: Recorder,
    /// Pages of the log asked for: room -> cursor of the next page, none when all came.
    pages: HashMap<usize, Option<String>>,
}

/// What the clients have done so far, for whoever waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Sends.
    pub sent: u64,
    /// Acknowledgements.
    pub acked: u64,
    /// Entries received.
    pub received: u64,
}

/// All clients of a run.
#[derive(Debug)]
pub struct Chatters {
    pub(super) all: Vec<Chatter>,
    pub(super) started: Instant,
    /// What was done so far.
    pub(super) progress: Progress,
    /// Where the log's own view is written.
    log: Recorder,
    failed: Option<io::Error>,
    /// Things that no server may do, told once each.
    pub trouble: Vec<String>,
    /// Refusals by code.
    pub refusals: HashMap<String, u64>,
}

impl Chatters {
    /// Clients that want to be in `rooms[k]` each.
    pub(super) fn new(clients: Vec<(Recorder, Vec<String>)>, log: Recorder, run: &str) -> Self {
        let now = Instant::now();
        let room = |name| Room {
            name,
            stay: Stay::Out,
            wanted: true,
            afresh: false,
            last: None,
            retry_at: now,
            outbox: VecDeque::new(),
            send_retry_at: now,
        };
        let chatter = |(index, (recorder, rooms)): (usize, (Recorder, Vec<String>))| Chatter {
            name: format!("{run}-{index}"),
            line: Line::Down { retry_at: now },
            rooms: rooms.into_iter().map(room).collect(),
            token: None,
            pid: None,
            offset: None,
            presented: false,
            answered: false,
            next_ack: 0,
            asked: HashMap::new(),
            sent: 0,
            recorder,
            pages: HashMap::new(),
        };
        Self {
            all: clients.into_iter().enumerate().map(chatter).collect(),
            started: now,
            progress: Progress::default(),
            log,
            failed: None,
            trouble: Vec::new(),
            refusals: HashMap::new(),
        }
    }

    /// Writes all histories out; the first error of any write comes here.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.log.flush()?;
        self.all.iter_mut().try_for_each(|chatter| chatter.recorder.flush())
    }

    pub(super) fn record(&mut self, id: usize, event: Event) {
        self.progress.count(&event);
        let at = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        let outcome = self.all[id].recorder.write(&Record { at, event });
        self.failed = self.failed.take().or(outcome.err());
    }

    fn record_logged(&mut self, event: Event) {
        let outcome = self.log.write(&Record { at: 0, event });
        self.failed = self.failed.take().or(outcome.err());
    }

    fn note_trouble(&mut self, id: usize, what: &str, packet: &[u8]) {
        if self.trouble.len() < 20 {
            let packet = String::from_utf8_lossy(&packet[..packet.len().min(300)]);
            self.trouble.push(format!("{}: {what}: {packet}", self.all[id].name));
        }
    }

    /// The connection is gone; everything unanswered is asked again on the next one.
    pub(super) fn down(&mut self, id: usize, how: &str, pause: Duration) {
        self.record(id, Event::Disconnected { how: how.to_owned() });
        let chatter = &mut self.all[id];
        chatter.line = Line::Down { retry_at: Instant::now() + pause };
        chatter.asked.clear();
        chatter.answered = false;
        chatter.pages.clear();
    }

    /// Puts a new text for one of the client's rooms into the room's outbox.
    pub(super) fn compose(&mut self, id: usize, room: usize) {
        let chatter = &mut self.all[id];
        chatter.sent += 1;
        let message = format!("{}-{}", chatter.name, chatter.sent);
        let event = Event::Sent { room: chatter.rooms[room].name.clone(), id: message.clone() };
        chatter.rooms[room].outbox.push_back(message);
        self.record(id, event);
    }

    /// Texts not acknowledged yet.
    pub(super) fn unsent(&self, id: usize) -> usize {
        self.all[id].rooms.iter().map(|room| room.outbox.len()).sum()
    }

    /// Texts for one of its rooms that are not acknowledged yet.
    pub(super) fn unsent_to(&self, id: usize, room: usize) -> usize {
        self.all[id].rooms[room].outbox.len()
    }

    /// Whether an answer is overdue, so that the connection must be given up.
    pub(super) fn is_overdue(&self, id: usize, now: Instant) -> bool {
        let chatter = &self.all[id];
        match chatter.line {
            Line::Down { .. } => false,
            Line::Connecting { since } => now.duration_since(since) > ANSWER_MAX,
            Line::Ready => chatter.asked.values().any(|(_, since)| now.duration_since(*since) > ANSWER_MAX),
        }
    }

    /// Asks for the log of a room, page by page.
    pub(super) fn ask_history(&mut self, id: usize, room: usize) {
        self.all[id].pages.insert(room, Some("0-0".to_owned()));
    }

    /// Whether all pages asked for have come.
    pub(super) fn has_all_pages(&self, id: usize) -> bool {
        self.all[id].pages.values().all(Option::is_none)
    }

    /// What a client that is ready has to ask now: joins, leaves, one text a room at a time, pages.
    pub(super) fn requests(&mut self, id: usize, now: Instant) -> Vec<Vec<u8>> {
        let chatter = &mut self.all[id];
        if chatter.line != Line::Ready {
            return Vec::new();
        }
        let mut requests = Vec::new();
        let mut joins = Vec::new();
        for index in 0..chatter.rooms.len() {
            let room = &mut chatter.rooms[index];
            if room.retry_at > now {
                continue;
            }
            let name = room.name.clone();
            match (room.wanted, room.stay) {
                (true, Stay::Out) => {
                    let after = if std::mem::take(&mut room.afresh) { None } else { room.last };
                    room.stay = Stay::Joining;
                    let cursor = after.map_or_else(String::new, |after| format!(r#","after":"{after}""#));
                    requests.push(chatter.ask("join", &format!(r#""room":"{name}"{cursor}"#), Asked::Join(index)));
                    joins.push(Event::Join { room: name, after });
                }
                (false, Stay::In) => {
                    room.stay = Stay::Leaving;
                    requests.push(chatter.ask("leave", &format!(r#""room":"{name}""#), Asked::Leave(index)));
                }
                (true, Stay::Joining | Stay::In | Stay::Leaving)
                | (false, Stay::Out | Stay::Joining | Stay::Leaving) => {}
            }
        }
        for index in 0..chatter.rooms.len() {
            let room = &chatter.rooms[index];
            if let Some(message) = room.outbox.front()
                && room.send_retry_at <= now
                && room.stay == Stay::In
                && !chatter.asked.values().any(|(asked, _)| *asked == Asked::Send(index))
            {
                let body = format!(r#""room":"{}","id":"{message}","text":"text of {message}""#, room.name);
                requests.push(chatter.ask("send", &body, Asked::Send(index)));
            }
        }
        let pages: Vec<_> = chatter.pages.iter().filter_map(|(room, page)| Some((*room, page.clone()?))).collect();
        for (room, after) in pages {
            if !chatter.asked.values().any(|(asked, _)| *asked == Asked::History(room)) {
                let body = format!(r#""room":"{}","after":"{after}","limit":100"#, chatter.rooms[room].name);
                requests.push(chatter.ask("history", &body, Asked::History(room)));
            }
        }
        for join in joins {
            self.record(id, join);
        }
        requests
    }
}

impl Progress {
    fn count(&mut self, event: &Event) {
        self.sent += u64::from(matches!(event, Event::Sent { .. }));
        self.acked += u64::from(matches!(event, Event::Acked { .. }));
        self.received += u64::from(matches!(event, Event::Entry { .. }));
    }
}

impl Chatter {
    fn ask(&mut self, event: &str, body: &str, asked: Asked) -> Vec<u8> {
        let ack = self.next_ack;
        self.next_ack += 1;
        self.asked.insert(ack, (asked, Instant::now()));
        format!(r#"42{ack}["{event}",{{{body}}}]"#).into_bytes()
    }

    fn room(&self, name: &str) -> Option<usize> {
        self.rooms.iter().position(|room| room.name == name)
    }
}
