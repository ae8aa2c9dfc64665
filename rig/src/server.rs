//! A chat server: the program itself, on free ports.

use std::env;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::folder::Folder;
use crate::slot::Slot;
use crate::{Host, Process, http, port, wait};

/// A server is ready within this time, and gone within it after SIGTERM if nobody is connected.
const START_MAX: Duration = Duration::from_secs(30);

/// What servers of a rig sign with, so that they know each other's sessions.
pub const SIGNING_KEY: &str = "a-signing-key-that-only-rigs-know-0123456789";

/// A server to be started.
#[derive(Debug, Clone)]
#[must_use]
pub struct Builder {
    name: String,
    host: Host,
    program: Option<PathBuf>,
    listen: Option<SocketAddr>,
    redis: Vec<String>,
    settings: Vec<(String, String)>,
}

/// A chat server with its three ports. It is killed when dropped.
#[derive(Debug)]
pub struct ChatServer {
    name: String,
    host: Host,
    program: PathBuf,
    public: SocketAddr,
    internal: SocketAddr,
    metrics: SocketAddr,
    flags: Vec<String>,
    slot: Slot,
    folder: Folder,
}

impl Builder {
    /// Its name among the servers (`--node`). [default: chat-1]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Where it is. [default: this machine]
    pub fn host(mut self, host: &Host) -> Self {
        self.host = host.clone();
        self
    }

    /// The program. [default: `TARGET_SERVER_BIN`, or `chat-server` beside this program]
    pub fn program(mut self, program: PathBuf) -> Self {
        self.program = Some(program);
        self
    }

    /// Where clients connect. [default: a free port]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// The Redis Cluster's seeds (`--redis`), as [`crate::RedisCluster::seeds`] gives them. [default: the memory log]
    pub fn redis(mut self, seeds: Vec<String>) -> Self {
        self.redis = seeds;
        self
    }

    /// A setting by the name of its flag, without dashes; it has the last word.
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it and waits until it is ready.
    pub fn start(self) -> io::Result<ChatServer> {
        let server = self.launch()?;
        server.await_ready(START_MAX)?;
        Ok(server)
    }

    /// Starts it without waiting: for servers that are not meant to become ready.
    pub fn launch(self) -> io::Result<ChatServer> {
        let free = || Ok::<_, io::Error>(SocketAddr::new(self.host.ip(), port::free(&self.host)?));
        let (internal, metrics) = (free()?, free()?);
        let public = self.listen.map_or_else(free, Ok)?;
        let mut settings = vec![
            ("listen".to_owned(), public.to_string()),
            ("internal-listen".to_owned(), internal.to_string()),
            ("metrics-listen".to_owned(), metrics.to_string()),
            ("node".to_owned(), self.name.clone()),
            ("signing-key".to_owned(), SIGNING_KEY.to_owned()),
            ("log-format".to_owned(), "json".to_owned()),
        ];
        if !self.redis.is_empty() {
            settings.push(("redis".to_owned(), self.redis.join(",")));
        }
        settings.retain(|(name, _)| self.settings.iter().all(|(given, _)| given != name));
        settings.extend(self.settings);
        let flags = settings.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let program = self.program.map_or_else(program, Ok)?;
        let (slot, folder) = (Slot::default(), Folder::new()?);
        let server =
            ChatServer { name: self.name, host: self.host, program, public, internal, metrics, flags, slot, folder };
        server.launch()?;
        Ok(server)
    }
}

impl ChatServer {
    /// A server to be described.
    pub fn builder() -> Builder {
        Builder {
            name: "chat-1".to_owned(),
            host: Host::local(),
            program: None,
            listen: None,
            redis: Vec::new(),
            settings: Vec::new(),
        }
    }

    /// Its name among the servers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host that it is on.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.public
    }

    /// The same as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.public)
    }

    /// Where other servers connect.
    pub fn internal_address(&self) -> SocketAddr {
        self.internal
    }

    /// Where metrics and probes are.
    pub fn metrics_address(&self) -> SocketAddr {
        self.metrics
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.slot.pid()
    }

    /// Whether its process is there, stopped or not.
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// What it logged, a JSON object a line.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// SIGKILL. Nothing is done if it has ended.
    pub fn kill(&self) -> io::Result<()> {
        self.slot.kill()
    }

    /// SIGSTOP.
    pub fn pause(&self) -> io::Result<()> {
        self.slot.pause()
    }

    /// SIGCONT.
    pub fn resume(&self) -> io::Result<()> {
        self.slot.resume()
    }

    /// SIGTERM: it drains, then it ends.
    pub fn terminate(&self) -> io::Result<()> {
        self.slot.terminate()
    }

    /// Waits until it has ended by itself.
    pub fn await_end(&self, within: Duration) -> io::Result<()> {
        wait::until(&format!("{} to end", self.name), within, || match self.pid() {
            Some(pid) => Err(format!("process {pid} runs")),
            None => Ok(()),
        })
    }

    /// Starts it again on the same ports and waits until it is ready. Nothing is done if it runs.
    pub fn start(&self) -> io::Result<()> {
        if !self.is_running() {
            self.launch()?;
        }
        self.await_ready(START_MAX)
    }

    /// What `/readyz` says: the status and the text.
    pub fn readiness(&self) -> io::Result<(u16, String)> {
        http::get(&self.host, self.metrics, "/readyz")
    }

    /// Waits until it is ready, or has ended, which is an error.
    pub fn await_ready(&self, within: Duration) -> io::Result<()> {
        wait::until(&format!("{} to be ready", self.name), within, || {
            if !self.is_running() {
                return Ok(Err(self.ended()));
            }
            match self.readiness() {
                Ok((200, _)) => Ok(Ok(())),
                Ok((status, text)) => Err(format!("{status} {}", text.trim())),
                Err(error) => Err(error.to_string()),
            }
        })?
    }

    /// The text of its `/metrics`.
    pub fn metrics(&self) -> io::Result<String> {
        http::get(&self.host, self.metrics, "/metrics").map(|(_, text)| text)
    }

    /// The sum of all samples of a metric, whatever their labels.
    pub fn metric(&self, name: &str) -> io::Result<f64> {
        let text = self.metrics()?;
        let samples =
            text.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.starts_with(['{', ' ']));
        Ok(samples.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum())
    }

    fn launch(&self) -> io::Result<()> {
        let process = Process::start(&self.host, &self.program, &self.log(), |command| {
            // Settings in the environment of this process are none of the server's.
            let set = env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("CHAT_"));
            for (name, _) in set {
                command.env_remove(name);
            }
            command.args(&self.flags);
        })?;
        self.slot.put(process);
        Ok(())
    }

    fn ended(&self) -> io::Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        io::Error::other(format!("{} has ended: {}", self.name, log.lines().last().unwrap_or_default()))
    }
}

/// Tests are a folder below the programs that they test.
fn program() -> io::Result<PathBuf> {
    if let Some(named) = env::var_os("TARGET_SERVER_BIN") {
        return Ok(named.into());
    }
    let own = env::current_exe()?;
    let near = own.ancestors().skip(1).take(2).map(|folder| folder.join("chat-server")).find(|path| path.is_file());
    let missing = "chat-server is not built; `cargo build -p chat-server` builds it, TARGET_SERVER_BIN names another";
    near.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, missing))
}
