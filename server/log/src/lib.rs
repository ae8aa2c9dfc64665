//! The room log: gap-free, ordered, idempotent. It knows nothing of clients.

mod position;

pub use position::{BadPosition, NUMBER_MAX, Position};
