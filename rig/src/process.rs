//! One child process: started on a host, signalled by its pid, killed in the end.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::{Host, host, wait};

/// A child process with its output in a file. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    log: PathBuf,
    child: Mutex<Child>,
}

impl Process {
    /// Starts `program` with what `set` adds to its command. Output is appended to the file `log`.
    pub fn start(host: &Host, program: &Path, log: &Path, set: impl FnOnce(&mut Command)) -> io::Result<Self> {
        let output = File::options().create(true).append(true).open(log)?;
        let mut command = host::command(program);
        set(&mut command);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", program.display()));
        let child = host.spawn(command).map_err(named)?;
        Ok(Self { pid: child.id(), log: log.to_owned(), child: Mutex::new(child) })
    }

    /// Its id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The file that it writes to.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Whether it has not ended. A stopped process runs.
    pub fn is_running(&self) -> bool {
        self.ended().is_none()
    }

    /// How it ended, if it did.
    pub fn ended(&self) -> Option<ExitStatus> {
        self.child().try_wait().ok().flatten()
    }

    /// SIGKILL, and waits until it is gone.
    pub fn kill(&self) -> io::Result<()> {
        let mut child = self.child();
        child.kill()?;
        child.wait().map(drop)
    }

    /// SIGSTOP: it does nothing any more, and its connections stay.
    pub fn pause(&self) -> io::Result<()> {
        self.signal(Signal::STOP)
    }

    /// SIGCONT.
    pub fn resume(&self) -> io::Result<()> {
        self.signal(Signal::CONT)
    }

    /// SIGTERM, without waiting.
    pub fn terminate(&self) -> io::Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits until it has ended by itself.
    pub fn wait(&self, within: Duration) -> io::Result<ExitStatus> {
        wait::until("a process to end", within, || self.ended().ok_or(format!("{} runs", self.pid)))
    }

    /// Sends a signal. The child is not reaped while it is locked, so the pid is still its own.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let mut child = self.child();
        if child.try_wait()?.is_some() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("process {} has ended", self.pid)));
        }
        let pid = Pid::from_child(&child);
        Ok(kill_process(pid, signal)?)
    }

    fn child(&self) -> MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.kill();
    }
}
