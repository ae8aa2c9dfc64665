//! `chat-rig up` as people see it: it says where everything is, notices what ends, and leaves nothing behind.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use chat_rig::{Host, http, port};

const SOON: Duration = Duration::from_secs(60);

/// The program, killed when a test fails.
struct Up {
    child: Child,
    lines: Receiver<String>,
}

impl Up {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat-rig"));
        command.arg("up").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (told, lines) = channel();
        thread::spawn(move || output.lines().map_while(Result::ok).all(|line| told.send(line).is_ok()));
        Self { child, lines }
    }

    /// The next line that holds these words.
    fn line(&self, words: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(SOON).unwrap_or_else(|error| panic!("no line with {words:?}: {error}"));
            if line.contains(words) {
                return line;
            }
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn runs(pid: u32) -> bool {
    let status = std::fs::read_to_string(PathBuf::from(format!("/proc/{pid}/status"))).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

fn kill(signal: &str, pid: u32) {
    assert!(Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[test]
fn all_is_up_what_is_killed_is_told_and_all_is_gone() {
    let port = port::free(&Host::local()).unwrap();
    let mut up = Up::start(&["--servers", "2", "--listen", &format!("127.0.0.1:{port}")]);
    assert!(up.line("ChatCluster runs").contains(&format!("http://127.0.0.1:{port} ")));
    up.line("pid");
    let rows: Vec<String> = (0..9).map(|_| up.lines.recv_timeout(SOON).unwrap()).collect();
    let pids: Vec<u32> = rows.iter().map(|row| row.split_whitespace().nth(1).unwrap().parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| runs(*pid)), "{rows:?}");
    assert_eq!(rows.iter().filter(|row| row.contains("master from slot")).count(), 3, "{rows:?}");
    let (status, _) = http::get(&Host::local(), ([127, 0, 0, 1], port).into(), "/readyz").unwrap();
    assert_eq!(status, 200);

    let master: u32 = up.line("a master").split_whitespace().nth(2).unwrap().parse().unwrap();
    kill("-KILL", master);
    up.line("has ended");
    up.line("is master from slot");

    kill("-INT", up.child.id());
    up.line("Ending everything");
    assert!(up.child.wait().unwrap().success());
    assert!(pids.iter().all(|pid| !runs(*pid)));
}

#[test]
fn nothing_outlives_a_rig_that_is_killed() {
    let port = port::free(&Host::local()).unwrap();
    let mut up = Up::start(&["--servers", "1", "--listen", &format!("127.0.0.1:{port}")]);
    up.line("pid");
    let rows: Vec<String> = (0..8).map(|_| up.lines.recv_timeout(SOON).unwrap()).collect();
    let pids: Vec<u32> = rows.iter().map(|row| row.split_whitespace().nth(1).unwrap().parse().unwrap()).collect();
    let folders = std::env::temp_dir().join(format!("chat-rig-{}-0", up.child.id()));
    up.child.kill().unwrap();
    up.child.wait().unwrap();
    let deadline = std::time::Instant::now() + SOON;
    while pids.iter().any(|pid| runs(*pid)) {
        assert!(std::time::Instant::now() < deadline, "something still runs");
        thread::sleep(Duration::from_millis(20));
    }
    // Nobody was there to remove its folders.
    for number in 0..3 {
        let _ = std::fs::remove_dir_all(folders.with_file_name(format!("chat-rig-{}-{number}", up.child.id())));
    }
    assert!(!Path::new(&folders).exists());
}
