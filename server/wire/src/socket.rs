//! Socket.IO, protocol 5: namespaces, events, acknowledgements and binary packets over Engine.IO messages.
//!
//! A packet is a digit, then, each only where it is needed, the number of its attachments, a namespace, an
//! acknowledgement id and JSON: `2["hello"]`, `21["hello"]` (id 1), `2/custom,["hello"]`, `51-/custom,7["up",…]`.
//! [`Packet::decode`] takes the text after Engine.IO's `4`; the encoders write that `4` too, so that what they append
//! is ready for a text frame or a payload.

mod attachments;
mod encode;
mod event;
mod packet;

pub use attachments::{Attachments, Collected};
pub use encode::{
    ack, binary_ack, binary_event, connect, connect_error, connect_reply, disconnect, event, placeholder,
};
pub use event::{Args, Event, RESERVED_NAMES};
pub use packet::{BadPacket, Kind, Packet};

/// The namespace that packets belong to when they name none.
pub const ROOT: &str = "/";
