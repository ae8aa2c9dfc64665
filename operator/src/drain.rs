//! Which servers are made, emptied, gated and removed: the whole of scaling, rollout and rebalance as one pure decision.
//!
//! [`plan`] looks at the world as it is and says what to do now. It keeps nothing: what has to outlive a restart of the operator (which servers are
//! being emptied, and why; whether clients find the new revision) stands in the resource's status, and is written there *before* anything is done to
//! a server. So the operator can end between any two steps and go on where it was.
//!
//! Rules that always hold (the model test runs them over random worlds):
//! 1. A server is removed only when it is empty, past its deadline, or cannot serve anyway; and only by lowering its Deployment by exactly the servers
//!    that are marked to go first.
//! 2. A server that is not recorded is not drained.
//! 3. Servers that take clients are never fewer than wanted through anything that is done here.
//! 4. All drains together close at most the set number of connections a second.
//! 5. In a rollout clients are sent away only while they come back to servers of the new revision: each is disconnected once.
//! 6. In a world as wanted the plan is to do nothing.

mod choose;
mod plan;
mod rebalance;
mod rollout;
mod scale;
mod world;

pub use plan::{CHANGES_MAX, Drain, Plan, Replicas, plan};
pub use rebalance::Close;
pub use world::{Pace, Reason, Recorded, Revision, RolloutState, Server, Wanted, World};
