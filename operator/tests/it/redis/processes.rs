//! The plan carried out on real `redis-server` processes: each stands for a pod, and its port for the pod's address.

use chat_operator::redis::{
    Access, Command as Told, Node, Order, Roll, Shape, Step, World, carry_out, existing, formation, health, look, roll,
};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the cluster may take for any change here: node timeouts and elections included.
const WITHIN: Duration = Duration::from_secs(60);

/// A process in a pod's place; it is killed when dropped.
struct Pod {
    shard: usize,
    ordinal: usize,
    port: u16,
    folder: PathBuf,
    process: Child,
    outdated: bool,
}

impl Pod {
    fn start(root: &Path, shard: usize, ordinal: usize) -> Self {
        let folder = root.join(format!("{shard}-{ordinal}"));
        let port = free_port();
        let process = spawn(&folder, port, &[]);
        Self { shard, ordinal, port, folder, process, outdated: false }
    }

    fn end(&mut self) {
        self.process.kill().expect("a process");
        self.process.wait().expect("a process");
    }

    /// It comes back elsewhere, with what it had.
    fn restart(&mut self) {
        self.end();
        self.port = free_port();
        self.process = spawn(&self.folder, self.port, &[]);
    }

    fn name(&self) -> String {
        format!("redis-{}-{}", self.shard, self.ordinal)
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(folder: &Path, port: u16, more: &[&str]) -> Child {
    std::fs::create_dir_all(folder).expect("a folder");
    let mut command = Command::new("redis-server");
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes"]);
    if !more.contains(&"--no-cluster") {
        command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "1500"]);
        command.args(["--cluster-require-full-coverage", "no", "--cluster-allow-replica-migration", "no"]);
        command.args(["--cluster-announce-ip", "127.0.0.1", "--repl-diskless-sync-delay", "0"]);
    }
    command.args(more.iter().filter(|flag| **flag != "--no-cluster"));
    command.spawn().expect("redis-server is installed")
}

/// Free with the port of the cluster bus, and below those that the kernel gives to connections.
fn free_port() -> u16 {
    static NEXT: std::sync::atomic::AtomicU16 = std::sync::atomic::AtomicU16::new(0);
    let first = 10_200 + (std::process::id() % 100) as u16 * 100;
    for _ in 0..2_000 {
        let port = first + NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 2_000;
        let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free(port) && is_free(port + 10_000) {
            return port;
        }
    }
    panic!("no port is free");
}

/// A folder that goes in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("chat-operator-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Cluster {
    // Ended before their folder goes.
    pods: Vec<Pod>,
    _folder: Folder,
}

impl Cluster {
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        let places = (0..3).flat_map(|shard| [(shard, 0), (shard, 1)]);
        let pods = places.map(|(shard, ordinal)| Pod::start(&folder.0, shard, ordinal)).collect();
        Self { pods, _folder: folder }
    }

    async fn world(&self) -> World {
        let node = |pod: &Pod| Node {
            pod: pod.name(),
            shard: pod.shard,
            ordinal: pod.ordinal,
            address: Some(SocketAddr::from(([127, 0, 0, 1], pod.port))),
            ready: true,
            outdated: pod.outdated,
            deleting: false,
            trouble: None,
            view: None,
        };
        let nodes = self.pods.iter().map(node).collect();
        let mut world = World { wanted: Shape { shards: 3, replicas: 1 }, nodes };
        look(&mut world).await;
        world
    }

    /// Looks until the cluster is whole; gives back the steps that were taken on the way.
    async fn settle(&self, why: &str) -> (World, Vec<Step>) {
        let (begun, mut steps) = (Instant::now(), Vec::new());
        loop {
            let world = self.world().await;
            let plan = formation(&world);
            for undone in carry_out(&world, &plan.orders).await {
                eprintln!("{why}: {undone}: {}", undone.source);
            }
            if steps.last() != Some(&plan.step) {
                steps.push(plan.step.clone());
            }
            if plan.step == Step::Formed {
                eprintln!("{why}: {:?} after {steps:?}", begun.elapsed());
                return (world, steps);
            }
            assert!(begun.elapsed() < WITHIN, "{why}: {:?}\n{world:#?}", health(&world, &plan).1);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn seeds(&self) -> Vec<String> {
        self.pods.iter().map(|pod| format!("127.0.0.1:{}", pod.port)).collect()
    }

    fn cli(&self, at: usize, words: &[&str]) -> String {
        cli(self.pods[at].port, words)
    }
}

fn cli(port: u16, words: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-c", "-p", &port.to_string()]).args(words).output();
    String::from_utf8(output.expect("redis-cli is installed").stdout).expect("text").trim().to_owned()
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(test);
}

#[test]
fn a_cluster_is_formed_survives_new_addresses_and_lost_data_and_is_renewed() {
    run(async {
        let mut cluster = Cluster::new("formed");
        let (world, steps) = cluster.settle("forming").await;
        assert!(steps.contains(&Step::AddSlots) && steps.contains(&Step::Replicate), "{steps:?}");
        for (node, view) in world.views() {
            let master = view.follows().and_then(|id| world.node_of(id));
            assert_eq!(
                master.map(|master| (master.shard, master.ordinal)),
                (node.ordinal == 1).then_some((node.shard, 0))
            );
        }
        let names: Vec<_> = (0..50).map(|n| format!("key-{n}")).collect();
        for name in &names {
            assert_eq!(cluster.cli(0, &["SET", name, name]), "OK");
        }
        let (status, finding) = existing::look(&cluster.seeds(), &Access::default()).await;
        assert_eq!((status.masters, status.replicas, status.uncovered_slots), (3, 3, 0));
        assert_eq!((finding.holds, finding.reason), (Some(true), "AllServed"));

        // All pods at once, elsewhere.
        cluster.pods.iter_mut().for_each(Pod::restart);
        let (_, steps) = cluster.settle("all pods moved").await;
        assert!(steps.contains(&Step::Heal), "{steps:?}");
        for name in &names {
            assert_eq!(cluster.cli(0, &["GET", name]), *name);
        }

        // A master that comes back with nothing: its replica is elected, and it becomes that one's replica under a new id.
        let old = cluster.cli(0, &["CLUSTER", "MYID"]);
        cluster.pods[0].end();
        std::fs::remove_dir_all(&cluster.pods[0].folder).expect("a folder");
        // A new pod has a new address. At the old one its replica would copy the emptiness.
        cluster.pods[0].port = free_port();
        cluster.pods[0].process = spawn(&cluster.pods[0].folder, cluster.pods[0].port, &[]);
        let (world, _) = cluster.settle("a master lost its data").await;
        let view = world.nodes[0].view.clone().expect("an answer");
        assert!(view.id != old && view.follows() == world.nodes[1].id(), "{view:?}");
        for name in &names {
            assert_eq!(cluster.cli(2, &["GET", name]), *name);
        }
        // Its old id is forgotten by all, now or at one of the next looks.
        let begun = Instant::now();
        while cluster.world().await.views().any(|(_, view)| view.member(&old).is_some()) {
            assert!(begun.elapsed() < WITHIN, "{old} is not forgotten");
            cluster.settle("forgetting").await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }

        // All pods are renewed: replicas first, masters after a failover.
        cluster.pods.iter_mut().for_each(|pod| pod.outdated = true);
        let mut renewed = Vec::new();
        while renewed.len() < 6 {
            assert!(begun.elapsed() < WITHIN * 2, "renewed: {renewed:?}");
            let (world, _) = cluster.settle("renewing").await;
            match roll(&world, &formation(&world)) {
                Roll::Rest => {}
                Roll::FailOver(pod) => {
                    let undone = carry_out(&world, &[Order { pod, command: Told::FailOver }]).await;
                    assert!(undone.is_empty(), "{undone:?}");
                }
                Roll::Delete(name) => {
                    let at = cluster.pods.iter().position(|pod| pod.name() == name).expect("one of ours");
                    assert!(
                        world.nodes[at].view.as_ref().is_some_and(|view| view.follows().is_some()),
                        "a master is ended"
                    );
                    cluster.pods[at].restart();
                    cluster.pods[at].outdated = false;
                    renewed.push(name);
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        cluster.settle("renewed").await;
        for name in &names {
            assert_eq!(cluster.cli(0, &["GET", name]), *name);
        }
    });
}
