//! The real server and clients that are no stock clients: they can do what those never would.
//!
//! Most tests run the server in this process, on a memory log that can be hurt on purpose; what only a process shows (its
//! command line, signals, exit codes) is tested on one.

mod client;
mod cluster;
mod cluster_redis;
mod corpus;
mod drain_command;
mod held;
mod http;
mod live;
mod log_faults;
mod metrics;
mod moving;
mod own_frames;
#[allow(dead_code, reason = "the tests of the sockets use all of it")]
mod polling;
mod presence;
mod presence_redis;
mod private_rooms;
mod process;
mod redis_kinds;
mod sessions;
mod several;
mod side_by_side;
mod slow_reader;
mod spawned;
mod storm;
mod two_on_redis;
mod wait;
mod wire;
