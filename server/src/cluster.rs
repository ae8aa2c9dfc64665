//! What the servers of one deployment know of each other, and what they do for each other.
//!
//! - [`Registry`]: who is there, where, and how much it carries. Each server keeps the last copy, so that nobody is lost while Redis is away.
//! - [`internal`]: what is answered on the internal port, behind the [`Guard`], to requests signed under the deployment's key ([`signature`]).
//! - [`Live`]: all of it as one JSON, and the page that draws it.
//! - [`Network`]: sends such requests, for the sessions of other servers' clients that land here.

pub mod address;
mod board;
mod boot;
mod counters;
mod entry;
mod envelope;
mod forward;
mod guard;
mod history;
pub mod internal;
mod live;
mod load;
mod membership;
mod picture;
mod redis;
mod registry;
mod replays;
mod roster;

pub use board::{Away, Board, MemoryBoard, Seen, Sheet};
pub use chat_internal::{Answer, Client, Question, Unanswered, signature};
pub use chat_socket::Boot;
pub use counters::{Counters, Errand, Outcome, Refused};
pub use entry::{Entry, Rates, State};
pub use envelope::OVERHEAD_MAX;
pub use forward::Network;
pub use guard::Guard;
pub use live::Live;
pub use load::Load;
pub use membership::{BUILD, Membership};
pub use redis::{PART, RedisBoard};
pub use registry::{EXPIRY, Identity, Registry};
pub use roster::{Change, Node, View};
