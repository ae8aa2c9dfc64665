//! The cluster as people have it: `kubectl`, `helm` and, for what no API can do to a pod, containerd's `ctr`.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The rest between two looks.
const LOOK: Duration = Duration::from_millis(300);

/// Why a chapter cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// A program failed.
    #[error("{command}: {said}")]
    Failed {
        /// What was run.
        command: String,
        /// What it said.
        said: String,
    },
    /// A program could not be run, or a file not be read.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// What was waited for did not come.
    #[error("{what} did not come about in {} s: {last}", within.as_secs())]
    NeverCame {
        /// What was waited for.
        what: String,
        /// For how long.
        within: Duration,
        /// What was seen last.
        last: String,
    },
    /// Something is not as it must be.
    #[error("{0}")]
    NotSo(String),
    /// The clients could not be run.
    #[error("the clients could not be run")]
    Clients(#[from] chat_bench::crowd::RunError),
}

/// Runs a program to its end, with this on its input. Its output, where it succeeds.
pub fn run(program: &str, args: &[&str], input: &str) -> Result<String, Wrong> {
    let command = || format!("{program} {}", args.join(" "));
    let io = |source| Wrong::Io { what: command(), source };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(io)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(io)?;
    }
    let done = child.wait_with_output().map_err(io)?;
    if done.status.success() {
        return Ok(String::from_utf8_lossy(&done.stdout).into_owned());
    }
    Err(Wrong::Failed { command: command(), said: String::from_utf8_lossy(&done.stderr).trim().to_owned() })
}

/// Runs kubectl.
pub fn kubectl(args: &[&str]) -> Result<String, Wrong> {
    run("kubectl", args, "")
}

/// Runs helm.
pub fn helm(args: &[&str]) -> Result<String, Wrong> {
    run("helm", args, "")
}

/// What `kubectl get` shows.
pub fn get(args: &[&str]) -> Result<Value, Wrong> {
    let shown = run("kubectl", &[&["get", "-o", "json"], args].concat(), "")?;
    serde_json::from_str(&shown).map_err(|error| Wrong::NotSo(format!("kubectl get {}: {error}", args.join(" "))))
}

/// The objects that `kubectl get` lists.
pub fn list(args: &[&str]) -> Result<Vec<Value>, Wrong> {
    Ok(get(args)?["items"].as_array().cloned().unwrap_or_default())
}

/// Applies a manifest.
pub fn apply(manifest: &str) -> Result<(), Wrong> {
    run("kubectl", &["apply", "-f", "-"], manifest).map(drop)
}

/// Kills a container's process, as a crash would.
pub fn kill_container(id: &str) -> Result<(), Wrong> {
    let id = id.trim_start_matches("containerd://");
    run("ctr", &["task", "kill", "--signal", "SIGKILL", id], "").map(drop)
}

/// Looks until there is something to return; what was seen instead comes with the error.
pub fn until<T>(
    what: &str,
    within: Duration,
    mut look: impl FnMut() -> Result<Result<T, String>, Wrong>,
) -> Result<T, Wrong> {
    let end = Instant::now() + within;
    loop {
        match look()? {
            Ok(found) => return Ok(found),
            Err(last) if Instant::now() >= end => {
                return Err(Wrong::NeverCame { what: what.to_owned(), within, last });
            }
            Err(_) => thread::sleep(LOOK),
        }
    }
}

/// A name of an object.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}
