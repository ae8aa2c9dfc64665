//! The parts that run, told apart by their names.

use std::fmt::Write as _;
use std::io;

use chat_rig::{Balancer, ChatServer, Node, RedisCluster};

use super::orders::Order;

/// Everything that was started. The balancer goes first when all is ended.
pub(super) struct Parts {
    pub(super) balancer: Balancer,
    pub(super) servers: Vec<ChatServer>,
    pub(super) redis: RedisCluster,
}

/// How a part is found at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    name: String,
    pid: Option<u32>,
    port: u16,
    role: String,
}

/// One part.
#[derive(Clone, Copy)]
enum Part<'a> {
    Balancer(&'a Balancer),
    Server(&'a ChatServer),
    Redis(&'a Node),
}

impl Parts {
    /// Who is what, in a table, and how to hurt them.
    pub(super) fn overview(&self) -> io::Result<String> {
        let mut text = format!("  ChatCluster runs: open {} in two browsers and chat. ", self.balancer.url());
        text.push_str("Ctrl-C ends everything.\n\n");
        text.push_str(&self.table());
        let master = self.redis.masters()?.into_iter().next();
        let replica = master.as_ref().map(|master| self.redis.replica_of(master)).transpose()?;
        let server = self.servers.first().map(|server| (server.name().to_owned(), server.pid(), "a server"));
        let node = |node: &Node, what| (node.name().to_owned(), node.pid(), what);
        let victims = [
            server,
            master.as_ref().map(|master| node(master, "a master")),
            replica.map(|it| node(&it, "its replica")),
        ];
        text.push_str("\n  Kill one of each while you chat, and start it again before the next:\n");
        for (name, pid, what) in victims.into_iter().flatten() {
            let _ = writeln!(text, "    kill -9 {:<8} # {name}, {what}", pid.unwrap_or_default());
        }
        Ok(text.trim_end().to_owned())
    }

    /// All parts as they are now.
    pub(super) fn look(&self) -> Vec<Look> {
        let roles = self.redis.view().unwrap_or_default();
        let name_of = |id: &str| {
            let node = self.redis.nodes().iter().find(|node| node.id().is_ok_and(|own| own == id));
            node.map_or_else(|| id.to_owned(), |node| node.name().to_owned())
        };
        let role = |node: &Node| {
            let member = node.id().ok().and_then(|id| roles.iter().find(|member| member.id == id));
            member.map_or_else(String::new, |member| match (&member.master, member.slots.first()) {
                (Some(master), _) => format!("replica of {}", name_of(master)),
                (None, Some(slots)) => format!("master from slot {}", slots.start()),
                (None, None) => "without slots".to_owned(),
            })
        };
        let look = |part: Part<'_>| match part {
            Part::Balancer(balancer) => Look {
                name: balancer.kind().program().to_owned(),
                pid: balancer.pid(),
                port: balancer.address().port(),
                role: "balancer".to_owned(),
            },
            Part::Server(server) => Look {
                name: server.name().to_owned(),
                pid: server.pid(),
                port: server.address().port(),
                role: format!("server, metrics at {}", server.metrics_address()),
            },
            Part::Redis(node) => {
                Look { name: node.name().to_owned(), pid: node.pid(), port: node.port(), role: role(node) }
            }
        };
        self.all().map(look).collect()
    }

    /// Does what was typed, and says what came of it.
    pub(super) fn obey(&self, order: Order<'_>) -> io::Result<String> {
        match order {
            Order::Kill(name) => self.part(name)?.kill().map(|()| String::new()),
            Order::Pause(name) => {
                self.part(name)?.pause().map(|()| format!("  {name} is stopped until `resume {name}`"))
            }
            Order::Resume(name) => self.part(name)?.resume().map(|()| format!("  {name} goes on")),
            Order::Restart(name) => {
                let part = self.part(name)?;
                part.kill()?;
                part.start().map(|()| String::new())
            }
            Order::List => Ok(self.table()),
            Order::Quit | Order::Nothing => Ok(String::new()),
        }
    }

    fn table(&self) -> String {
        let mut table = format!("  {:<10} {:>8} {:>6}  what\n", "name", "pid", "port");
        for Look { name, pid, port, role } in self.look() {
            let pid = pid.map_or_else(|| "ended".to_owned(), |pid| pid.to_string());
            let _ = writeln!(table, "  {name:<10} {pid:>8} {port:>6}  {role}");
        }
        table
    }

    fn all(&self) -> impl Iterator<Item = Part<'_>> {
        let servers = self.servers.iter().map(Part::Server);
        [Part::Balancer(&self.balancer)].into_iter().chain(servers).chain(self.redis.nodes().iter().map(Part::Redis))
    }

    fn part(&self, name: &str) -> io::Result<Part<'_>> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, format!("there is no {name}; `list` shows all"));
        self.all().find(|part| part.name() == name).ok_or_else(unknown)
    }
}

impl Part<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Balancer(balancer) => balancer.kind().program(),
            Self::Server(server) => server.name(),
            Self::Redis(node) => node.name(),
        }
    }

    fn kill(self) -> io::Result<()> {
        match self {
            Self::Balancer(balancer) => balancer.kill(),
            Self::Server(server) => server.kill(),
            Self::Redis(node) => node.kill(),
        }
    }

    fn pause(self) -> io::Result<()> {
        match self {
            Self::Balancer(balancer) => balancer.pause(),
            Self::Server(server) => server.pause(),
            Self::Redis(node) => node.pause(),
        }
    }

    fn resume(self) -> io::Result<()> {
        match self {
            Self::Balancer(balancer) => balancer.resume(),
            Self::Server(server) => server.resume(),
            Self::Redis(node) => node.resume(),
        }
    }

    fn start(self) -> io::Result<()> {
        match self {
            Self::Balancer(balancer) => balancer.start(),
            Self::Server(server) => server.start(),
            Self::Redis(node) => node.start(),
        }
    }
}

/// What is told of the parts from one look to the next.
pub(super) fn changes(before: &[Look], now: &[Look]) -> Vec<String> {
    let mut told = Vec::new();
    for (before, now) in before.iter().zip(now) {
        let name = &now.name;
        match (before.pid, now.pid) {
            (Some(pid), None) => told.push(format!("{name} ({pid}) has ended; `restart {name}` starts it again")),
            (former, Some(pid)) if former != Some(pid) => told.push(format!("{name} runs, process {pid}")),
            _ => {}
        }
        if before.role != now.role && !now.role.is_empty() {
            told.push(format!("{name} is {} now", now.role));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_starts_and_roles_are_told() {
        let look = |pid, role: &str| [Look { name: "redis-1".to_owned(), pid, port: 1, role: role.to_owned() }];
        let [master, replica] = ["master from slot 0", "replica of redis-4"];
        assert!(changes(&look(Some(1), master), &look(Some(1), master)).is_empty());
        let ended = changes(&look(Some(1), master), &look(None, master));
        assert_eq!(ended, ["redis-1 (1) has ended; `restart redis-1` starts it again"]);
        let back = changes(&look(None, master), &look(Some(2), replica));
        assert_eq!(back, ["redis-1 runs, process 2", "redis-1 is replica of redis-4 now"]);
    }
}
