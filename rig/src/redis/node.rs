//! One node of a cluster: a process that can be ended, stopped, started again and asked.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{fs, io};

use super::client::Client;
use crate::slot::Slot;
use crate::{Host, Process, port, wait};

/// A node answers within this time after its start; reading an append-only file back can take long on a busy machine.
const START_MAX: Duration = Duration::from_secs(20);
/// Other programs may take a port between the look and the start.
const PORTS_TRIED: usize = 5;

/// One node. Clones are the same node.
#[derive(Debug, Clone)]
pub struct Node(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    host: Host,
    folder: PathBuf,
    program: PathBuf,
    setup: Arc<Setup>,
    id: OnceLock<String>,
    port: AtomicU16,
    slot: Slot,
}

/// What is the same for all nodes of a cluster.
#[derive(Debug)]
pub(super) struct Setup {
    /// Lines of redis.conf.
    pub(super) settings: Vec<(String, String)>,
    pub(super) password: Option<String>,
    pub(super) tls: bool,
}

impl Node {
    /// A node that has not been started yet.
    pub(super) fn new(
        name: String,
        host: Host,
        folder: PathBuf,
        program: PathBuf,
        setup: Arc<Setup>,
    ) -> io::Result<Self> {
        fs::create_dir(&folder)?;
        let port = port::free_with_bus(&host)?.into();
        let (id, slot) = (OnceLock::new(), Slot::default());
        Ok(Self(Arc::new(Inner { name, host, folder, program, setup, id, port, slot })))
    }

    /// Its name in the rig: `redis-1` and so on.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The host that it is on.
    pub fn host(&self) -> &Host {
        &self.0.host
    }

    /// `ip:port` for clients.
    pub fn address(&self) -> String {
        format!("{}:{}", self.0.host.ip(), self.port())
    }

    /// The port for clients. It changes by [`Self::start_on_new_port`].
    pub fn port(&self) -> u16 {
        self.0.port.load(Ordering::Relaxed)
    }

    /// The id that the cluster knows it by.
    pub fn id(&self) -> io::Result<String> {
        if let Some(id) = self.0.id.get() {
            return Ok(id.clone());
        }
        let id = self.command(&["CLUSTER", "MYID"])?;
        Ok(self.0.id.get_or_init(|| id).clone())
    }

    /// The id of its process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.0.slot.pid()
    }

    /// Whether its process is there, stopped or not.
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// Whether it runs and was not stopped by [`Self::pause`].
    pub fn is_answering(&self) -> bool {
        self.0.slot.is_answering()
    }

    /// What it logged.
    pub fn log(&self) -> PathBuf {
        self.0.folder.join("log")
    }

    /// Where its data are.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    /// SIGKILL. Nothing is done if it has ended.
    pub fn kill(&self) -> io::Result<()> {
        self.0.slot.kill()
    }

    /// SIGTERM: it writes down what it has to, and ends soon.
    pub fn terminate(&self) -> io::Result<()> {
        self.0.slot.terminate()
    }

    /// SIGSTOP: silent, with its connections open.
    pub fn pause(&self) -> io::Result<()> {
        self.0.slot.pause()
    }

    /// SIGCONT.
    pub fn resume(&self) -> io::Result<()> {
        self.0.slot.resume()
    }

    /// Starts it again where it was, with the data that it had kept. Nothing is done if it runs.
    pub fn start(&self) -> io::Result<()> {
        self.start_at(|| Ok(self.port()), 1)
    }

    /// Starts it again on another port. Its former neighbours know it by its id as soon as it speaks to one of them.
    pub fn start_on_new_port(&self) -> io::Result<()> {
        self.start_at(|| port::free_with_bus(&self.0.host), PORTS_TRIED)
    }

    /// The first start, on whatever port is free.
    pub(super) fn start_first(&self) -> io::Result<()> {
        self.launch()
    }

    /// Waits until it answers; takes other ports while its own turn out to be taken.
    pub(super) fn await_first(&self) -> io::Result<()> {
        for _ in 1..PORTS_TRIED {
            match self.await_answer() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => self.start_on_new_port()?,
                result => return result,
            }
        }
        self.await_answer()
    }

    /// Removes the data that it keeps on disk, but not its place in the cluster: a disk that was lost. It must have ended.
    pub fn lose_data(&self) -> io::Result<()> {
        if self.is_running() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} runs", self.0.name)));
        }
        for kept in ["appendonlydir", "dump.rdb"] {
            let kept = self.0.folder.join(kept);
            match if kept.is_dir() { fs::remove_dir_all(kept) } else { fs::remove_file(kept) } {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// A command, and its answer as text: an array's elements in lines, nil as nothing, an error as one.
    ///
    /// It goes over the node's Unix socket, so a cut network does not stop it; a paused node does.
    pub fn command(&self, words: &[&str]) -> io::Result<String> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {}: {error}", self.0.name, words[0]));
        let mut client = Client::connect(&self.socket(), self.password()).map_err(named)?;
        client.call(words).and_then(super::client::Reply::into_text).map_err(named)
    }

    pub(super) fn password(&self) -> Option<&str> {
        self.0.setup.password.as_deref()
    }

    /// A field of `INFO` or `CLUSTER INFO`.
    pub(super) fn field(&self, command: &[&str], name: &str) -> io::Result<Option<String>> {
        let text = self.command(command)?;
        Ok(text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(|value| value.trim().to_owned()))
    }

    fn start_at(&self, mut port: impl FnMut() -> io::Result<u16>, tries: usize) -> io::Result<()> {
        if self.is_running() {
            return Ok(());
        }
        for tried in 1.. {
            self.0.port.store(port()?, Ordering::Relaxed);
            self.launch()?;
            match self.await_answer() {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && tried < tries => {}
                result => return result,
            }
        }
        Ok(())
    }

    fn launch(&self) -> io::Result<()> {
        let config = self.0.folder.join("redis.conf");
        fs::write(&config, self.config(self.port()))?;
        // A log of before must not explain this start.
        let _ = fs::rename(self.log(), self.0.folder.join("log.before"));
        let process = Process::start(&self.0.host, &self.0.program, &self.log(), |command| {
            command.arg(&config);
        })?;
        self.0.slot.put(process);
        Ok(())
    }

    fn await_answer(&self) -> io::Result<()> {
        wait::until(&format!("{} to answer", self.0.name), START_MAX, || {
            if !self.is_running() {
                return Ok(Err(self.ended()));
            }
            match self.command(&["PING"]) {
                Ok(_) => Ok(Ok(())),
                Err(error) if error.to_string().contains("LOADING") => Ok(Ok(())),
                Err(error) => Err(error.to_string()),
            }
        })?
    }

    /// Why it is not there.
    fn ended(&self) -> io::Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let kind =
            if log.contains("Address already in use") { io::ErrorKind::AddrInUse } else { io::ErrorKind::NotFound };
        let last = log.lines().last().unwrap_or_default();
        io::Error::new(kind, format!("{} has ended: {last}", self.0.name))
    }

    fn config(&self, port: u16) -> String {
        let folder = self.0.folder.display();
        let ip = self.0.host.ip();
        let (plain, tls) = if self.0.setup.tls { (0, port) } else { (port, 0) };
        let mut config = format!(
            "port {plain}\nbind {ip}\nbind-source-addr {ip}\ncluster-announce-ip {ip}\ndir {folder}\nunixsocket {}\n",
            self.socket().display()
        );
        if tls != 0 {
            // Valkey and Redis know these lines only where they were built with TLS.
            let _ = writeln!(config, "tls-port {tls}");
        }
        for (key, value) in &self.0.setup.settings {
            let _ = writeln!(config, "{key} {value}");
        }
        config
    }

    fn socket(&self) -> PathBuf {
        self.0.folder.join("socket")
    }
}
