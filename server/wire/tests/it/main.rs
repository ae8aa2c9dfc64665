//! The wire, tested by plain calls: rules, round trips, bounds, and a corpus of bad input.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod allocation;
mod corpus;
mod documentation;
mod engine;
mod facts;
mod frames;
mod query;
mod round_trip;
mod socket;
mod split;
mod transport;
mod upgrade_model;
mod websocket;
