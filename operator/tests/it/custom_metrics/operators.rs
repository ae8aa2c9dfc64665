//! Operators as processes, with the rights that the chart gives them and no others.

use crate::control_plane::{ControlPlane, WITHIN};
use kube::config::Kubeconfig;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio::time::timeout;

/// What `helm template` calls the release's objects.
pub(crate) const RELEASE: &str = "chat-chatcluster";

/// The Service of the metrics API.
pub(crate) const ADAPTER: &str = "chat-chatcluster-adapter";

/// One operator.
pub(crate) struct Operator {
    process: Child,
    /// Where its figures about itself are.
    pub(crate) listen: SocketAddr,
    /// Where its metrics API is.
    pub(crate) api: SocketAddr,
    log: PathBuf,
}

impl Operator {
    /// Starts one, under the chart's account in this namespace.
    pub(crate) fn start(plane: &ControlPlane, namespace: &str, name: &str) -> Self {
        let folder = plane.kubeconfig().parent().expect("a folder");
        let kubeconfig = impersonating(plane.kubeconfig(), &format!("system:serviceaccount:{namespace}:{RELEASE}"));
        let path = folder.join(format!("{namespace}-operator.kubeconfig"));
        std::fs::write(&path, kubeconfig).expect("a file");
        let (listen, api) = (free_port(), free_port());
        let log = folder.join(format!("{namespace}-{name}.log"));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).expect("a log");
        let process = Command::new(env!("CARGO_BIN_EXE_chat-operator"))
            .args([
                "--namespace",
                namespace,
                "--server-image",
                "server:1",
                "--lease",
                RELEASE,
                "--log-format",
                "pretty",
            ])
            .args(["--log", "info,chat_operator=debug"])
            .args(["--listen", &listen.to_string(), "--metrics-api-listen", &api.to_string()])
            .args(["--metrics-api-service", ADAPTER])
            .env("KUBECONFIG", &path)
            .env("HOSTNAME", name)
            .env("POD_NAMESPACE", namespace)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn()
            .expect("an operator");
        Self { process, listen, api, log }
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        let ready = async {
            while self.get("/readyz").await.as_deref() != Some("ready\n") {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        timeout(WITHIN, ready).await.unwrap_or_else(|_| panic!("never ready:\n{}", self.said()));
    }

    /// What it says at its own port.
    pub(crate) async fn get(&self, path: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(self.listen).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: operator\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }

    /// What it has logged.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Ends it at once.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let said = self.said();
            let from = said.char_indices().rev().nth(12_000).map_or(0, |(at, _)| at);
            eprintln!("---- the end of {}\n{}", self.log.display(), &said[from..]);
        }
    }
}

/// Somebody else may take it meanwhile; the operator says so then.
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port")
}

/// The same kubeconfig, for whoever the administrator poses as.
fn impersonating(kubeconfig: &Path, user: &str) -> String {
    let mut file = Kubeconfig::read_from(kubeconfig).expect("a kubeconfig");
    for info in file.auth_infos.iter_mut().filter_map(|named| named.auth_info.as_mut()) {
        info.impersonate = Some(user.to_owned());
    }
    serde_yaml::to_string(&file).expect("YAML")
}
