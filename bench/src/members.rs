//! The chat on the fleet's connections: connect, join one's rooms, count what comes.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::fleet::{Ended, Handler, Reply};
use crate::latency::Latencies;
use crate::layout::Layout;
use crate::scan;
use crate::seen::Seen;
use crate::tally::Tally;

/// One connection in this many measures latencies; all count deliveries.
const LATENCY_SAMPLE: usize = 16;

/// How far a member has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Never connected.
    Idle,
    /// On its way.
    Connecting,
    /// Connected; not in all its rooms yet.
    Joining,
    /// In all its rooms.
    Live,
    /// Was connected, is not any more.
    Gone,
}

#[derive(Debug)]
struct Member {
    stage: Stage,
    joined: u32,
    next_ack: u64,
    /// The ack id of the join on its way.
    join_ack: u64,
    seen: Box<[Seen]>,
    /// Was live once, so that what it lacks at the end is lost.
    counted: bool,
    resume: Option<Box<Resume>>,
}

/// What the stock client keeps for recovery.
#[derive(Debug, Default)]
struct Resume {
    pid: Vec<u8>,
    offset: Vec<u8>,
    recovered: bool,
}

/// A send on its way.
#[derive(Debug)]
struct Sending {
    room: usize,
    at: Instant,
}

/// All members and their counts.
#[derive(Debug)]
pub struct Members {
    layout: Layout,
    /// Tells this run's rooms from others'.
    prefix: String,
    all: Vec<Member>,
    /// Members by stage, in the order of [`Stage`].
    stages: [usize; 5],
    /// Highest number known a room.
    tails: Vec<u64>,
    /// Live members a room.
    sizes: Vec<u64>,
    sending: HashMap<(usize, u64), Sending>,
    sent: u64,
    owed: u64,
    failed: Vec<usize>,
    started: Instant,
    keeps_resume: bool,
    /// What came and what did not.
    pub tally: Tally,
    /// From send to delivery, sampled.
    pub deliveries: Latencies,
    /// From send to acknowledgement.
    pub acks: Latencies,
}

impl Members {
    /// `size` members, in rooms named `<prefix>-<number>`.
    pub fn new(size: usize, layout: Layout, prefix: &str, keeps_resume: bool) -> Self {
        let member = || Member {
            stage: Stage::Idle,
            joined: 0,
            next_ack: 0,
            join_ack: 0,
            seen: vec![Seen::default(); layout.each()].into(),
            counted: false,
            resume: keeps_resume.then(Box::default),
        };
        Self {
            layout,
            prefix: prefix.to_owned(),
            all: (0..size).map(|_| member()).collect(),
            stages: [size, 0, 0, 0, 0],
            tails: vec![0; layout.rooms()],
            sizes: vec![0; layout.rooms()],
            sending: HashMap::new(),
            sent: 0,
            owed: 0,
            failed: Vec::new(),
            started: Instant::now(),
            keeps_resume,
            tally: Tally::default(),
            deliveries: Latencies::default(),
            acks: Latencies::default(),
        }
    }

    /// Takes note that a connection is about to be made.
    pub fn connecting(&mut self, id: usize) {
        self.set_stage(id, Stage::Connecting);
    }

    /// How many are at a stage.
    pub fn at(&self, stage: Stage) -> usize {
        self.stages[stage as usize]
    }

    /// The stage of one.
    pub fn stage(&self, id: usize) -> Stage {
        self.all[id].stage
    }

    /// Those that failed to come in since the last call.
    pub fn take_failed(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.failed)
    }

    /// Takes note of an end that the load generator made.
    pub fn dropped(&mut self, id: usize) {
        self.set_stage(id, Stage::Gone);
    }

    /// Members whose session was recovered at their last connect.
    pub fn recovered(&self) -> usize {
        self.all.iter().filter(|member| member.resume.as_ref().is_some_and(|resume| resume.recovered)).count()
    }

    /// Deliveries that acknowledged sends still owe to live members, and sends without an answer.
    pub fn outstanding(&self) -> (u64, usize) {
        (self.owed.saturating_sub(self.tally.delivered), self.sending.len())
    }

    /// Members that lack entries which others have.
    pub fn behind(&self) -> usize {
        self.all.iter().enumerate().filter(|(id, member)| member.counted && self.lacks(*id, member) > 0).count()
    }

    /// Leaves a member out of the counts from now on.
    pub fn exclude(&mut self, id: usize) {
        if std::mem::take(&mut self.all[id].counted) {
            for slot in 0..self.layout.each() {
                self.sizes[self.layout.room(id, slot)] -= 1;
            }
        }
    }

    /// At the end: what never came is lost.
    pub fn close_books(&mut self) {
        let counted = self.all.iter().enumerate().filter(|(_, member)| member.counted);
        self.tally.lost += counted.map(|(id, member)| self.lacks(id, member)).sum::<u64>();
    }

    /// A `send` packet of `text_bytes` for a room, as member `id`. The text starts with the time.
    pub fn send_packet(&mut self, id: usize, room: usize, text_bytes: usize) -> Vec<u8> {
        let member = &mut self.all[id];
        let ack = member.next_ack;
        member.next_ack += 1;
        let now = Instant::now();
        self.sending.insert((id, ack), Sending { room, at: now });
        self.sent += 1;
        let us = now.duration_since(self.started).as_micros();
        let filler = text_bytes.saturating_sub(13);
        let (prefix, sent) = (&self.prefix, self.sent);
        format!(
            r#"42{ack}["send",{{"room":"{prefix}-{room}","id":"{prefix}-{sent}","text":"{us:012} {:x<filler$}"}}]"#,
            ""
        )
        .into_bytes()
    }

    fn lacks(&self, id: usize, member: &Member) -> u64 {
        let slots = member.seen.iter().enumerate();
        slots.map(|(slot, seen)| self.tails[self.layout.room(id, slot)].saturating_sub(seen.last())).sum()
    }

    fn set_stage(&mut self, id: usize, stage: Stage) {
        let old = std::mem::replace(&mut self.all[id].stage, stage);
        self.stages[old as usize] -= 1;
        self.stages[stage as usize] += 1;
    }

    /// Everything joined: from now on the member counts.
    fn live(&mut self, id: usize) {
        self.set_stage(id, Stage::Live);
        if !std::mem::replace(&mut self.all[id].counted, true) {
            for slot in 0..self.layout.each() {
                self.sizes[self.layout.room(id, slot)] += 1;
            }
        }
    }

    /// CONNECT was answered: go on with the rooms, unless the session came back with them.
    fn connected(&mut self, id: usize, packet: &[u8], reply: &mut Reply<'_>) {
        let member = &mut self.all[id];
        if let Some(resume) = &mut member.resume {
            let pid = scan::field(packet, br#""pid":""#).unwrap_or_default();
            resume.recovered = !pid.is_empty() && resume.pid == pid;
            pid.clone_into(&mut resume.pid);
            if resume.recovered {
                self.live(id);
                return;
            }
        }
        self.set_stage(id, Stage::Joining);
        self.all[id].joined = 0;
        self.join_next(id, reply);
    }

    /// Joins the next room; after the last one the member is live.
    fn join_next(&mut self, id: usize, reply: &mut Reply<'_>) {
        if self.all[id].joined as usize == self.layout.each() {
            self.live(id);
            return;
        }
        let packet = self.join_packet(id);
        reply.send(&packet);
    }

    /// Asks once more for the joins that were not answered: there are servers that lose an event right after the connect.
    pub fn ask_again(&mut self) -> Vec<(usize, Vec<u8>)> {
        let joining = |id: &usize| self.all[*id].stage == Stage::Joining;
        let silent: Vec<usize> = (0..self.all.len()).filter(joining).collect();
        self.tally.asked_again += silent.len() as u64;
        silent.into_iter().map(|id| (id, self.join_packet(id))).collect()
    }

    /// The join of the next room. A member that had entries asks for those after.
    fn join_packet(&mut self, id: usize) -> Vec<u8> {
        let member = &mut self.all[id];
        let slot = member.joined as usize;
        let ack = member.next_ack;
        member.next_ack += 1;
        member.join_ack = ack;
        let (prefix, room) = (&self.prefix, self.layout.room(id, slot));
        let after = match member.seen[slot].last() {
            n if member.counted => format!(r#","after":"1-{n}""#),
            _ => String::new(),
        };
        format!(r#"42{ack}["join",{{"room":"{prefix}-{room}"{after}}}]"#).into_bytes()
    }

    fn acked(&mut self, id: usize, ack: u64, arguments: &[u8], reply: &mut Reply<'_>) {
        let ok = memchr::memmem::find(arguments, br#""ok":true"#).is_some();
        let sending = self.sending.remove(&(id, ack));
        if !ok {
            self.tally.refused(scan::field(arguments, br#""code":""#).unwrap_or(b"unknown"));
            self.turned_away(id);
            return;
        }
        if let Some(Sending { room, at }) = sending {
            self.acks.note(at.elapsed());
            self.tally.acked += 1;
            self.owed += self.sizes[room];
            if let Some(n) = scan::position(arguments) {
                self.tails[room] = self.tails[room].max(n);
            }
        } else if self.all[id].stage == Stage::Joining && self.all[id].join_ack == ack {
            let member = &mut self.all[id];
            let from = scan::field(arguments, br#""from":""#).and_then(scan::number_of);
            if let (Some(seen), Some(from), false) = (member.seen.get_mut(member.joined as usize), from, member.counted)
            {
                *seen = Seen::after(from);
            }
            member.joined += 1;
            self.join_next(id, reply);
        } else if ack >= self.all[id].next_ack {
            // Others are late answers to joins that were asked again.
            self.tally.puzzling += 1;
        }
    }

    /// A CONNECT or a join was refused: it has to be tried anew.
    fn turned_away(&mut self, id: usize) {
        if matches!(self.all[id].stage, Stage::Connecting | Stage::Joining) {
            self.set_stage(id, Stage::Gone);
            self.failed.push(id);
        }
    }

    fn entry(&mut self, id: usize, packet: &[u8]) {
        let found = scan::entry(packet).and_then(|entry| Some((scan::trailing_number(entry.room)?, entry.n)));
        let Some((room, n)) = found else {
            self.tally.puzzling += 1;
            return;
        };
        let member = &mut self.all[id];
        let Some(seen) = self.layout.slot(id, room).and_then(|slot| member.seen.get_mut(slot)) else {
            self.tally.puzzling += 1;
            return;
        };
        let arrival = seen.note(n);
        self.tails[room] = self.tails[room].max(n);
        if member.counted || member.stage == Stage::Joining {
            self.tally.arrived(arrival);
        }
        if id.is_multiple_of(LATENCY_SAMPLE)
            && member.counted
            && let Some(us) = scan::field(packet, br#""text":""#).and_then(scan::leading_number)
        {
            let sent_at = self.started + Duration::from_micros(us);
            self.deliveries.note(sent_at.elapsed());
        }
    }
}

impl Handler for Members {
    fn opened(&mut self, id: usize, reply: &mut Reply<'_>) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let connect = match &self.all[id].resume {
            Some(resume) if !resume.pid.is_empty() => {
                let (pid, offset) = (text(&resume.pid), text(&resume.offset));
                format!(r#"40{{"name":"b{id}","pid":"{pid}","offset":"{offset}"}}"#)
            }
            _ => format!(r#"40{{"name":"b{id}"}}"#),
        };
        reply.send(connect.as_bytes());
    }

    fn message(&mut self, id: usize, packet: &[u8], reply: &mut Reply<'_>) {
        match packet {
            [b'0', ..] => self.connected(id, packet, reply),
            [b'2', ..] => {
                if packet.starts_with(br#"2["message","#) {
                    self.entry(id, packet);
                } else if packet.starts_with(br#"2["gap","#) {
                    self.tally.gaps += 1;
                } else if packet.starts_with(br#"2["void","#) {
                    self.tally.voids += 1;
                }
                if self.keeps_resume
                    && let Some(resume) = &mut self.all[id].resume
                    && let Some(offset) = scan::trailing_string(packet)
                {
                    offset.clone_into(&mut resume.offset);
                }
            }
            [b'3', ..] => match scan::ack(packet) {
                Some((ack, arguments)) => self.acked(id, ack, arguments, reply),
                None => self.tally.puzzling += 1,
            },
            [b'4', ..] => {
                self.tally.refused(scan::field(packet, br#""code":""#).unwrap_or(b"connect_error"));
                self.turned_away(id);
            }
            _ => self.tally.puzzling += 1,
        }
    }

    fn ended(&mut self, id: usize, how: Ended) {
        self.tally.ended(how);
        self.turned_away(id);
        self.set_stage(id, Stage::Gone);
    }
}
