//! The place of a process that is ended and started again.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::Process;

/// Holds a process, or none.
#[derive(Debug, Default)]
pub(crate) struct Slot(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    paused: bool,
}

impl Slot {
    /// Takes a process that was just started; one that was here is killed.
    pub(crate) fn put(&self, process: Process) {
        *self.state() = State { process: Some(process), paused: false };
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.state().process.as_ref().filter(|process| process.is_running()).map(Process::pid)
    }

    /// Whether it runs and was not stopped.
    pub(crate) fn is_answering(&self) -> bool {
        let state = self.state();
        !state.paused && state.process.as_ref().is_some_and(Process::is_running)
    }

    /// SIGKILL; nothing is done if it has ended.
    pub(crate) fn kill(&self) -> io::Result<()> {
        std::mem::take(&mut *self.state()).process.map_or(Ok(()), |process| process.kill())
    }

    pub(crate) fn pause(&self) -> io::Result<()> {
        let mut state = self.state();
        state.process()?.pause()?;
        state.paused = true;
        Ok(())
    }

    pub(crate) fn resume(&self) -> io::Result<()> {
        let mut state = self.state();
        state.process()?.resume()?;
        state.paused = false;
        Ok(())
    }

    pub(crate) fn terminate(&self) -> io::Result<()> {
        self.state().process()?.terminate()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn process(&self) -> io::Result<&Process> {
        self.process.as_ref().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "it was killed before"))
    }
}
