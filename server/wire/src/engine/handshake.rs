//! What the server tells a new session.

use std::io::Write as _;

/// The content of the open packet: exactly the fields that the protocol names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// The session's id: opaque to clients, sent back with each request.
    pub sid: &'a str,
    /// Whether the client may move to a WebSocket: true on polling, false where it is on one already.
    pub upgrades: bool,
    /// Milliseconds between two heartbeats.
    pub ping_interval_ms: u64,
    /// Milliseconds that a client may take to answer one.
    pub ping_timeout_ms: u64,
    /// Bytes that one polling payload or one message of the client may have.
    pub max_payload: u64,
}

impl Handshake<'_> {
    /// Appends the open packet: `0` and JSON.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let Self { sid, upgrades, ping_interval_ms, ping_timeout_ms, max_payload } = *self;
        let sid = serde_json::Value::from(sid);
        let upgrades = if upgrades { r#"["websocket"]"# } else { "[]" };
        let written = write!(
            out,
            r#"0{{"sid":{sid},"upgrades":{upgrades},"pingInterval":{ping_interval_ms},"pingTimeout":{ping_timeout_ms},"maxPayload":{max_payload}}}"#
        );
        debug_assert!(written.is_ok(), "a Vec takes all that is written");
    }
}
