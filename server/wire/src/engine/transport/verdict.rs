//! What the verbs of a [`Transport`] say is to be done.

#[cfg(doc)]
use super::Transport;
#[cfg(doc)]
use crate::engine::Refusal;

/// How to answer a GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Get {
    /// Hold it until there are packets to send, then call [`Transport::answered`]. At once if there are some now.
    Hold,
    /// Answer it at once, with the packets that wait or else `6`, and call [`Transport::answered`]: the client is
    /// about to move and must not be held.
    Flush,
    /// The GET that was answered last comes again: answer with the very same payload. The state does not change.
    Repeat,
    /// A second GET while one is held: the held one gets `1`, this one [`Refusal::BadRequest`], and the session
    /// has ended.
    Conflict,
    /// Answer with the close packet `1` and nothing else; the session has ended.
    Close,
    /// [`Refusal::BadRequest`]: the session has moved or ended.
    Refuse,
}

/// How to answer a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Post {
    /// Read its body, then call [`Transport::posted`], or [`Transport::post_cancelled`] if it breaks off.
    Take,
    /// The POST that was handled last comes again: answer `ok` and drop the body.
    Repeat,
    /// A second POST while one is read: this one gets [`Refusal::BadRequest`] and the session has ended; a GET
    /// that is held gets the given packet, alone.
    Overlap {
        /// The answer for the held GET.
        held: Option<&'static str>,
    },
    /// [`Refusal::BadRequest`]: the session has moved or ended.
    Refuse,
}

/// How to answer a WebSocket's `2probe`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Probe {
    /// Send `3probe` on it and nothing else before its `5`; a GET that is held gets the given packet (call
    /// [`Transport::answered`]), after which packets still go to polling.
    Answer {
        /// The answer for the held GET.
        held: Option<&'static str>,
    },
    /// Close this WebSocket: another has probed, or the session has moved or ends. The session goes on as it was.
    Refuse,
}

/// How to take a WebSocket's `5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Upgrade {
    /// The session is on this WebSocket from here on; what waits goes there. A GET that is still held (a client that
    /// follows the protocol has none) gets the given packet first.
    Done {
        /// The answer for the held GET.
        held: Option<&'static str>,
    },
    /// Close this WebSocket: it did not probe, or the session has ended meanwhile.
    Refuse,
}

/// How to end a session so that the client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Close {
    /// The held GET gets the given packet, alone; the session has ended.
    Answer(&'static str),
    /// The next GET will be told ([`Get::Close`]). Until then the session takes no packets; end it with
    /// [`Transport::end`] if no GET comes in time. A WebSocket that has only probed is to be closed.
    Await,
    /// Close the WebSocket; the session has ended.
    WebSocket,
    /// It has ended already.
    Ended,
}

/// Who ends a session, or what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The client sent the close packet.
    Client,
    /// The server: a heartbeat without an answer, an invalid packet, a closing that no GET came for.
    Server,
}
