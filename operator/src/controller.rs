//! Carries a ChatCluster out, a step a file: what it refers to is fetched (`dereference`), all of it is held against the rules (`validate`), the objects
//! that there shall be are made (`build`), written (`apply`), and answered for (`status`). Only the first and the last two talk to anybody.

mod act;
pub mod apply;
pub mod build;
pub mod dereference;
pub mod neighbours;
pub mod observe;
pub mod reconcile;
mod redis;
mod refusals;
pub mod scaling;
pub mod status;
pub mod trouble;
mod unreadable;
pub mod validate;
