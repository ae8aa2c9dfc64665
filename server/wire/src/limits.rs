//! Every bound of this crate that is not a setting, with its reason.
//!
//! Sizes of messages and payloads are settings (`max_payload`) and come in as arguments.

/// Frames that one WebSocket message may be cut into. The bytes are bounded by the message's maximum already; this ends
/// an endless run of empty fragments. A message of 1 MB in pieces of 256 bytes still passes.
pub const FRAGMENTS_MAX: u32 = 4096;

/// Payload bytes of a WebSocket control frame (RFC 6455, 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Reason bytes of a WebSocket close frame: a control frame less the two bytes of the code.
pub const CLOSE_REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// Bytes of a request's query string. Ours are below 300 (`EIO`, `transport`, `t`, a signed `sid`); the rest is room
/// for what applications add to it, which we step over.
pub const QUERY_BYTES_MAX: usize = 4096;

/// Engine.IO packets in one polling payload. Clients send all that they buffered while away in one payload, so it is
/// far above any honest burst; without it, a payload of 1 MB could hold half a million empty packets.
pub const PAYLOAD_PACKETS_MAX: usize = 10_000;

/// Bytes of a namespace, its slash included. We serve one or two short ones; clients may ask for any.
pub const NAMESPACE_BYTES_MAX: usize = 128;

/// Digits of an acknowledgement id: as many as the largest integer that a JavaScript number holds exactly.
pub const ACK_ID_DIGITS_MAX: usize = 16;

/// Largest acknowledgement id: 2^53 - 1. A larger one could not come back to a JavaScript client as it was.
pub const ACK_ID_MAX: u64 = (1 << 53) - 1;

/// Arguments of one event or acknowledgement, the event's name not counted. Chat uses one; applications of the field
/// use up to a handful.
pub const ARGS_MAX: usize = 32;

/// Binary attachments of one packet; the stock parser's default is 10 as well.
pub const ATTACHMENTS_MAX: u32 = 10;
