//! The session's tests: its parts one by one, then all of it in a model of the world around it.

mod model;
mod room;
mod sizes;
mod world;
