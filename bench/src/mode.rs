//! The load modes: one file each.

pub mod active;
pub mod burst;
pub mod comeback;
pub mod fanout;
pub mod idle;
pub mod rooms;
pub mod slow;
pub mod storm;
pub mod whole;

use std::time::Duration;

use crate::crowd::{Crowd, Options, RunError};

/// Longest time for all connections to come in.
pub(crate) const GATHER: Duration = Duration::from_secs(180);

/// Connects everybody and lets the server's memory settle.
fn gathered(options: &Options, keeps_resume: bool) -> Result<(Crowd, Duration), RunError> {
    let mut crowd = Crowd::new(options, keeps_resume)?;
    let took = crowd.gather(0..options.connections, options.in_flight, GATHER)?;
    crowd.idle(Duration::from_secs_f64(options.settle))?;
    Ok((crowd, took))
}
