//! A server of sockets with an application that does what each test wants, and a client that does what stock clients never would.

mod acks;
mod closing;
mod groups;
mod order;
mod probe;
#[path = "../../../tests/it/wait.rs"]
mod wait;
#[path = "../../../tests/it/wire.rs"]
mod wire;
