//! Free ports.
//!
//! They are taken from below the range that the kernel gives to outgoing connections, so that a server can be started
//! again on its port after any time: nobody else was given it meanwhile.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::Host;

/// A Redis node's cluster bus listens this far above its port.
pub const BUS_ABOVE: u16 = 10_000;

const FIRST: u16 = 10_100;
/// So that bus ports end below 32,768, where ports of outgoing connections begin.
const COUNT: u16 = 12_500;

/// A port of the host that was free a moment ago, and that no other caller in this process was given lately.
pub fn free(host: &Host) -> io::Result<u16> {
    find(host, &[0])
}

/// The same, with the port of the cluster bus free too.
pub(crate) fn free_with_bus(host: &Host) -> io::Result<u16> {
    find(host, &[0, BUS_ABOVE])
}

fn find(host: &Host, offsets: &'static [u16]) -> io::Result<u16> {
    static NEXT: OnceLock<AtomicU32> = OnceLock::new();
    // Test processes run side by side: each begins somewhere else.
    let next = NEXT.get_or_init(|| AtomicU32::new(RandomState::new().build_hasher().finish() as u32));
    for _ in 0..COUNT {
        let port = FIRST + (next.fetch_add(1, Ordering::Relaxed) % u32::from(COUNT)) as u16;
        let ip = host.ip();
        if host.run(move || offsets.iter().all(|offset| TcpListener::bind((ip, port + offset)).is_ok()))? {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free"))
}
