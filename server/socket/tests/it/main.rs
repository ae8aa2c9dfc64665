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
mod wait;
#[path = "../../../tests/it/wire.rs"]
mod wire;
