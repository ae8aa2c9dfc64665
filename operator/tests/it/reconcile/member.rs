//! An operator as a process, as it runs in a pod.

use chat_rig::folder::Folder;
use chat_rig::{Host, Process, http, port};
use std::net::SocketAddr;
use std::path::Path;

/// One of several operators, or the only one.
pub(crate) struct Member {
    pub(crate) process: Process,
    metrics: SocketAddr,
}

impl Member {
    pub(crate) fn start(name: &str, namespace: &str, kubeconfig: &Path, folder: &Folder) -> Self {
        let host = Host::local();
        let metrics = SocketAddr::new(host.ip(), port::free(&host).expect("a port"));
        let program = Path::new(env!("CARGO_BIN_EXE_chat-operator"));
        let process = Process::start(&host, program, &folder.path().join(name), |command| {
            command.env("KUBECONFIG", kubeconfig).args(["--namespace", namespace, "--own-namespace", namespace]);
            command.args(["--identity", name, "--listen", &metrics.to_string(), "--server-image", "chat-server:1"]);
        });
        Self { process: process.expect("an operator"), metrics }
    }

    /// Whether it says that it leads.
    pub(crate) fn leads(&self) -> bool {
        self.figures().lines().any(|line| line == "chat_operator_leads 1")
    }

    /// What it tells Prometheus; nothing where it does not answer.
    pub(crate) fn figures(&self) -> String {
        http::get(&Host::local(), self.metrics, "/metrics").map(|(_, text)| text).unwrap_or_default()
    }

    /// Whether it has seen all that there is.
    pub(crate) fn is_ready(&self) -> bool {
        http::get(&Host::local(), self.metrics, "/readyz").is_ok_and(|(status, _)| status == 200)
    }

    /// Resident now, and at most so far.
    pub(crate) fn memory(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).expect("a process");
        let lines: Vec<_> =
            status.lines().filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM")).collect();
        lines.join(", ").replace('\t', " ")
    }
}
