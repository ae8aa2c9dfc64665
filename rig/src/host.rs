//! Where processes are started and connections opened: this machine itself, or a host of a private network.
//!
//! A host is a thread, for two reasons. The kernel ends a child with the *thread* that started it (`PR_SET_PDEATHSIG`), so
//! that thread has to live on; and a network namespace belongs to a thread, so whatever the thread of a host starts or
//! opens is on that host.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use std::{env, thread};

#[expect(deprecated)]
use rustix::thread::unshare;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};

type Job = Box<dyn FnOnce() + Send>;

/// A place for processes. Clones are the same host.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

struct Inner {
    name: String,
    ip: IpAddr,
    jobs: Sender<Job>,
    /// The network namespace, if it has one of its own.
    namespace: Option<File>,
}

impl Host {
    /// This machine, seen at 127.0.0.1.
    pub fn local() -> Self {
        static LOCAL: OnceLock<Host> = OnceLock::new();
        let new =
            || Inner { name: "local".to_owned(), ip: Ipv4Addr::LOCALHOST.into(), jobs: worker(), namespace: None };
        LOCAL.get_or_init(|| Self(Arc::new(new()))).clone()
    }

    /// A host in a network namespace of its own, connected to nothing yet. The namespace is gone with the last process,
    /// thread and file that hold it: nothing is left behind, however this process ends.
    pub(crate) fn in_namespace(name: &str, ip: IpAddr) -> io::Result<Self> {
        let jobs = worker();
        let mut host = Inner { name: name.to_owned(), ip, jobs, namespace: None };
        host.namespace = Some(host.run(|| {
            // The successor is unsafe for the sake of a flag that is not used here.
            #[expect(deprecated)]
            unshare(UnshareFlags::NEWNET)?;
            File::open("/proc/thread-self/ns/net")
        })??);
        Ok(Self(Arc::new(host)))
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
        self.0.run(work)
    }

    /// Brings the calling thread to this host for good: for the threads of a runtime whose connections shall come from there
    /// (`on_thread_start` of tokio's builder).
    pub fn enter(&self) -> io::Result<()> {
        let Some(namespace) = &self.0.namespace else { return Ok(()) };
        Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
    }

    /// Runs a program of the system on this host to its end. Its complaint becomes the error.
    pub(crate) fn execute(&self, words: &[&str]) -> io::Result<()> {
        let mut command = Command::new(find_program(words[0])?);
        command.args(&words[1..]);
        let output = self.run(move || command.output())??;
        if output.status.success() {
            return Ok(());
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{}: {}: {}", self.0.name, words.join(" "), complaint.trim())))
    }

    /// A path of its network namespace for other processes, while this one lives.
    pub(crate) fn namespace_path(&self) -> Option<String> {
        let namespace = self.0.namespace.as_ref()?;
        Some(format!("/proc/{}/fd/{}", std::process::id(), namespace.as_raw_fd()))
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

impl Inner {
    fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
        let (done, result) = channel();
        let job = Box::new(move || drop(done.send(work())));
        let gone = || io::Error::other(format!("the thread of host {} has ended", self.name));
        self.jobs.send(job).map_err(|_| gone())?;
        result.recv().map_err(|_| gone())
    }
}

/// The thread of a host; it ends with the host.
fn worker() -> Sender<Job> {
    let (jobs, todo) = channel::<Job>();
    thread::spawn(move || todo.into_iter().for_each(|job| job()));
    jobs
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Host({} {})", self.0.name, self.0.ip)
    }
}

/// A command whose process the kernel kills as soon as its parent thread ends. Its process group is its own, so that
/// Ctrl-C on the terminal is for this process alone.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.process_group(0);
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
    let folders = cache.map(|cache| cache.join("bin")).into_iter().chain(env::split_paths(&path).collect::<Vec<_>>());
    // Debian keeps programs for operators where other users' paths do not reach.
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    folders.chain(system).map(|folder| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let text = format!("{name} is not there; `make/prerequisites test` installs it");
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}
