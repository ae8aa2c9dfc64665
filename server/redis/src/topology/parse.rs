//! `CLUSTER NODES` and `CLUSTER INFO`, read.

use std::sync::Arc;

use super::{Health, Node, Role, SlotRange, Topology};
use crate::slot::SLOTS;

/// What one node says of its cluster. A node that says nothing of itself that others could connect to (as one that has never met another) is reached at
/// `asked`. Lines that make no sense are left out.
pub(crate) fn topology(info: &str, nodes: &str, asked: &str) -> Topology {
    let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let epoch = field("cluster_current_epoch:").and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
    let sound = field("cluster_state:") == Some("ok");
    let host = asked.rsplit_once(':').map_or(asked, |(host, _)| host);
    let nodes = nodes.lines().filter_map(|line| node(line, host)).collect();
    Topology::new(epoch, sound, nodes)
}

fn node(line: &str, asked_host: &str) -> Option<Node> {
    let mut fields = line.split(' ');
    let id = fields.next()?;
    let endpoint = fields.next()?;
    let flags: Vec<&str> = fields.next()?.split(',').collect();
    let master = fields.next()?;
    let config_epoch = fields.nth(2)?.parse().ok()?;
    let link = fields.next()?;
    if flags.contains(&"noaddr") || flags.contains(&"handshake") {
        return None;
    }
    let address = address(endpoint, asked_host)?;
    let role = if flags.contains(&"master") {
        Role::Master
    } else {
        Role::Replica { of: if master == "-" { "" } else { master }.into() }
    };
    let health = if flags.contains(&"fail") {
        Health::Failed
    } else if flags.contains(&"fail?") || (link != "connected" && !flags.contains(&"myself")) {
        Health::Suspected
    } else {
        Health::Online
    };
    // Slots in brackets are on their way; they still belong to their owner.
    let slots = fields.filter(|range| !range.starts_with('[')).filter_map(slots).collect();
    Some(Node { id: id.into(), address, role, health, config_epoch, slots, replicas_online: 0 })
}

/// `ip:port@bus,hostname,key=value…`: the host name where one is announced, which is what a certificate can be checked against.
fn address(endpoint: &str, asked_host: &str) -> Option<Arc<str>> {
    let mut parts = endpoint.split(',');
    let (ip, port) = parts.next()?.split('@').next()?.rsplit_once(':')?;
    let announced = parts.next().filter(|name| !name.is_empty() && *name != "?" && !name.contains('='));
    let host = announced.unwrap_or(if ip.is_empty() { asked_host } else { ip });
    let port: u16 = port.parse().ok().filter(|&port| port > 0)?;
    Some(format!("{host}:{port}").into())
}

fn slots(range: &str) -> Option<SlotRange> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let range = SlotRange { first: first.parse().ok()?, last: last.parse().ok()? };
    (range.first <= range.last && range.last < SLOTS).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "\
07c37df 127.0.0.1:30004@31004,,tls-port=0,shard-id=6 slave e7d1eec 0 1426238317239 4 connected
67ed2db 127.0.0.1:30002@31002,redis-2.redis master - 0 1426238316232 2 connected 5461-10922
292f8b3 127.0.0.1:30003@31003 master,fail? - 0 1426238318243 3 disconnected 10923-16382 16383
6ec2392 127.0.0.1:30005@31005 slave,fail 67ed2db 0 1426238316232 5 connected
e7d1eec :30001@31001 myself,master - 0 0 1 connected 0-5460 [93-<-292f8b3] [77->-292f8b3]
8245894 :0@0 master,noaddr - 0 0 9 disconnected
garbage
";

    #[test]
    fn nodes_are_read() {
        let topology = topology("cluster_state:ok\r\ncluster_current_epoch:6\r\n", NODES, "10.0.0.7:30001");
        assert_eq!(topology.epoch, 6);
        assert!(topology.sound);
        // One that has failed is not elected.
        assert_eq!((topology.electable("10.0.0.7:30001"), topology.electable("redis-2.redis:30002")), (1, 0));
        let seen: Vec<_> = topology
            .nodes
            .iter()
            .map(|node| (&*node.address, node.role == Role::Master, node.health, node.replicas_online))
            .collect();
        assert_eq!(
            seen,
            [
                ("127.0.0.1:30004", false, Health::Online, 0),
                ("redis-2.redis:30002", true, Health::Online, 0),
                ("127.0.0.1:30003", true, Health::Suspected, 0),
                ("127.0.0.1:30005", false, Health::Failed, 0),
                ("10.0.0.7:30001", true, Health::Online, 1),
            ]
        );
        assert_eq!(topology.covered(), SLOTS);
        assert_eq!(topology.owner(0).map(|node| &*node.id), Some("e7d1eec"));
        assert_eq!(topology.owner(16_383).map(|node| &*node.id), Some("292f8b3"));
        assert_eq!(topology.age(), (6, 6));
    }

    #[test]
    fn of_two_owners_the_later_one_counts() {
        let both = "a 1.1.1.1:1@2 master - 0 0 7 connected 0-9\nb 1.1.1.2:1@2 master - 0 0 8 connected 5-9\n";
        let topology = topology("", both, "x:1");
        assert_eq!(topology.owner(4).map(|node| &*node.id), Some("a"));
        assert_eq!(topology.owner(5).map(|node| &*node.id), Some("b"));
        assert_eq!(topology.covered(), 10);
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "[a-f0-9:@,\\-\\[\\] \n.]{0,300}") {
            let _ = topology("cluster_current_epoch:x", &text, &text);
        }
    }
}
