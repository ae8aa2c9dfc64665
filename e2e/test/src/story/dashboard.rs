//! A Prometheus that watches the cluster: every query of the dashboard and of the alerts has an answer.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Story;
use crate::chat::PATIENCE;
use crate::kube::{Wrong, run, until};

/// As the PodMonitors have it, for Prometheus alone: what listens on a port called `metrics` is asked, and named by its labels.
const CONFIG: &str = "global: {scrape_interval: 1s}
scrape_configs:
  - job_name: pods
    honor_labels: true
    kubernetes_sd_configs: [{role: pod, kubeconfig_file: KUBECONFIG}]
    relabel_configs:
      - {source_labels: [__meta_kubernetes_pod_container_port_name], regex: metrics, action: keep}
      - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
      - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
      - {action: labelmap, regex: __meta_kubernetes_pod_label_(chatcluster_dev_.+)}
";

/// Prometheus, until this is dropped.
struct Prometheus {
    child: Child,
    url: String,
}

impl Prometheus {
    fn start(folder: &Path) -> Result<Self, Wrong> {
        let io = |source| Wrong::Io { what: "prometheus".to_owned(), source };
        let kubeconfig = std::env::var("KUBECONFIG").map_err(|_| Wrong::NotSo("KUBECONFIG is not set".to_owned()))?;
        fs::create_dir_all(folder).map_err(io)?;
        let config = folder.join("prometheus.yaml");
        fs::write(&config, CONFIG.replace("KUBECONFIG", &kubeconfig)).map_err(io)?;
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

pub(super) fn dashboard(story: &mut Story) -> Result<(), Wrong> {
    let folder = story.manner.folder.join("prometheus");
    let prometheus = Prometheus::start(&folder)?;
    let said = until("an answer to every query", PATIENCE, || {
        Ok(match run("make/check-dashboard", &[&folder.to_string_lossy(), &prometheus.url], "") {
            Ok(said) => Ok(said),
            Err(Wrong::Failed { said, .. }) => Err(said),
            Err(other) => return Err(other),
        })
    })?;
    story.note("queries of the dashboard and of the alerts that have an answer", said.trim(), "all");
    Ok(())
}
