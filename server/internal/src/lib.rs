//! Requests on the internal port of a server: how they are signed, and a client that asks. Servers ask each other by it, and the operator asks them.

mod client;
pub mod signature;

pub use chat_socket::Boot;
pub use client::{Answer, Client, Question, Unanswered};
