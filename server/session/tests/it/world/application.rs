//! The application on a client, which is the oracle: it accepts an entry only on top of the one that it follows, unless a
//! gap was announced, and asks again for whatever has no answer.

use super::client::Membership;
use super::connection::{Body, Up};
use super::log::Node;
use super::{ROOMS, World};
use chat_log::Position;
use chat_session::{Rule, holds};
use rand::Rng;

/// Holds what came of a room against what was seen last.
type Check = fn(&mut World, usize, Node, Node) -> Result<(), &'static str>;

impl World {
    /// Asks to join or leave.
    pub(crate) fn ask(&mut self, client: usize, room: usize, join: bool, after: Option<Position>) {
        let of = &mut self.clients[client];
        let Some(c) = of.connection else { return };
        of.requests += 1;
        let request = of.requests;
        of.pending.insert(request, (room, join));
        of.cursors[room] = after;
        of.rooms[room] = if join { Membership::Joining } else { Membership::Leaving };
        let up = if join { Up::Join { request, room, after } } else { Up::Leave { request, room } };
        self.connections[c].up.push_back(up);
    }

    /// What has no answer is asked again; after a fresh start rooms are joined from the cursor.
    pub(super) fn on_connect(&mut self, client: usize) {
        let of = &self.clients[client];
        let recovered = of.recovered;
        self.reached.recovered += usize::from(recovered);
        self.reached.connected_afresh += usize::from(!recovered);
        self.reached.recovered_with_rooms += usize::from(recovered && of.rooms.contains(&Membership::In));
        for room in 0..ROOMS {
            let of = &mut self.clients[client];
            match of.rooms[room] {
                Membership::Joining => {
                    let after = of.cursors[room];
                    self.ask(client, room, true, after);
                }
                Membership::Leaving if recovered => self.ask(client, room, false, None),
                Membership::Leaving => of.rooms[room] = Membership::Out,
                Membership::In if !recovered => {
                    let from_cursor = !of.hostile && self.random.random_bool(0.7);
                    let cursor = from_cursor.then(|| self.logs[room].position(of.seen[room]));
                    self.ask(client, room, true, cursor);
                }
                Membership::In | Membership::Out => {}
            }
        }
    }

    pub(super) fn on_nack(&mut self, client: usize, request: u32) {
        let of = &mut self.clients[client];
        let Some((room, join)) = of.pending.remove(&request) else { return };
        let after = of.cursors[room];
        self.ask(client, room, join, after);
    }

    pub(super) fn on_ack(&mut self, client: usize, request: u32, room: usize, node: Node) {
        let (of, log) = (&mut self.clients[client], &self.logs[room]);
        let Some((_, join)) = of.pending.remove(&request) else { return };
        if join && !of.hostile && of.cursors[room].is_some_and(|cursor| log.n(node) > cursor.n) {
            self.violation.get_or_insert("joined later than asked");
        }
        of.rooms[room] = if join { Membership::In } else { Membership::Out };
        of.seen[room] = node;
    }

    /// An event, as the application sees it. Rooms whose request has no answer yet are not looked at.
    pub(super) fn on_event(&mut self, client: usize, body: &Body) -> Result<(), &'static str> {
        let of = &self.clients[client];
        let (room, node, check): (usize, Node, Check) = match *body {
            Body::Entry(room, node) if of.hostile => return self.on_entry_for_hostile(client, room, node),
            Body::Ready(listing) if of.recovered && of.connected && !of.hostile => {
                return self.on_ready(client, &listing);
            }
            Body::Entry(room, node) => (room, node, Self::on_entry),
            Body::Gap(room, node) if !of.hostile => (room, node, Self::on_gap),
            Body::Void(room, node) if !of.hostile => (room, node, Self::on_void),
            Body::Gap(..)
            | Body::Void(..)
            | Body::Ready(_)
            | Body::Reply(_)
            | Body::Joined
            | Body::Ack { .. }
            | Body::Nack { .. }
            | Body::Ping
            | Body::Volatile
            | Body::Close => return Ok(()),
        };
        match of.rooms[room] {
            Membership::Out => return Err("an entry of a room that was left"),
            Membership::Joining | Membership::Leaving => return Ok(()),
            Membership::In => {}
        }
        let last = of.seen[room];
        check(self, room, last, node)?;
        self.clients[client].seen[room] = node;
        Ok(())
    }

    fn on_entry(&mut self, room: usize, last: Node, node: Node) -> Result<(), &'static str> {
        self.reached.entries += 1;
        let log = &self.logs[room];
        if log.before(node) == last {
            return Ok(());
        }
        Err(match log.n(node) {
            n if n <= log.n(last) => "a duplicate",
            n if n > log.n(last) + 1 => "a silent hole",
            _ => "an entry on top of a void one",
        })
    }

    fn on_gap(&mut self, room: usize, last: Node, node: Node) -> Result<(), &'static str> {
        self.reached.gaps += 1;
        let log = &self.logs[room];
        let floor = log.branches.iter().map(|branch| branch.floor).max();
        let has_a_cause = log.n(node) > log.n(last) && Some(log.n(node)) <= floor;
        if has_a_cause { Ok(()) } else { Err("a gap that goes back or has no cause") }
    }

    fn on_void(&mut self, room: usize, last: Node, node: Node) -> Result<(), &'static str> {
        self.reached.voids += 1;
        let log = &self.logs[room];
        let current = log.current();
        let goes_back = log.n(node) <= log.n(last) && log.back(last, log.n(node)) == node;
        let stands = log.n(last) <= log.tail(current) && log.at(current, log.n(last)) == last;
        let has_a_cause = (goes_back && !stands) || !holds(Rule::GapOffset);
        if has_a_cause { Ok(()) } else { Err("a void without a cause") }
    }

    /// What comes after the start of a stay is no secret, and neither is another branch.
    fn on_entry_for_hostile(&self, client: usize, room: usize, node: Node) -> Result<(), &'static str> {
        let log = &self.logs[room];
        let n = log.n(node);
        let mut starts = self.clients[client].allowed[room].iter();
        let allowed = starts.any(|start| n > log.n(*start) || log.back(*start, n) != node);
        if allowed { Ok(()) } else { Err("reads what it may not") }
    }

    /// The rooms as the server takes them, at once after each connect.
    fn on_ready(&self, client: usize, listing: &[Option<u64>; ROOMS]) -> Result<(), &'static str> {
        let of = &self.clients[client];
        for (room, listed) in listing.iter().enumerate() {
            let seen = self.logs[room].n(of.seen[room]);
            match (of.rooms[room], *listed) {
                (Membership::In, None) => return Err("recovered, but a joined room is gone"),
                (Membership::In, Some(n)) if n < seen => return Err("recovered behind: duplicates"),
                (Membership::In, Some(n)) if n > seen => return Err("recovered ahead: a hole"),
                (Membership::Out, Some(_)) => return Err("recovered into a room that was left"),
                (Membership::In, Some(_))
                | (Membership::Out, None)
                | (Membership::Joining | Membership::Leaving, _) => {}
            }
        }
        Ok(())
    }
}
