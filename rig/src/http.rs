//! One GET over HTTP, for probes and metrics.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use crate::Host;

/// Servers of this rig are near: one that takes longer does not answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The status and the body of what is at `path`, as seen from `host`. HTTP/1.0, so that the answer ends with the connection.
pub fn get(host: &Host, address: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let mut stream = host.connect(address, ANSWER_MAX)?;
    stream.set_read_timeout(Some(ANSWER_MAX))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let strange = || io::Error::new(io::ErrorKind::InvalidData, format!("{address}{path}: no HTTP"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(strange)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(strange)?;
    Ok((status, body.to_owned()))
}
