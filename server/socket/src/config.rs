//! What a server of sockets is told at its start.

use crate::sid::{Boot, SidKeys};
use std::time::Duration;

/// What is spoken above Engine.IO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Socket.IO 5: namespaces, events, acknowledgements.
    SocketIo,
    /// Nothing: messages go to [`Application::message`](crate::Application::message) as they are.
    EngineIo,
}

/// Which web pages may talk to the server (the `Origin` header). Programs send none and are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every page.
    Any,
    /// The server's own page, and these origins (`https://chat.example.org`, compared letter by letter).
    Listed(Vec<String>),
}

/// What a server of sockets is told at its start. All times and sizes are bounds for every connection.
#[derive(Clone, Debug)]
pub struct Config {
    /// What is spoken above Engine.IO.
    pub protocol: Protocol,
    /// How often a connection is asked whether it lives.
    pub ping_interval: Duration,
    /// How long it may take to answer.
    pub ping_timeout: Duration,
    /// How long a connection may go without a connected namespace.
    pub connect_timeout: Duration,
    /// How long an upgrade may take from its first byte to `5`.
    pub upgrade_timeout: Duration,
    /// How long a client may read nothing while there is something to send.
    pub stall_timeout: Duration,
    /// How long the body of a POST may take.
    pub body_timeout: Duration,
    /// The longest message or polling payload that is taken, in bytes.
    pub max_payload: usize,
    /// What may wait for a connection that does not keep up, in bytes.
    pub outbox_bytes: usize,
    /// Which run of which server it is; the sids of its sessions say so.
    pub boot: Boot,
    /// What sids are signed with: the same on all servers of a cluster.
    pub sid_keys: SidKeys,
    /// Who is let in.
    pub admission: Admission,
}

/// Who is let in. May change while the server runs.
#[derive(Clone, Debug)]
pub struct Admission {
    /// How many connections are held at once.
    pub max_connections: usize,
    /// How many of them may be without a connected namespace.
    pub max_unauthenticated: usize,
    /// Which web pages may connect.
    pub origins: Origins,
}

impl Default for Admission {
    fn default() -> Self {
        Self { max_connections: 100_000, max_unauthenticated: 20_000, origins: Origins::Any }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            protocol: Protocol::SocketIo,
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(45),
            upgrade_timeout: Duration::from_secs(10),
            stall_timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(20),
            max_payload: 100_000,
            outbox_bytes: 64 * 1024,
            boot: Boot::random(),
            sid_keys: SidKeys::default(),
            admission: Admission::default(),
        }
    }
}
