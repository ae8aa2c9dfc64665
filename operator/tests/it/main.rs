//! The operator's tests.

mod drain;
