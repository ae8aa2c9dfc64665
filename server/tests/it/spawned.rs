//! A server as a process of its own.

use crate::wait::DEADLINE;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The program, without anything of this process's own settings.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chat-server"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CHAT_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("the program runs")
}

/// Writes a file that only this test has.
pub(crate) fn file(name: &str, text: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("a file");
    path
}

/// A running server; it is killed when it is dropped.
pub(crate) struct Spawned {
    child: Child,
    pub(crate) public: SocketAddr,
    pub(crate) internal: SocketAddr,
    pub(crate) operations: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Spawned {
    /// Starts it and waits until it serves.
    pub(crate) async fn start(arguments: &[&str]) -> Self {
        let [public, internal, operations] = free_ports();
        let mut child = program()
            .args(["--listen", &public.to_string(), "--internal-listen", &internal.to_string()])
            .args(["--metrics-listen", &operations.to_string(), "--log-format", "json"])
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = Arc::new(Mutex::new(Vec::new()));
        let (stderr, shared) = (child.stderr.take().expect("its log"), lines.clone());
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                shared.lock().expect("lines").push(line);
            }
        });
        let spawned = Self { child, public, internal, operations, lines };
        spawned.logs("\"serving\"").await;
        spawned
    }

    /// Waits for a line of its log that holds this text.
    pub(crate) async fn logs(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let found = self.lines.lock().expect("lines").iter().find(|line| line.contains(text)).cloned();
            if let Some(line) = found {
                return line;
            }
            let lines = self.lines.lock().expect("lines").join("\n");
            assert!(begun.elapsed() < DEADLINE, "no {text} in the log:\n{lines}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("its state") {
                return status;
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ports that nobody listens on, all found before one is given back.
fn free_ports() -> [SocketAddr; 3] {
    let listeners = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address"))
}
