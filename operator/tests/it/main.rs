//! The operator's tests.

mod drain;
mod redis;
