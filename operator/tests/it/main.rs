//! The operator's tests.

mod control_plane;
mod drain;
mod figures;
mod objects;
mod reconcile;
mod redis;
mod specs;
