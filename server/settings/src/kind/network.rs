//! Addresses, networks and the origins of pages.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::Kind;

/// Where to listen.
pub struct Address;

impl Kind for Address {
    type Value = SocketAddr;
    const ALLOWED: &'static str = "an address and a port, such as 0.0.0.0:3000 or [::]:3000";

    fn parse(text: &str) -> Option<SocketAddr> {
        text.parse().ok()
    }

    fn show(value: &SocketAddr) -> String {
        value.to_string()
    }
}

/// A range of addresses: those that agree with `address` in the first `bits` bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// The range holds this address. An IPv4 address mapped to IPv6 counts as the IPv4 address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(32 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(128 - u32::from(self.bits)).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Some(most), |bits| bits.parse().ok())?;
        (bits <= most).then_some(Self { address, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A list of networks.
pub struct Networks;

impl Kind for Networks {
    type Value = Vec<Cidr>;
    const ALLOWED: &'static str = "a list of addresses or networks, such as 10.0.0.0/8, or none";

    fn parse(text: &str) -> Option<Vec<Cidr>> {
        if text == "none" { Some(Vec::new()) } else { items(text).map(Cidr::parse).collect() }
    }

    fn show(value: &Vec<Cidr>) -> String {
        if value.is_empty() { "none".to_owned() } else { list(value.iter().map(Cidr::to_string)) }
    }
}

/// Which web pages may connect (the `Origin` header).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// Every page.
    Any,
    /// The server's own page and these origins, such as `https://chat.example.org`.
    Listed(Vec<String>),
}

/// How origins are written.
pub struct Pages;

impl Kind for Pages {
    type Value = Origins;
    const ALLOWED: &'static str =
        "* for every page, own for the server's own page alone, or a list of origins, such as https://chat.example.org";

    fn parse(text: &str) -> Option<Origins> {
        match text {
            "*" => Some(Origins::Any),
            "own" => Some(Origins::Listed(Vec::new())),
            _ => items(text).map(origin).collect::<Option<_>>().map(Origins::Listed),
        }
    }

    fn show(value: &Origins) -> String {
        match value {
            Origins::Any => "*".to_owned(),
            Origins::Listed(origins) if origins.is_empty() => "own".to_owned(),
            Origins::Listed(origins) => list(origins.iter().cloned()),
        }
    }
}

/// `scheme://host[:port]`, in lower case as browsers send it, without a path.
fn origin(text: &str) -> Option<String> {
    let (scheme, host) = text.split_once("://")?;
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-._:[]".contains(c);
    let fits = matches!(scheme, "http" | "https") && !host.is_empty() && host.chars().all(plain);
    fits.then(|| text.to_owned())
}

/// A node of a Redis Cluster to begin with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seed {
    /// Its name or address; names are looked up again at each connect.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// Where a Redis Cluster is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSeeds {
    /// Connections are encrypted.
    pub tls: bool,
    /// At least one.
    pub nodes: Vec<Seed>,
}

/// How seeds are written.
pub struct Seeds;

impl Kind for Seeds {
    type Value = RedisSeeds;
    const ALLOWED: &'static str =
        "a list of host:port, such as redis-0:6379,redis-1:6379, with rediss:// before it for TLS";

    fn parse(text: &str) -> Option<RedisSeeds> {
        let (tls, nodes) = match text.split_once("://") {
            None => (false, text),
            Some(("redis", nodes)) => (false, nodes),
            Some(("rediss", nodes)) => (true, nodes),
            Some(_) => return None,
        };
        Some(RedisSeeds { tls, nodes: items(nodes.trim_end_matches('/')).map(seed).collect::<Option<_>>()? })
    }

    fn show(value: &RedisSeeds) -> String {
        let scheme = if value.tls { "rediss://" } else { "" };
        format!("{scheme}{}", list(value.nodes.iter().map(Seed::to_string)))
    }
}

fn seed(text: &str) -> Option<Seed> {
    let (host, port) = text.rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    let port = port.parse().ok().filter(|port| *port != 0)?;
    (!host.is_empty() && host.chars().all(plain)).then(|| Seed { host: host.to_owned(), port })
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn list(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(network: &str, address: &str) -> bool {
        Cidr::parse(network).expect("a network").contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_network_holds_what_agrees_in_its_bits() {
        assert!(holds("10.0.0.0/8", "10.255.1.2"));
        assert!(!holds("10.0.0.0/8", "11.0.0.0"));
        assert!(holds("10.1.2.3", "10.1.2.3"));
        assert!(!holds("10.1.2.3", "10.1.2.2"));
        assert!(holds("192.168.1.77/24", "192.168.1.1"));
        assert!(holds("0.0.0.0/0", "203.0.113.9"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::/0", "2001:db8::1"));
        assert!(holds("2001:db8::/33", "2001:db8:7fff::1"));
        assert!(!holds("2001:db8::/33", "2001:db8:8000::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.1.1"));
    }

    #[test]
    fn what_is_no_network() {
        for bad in ["10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "/8", "10.0.0.0/-1", "host"] {
            assert_eq!(Cidr::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn seeds_are_hosts_with_ports() {
        let two = Seeds::parse("redis-0.redis:6379, [::1]:7001").expect("seeds");
        assert_eq!(Seeds::show(&two), "redis-0.redis:6379,[::1]:7001");
        assert!(!two.tls && two.nodes[1].host == "::1");
        let tls = Seeds::parse("rediss://a:6380").expect("seeds");
        assert!(tls.tls);
        assert_eq!(Seeds::parse(&Seeds::show(&tls)), Some(tls));
        for bad in ["", "a", "a:", ":6379", "a:0", "a:70000", "http://a:6379", "a:6379,", "u:p@a:6379", "a b:1"] {
            assert_eq!(Seeds::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn origins_are_as_browsers_send_them() {
        let two = Pages::parse("https://a.example, http://localhost:5173").expect("origins");
        assert_eq!(two, Origins::Listed(vec!["https://a.example".into(), "http://localhost:5173".into()]));
        assert_eq!(Pages::parse(&Pages::show(&two)), Some(two));
        assert_eq!(Pages::parse("*"), Some(Origins::Any));
        assert_eq!(Pages::parse("own"), Some(Origins::Listed(Vec::new())));
        for bad in [
            "",
            "a.example",
            "https://",
            "https://a.example/",
            "https://A.example",
            "ftp://a.example",
            "https://a.example,",
        ] {
            assert_eq!(Pages::parse(bad), None, "{bad:?}");
        }
    }
}
