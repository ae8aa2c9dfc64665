//! What a cluster shall be like, and starting it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::node::{Node, Setup};
use super::{RedisCluster, form};
use crate::certificates::Certificates;
use crate::folder::Folder;
use crate::{Host, host};

/// A cluster must be whole within this time; two seconds of it pass before a new master serves at all.
const FORM_MAX: Duration = Duration::from_secs(60);

/// Which server program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flavour {
    /// `redis-server`.
    #[default]
    Redis,
    /// `valkey-server`.
    Valkey,
}

impl Flavour {
    /// The program of this flavour on this machine.
    pub fn program(self) -> io::Result<PathBuf> {
        host::find_program(match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        })
    }
}

/// A cluster to be started. As it comes: Redis, three masters with a replica each, node timeout 2 s, nothing on disk.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    flavour: Flavour,
    masters: usize,
    replicas: usize,
    node_timeout_ms: u32,
    append_only: bool,
    password: Option<String>,
    tls: bool,
    config: Vec<(String, String)>,
    hosts: Vec<Host>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            flavour: Flavour::Redis,
            masters: 3,
            replicas: 1,
            node_timeout_ms: 2000,
            append_only: false,
            password: None,
            tls: false,
            config: Vec::new(),
            hosts: vec![Host::local()],
        }
    }
}

impl Builder {
    /// Redis or Valkey.
    pub fn flavour(mut self, flavour: Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// How many masters share the slots; at least three, or none can fail over.
    pub fn masters(mut self, masters: usize) -> Self {
        self.masters = masters;
        self
    }

    /// How many replicas each master has.
    pub fn replicas(mut self, replicas: usize) -> Self {
        self.replicas = replicas;
        self
    }

    /// `cluster-node-timeout` in milliseconds: a silent master is replaced between one and two of it later.
    pub fn node_timeout(mut self, ms: u32) -> Self {
        self.node_timeout_ms = ms;
        self
    }

    /// Whether data are kept on disk over a restart (`appendonly yes`).
    pub fn append_only(mut self, append_only: bool) -> Self {
        self.append_only = append_only;
        self
    }

    /// The default user's password; also what replicas show their masters.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// One more user by a rule of Redis ACL, for example `.user("chat", ">secret ~chat:* &* +@all")`.
    pub fn user(self, name: &str, rules: &str) -> Self {
        self.config("user", &format!("{name} on {rules}"))
    }

    /// TLS for clients, replication and the cluster bus, and nothing else; see [`RedisCluster::authority`].
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// A line of redis.conf for all nodes; it has the last word.
    pub fn config(mut self, key: &str, value: &str) -> Self {
        self.config.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Where the nodes are: the first on the first host, and so on, and around. [default: all on this machine]
    pub fn hosts(mut self, hosts: &[Host]) -> Self {
        hosts.clone_into(&mut self.hosts);
        self
    }

    /// Starts the nodes and forms the cluster; comes back when every node is in order and knows it of all others.
    pub fn start(self) -> io::Result<RedisCluster> {
        let folder = Folder::new()?;
        let program = self.flavour.program()?;
        let addresses: Vec<_> = self.hosts.iter().map(Host::ip).collect();
        let certificates = self.tls.then(|| Certificates::make(folder.path(), &addresses)).transpose()?;
        let settings = self.settings(certificates.as_ref());
        let setup = Arc::new(Setup { settings, password: self.password.clone(), tls: self.tls });
        let nodes = (1..=self.masters * (1 + self.replicas))
            .zip(self.hosts.iter().cycle())
            .map(|(number, host)| {
                let place = folder.path().join(number.to_string());
                Node::new(format!("redis-{number}"), host.clone(), place, program.clone(), setup.clone())
            })
            .collect::<io::Result<Vec<_>>>()?;
        nodes.iter().try_for_each(Node::start_first)?;
        nodes.iter().try_for_each(Node::await_first)?;
        form::form(&nodes, self.masters)?;
        let authority = certificates.map(|certificates| certificates.authority);
        let cluster =
            RedisCluster { nodes, masters: self.masters, replicas: self.replicas, authority, _folder: folder };
        cluster.await_healthy(FORM_MAX)?;
        Ok(cluster)
    }

    fn settings(&self, certificates: Option<&Certificates>) -> Vec<(String, String)> {
        let timeout = self.node_timeout_ms.to_string();
        let append_only = if self.append_only { "yes" } else { "no" };
        let mut settings = vec![
            ("cluster-enabled", "yes"),
            ("cluster-config-file", "nodes.conf"),
            ("cluster-node-timeout", &timeout),
            // One failed shard must not stop the others.
            ("cluster-require-full-coverage", "no"),
            ("appendonly", append_only),
            ("save", "\"\""),
            ("protected-mode", "no"),
            ("daemonize", "no"),
            ("repl-diskless-sync-delay", "0"),
            ("repl-backlog-size", "64mb"),
            ("client-output-buffer-limit", "pubsub 256mb 128mb 60"),
            ("enable-debug-command", "yes"),
        ];
        if let Some(password) = &self.password {
            settings.extend([("requirepass", password.as_str()), ("masterauth", password)]);
        }
        let paths = certificates.map(|certificates| {
            let Certificates { authority, certificate, key } = certificates;
            [authority, certificate, key].map(|path| path.display().to_string())
        });
        if let Some([authority, certificate, key]) = &paths {
            settings.extend([
                ("tls-ca-cert-file", authority.as_str()),
                ("tls-cert-file", certificate),
                ("tls-key-file", key),
                ("tls-auth-clients", "no"),
                ("tls-replication", "yes"),
                ("tls-cluster", "yes"),
            ]);
        }
        let owned = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
        settings.into_iter().map(owned).chain(self.config.iter().cloned()).collect()
    }
}
