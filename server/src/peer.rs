//! Where a request comes from, behind the proxies that are trusted to say so.

use axum::http::request::Parts;
use chat_settings::Cidr;
use chat_socket::Peer;
use std::net::IpAddr;

/// The address of the client: that of the TCP connection, or what the trusted proxies before it say.
///
/// `X-Forwarded-For` is read from its end, where each proxy appends the address it saw: the first one that is no trusted
/// proxy is the client's.
pub fn address(head: &Parts, trusted: &[Cidr]) -> Option<IpAddr> {
    let mut address = head.extensions.get::<Peer>()?.0.ip().to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let forwarded = head.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<_> = forwarded.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        if !is_trusted(address) {
            break;
        }
        let Ok(said) = hop.parse::<IpAddr>() else { break };
        address = said.to_canonical();
    }
    Some(address)
}
