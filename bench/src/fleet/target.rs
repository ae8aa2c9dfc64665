//! Where the connections go, and from which addresses.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use mio::net::TcpStream;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections from one source address, well below the 28,000 ports that Linux hands out by default.
const CONNECTIONS_PER_SOURCE: usize = 20_000;

/// Which Engine.IO transport the connections use, from beginning to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// WebSocket at once, without the polling handshake before it.
    Ws,
    /// Long polling, never upgraded.
    Polling,
    /// Long polling that moves to a WebSocket as soon as the session is open, as stock clients do.
    Upgrade,
}

/// A server to connect to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Address of the server.
    pub address: SocketAddr,
    /// What the `Host` header says.
    pub host: String,
    /// Path of the Socket.IO endpoint, with its slashes.
    pub path: String,
    /// Transport of all connections.
    pub transport: Transport,
}

impl Target {
    /// Reads `http://host:port` (a path other than `/` replaces `/socket.io/`).
    pub fn parse(url: &str, transport: Transport) -> Result<Self, BadUrl> {
        let bad = || BadUrl(url.to_owned());
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("ws://")).ok_or_else(bad)?;
        let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let with_port = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
        let address = with_port.to_socket_addrs().ok().and_then(|mut all| all.next()).ok_or_else(bad)?;
        let path = if path == "/" { "/socket.io/" } else { path };
        Ok(Self { address, host: host.to_owned(), path: path.to_owned(), transport })
    }

    /// Starts a connection; it is up when it can be written to.
    ///
    /// Closing it sends a reset: ten thousand ports must be free again for the next round, not wait a minute.
    /// `receive_bytes` bounds the kernel's receive buffer, for clients that are to be slow.
    pub(super) fn connect(&self, id: usize, receive_bytes: Option<usize>) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(self.address), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        socket.set_linger(Some(Duration::ZERO))?;
        if let Some(bytes) = receive_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        if let Some(source) = self.source(id) {
            socket.bind(&SockAddr::from(SocketAddr::new(source, 0)))?;
        }
        match socket.connect(&SockAddr::from(self.address)) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(EINPROGRESS) => {}
            Err(error) => return Err(error),
        }
        Ok(TcpStream::from_std(socket.into()))
    }

    /// On loopback each 20,000 connections get a source address of their own, so that ports do not run out.
    fn source(&self, id: usize) -> Option<IpAddr> {
        let block = u8::try_from(id / CONNECTIONS_PER_SOURCE).ok()?;
        (self.address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) && block > 0)
            .then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 1, block)))
    }
}

/// Where the connections of a fleet go: each connection keeps its transport, and takes the next server each time it connects.
#[derive(Debug, Clone)]
pub struct Targets {
    /// A row a transport, in it a target a server.
    rows: Vec<Vec<Arc<Target>>>,
}

impl Targets {
    /// Servers by their URLs, and the transports that the connections have in turn. There must be one of each.
    pub fn parse(urls: &[String], transports: &[Transport]) -> Result<Self, BadUrl> {
        let row = |transport: &Transport| urls.iter().map(|url| Target::parse(url, *transport).map(Arc::new)).collect();
        let rows: Vec<Vec<Arc<Target>>> = transports.iter().map(row).collect::<Result<_, BadUrl>>()?;
        if rows.iter().all(Vec::is_empty) {
            return Err(BadUrl(String::new()));
        }
        Ok(Self { rows })
    }

    /// The target of connection `id`, when it connects for the `time`th time.
    pub(super) fn of(&self, id: usize, time: u32) -> &Arc<Target> {
        let row = &self.rows[id % self.rows.len()];
        &row[(id / self.rows.len() + time as usize) % row.len()]
    }
}

impl From<Target> for Targets {
    fn from(target: Target) -> Self {
        Self { rows: vec![vec![Arc::new(target)]] }
    }
}

/// Linux's number for "the connection is on its way"; the standard library has no name for it yet.
const EINPROGRESS: i32 = 115;

/// A URL that is not `http://host[:port][/path]` or whose host cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a reachable http://host:port")]
pub struct BadUrl(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_address_and_path() {
        let target = Target::parse("http://127.0.0.1:3000", Transport::Ws).unwrap();
        assert_eq!((target.address.port(), target.path.as_str()), (3000, "/socket.io/"));
        let target = Target::parse("http://127.0.0.1:3000/x/", Transport::Ws).unwrap();
        assert_eq!(target.path, "/x/");
        assert!(Target::parse("127.0.0.1:3000", Transport::Ws).is_err());
    }

    #[test]
    fn a_connection_keeps_its_transport_and_goes_round_the_servers() {
        let urls = ["http://127.0.0.1:1".to_owned(), "http://127.0.0.1:2".to_owned()];
        let targets = Targets::parse(&urls, &[Transport::Ws, Transport::Polling]).unwrap();
        let of = |id, time| (targets.of(id, time).address.port(), targets.of(id, time).transport);
        assert_eq!([of(0, 0), of(0, 1), of(0, 2)], [(1, Transport::Ws), (2, Transport::Ws), (1, Transport::Ws)]);
        assert_eq!(
            [of(1, 0), of(1, 1), of(2, 0)],
            [(1, Transport::Polling), (2, Transport::Polling), (2, Transport::Ws)]
        );
        assert!(Targets::parse(&[], &[Transport::Ws]).is_err());
    }

    #[test]
    fn every_block_of_connections_has_a_source_of_its_own() {
        let target = Target::parse("http://127.0.0.1:3000", Transport::Ws).unwrap();
        assert_eq!(target.source(19_999), None);
        assert_eq!(target.source(20_000), Some(IpAddr::V4(Ipv4Addr::new(127, 0, 1, 1))));
        assert_eq!(target.source(45_000), Some(IpAddr::V4(Ipv4Addr::new(127, 0, 1, 2))));
    }
}
