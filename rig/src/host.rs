//! Where processes are started and connections opened: this machine itself, or a host of a private network.
//!
//! A host is a thread, for two reasons. The kernel ends a child with the *thread* that started it (`PR_SET_PDEATHSIG`), so
//! that thread has to live on; and a network namespace belongs to a thread, so whatever the thread of a host starts or
//! opens is on that host.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{env, thread};

type Job = Box<dyn FnOnce() + Send>;

/// A place for processes. Clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    name: String,
    ip: IpAddr,
    jobs: Sender<Job>,
}

impl Host {
    /// This machine, seen at 127.0.0.1.
    pub fn local() -> Self {
        static LOCAL: OnceLock<Host> = OnceLock::new();
        LOCAL.get_or_init(|| Self::from_thread("local".to_owned(), Ipv4Addr::LOCALHOST.into())).clone()
    }

    fn from_thread(name: String, ip: IpAddr) -> Self {
        let (jobs, todo) = channel::<Job>();
        thread::spawn(move || todo.into_iter().for_each(|job| job()));
        Self(Arc::new(Inner { name, ip, jobs }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its address, for other hosts and for itself.
    pub fn ip(&self) -> IpAddr {
        self.0.ip
    }

    /// Does some work on this host: what it opens or starts belongs there. Other work of this host waits meanwhile.
    pub fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (done, result) = channel();
        let job = Box::new(move || drop(done.send(work())));
        let gone = || io::Error::other(format!("the thread of host {} has ended", self.0.name));
        self.0.jobs.send(job).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())
    }

    /// Starts a program on this host, to be killed with it.
    pub(crate) fn spawn(&self, mut command: Command) -> io::Result<Child> {
        self.run(move || command.spawn())?
    }

    /// Opens a connection from this host.
    pub fn connect(&self, to: SocketAddr, within: Duration) -> io::Result<TcpStream> {
        self.run(move || TcpStream::connect_timeout(&to, within))?
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} {})", self.0.name, self.0.ip)
    }
}

/// A command whose process the kernel kills as soon as its parent thread ends.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

/// Where a program is: in the cache folder of this project, on the path, or among the system's.
pub fn find_program(name: &str) -> io::Result<PathBuf> {
    let cache = env::var_os("CHATCLUSTER_CACHE").map(PathBuf::from).or_else(|| {
        let beside_home = env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        Some(env::var_os("XDG_CACHE_HOME").map(PathBuf::from).or(beside_home)?.join("chatcluster"))
    });
    let path = env::var_os("PATH").unwrap_or_default();
    let mut folders =
        cache.map(|cache| cache.join("bin")).into_iter().chain(env::split_paths(&path).collect::<Vec<_>>());
    let system = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
    folders.by_ref().chain(system).map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{name} is not there; `make/prerequisites test` installs it");
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}
