//! A node of a managed Redis in the place of its container: a real `redis-server` at the pod's address, by the operator's own scripts.

use chat_rig::{Host, Process};
use k8s_openapi::api::core::v1::ConfigMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long a node may take to end.
const WITHIN: Duration = Duration::from_secs(30);

/// In a container a node's client asks the node itself.
const CLIENT: &str = "#!/bin/sh\nexec /usr/bin/redis-cli -h \"$POD_IP\" \"$@\"\n";

pub(crate) struct RedisPod {
    process: Process,
    folder: PathBuf,
    ip: IpAddr,
}

impl RedisPod {
    /// Starts in the folder that stands for the pod's volume.
    pub(crate) fn start(folder: &Path, ip: IpAddr, files: &ConfigMap) -> Self {
        let bin = folder.join("bin");
        std::fs::create_dir_all(&bin).expect("a folder");
        let place = folder.to_str().expect("a path");
        for (name, text) in files.data.iter().flatten() {
            let mut text = text.replace("/etc/redis", place).replace("dir /data", &format!("dir {place}"));
            text = text.replace("nodes=/data", &format!("nodes={place}"));
            if name == "redis.conf" {
                // Others know it by the address that it calls from, too.
                text = format!("{text}\nbind {ip}\nbind-source-addr {ip}\n");
            }
            std::fs::write(folder.join(name), text).expect("a file");
        }
        let client = bin.join("redis-cli");
        std::fs::write(&client, CLIENT).expect("a file");
        std::fs::set_permissions(&client, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a file");
        let process = Process::start(&Host::local(), Path::new("/bin/sh"), &folder.join("log"), |command| {
            environment(command, folder, ip).arg(folder.join("start.sh"));
        });
        Self { process: process.expect("a shell"), folder: folder.to_owned(), ip }
    }

    /// What its readiness probe says.
    pub(crate) fn is_ready(&self) -> bool {
        self.run("ready.sh")
    }

    /// What a kubelet does: the hook, SIGTERM, and a while for it.
    pub(crate) fn end(&self) {
        self.run("stop.sh");
        let _ = self.process.terminate();
        if self.process.wait(WITHIN).is_err() {
            let _ = self.process.kill();
        }
    }

    fn run(&self, script: &str) -> bool {
        let mut command = Command::new("/bin/sh");
        environment(&mut command, &self.folder, self.ip).arg(self.folder.join(script));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}

fn environment<'a>(command: &'a mut Command, folder: &Path, ip: IpAddr) -> &'a mut Command {
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.join("bin").display());
    command.env("PATH", path).env("POD_IP", ip.to_string()).env("MEMORY_LIMIT", "268435456")
}
