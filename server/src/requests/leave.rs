//! `leave`: the end of a stay.

use super::{Answered, Call};
use crate::carry::{self, halt};
use crate::refusal::{Code, Refusal};
use chat_session::LeaveAsked;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(super) struct Leave {
    pub(super) room: String,
}

const DONE: &str = r#"{"ok":true}"#;

pub(super) async fn leave(call: Arc<Call>, request: Leave) -> Answered {
    let recorded = call.socket.lock().app().session.as_ref().is_some_and(|session| session.pid().is_some());
    let (asked, pid) = {
        // Without a record the stay ends at once; with one, its room is delivered until the write is answered.
        let mut guard = if recorded { call.socket.lock() } else { halt(&call.socket, &request.room) };
        let Some(session) = &mut guard.app().session else { return Ok(None) };
        (session.leave(&request.room), session.pid())
    };
    match (asked, pid) {
        (LeaveAsked::Write(write), Some(pid)) => {
            let written = call.chat.records().leave(pid, &write).await;
            let mut guard = match written {
                Ok(()) => halt(&call.socket, &request.room),
                Err(_) => call.socket.lock(),
            };
            let Some(session) = &mut guard.app().session else { return Ok(None) };
            let effects = session.left(write, written);
            carry::stay(&call, &mut guard, effects, || DONE.to_owned())
        }
        (LeaveAsked::Done(effects), _) => {
            let mut guard = call.socket.lock();
            carry::stay(&call, &mut guard, effects, || DONE.to_owned())
        }
        // A client asks again where it got no answer: what it wants is so.
        (LeaveAsked::NotMember, _) => Ok(Some(DONE.to_owned())),
        (LeaveAsked::Busy | LeaveAsked::Write(_), _) => {
            Err(Refusal::new(Code::Conflict, "another request is under way"))
        }
    }
}
