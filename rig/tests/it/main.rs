//! The rig tried on itself: what it starts is there, what it breaks is broken, and nothing is left behind.

mod redis;
