//! The checker: clients record what they did and saw; from the records alone it is proven what the server promises.
//!
//! [`run`] drives clients that behave as stock ones do, recovery included, and breaks their connections at random.
//! [`verify`] takes nothing but the recorded [`record::History`]s, so that it can be tested by planting faults in them, and
//! so that histories of other clients and of other faults (killed servers, cut networks) can be checked as well.

pub mod chatter;
pub mod fault;
pub mod position;
pub mod record;
pub mod run;
pub mod stock;
pub mod verify;
