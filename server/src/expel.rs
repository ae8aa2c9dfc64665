//! The end of a stay whose user was put out of the room, or whose room is another by now.
//!
//! The entry that says so stops the delivery at its place, on every server and in every catch-up. Whether the user is really no member is then asked
//! of the store: the same entry is met by those who were invited again later and read the room's past. Until that is answered nothing is
//! delivered; who is a member goes on right there, and who is none leaves. In the same way a stay is looked into whose room's log has begun anew: the room
//! may have been lost as a whole, and made anew as a private one.

use crate::carry;
use crate::chat::Chat;
use crate::connection::Behind;
use crate::feeder;
use crate::room::Room;
use crate::rooms::find::may_stay;
use chat_log::Position;
use chat_session::{Effect, Failed, JoinNumber, Leave, LeaveAsked};
use chat_socket::{CloseReason, Guard, Socket};
use std::sync::Arc;
use std::time::Duration;

/// How long to wait before something that did not answer is asked again.
const RETRY: Duration = Duration::from_millis(100);

/// How often, before the connection is closed: its client comes back, and its rooms are looked at then.
const TRIES_MAX: usize = 50;

/// Stops the delivery of a stay after `at`, and has it looked into. The caller takes the member out of its chunk.
pub fn doubt(
    chat: &Arc<Chat>,
    socket: &Arc<Socket<Chat>>,
    guard: &mut Guard<'_, Chat>,
    room: &Arc<Room>,
    join: JoinNumber,
    at: Position,
) {
    // Neither live nor behind: nobody delivers to it.
    if let Some(session) = &mut guard.app().session {
        session.set_place(join, 0);
    }
    guard.app().not_behind(join);
    let stay =
        Doubted { chat: chat.clone(), socket: socket.clone(), life: guard.app().life, room: room.clone(), join, at };
    tokio::spawn(stay.resolve());
}

/// A stay of which nobody knows whether it may go on.
struct Doubted {
    chat: Arc<Chat>,
    socket: Arc<Socket<Chat>>,
    life: u32,
    room: Arc<Room>,
    join: JoinNumber,
    at: Position,
}

/// What is to be done next.
enum Next {
    Done,
    Again,
    Write(chat_session::Pid, Leave),
}

impl Doubted {
    async fn resolve(self) {
        for _ in 0..TRIES_MAX {
            let Some(user) = self.socket.lock().app().user.clone() else { return };
            match may_stay(&self.chat, &self.room, &user.id).await {
                Ok(true) => return self.go_on(),
                Ok(false) => match self.leave() {
                    Next::Done => return,
                    Next::Again => {}
                    Next::Write(pid, leave) => {
                        let written = self.chat.records().leave(pid, &leave).await;
                        return self.left(leave, written);
                    }
                },
                Err(_) => {}
            }
            tokio::time::sleep(RETRY).await;
        }
        let mut guard = self.socket.lock();
        if guard.app().life == self.life {
            guard.close(CloseReason::Server);
        }
    }

    /// The user is a member again.
    fn go_on(&self) {
        let mut guard = self.socket.lock();
        if guard.app().life == self.life {
            guard.app().fall_behind(Behind::at(self.room.clone(), self.join, self.at));
            feeder::wake(&self.chat, &self.socket, &mut guard);
        }
    }

    fn leave(&self) -> Next {
        let mut guard = self.socket.lock();
        let life = guard.app().life;
        let Some(session) = guard.app().session.as_mut().filter(|_| life == self.life) else { return Next::Done };
        if session.stay(self.join).is_none() {
            return Next::Done;
        }
        let (asked, pid) = (session.leave(self.room.name()), session.pid());
        match (asked, pid) {
            (LeaveAsked::Write(leave), Some(pid)) => Next::Write(pid, leave),
            (LeaveAsked::Done(effects), _) => {
                self.carry_out(&mut guard, effects);
                Next::Done
            }
            (LeaveAsked::NotMember, _) => Next::Done,
            // A request about rooms is with the store.
            (LeaveAsked::Busy | LeaveAsked::Write(_), _) => Next::Again,
        }
    }

    fn left(&self, leave: Leave, written: Result<(), Failed>) {
        let mut guard = self.socket.lock();
        let life = guard.app().life;
        let Some(session) = guard.app().session.as_mut().filter(|_| life == self.life) else { return };
        let effects = session.left(leave, written);
        self.carry_out(&mut guard, effects);
    }

    fn carry_out(&self, guard: &mut Guard<'_, Chat>, effects: Vec<Effect<Arc<Room>>>) {
        let user = guard.app().user.clone();
        for effect in effects {
            match effect {
                Effect::Unfollow(stay) => {
                    if let Some(user) = &user {
                        carry::unfollow(&self.chat, guard, user, &stay);
                    }
                }
                // The record still has the room: the client comes back, and is not let in again.
                Effect::Nack => guard.close(CloseReason::Server),
                Effect::Close(failed) => guard.close(carry::closing(failed)),
                // Nobody has asked, so that nobody is answered.
                Effect::Ack
                | Effect::Joined { .. }
                | Effect::Follow(_)
                | Effect::Reply { .. }
                | Effect::Ready { .. } => {}
            }
        }
    }
}
