//! Engine.IO, protocol 4: packets, polling payloads, the handshake, and the rules of a session's transports.
//!
//! Engine.IO gives Socket.IO one ordered stream of messages over HTTP long polling, over a WebSocket, or over the
//! first until it has moved to the second. A packet is one digit and its data; on polling, several of them share a
//! payload, on a WebSocket each has a frame of its own.

mod handshake;
mod packet;
pub mod payload;
mod query;
mod refusal;
pub mod transport;

pub use handshake::Handshake;
pub use packet::{BadPacket, Packet};
pub use query::{Name, Query};
pub use refusal::Refusal;
pub use transport::Transport;

/// The text of the packet that has no meaning: it ends a pending GET.
pub const NOOP: &str = "6";

/// The text of the packet that closes the session.
pub const CLOSE: &str = "1";

/// The text of a heartbeat, from the server.
pub const PING: &str = "2";

/// The body of the answer to a POST whose packets were taken.
pub const OK: &str = "ok";

/// What a client sends first on a WebSocket to which it wants to move.
pub const PROBE: &str = "2probe";

/// The answer to [`PROBE`].
pub const PROBE_ANSWER: &str = "3probe";
