//! HAProxy and nginx before several servers, by the very files that stand under `examples/`.

mod config;

use std::net::SocketAddr;
use std::time::Duration;
use std::{fs, io};

use crate::folder::Folder;
use crate::host::find_program;
use crate::slot::Slot;
use crate::{Host, Process, port, wait};

const START_MAX: Duration = Duration::from_secs(10);

/// Which balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HAProxy by `examples/haproxy.cfg`: asks the servers whether they are ready.
    Haproxy,
    /// nginx by `examples/nginx.conf`: learns from requests that fail.
    Nginx,
}

/// A running balancer: in turn, without stickiness. Killed when dropped.
#[derive(Debug)]
pub struct Balancer {
    kind: Kind,
    host: Host,
    address: SocketAddr,
    slot: Slot,
    folder: Folder,
}

impl Kind {
    /// Its program's name.
    pub fn program(self) -> &'static str {
        match self {
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }
}

impl Balancer {
    /// HAProxy on this machine, at a free port.
    pub fn haproxy(backends: &[SocketAddr]) -> io::Result<Self> {
        Self::start_on(&Host::local(), Kind::Haproxy, backends)
    }

    /// nginx on this machine, at a free port.
    pub fn nginx(backends: &[SocketAddr]) -> io::Result<Self> {
        Self::start_on(&Host::local(), Kind::Nginx, backends)
    }

    /// A balancer on a host, at a free port.
    pub fn start_on(host: &Host, kind: Kind, backends: &[SocketAddr]) -> io::Result<Self> {
        Self::start_at(host, SocketAddr::new(host.ip(), port::free(host)?), kind, backends)
    }

    /// A balancer on a host, at this address.
    pub fn start_at(host: &Host, address: SocketAddr, kind: Kind, backends: &[SocketAddr]) -> io::Result<Self> {
        let balancer = Self { kind, host: host.clone(), address, slot: Slot::default(), folder: Folder::new()? };
        fs::write(balancer.folder.path().join("config"), config::render(kind, address, backends)?)?;
        balancer.start()?;
        Ok(balancer)
    }

    /// Starts it again where it was. Nothing is done if it runs.
    pub fn start(&self) -> io::Result<()> {
        if self.is_running() {
            return Ok(());
        }
        let (folder, config) = (self.folder.path(), self.folder.path().join("config"));
        let (program, log) = (find_program(self.kind.program())?, folder.join("log"));
        let process = Process::start(&self.host, &program, &log, |command| {
            match self.kind {
                Kind::Haproxy => command.arg("-db").arg("-f").arg(&config),
                // One process, so that none is left behind when it is killed.
                Kind::Nginx => {
                    let global = "daemon off; master_process off; pid nginx.pid; error_log stderr notice;";
                    command.arg("-p").arg(folder).arg("-c").arg(&config).args(["-e", "stderr", "-g", global])
                }
            };
        })?;
        self.slot.put(process);
        wait::until(&format!("{} to listen", self.kind.program()), START_MAX, || {
            if !self.is_running() {
                return Ok(Err(io::Error::other(fs::read_to_string(&log).unwrap_or_default())));
            }
            self.host.connect(self.address, START_MAX).map(|_| Ok(())).map_err(|error| error.to_string())
        })?
    }

    /// Which one it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where clients go.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its process, while there is one.
    pub fn pid(&self) -> Option<u32> {
        self.slot.pid()
    }

    /// SIGSTOP.
    pub fn pause(&self) -> io::Result<()> {
        self.slot.pause()
    }

    /// SIGCONT.
    pub fn resume(&self) -> io::Result<()> {
        self.slot.resume()
    }

    /// Whether its process is there.
    pub fn is_running(&self) -> bool {
        self.pid().is_some()
    }

    /// SIGKILL.
    pub fn kill(&self) -> io::Result<()> {
        self.slot.kill()
    }
}
