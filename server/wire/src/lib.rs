//! The three layers of the wire, from the bytes up: [`websocket`] frames (RFC 6455), [`engine`] packets (Engine.IO
//! protocol 4) and [`socket`] packets (Socket.IO protocol 5).
//!
//! Nothing here does I/O, reads a clock or knows a runtime: bytes come in, packets and verdicts go out, so that every
//! rule of the wire is tested by plain calls. Decoders borrow from their input and check each thing once; encoders
//! append to a `Vec<u8>` of the caller. What is bounded by a constant has it in [`limits`].

pub mod engine;
pub mod limits;
pub mod socket;
pub mod websocket;
