//! A Socket.IO server on axum and hyper that knows nothing of chat.
//!
//! HTTP and the WebSocket handshake are hyper's; after the upgrade the raw `TcpStream` is taken and the frames are
//! `chat-wire`'s, because a WebSocket library between the two costs several kilobytes and microseconds a connection.
//! What a connection is and does:
//!
//! - a [`Socket`]: one Engine.IO session, on polling, on WebSocket, or moving from one to the other;
//! - an outbox inside it, bounded in bytes, under one lock with the application's own state of the connection, so that
//!   "what has been sent" and "what is known to be sent" change in one step;
//! - a driver: the only task of a connection. It wakes for input, for an output that did not fit, and for
//!   requests that it carries out: in order within a [`Lane`], side by side in different ones;
//! - a place in a [`Group`] for each fan-out that it takes part in.
//!
//! The application behind it is a trait, [`Application`], so that chat and the conformance echo run on the same stack.

mod acks;
mod application;
mod close;
mod config;
mod counters;
mod driver;
mod forward;
mod frame;
mod group;
mod handshake;
mod http;
mod lanes;
mod moving;
mod outbox;
mod packets;
mod peers;
mod polling;
mod serve;
mod server;
mod sid;
mod socket;
mod sweep;
mod upgrade;

pub use acks::AckError;
pub use application::{Ack, Application, Data, Event, Handling, Namespace, Refusal};
pub use close::CloseReason;
pub use config::{Admission, Config, Origins, Protocol};
pub use counters::{Bound, Counters};
pub use frame::{Batch, Frame};
pub use group::{Chunk, Group, Member, SharedChunk};
pub use lanes::{Lane, Lanes, Rest};
pub use peers::{BoxFuture, Forwarded, PeerError, Peers};
pub use serve::{Peer, ServeOptions, serve};
pub use server::Server;
pub use sid::{BadBoot, Boot, SidKeys};
pub use socket::{Guard, Socket};
