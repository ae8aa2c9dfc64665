//! Where others reach the internal port of this server.

use chat_settings::{Seed, Settings};
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Why the address is not known.
#[derive(Debug, thiserror::Error)]
pub enum Unknown {
    /// No seed can be reached by any of this machine's addresses.
    #[error("internal-advertise: no address of this machine leads to Redis ({seeds}); name one as host:port")]
    NoRoute {
        /// The seeds that were tried.
        seeds: String,
    },
}

/// The address that is told to others: the one that `internal-advertise` names; or the one that `internal-listen` names; or the one by which this
/// machine reaches Redis, where it listens on all of them. `port` is the one that is listened on.
pub fn advertised(settings: &Settings, port: u16) -> Result<String, Unknown> {
    if let Some(named) = &settings.network.internal_advertise {
        return Ok(named.clone());
    }
    let listen = settings.network.internal_listen.ip();
    if !listen.is_unspecified() {
        return Ok(SocketAddr::new(listen, port).to_string());
    }
    let Some(seeds) = &settings.redis.redis else {
        // Nobody else is there to ask.
        return Ok(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), port).to_string());
    };
    let found = seeds.nodes.iter().find_map(|seed| towards(seed).ok());
    let no_route = || Unknown::NoRoute { seeds: seeds.nodes.iter().map(Seed::to_string).collect::<Vec<_>>().join(",") };
    found.map(|ip| SocketAddr::new(ip, port).to_string()).ok_or_else(no_route)
}

/// The own address on the way to a seed. Nothing is sent: to connect a UDP socket only looks at the routes.
fn towards(seed: &Seed) -> std::io::Result<IpAddr> {
    use std::net::ToSocketAddrs;
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for target in (seed.host.as_str(), seed.port).to_socket_addrs()? {
        let any: SocketAddr = if target.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
        match UdpSocket::bind(any).and_then(|socket| socket.connect(target).and_then(|()| socket.local_addr())) {
            Ok(own) => return Ok(own.ip()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(flags: &[&str]) -> String {
        let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let key = ["--signing-key", "a-key-of-at-least-thirty-two-bytes!"];
        let flags = ["chat-server"].iter().chain(&key).chain(flags).copied();
        let settings = Settings::load(flags, [], none).expect("settings");
        advertised(&settings, 3001).expect("an address")
    }

    #[test]
    fn the_address_is_the_named_one_or_the_one_that_leads_to_redis() {
        assert_eq!(of(&[]), "127.0.0.1:3001");
        assert_eq!(of(&["--internal-advertise", "chat-0.chat:3001"]), "chat-0.chat:3001");
        assert_eq!(of(&["--internal-listen", "10.1.2.3:3001"]), "10.1.2.3:3001");
        assert_eq!(of(&["--internal-listen", "[::1]:0"]), "[::1]:3001");
        assert_eq!(of(&["--redis", "127.0.0.1:6379"]), "127.0.0.1:3001");
    }
}
