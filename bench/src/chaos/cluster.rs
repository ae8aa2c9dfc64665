//! The system under test: a Redis Cluster, three servers, a balancer without stickiness in front of them.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chat_redis::Partitions;
use chat_rig::balancer::Kind;
use chat_rig::network::Network;
use chat_rig::{Balancer, ChatServer, Flavour, Host, Node, RedisCluster};

/// What all keys begin with, as servers have it by default.
const PREFIX: &str = "chat";

/// Partitions, as servers have them by default.
const PARTITIONS: u16 = 256;

/// A balancer finds ready servers within this time.
const BALANCED_MAX: Duration = Duration::from_secs(20);

/// What the servers are told: limits that do not slow the clients down, and times short enough for a run of a minute.
const SETTINGS: [(&str, &str); 8] = [
    ("drain-accept", "1s"),
    ("drain-deadline", "10s"),
    ("ping-interval", "2s"),
    ("ping-timeout", "4s"),
    ("send-per-second", "10000"),
    ("send-burst", "10000"),
    ("requests-per-second", "10000"),
    ("log-level", "info"),
];

/// How the system is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The chat server's binary.
    pub server: PathBuf,
    /// Redis or Valkey.
    pub flavour: Flavour,
    /// `cluster-node-timeout` in milliseconds.
    pub node_timeout_ms: u32,
    /// Masters, each with a replica.
    pub masters: usize,
    /// Servers behind the balancer.
    pub servers: usize,
    /// More settings of the servers, by the names of their flags.
    pub settings: Vec<(String, String)>,
    /// Every process is on a host of its own, so that the network can be cut between them; it needs root.
    pub hosts: bool,
}

/// The running system; all of it ends when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// The Redis nodes.
    pub redis: RedisCluster,
    /// The servers.
    pub servers: Vec<ChatServer>,
    balancer: Balancer,
    partitions: Partitions,
    network: Option<Network>,
    /// Where the balancer is and clients come from.
    outside: Host,
}

impl Cluster {
    /// Starts all of it, and waits until all of it is in order.
    pub fn start(setup: &Setup) -> io::Result<Self> {
        let network = if setup.hosts { Some(Network::new()?) } else { None };
        let host = |name: &str| network.as_ref().map_or_else(|| Ok(Host::local()), |network| network.host(name));
        let nodes =
            (1..=2 * setup.masters).map(|number| host(&format!("redis-{number}"))).collect::<io::Result<Vec<_>>>()?;
        let redis = RedisCluster::builder()
            .flavour(setup.flavour)
            .hosts(&nodes)
            .masters(setup.masters)
            .node_timeout(setup.node_timeout_ms)
            .append_only(true)
            .start()?;
        let server = |number: usize| {
            let name = format!("chat-{number}");
            let new = ChatServer::builder().name(&name).host(&host(&name)?).program(setup.server.clone());
            let usual = SETTINGS.iter().fold(new.redis(redis.seeds()), |new, (name, value)| new.setting(name, value));
            setup.settings.iter().fold(usual, |new, (name, value)| new.setting(name, value)).start()
        };
        let servers = (1..=setup.servers).map(server).collect::<io::Result<Vec<_>>>()?;
        let outside = host("outside")?;
        let backends: Vec<_> = servers.iter().map(ChatServer::address).collect();
        let balancer = Balancer::start_on(&outside, Kind::Haproxy, &backends)?;
        let partitions = Partitions::new(PREFIX, PARTITIONS);
        let cluster = Self { redis, servers, balancer, partitions, network, outside };
        cluster.await_balancer()?;
        Ok(cluster)
    }

    /// Waits until the balancer has found servers that are ready.
    fn await_balancer(&self) -> io::Result<()> {
        let (address, until) = (self.balancer.address(), Instant::now() + BALANCED_MAX);
        let ask = move || {
            let mut stream = TcpStream::connect(address)?;
            stream.write_all(b"GET /socket.io/ HTTP/1.1\r\nHost: check\r\nConnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        };
        loop {
            // Without a query a server says 400, and a balancer without servers 503.
            match self.outside.run(ask)? {
                Ok(answer) if answer.starts_with("HTTP/1.1 400") => return Ok(()),
                _ if Instant::now() < until => std::thread::sleep(Duration::from_millis(20)),
                answer => return Err(io::Error::other(format!("the balancer finds no server: {answer:?}"))),
            }
        }
    }

    /// Where clients connect.
    pub fn url(&self) -> String {
        self.balancer.url()
    }

    /// Where clients have to be.
    pub fn outside(&self) -> &Host {
        &self.outside
    }

    /// Which Redis it is, by its own words.
    pub fn redis_version(&self) -> io::Result<String> {
        let info = self.redis.nodes()[0].command(&["INFO", "server"])?;
        let field =
            |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim);
        let valkey = field("valkey_version").map(|version| format!("Valkey {version}"));
        Ok(valkey.unwrap_or_else(|| format!("Redis {}", field("redis_version").unwrap_or_default())))
    }

    /// Waits until all servers say that they are ready.
    pub fn await_ready(&self, within: Duration) -> io::Result<()> {
        self.servers.iter().try_for_each(|server| server.await_ready(within))
    }

    /// The slots that a master serves now.
    pub fn slots_of(&self, master: &Node) -> io::Result<Vec<RangeInclusive<u16>>> {
        let id = master.id()?;
        let members = self.redis.view()?;
        let member = members.into_iter().find(|member| member.id == id);
        Ok(member.map(|member| member.slots).unwrap_or_default())
    }

    /// The slots that partitions are in.
    pub fn partition_slots(&self) -> impl Iterator<Item = u16> {
        self.partitions.all().map(|partition| self.partitions.slot(partition))
    }

    /// The slot of a room's log.
    pub fn slot_of_room(&self, room: &str) -> u16 {
        self.partitions.slot(self.partitions.of(room.as_bytes()))
    }

    /// Cuts hosts off from others, both ways, without a word to anybody.
    pub fn cut(&self, some: &[Host], others: &[Host]) -> io::Result<()> {
        self.each_pair(some, others, Network::cut)
    }

    /// Ends such a cut.
    pub fn heal(&self, some: &[Host], others: &[Host]) -> io::Result<()> {
        self.each_pair(some, others, Network::heal)
    }

    fn each_pair(
        &self,
        some: &[Host],
        others: &[Host],
        act: fn(&Network, &Host, &Host) -> io::Result<()>,
    ) -> io::Result<()> {
        let no_hosts = || io::Error::new(io::ErrorKind::Unsupported, "all processes are on one host");
        let network = self.network.as_ref().ok_or_else(no_hosts)?;
        some.iter().try_for_each(|one| others.iter().try_for_each(|other| act(network, one, other)))
    }

    /// Copies what servers and nodes have logged.
    pub fn keep_logs(&self, folder: &Path) -> io::Result<()> {
        let servers = self.servers.iter().map(|server| (server.name(), server.log()));
        let nodes = self.redis.nodes().iter().map(|node| (node.name(), node.log()));
        for (name, log) in servers.chain(nodes) {
            fs::copy(log, folder.join(format!("{name}.log")))?;
        }
        Ok(())
    }
}
