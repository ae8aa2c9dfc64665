//! The memory log against the contract, and what is its own.

mod bounds;
mod contract;
mod position;
