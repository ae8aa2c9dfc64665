//! Starting and ending the servers that are compared.

use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// A server must answer within this time.
const START_MAX: Duration = Duration::from_secs(20);

/// A server of the comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The raw epoll floor.
    Floor,
    /// This project's server.
    Ours,
    /// Stock socket.io on Node.
    Node,
    /// socketioxide.
    Socketioxide,
}

/// Where the servers are found.
#[derive(Debug, Clone, clap::Args)]
pub struct Places {
    /// The chat server's binary [default: beside this program]
    #[arg(long)]
    ours: Option<PathBuf>,
    /// The floor's binary [default: beside this program]
    #[arg(long)]
    floor: Option<PathBuf>,
    /// The folder of the Node peer, with its packages installed
    #[arg(long, default_value = "bench/peers/node-socketio")]
    node: PathBuf,
    /// The socketioxide peer's binary [default: peers/release beside this program's folder]
    #[arg(long)]
    socketioxide: Option<PathBuf>,
    /// More flags for the chat server, separated by blanks
    #[arg(long, default_value = "", allow_hyphen_values = true)]
    ours_flags: String,
}

/// A running server; it is killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Which one.
    pub kind: Kind,
    /// Where it listens.
    pub url: String,
    /// Where its metrics are, if it has some.
    pub metrics: Option<String>,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Floor => "epoll floor",
            Self::Ours => "chat-server",
            Self::Node => "socket.io (Node)",
            Self::Socketioxide => "socketioxide",
        }
    }
}

impl Server {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Places {
    /// Starts a server on a free port of 127.0.0.1 and waits until it accepts.
    pub(super) fn start(&self, kind: Kind) -> io::Result<Server> {
        let listen = free_address()?;
        let mut metrics = None;
        let mut command = match kind {
            Kind::Floor => Command::new(self.floor.clone().map_or_else(|| beside("chat-bench-floor"), Ok)?),
            Kind::Ours => {
                let address = free_address()?;
                let mut command = Command::new(self.ours.clone().map_or_else(|| beside("chat-server"), Ok)?);
                command.args(["--metrics-listen", &address, "--internal-listen", &free_address()?]);
                command.args(["--log-level", "error"]);
                command.args(self.ours_flags.split_ascii_whitespace());
                metrics = Some(address);
                command
            }
            Kind::Node => {
                let mut command = Command::new("node");
                command.arg(self.node.join("server.mjs"));
                command
            }
            Kind::Socketioxide => {
                let built = || beside("../peers/release/chat-bench-peer-socketioxide");
                Command::new(self.socketioxide.clone().map_or_else(built, Ok)?)
            }
        };
        command.args(["--listen", &listen]).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().map_err(|error| {
            let program = command.get_program().to_string_lossy().into_owned();
            io::Error::new(error.kind(), format!("{program}: {error}"))
        })?;
        let mut server = Server { child, kind, url: format!("http://{listen}"), metrics };
        server.wait_until_up(&listen)?;
        Ok(server)
    }
}

impl Server {
    fn wait_until_up(&mut self, address: &str) -> io::Result<()> {
        let until = Instant::now() + START_MAX;
        loop {
            if TcpStream::connect(address).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(io::Error::other(format!("ended at once: {status}")));
            }
            if Instant::now() > until {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "does not listen"));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// A port that was free a moment ago.
fn free_address() -> io::Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

/// A path from the folder of this program.
fn beside(path: &str) -> io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().unwrap_or(&program).join(path))
}
