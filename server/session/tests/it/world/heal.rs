//! No more faults: the world has to come to rest, with nothing missing.

use super::client::Membership;
use super::steps::Run;
use super::{ROOMS, World};

/// Far more rounds than any world needs.
const ROUNDS_MAX: usize = 4000;

impl World {
    pub(crate) fn heal(&mut self) {
        for server in &mut self.servers {
            for (room, log) in self.logs.iter().enumerate() {
                server.source[room] = log.current();
                server.head[room] = log.tail(log.current());
            }
        }
        let rests = (0..ROUNDS_MAX).any(|_| !self.round() && !self.flush());
        if !rests {
            self.violation.get_or_insert("never comes to rest");
        }
        for client in self.clients.iter().filter(|client| !client.hostile) {
            for room in 0..ROOMS {
                let log = &self.logs[room];
                match client.rooms[room] {
                    Membership::Out => {}
                    Membership::In if client.seen[room] == log.at(log.current(), log.tail(log.current())) => {}
                    Membership::In => {
                        self.violation.get_or_insert("at rest, but not at the end of the room");
                    }
                    Membership::Joining | Membership::Leaving => {
                        self.violation.get_or_insert("a request without an answer");
                    }
                }
            }
        }
    }

    /// Each kind of step once; `true` if any did something.
    fn round(&mut self) -> bool {
        self.reached.steps += 1;
        let mut busy = false;
        for c in self.live.clone() {
            for room in 0..ROOMS {
                busy |= self.deliver(c, room);
            }
        }
        let mut told = |name: &str, done: Option<String>, trace: &mut Option<Vec<String>>| {
            busy |= done.is_some();
            if let (Some(done), Some(trace)) = (done, trace) {
                trace.push(format!(" heal {name:10} {done}"));
            }
        };
        let steps: [(&str, Run); 14] = [
            ("open", Self::open_next),
            ("read", Self::read_next),
            ("work", Self::work_next),
            ("apply", Self::apply_next),
            ("replicate", Self::replicate_next),
            ("answer", Self::answer_next),
            ("give", Self::give_next),
            ("arrive", Self::arrive_next),
            ("give up", Self::give_up_next),
            ("write", |world| world.write_out(true)),
            ("receive", |world| world.receive_next(true)),
            ("see", Self::see_next),
            ("notice", Self::notice_next),
            ("told", Self::tell_next),
        ];
        for (name, step) in steps {
            let done = step(self);
            told(name, done, &mut self.trace);
        }
        busy
    }

    /// At rest: what is still dirty is pinged for, as the next heartbeat would do.
    fn flush(&mut self) -> bool {
        let mut busy = false;
        for c in self.live.clone() {
            let connection = &self.connections[c];
            let wants = |owned: &super::connection::Owned| owned.machine.dirty_len() > 1 && owned.pings.is_empty();
            if connection.client_open && connection.session.as_ref().is_some_and(wants) {
                self.ping(c);
                busy = true;
            }
        }
        busy
    }
}
