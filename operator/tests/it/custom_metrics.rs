//! The metrics API: whom it believes (in the process), and the whole of it behind a real API server with a real autoscaler.

mod autoscaler;
mod https;
mod operators;
mod rotation;
mod servers;
