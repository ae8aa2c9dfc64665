//! The operator's tests.

mod control_plane;
mod custom_metrics;
mod drain;
mod figures;
mod metrics;
mod nodes;
mod objects;
mod reconcile;
mod redis;
mod specs;
