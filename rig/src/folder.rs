//! A folder of one's own for configurations, data and logs, removed in the end.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, process, thread};

/// A folder that is removed when dropped; kept when a test fails, or where `CHAT_RIG_KEEP` is set, so that logs can be read.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one. Its path is short: the path of a Unix socket holds 107 bytes.
    pub fn new() -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        loop {
            let name = format!("chat-rig-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
            let path = env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if thread::panicking() || env::var_os("CHAT_RIG_KEEP").is_some() {
            eprintln!("logs are kept in {}", self.0.display());
            return;
        }
        // A process that was killed a moment ago may still be writing: what is left lies in the system's folder for it.
        let _ = fs::remove_dir_all(&self.0);
    }
}
