//! A Prometheus that watches the cluster: every query of the dashboard and of the alerts has an answer.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use super::Story;
use super::install::NAMESPACE;
use crate::chat::{self, PATIENCE};
use crate::kube::{Wrong, list, name, run, until};

/// Prometheus, until this is dropped.
struct Prometheus {
    child: Child,
    url: String,
}

impl Prometheus {
    fn start(folder: &Path) -> Result<Self, Wrong> {
        let io = |source| Wrong::Io { what: "prometheus".to_owned(), source };
        fs::create_dir_all(folder).map_err(io)?;
        let config = folder.join("prometheus.yaml");
        fs::write(&config, config_of(&pods()?).to_string()).map_err(io)?;
        // It cannot say which port it was given: this one is free now.
        let address = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).map_err(io)?;
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("prometheus.log")).map_err(io)?)
            .spawn()
            .map_err(io)?;
        Ok(Self { child, url: format!("http://{address}") })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The pods that PodMonitors choose.
fn pods() -> Result<Vec<Value>, Wrong> {
    let mut pods = chat::pods("server")?;
    pods.extend(list(&["pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=chat-operator"])?);
    Ok(pods)
}

/// The targets with the labels that PodMonitors give them. Debian's Prometheus cannot find pods by itself.
fn config_of(pods: &[Value]) -> Value {
    let target = |pod: &Value| {
        let label = |name: &str| pod["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned();
        json!({
            "targets": [format!("{}:9090", pod["status"]["podIP"].as_str().unwrap_or_default())],
            "labels": {
                "namespace": pod["metadata"]["namespace"],
                "pod": name(pod),
                "chatcluster_dev_cluster": label("chatcluster.dev/cluster"),
                "chatcluster_dev_revision": label("chatcluster.dev/revision"),
            },
        })
    };
    let targets: Vec<Value> = pods.iter().map(target).collect();
    json!({
        "global": { "scrape_interval": "1s" },
        "scrape_configs": [{ "job_name": "pods", "honor_labels": true, "static_configs": targets }],
    })
}

pub(super) fn dashboard(story: &mut Story) -> Result<(), Wrong> {
    let folder = story.manner.folder.join("prometheus");
    let mut prometheus = Prometheus::start(&folder)?;
    let said = until("an answer to every query", PATIENCE, || {
        if let Ok(Some(status)) = prometheus.child.try_wait() {
            return Err(Wrong::NotSo(format!(
                "prometheus ended with {status}: {}",
                folder.join("prometheus.log").display()
            )));
        }
        Ok(match run("make/check-dashboard", &[&folder.to_string_lossy(), &prometheus.url], "") {
            Ok(said) => Ok(said),
            Err(Wrong::Failed { said, .. }) => Err(said),
            Err(other) => return Err(other),
        })
    })?;
    story.note("queries of the dashboard and of the alerts that have an answer", said.trim(), "all");
    Ok(())
}
