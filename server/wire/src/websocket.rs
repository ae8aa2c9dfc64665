//! WebSocket frames (RFC 6455), without extensions: what a server needs to take over the stream after the HTTP upgrade.
//!
//! We frame ourselves because the field's libraries keep buffers for each connection; a [`Reader`] is two words,
//! works on the caller's buffer in place, and allocates only for fragmented messages.

mod accept;
mod close;
mod encode;
mod frame;
mod mask;
mod reader;
mod violation;

pub use accept::accept_key;
pub use close::{Close, code};
pub use encode::{encode, encode_close, encode_masked, encode_text, encode_with, header};
pub use frame::Opcode;
pub use mask::mask;
pub use reader::{Message, Reader, Step};
pub use violation::Violation;
