//! How one node sees its cluster, as it answers `CLUSTER NODES`, `CLUSTER INFO` and `INFO replication`.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

/// A node's own view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The node's id.
    pub id: String,
    /// All that it knows, itself among them.
    pub members: Vec<Member>,
    /// It says that the cluster serves.
    pub ok: bool,
    /// The highest epoch that it has heard of.
    pub epoch: u64,
    /// Where it looks for the master that it follows. After a move that may be where the master was, although it knows better by now.
    pub master: Option<SocketAddr>,
    /// It follows a master and is in step with it.
    pub in_step: bool,
    /// How far it has followed.
    pub offset: u64,
    /// For how many seconds it has not heard of its master.
    pub alone_seconds: u64,
}

/// A node that another one knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: String,
    /// Where it is thought to be.
    pub address: Option<SocketAddr>,
    /// What it does.
    pub role: Role,
    /// It does not answer, as most masters agree.
    pub failed: bool,
    /// It is being met: the id is not its own yet.
    pub handshake: bool,
    /// There is a connection to it.
    pub connected: bool,
    /// Its slots.
    pub slots: Vec<RangeInclusive<u16>>,
    /// Its claim to them is as old as this: a higher one wins.
    pub config_epoch: u64,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It may have slots.
    Master,
    /// It follows the node of this id.
    Replica(String),
}

impl View {
    /// Reads the three answers; nothing if they make no sense.
    pub fn parse(nodes: &str, info: &str, replication: &str) -> Option<Self> {
        let mut id = None;
        let mut members = Vec::new();
        for line in nodes.lines().filter(|line| !line.trim().is_empty()) {
            let member = Member::parse(line)?;
            if line.split(' ').nth(2)?.split(',').any(|flag| flag == "myself") {
                id = Some(member.id.clone());
            }
            members.push(member);
        }
        let number = |text: &str, name: &str| field(text, name).and_then(|value| value.parse().ok());
        Some(Self {
            id: id?,
            members,
            ok: field(info, "cluster_state")? == "ok",
            epoch: number(info, "cluster_current_epoch")?,
            master: master(replication),
            in_step: field(replication, "master_link_status") == Some("up"),
            offset: number(replication, "slave_repl_offset").unwrap_or(0),
            alone_seconds: number(replication, "master_link_down_since_seconds").unwrap_or(0),
        })
    }

    /// What it knows of a node.
    pub fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// What it says of itself.
    pub fn role(&self) -> Option<&Role> {
        self.member(&self.id).map(|member| &member.role)
    }

    /// The id of the master that it follows.
    pub fn follows(&self) -> Option<&str> {
        match self.role()? {
            Role::Replica(master) => Some(master),
            Role::Master => None,
        }
    }
}

impl Member {
    /// `<id> <ip:port@bus[,name]> <flags> <master> <ping> <pong> <epoch> <link> <slot>...`
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().split(' ');
        let (id, place, flags, master) = (words.next()?, words.next()?, words.next()?, words.next()?);
        let config_epoch = words.nth(2)?.parse().ok()?;
        let connected = words.next()? == "connected";
        let flags: Vec<_> = flags.split(',').collect();
        let has = |flag: &str| flags.contains(&flag);
        let role = if has("slave") { Role::Replica(master.to_owned()) } else { Role::Master };
        // Slots that are on their way stand in brackets; they still are their owner's.
        let slots = words.filter(|word| !word.starts_with('[')).map(slots).collect::<Option<_>>()?;
        Some(Self {
            id: id.to_owned(),
            address: address(place).filter(|_| !has("noaddr")),
            role,
            failed: has("fail"),
            handshake: has("handshake"),
            connected,
            slots,
            config_epoch,
        })
    }
}

fn slots(word: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last && usize::from(last) < super::SLOTS).then_some(first..=last)
}

fn address(place: &str) -> Option<SocketAddr> {
    let (place, _) = place.split_once('@')?;
    let (ip, port) = place.rsplit_once(':')?;
    Some(SocketAddr::new(ip.parse::<IpAddr>().ok()?, port.parse().ok()?))
}

fn master(replication: &str) -> Option<SocketAddr> {
    let ip: IpAddr = field(replication, "master_host")?.parse().ok()?;
    Some(SocketAddr::new(ip, field(replication, "master_port")?.parse().ok()?))
}

/// A value of an answer of lines `name:value`.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "cluster_state:ok\r\ncluster_current_epoch:7\r\n";

    #[test]
    fn a_view_is_read() {
        let nodes = "\
aa 10.0.0.1:6379@16379,,shard-id=1 myself,slave bb 0 0 7 connected\n\
bb 10.0.0.2:6379@16379 master,fail - 0 0 7 disconnected 0-5460 6000 [93-<-aa]\n\
cc :0@0 master,noaddr - 0 0 2 disconnected\n\
dd fd00::1:6379@16379 handshake - 0 0 0 connected\n";
        let replication = "role:slave\r\nmaster_host:10.0.0.9\r\nmaster_port:6379\r\nmaster_link_status:down\r\nmaster_link_down_since_seconds:31\r\nslave_repl_offset:12\r\n";
        let view = View::parse(nodes, INFO, replication).expect("a view");
        assert_eq!((view.id.as_str(), view.ok, view.epoch, view.in_step), ("aa", true, 7, false));
        assert_eq!((view.follows(), view.offset, view.alone_seconds), (Some("bb"), 12, 31));
        assert_eq!(view.master, Some(SocketAddr::from(([10, 0, 0, 9], 6379))));
        let master = view.member("bb").expect("a master");
        assert_eq!(master.slots, [0..=5460, 6000..=6000]);
        assert!(master.failed && !master.connected && master.address.is_some());
        assert_eq!(view.member("cc").and_then(|lost| lost.address), None);
        let met = view.member("dd").expect("one that is being met");
        assert!(met.handshake && met.address.is_some_and(|address| address.is_ipv6()));
    }

    #[test]
    fn nonsense_is_no_view() {
        assert_eq!(View::parse("", INFO, ""), None);
        assert_eq!(View::parse("aa 1.2.3.4:1@2 master - 0 0 1 connected 0-1\n", INFO, ""), None);
        assert_eq!(View::parse("aa 1.2.3.4:1@2 myself,master - 0 0 1 connected 9-1\n", INFO, ""), None);
        assert_eq!(View::parse("aa 1.2.3.4:1@2 myself,master - 0 0 1 connected 0-16384\n", INFO, ""), None);
        assert_eq!(View::parse("aa 1.2.3.4:1@2 myself,master - 0 0 1 connected\n", "", ""), None);
    }
}
