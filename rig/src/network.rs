//! A private network of hosts, each in a network namespace of its own, whose links can be cut.
//!
//! Killing a process on one host hides what a lost host does: the kernel still sends what the socket holds. So packets
//! are dropped where they arrive. One namespace with an address a node would be less to set up, but there all connections
//! of a server that does not choose its source would come from the same address: a cut between one server and one node could not be made.
//!
//! The hosts hang on a bridge in one more namespace; nothing reaches them from outside, nor they anything but each other. It needs root.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU8, Ordering};

use crate::Host;

/// The addresses are this one and up, from the range that is set aside for tests between devices.
const FIRST: [u8; 4] = [198, 18, 0, 1];
const PREFIX: u8 = 24;

/// A network that holds its hosts together. Hosts live on without it, but cannot reach each other any more.
#[derive(Debug)]
pub struct Network {
    /// Where the bridge is.
    hub: Host,
    hosts: AtomicU8,
}

impl Network {
    /// A network without hosts.
    pub fn new() -> io::Result<Self> {
        let explained =
            |error: io::Error| io::Error::new(error.kind(), format!("a private network needs root: {error}"));
        let hub = Host::in_namespace("hub", Ipv4Addr::LOCALHOST.into()).map_err(explained)?;
        hub.execute(&["ip", "link", "set", "lo", "up"])?;
        hub.execute(&["ip", "link", "add", "bridge", "type", "bridge"])?;
        hub.execute(&["ip", "link", "set", "bridge", "up"])?;
        Ok(Self { hub, hosts: AtomicU8::new(0) })
    }

    /// One more host.
    pub fn host(&self, name: &str) -> io::Result<Host> {
        let number = self.hosts.fetch_add(1, Ordering::Relaxed);
        let [a, b, c, d] = FIRST;
        let last = d.checked_add(number).filter(|last| *last < u8::MAX);
        let last = last.ok_or_else(|| io::Error::new(io::ErrorKind::AddrNotAvailable, "no address is left"))?;
        let ip = IpAddr::from([a, b, c, last]);
        let host = Host::in_namespace(name, ip)?;
        let (port, address) = (format!("host{number}"), format!("{ip}/{PREFIX}"));
        let peer = host.namespace_path().unwrap_or_default();
        self.hub.execute(&["ip", "link", "add", &port, "type", "veth", "peer", "name", "eth0", "netns", &peer])?;
        self.hub.execute(&["ip", "link", "set", &port, "master", "bridge", "up"])?;
        host.execute(&["ip", "link", "set", "lo", "up"])?;
        host.execute(&["ip", "address", "add", &address, "dev", "eth0"])?;
        host.execute(&["ip", "link", "set", "eth0", "up"])?;
        Ok(host)
    }

    /// From here on, packets between the two get lost, both ways, without a word to the senders.
    pub fn cut(&self, one: &Host, other: &Host) -> io::Result<()> {
        lose(one, other)?;
        lose(other, one)
    }

    /// From here on, packets from the one to the other get lost, but not those the other way.
    pub fn cut_one_way(&self, from: &Host, to: &Host) -> io::Result<()> {
        lose(to, from)
    }

    /// Packets to this host pass again, whoever they come from; cuts at the other ends stay.
    pub fn heal_arrivals(&self, at: &Host) -> io::Result<()> {
        at.execute(&["iptables", "-w", "-F", "INPUT"])
    }

    /// Packets between the two pass again.
    pub fn heal(&self, one: &Host, other: &Host) -> io::Result<()> {
        pass(one, other)?;
        pass(other, one)
    }
}

fn lose(at: &Host, from: &Host) -> io::Result<()> {
    at.execute(&["iptables", "-w", "-A", "INPUT", "-s", &from.ip().to_string(), "-j", "DROP"])
}

fn pass(at: &Host, from: &Host) -> io::Result<()> {
    at.execute(&["iptables", "-w", "-D", "INPUT", "-s", &from.ip().to_string(), "-j", "DROP"])
}
