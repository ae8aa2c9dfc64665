//! The transports of one session: which request is held, repeated, refused, and when the session has moved.
//!
//! A session that was opened on a WebSocket has no rules to keep and costs nothing here. One on polling has at most one
//! GET, which is held until there is something to send, and at most one POST at a time; and it may move to a WebSocket
//! once. The verbs are called as the requests come and end; what they return says how to answer. What is sent, and the
//! timers (a probe without an end, a heartbeat without an answer), are the caller's.
//!
//! Two rules carry the promise that no packet is lost or doubled:
//! - Browsers and proxies repeat requests whose answer they did not get. A request names itself by `t`, so a GET with
//!   the `t` of the one just answered gets **the same payload again**, never the next; a POST with the `t` of the one
//!   just handled is answered and not handled again. Without a `t` nothing can be told apart.
//! - Nothing goes to the WebSocket before the client said `5` on it, since what is on its way on polling comes later.
//!
//! And one that spares clients a replay: the close packet goes alone in its payload, because a client that reads
//! packets and the close at once keeps the packets for its next connection. Hence [`Transport::close`] is called when
//! the packets before it have been answered or given up.

mod verdict;

pub use verdict::{Cause, Close, Get, Post, Probe, Upgrade};

/// The state of a session's transports. Two words; polling keeps about 70 bytes beside it.
#[derive(Debug)]
pub struct Transport(State);

#[derive(Debug)]
enum State {
    WebSocket,
    Polling(Box<Polling>),
    Closed,
}

#[derive(Debug, Default)]
struct Polling {
    /// The GET that is held.
    get: Option<Mark>,
    /// The GET that was answered last.
    answered: Option<Mark>,
    /// The POST whose body is being read.
    post: Option<Mark>,
    /// The POST that was handled last.
    posted: Option<Mark>,
    phase: Phase,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Stay,
    /// A WebSocket has answered a probe; the client will say `5` on it.
    Probing,
    /// The next GET gets the close packet.
    Closing,
}

/// A request's `t` as a hash of fixed size; none where it has no `t`.
///
/// Two marks of one client that collide cost that client its session at worst, and are one in 2^64.
type Mark = Option<u64>;

impl Transport {
    /// A session opened on a WebSocket.
    pub const fn websocket() -> Self {
        Self(State::WebSocket)
    }

    /// A session opened by polling. The caller answers the GET that opened it with the open packet; a repeat of that
    /// GET names no session, so it opens another one, which times out.
    pub fn polling() -> Self {
        Self(State::Polling(Box::default()))
    }

    /// Whether packets go to a WebSocket now.
    pub fn is_websocket(&self) -> bool {
        matches!(self.0, State::WebSocket)
    }

    /// Whether the session has ended: all further requests are refused.
    pub fn is_closed(&self) -> bool {
        matches!(self.0, State::Closed)
    }

    /// Whether a GET is held, so that packets can be sent now.
    pub fn has_get(&self) -> bool {
        match &self.0 {
            State::Polling(polling) => polling.get.is_some(),
            State::WebSocket | State::Closed => false,
        }
    }

    /// Whether a WebSocket has probed and not yet said `5`.
    pub fn is_probing(&self) -> bool {
        match &self.0 {
            State::Polling(polling) => polling.phase == Phase::Probing,
            State::WebSocket | State::Closed => false,
        }
    }

    /// A GET for the session has come.
    pub fn get(&mut self, t: Option<&str>) -> Get {
        let State::Polling(polling) = &mut self.0 else {
            return Get::Refuse;
        };
        let mark = mark(t);
        if polling.get.is_some() {
            self.0 = State::Closed;
            return Get::Conflict;
        }
        if mark.is_some() && polling.answered == Some(mark) {
            return Get::Repeat;
        }
        match polling.phase {
            Phase::Stay => {
                polling.get = Some(mark);
                Get::Hold
            }
            Phase::Probing => {
                polling.get = Some(mark);
                Get::Flush
            }
            Phase::Closing => {
                self.0 = State::Closed;
                Get::Close
            }
        }
    }

    /// The held GET has been answered. Its payload is to be kept until the next call of this, for [`Get::Repeat`].
    pub fn answered(&mut self) {
        if let State::Polling(polling) = &mut self.0
            && let Some(mark) = polling.get.take()
        {
            polling.answered = Some(mark);
        }
    }

    /// The held GET was broken off by its client before it was answered. Returns whether the session ends by it; it
    /// does not if the answer was under way already, or the session has moved or ended.
    #[must_use]
    pub fn get_cancelled(&mut self) -> bool {
        let held = self.has_get();
        if held {
            self.0 = State::Closed;
        }
        held
    }

    /// A POST for the session has come; its body may not be read yet.
    pub fn post(&mut self, t: Option<&str>) -> Post {
        let State::Polling(polling) = &mut self.0 else {
            return Post::Refuse;
        };
        let mark = mark(t);
        if polling.post.is_some() {
            return Post::Overlap { held: self.end(Cause::Server) };
        }
        if mark.is_some() && polling.posted == Some(mark) {
            return Post::Repeat;
        }
        match polling.phase {
            Phase::Stay | Phase::Probing => {
                polling.post = Some(mark);
                Post::Take
            }
            Phase::Closing => Post::Refuse,
        }
    }

    /// The POST's body is read whole. Returns whether its packets are to be handled and `ok` answered: from here on a
    /// repeat of it will not be. False once the session has moved, closes or has ended: refuse it.
    #[must_use]
    pub fn posted(&mut self) -> bool {
        let State::Polling(polling) = &mut self.0 else {
            return false;
        };
        let Some(mark) = polling.post.take() else {
            return false;
        };
        if polling.phase == Phase::Closing {
            return false;
        }
        polling.posted = Some(mark);
        true
    }

    /// The POST broke off before its body was whole: nothing of it was handled, and it may come again.
    pub fn post_cancelled(&mut self) {
        if let State::Polling(polling) = &mut self.0 {
            polling.post = None;
        }
    }

    /// A WebSocket that names this session sent `2probe`.
    pub fn probe(&mut self) -> Probe {
        match &mut self.0 {
            State::Polling(polling) if polling.phase == Phase::Stay => {
                polling.phase = Phase::Probing;
                Probe::Answer { held: polling.get.map(|_| super::NOOP) }
            }
            State::Polling(_) | State::WebSocket | State::Closed => Probe::Refuse,
        }
    }

    /// The WebSocket that probed said `5`.
    pub fn upgrade(&mut self) -> Upgrade {
        match &self.0 {
            State::Polling(polling) if polling.phase == Phase::Probing => {
                let held = polling.get.map(|_| super::NOOP);
                self.0 = State::WebSocket;
                Upgrade::Done { held }
            }
            State::Polling(_) | State::WebSocket | State::Closed => Upgrade::Refuse,
        }
    }

    /// The WebSocket that probed is gone, or took too long to say `5`: the session stays on polling.
    pub fn probe_lost(&mut self) {
        if let State::Polling(polling) = &mut self.0
            && polling.phase == Phase::Probing
        {
            polling.phase = Phase::Stay;
        }
    }

    /// The server ends the session and lets the client know, which then comes back. On polling, call it when nothing
    /// waits that should still arrive: the close packet travels alone.
    pub fn close(&mut self) -> Close {
        match &mut self.0 {
            State::Closed => Close::Ended,
            State::WebSocket => {
                self.0 = State::Closed;
                Close::WebSocket
            }
            State::Polling(polling) if polling.get.is_some() => {
                self.0 = State::Closed;
                Close::Answer(super::CLOSE)
            }
            State::Polling(polling) => {
                polling.phase = Phase::Closing;
                Close::Await
            }
        }
    }

    /// The session ends at once; later requests are refused. Returns the packet that the held GET gets, alone.
    pub fn end(&mut self, cause: Cause) -> Option<&'static str> {
        let held = self.has_get();
        self.0 = State::Closed;
        held.then_some(match cause {
            Cause::Client => super::NOOP,
            Cause::Server => super::CLOSE,
        })
    }
}

/// FNV-1a: marks are a few bytes, and nobody gains by a collision with oneself.
fn mark(t: Option<&str>) -> Mark {
    t.map(|t| {
        t.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    })
}
