//! A server of sockets with an application that does what each test wants, and a client that does what stock clients never would.

mod acks;
mod closing;
mod forwarding;
mod groups;
mod moving;
mod order;
mod pair;
#[path = "../../../tests/it/polling.rs"]
mod polling;
mod probe;
#[path = "../../../tests/it/wait.rs"]
#[allow(dead_code, reason = "the tests of chat use all of it")]
mod wait;
#[path = "../../../tests/it/wire.rs"]
mod wire;
