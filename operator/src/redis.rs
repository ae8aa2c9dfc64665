//! The Redis Cluster behind the servers: looked at where somebody else runs it; formed, watched, healed and renewed where the operator does.
//!
//! A look asks every pod how it sees the cluster ([`look`]), decides purely on what it heard ([`formation`], [`rolling`], [`health`]) and carries out
//! one step that may be repeated ([`carry_out`]). Nothing is remembered between looks: the cluster itself is what has been done so far.

mod ask;
pub mod build;
pub mod existing;
mod formation;
mod health;
mod observe;
mod resp;
mod rolling;
mod slots;
mod tls;
mod view;
mod world;

pub use ask::{Undone, carry_out, look};
pub use formation::{Command, Formation, Order, Step, formation};
pub use health::{heals, health};
pub use observe::observe;
pub use resp::{Access, AskError, Credentials};
pub use rolling::{Roll, roll, size};
pub use slots::{SLOTS, range};
pub use tls::{NoAuthorities, Tls, roots};
pub use view::{Member, Role, View};
pub use world::{Node, Shape, World};
