//! A session and its recovery, as a machine: what a connection was sent, what of it is known to have arrived, and where
//! it goes on after a cut, a crash or a change of server.
//!
//! There is no I/O, no clock and no randomness here. The caller owns all three: it holds a [`Session`] under the same
//! lock as the connection's outbox, carries writes to the store of [`Record`]s and brings back the answers. Each rule
//! that this rests on is a [`Rule`]; the model test takes them out one by one.
//!
//! The order of things, from the caller's side:
//!
//! 1. *Connect*: create or take the record and wait; then [`Session::start`] or [`Session::resume`]; tell it of
//!    older pings ([`Session::expect_pongs`]); carry out the effects.
//! 2. *Deliver*: [`Session::deliver`] in one step with placing the frames in the outbox; [`CatchUp`] for members behind.
//! 3. *Join, leave*: [`Session::join`], write, wait, [`Session::joined`]; the same for leave.
//! 4. *Ping*: [`Session::ping`] when a ping is placed in the outbox, [`Session::pong`] when a pong came; write what it
//!    returns, wait, [`Session::checkpointed`].
//! 5. *Move*: [`Session::depart`] in one step with taking what is unsent, [`Session::arrive`] on the next owner.

pub mod bounds;
mod catch_up;
mod effect;
mod moved;
mod number;
mod offset;
mod pid;
mod record;
mod rules;
mod session;
mod write;

pub use catch_up::{CatchUp, Start, Turn};
pub use effect::{Effect, Follow};
pub use moved::{BadMoved, Moved, MovedStay};
pub use number::{Fence, JoinNumber};
pub use offset::{Offset, write_position, write_shared};
pub use pid::{BadPid, Pid, Tag};
pub use record::{Fenced, Held, Record, Taken};
#[cfg(feature = "mutants")]
pub use rules::without;
pub use rules::{Rule, holds};
pub use session::{JoinAsked, LeaveAsked, Named, Placement, RoomRef, Session, Stay};
pub use write::{Checkpoint, Checkpointed, Failed, Join, Leave};
