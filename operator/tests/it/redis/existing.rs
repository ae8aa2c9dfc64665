//! Looks at real Redises that somebody else runs: what is found, and what people are told to do about it.

use chat_operator::redis::{Access, Credentials, Tls, existing};
use chat_rig::{Flavour, Host, Process, RedisCluster, folder::Folder, port};
use std::fmt::Write;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::slice::from_ref;
use std::time::{Duration, Instant};

/// A look, and then the same with ports as words, since they differ from run to run.
struct Looks {
    told: String,
    ports: Vec<(u16, &'static str)>,
}

impl Looks {
    fn name(&mut self, port: u16, name: &'static str) -> String {
        self.ports.push((port, name));
        format!("127.0.0.1:{port}")
    }

    async fn look(&mut self, what: &str, seeds: &[String], access: &Access) {
        let (status, finding) = existing::look(seeds, access).await;
        let mut message = finding.message.clone();
        for (port, name) in &self.ports {
            message = message.replace(&format!(":{port}"), &format!(":<{name}>"));
        }
        let holds = finding.holds.map_or("Unknown", |holds| if holds { "True" } else { "False" });
        writeln!(self.told, "{what}\n    {holds} {} ({}): {message}", finding.reason, status.phase).expect("text");
    }
}

fn plain() -> Access {
    Access::default()
}

fn password(user: Option<&str>, password: &str) -> Access {
    let credentials = Credentials { user: user.map(str::to_owned), password: password.to_owned() };
    Access { credentials: Some(credentials), tls: None }
}

fn by_tls(authority: &[u8]) -> Access {
    Access { credentials: None, tls: Some(Tls::new(Some(authority)).expect("an authority")) }
}

/// A process that answers, or does not: it is waited for.
fn start(folder: &Folder, name: &str, port: u16, more: &[&str]) -> Process {
    let program = Flavour::Redis.program().expect("redis-server is installed");
    let place = folder.path().join(name);
    std::fs::create_dir_all(&place).expect("a folder");
    let process = Process::start(&Host::local(), &program, &place.join("log"), |command| {
        command.current_dir(&place).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]).args(more);
    });
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(60), "redis-server does not listen");
        std::thread::sleep(Duration::from_millis(20));
    }
    process.expect("redis-server")
}

/// Says something that no Redis would to whoever comes.
fn stranger() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.expect("a connection").write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    port
}

fn cluster(tls: bool) -> RedisCluster {
    RedisCluster::builder().replicas(0).tls(tls).start().expect("a Redis Cluster")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_told_with_what_to_do() {
    let folder = Folder::new().expect("a folder");
    let free = || port::free(&Host::local()).expect("a port");
    let (single, guarded, unformed) = (free(), free(), free());
    let _processes = [
        start(&folder, "single", single, &[]),
        start(&folder, "guarded", guarded, &["--cluster-enabled", "yes", "--requirepass", "open sesame"]),
        start(&folder, "unformed", unformed, &["--cluster-enabled", "yes"]),
    ];
    let (whole, safe) =
        tokio::task::spawn_blocking(|| (cluster(false), cluster(true))).await.expect("two Redis Clusters");
    let authority = std::fs::read(safe.authority().expect("an authority")).expect("its certificate");
    let other = std::fs::read(cluster_authority(&folder)).expect("another certificate");

    let mut looks = Looks { told: String::new(), ports: Vec::new() };
    let nobody = looks.name(free(), "nobody");
    let (single, guarded) = (looks.name(single, "single"), looks.name(guarded, "guarded"));
    let (unformed, stranger) = (looks.name(unformed, "unformed"), looks.name(stranger(), "stranger"));
    let port = |cluster: &RedisCluster| cluster.nodes()[0].port();
    let (first, tls) = (looks.name(port(&whole), "first"), looks.name(port(&safe), "tls"));

    looks.look("a cluster that is whole", &whole.seeds(), &plain()).await;
    looks.look("one that has moved but for one seed", &[nobody.clone(), first.clone()], &plain()).await;
    looks.look("one that has moved", from_ref(&nobody), &plain()).await;
    looks.look("a name that there is not", &["nowhere.invalid:6379".to_owned()], &plain()).await;
    looks.look("no cluster", &[single], &plain()).await;
    looks.look("not formed yet", &[unformed], &plain()).await;
    looks.look("something else", from_ref(&stranger), &plain()).await;
    looks.look("no password", from_ref(&guarded), &plain()).await;
    looks.look("a wrong password", from_ref(&guarded), &password(None, "wrong")).await;
    looks.look("an unknown user", from_ref(&guarded), &password(Some("nobody"), "open sesame")).await;
    looks.look("the right password", &[guarded], &password(None, "open sesame")).await;
    looks.look("TLS", from_ref(&tls), &by_tls(&authority)).await;
    looks.look("TLS under another authority", from_ref(&tls), &by_tls(&other)).await;
    looks.look("no TLS where it is wanted", &[tls], &plain()).await;
    looks.look("TLS where there is none", from_ref(&first), &by_tls(&authority)).await;
    looks.look("TLS to something else", &[stranger], &by_tls(&authority)).await;
    insta::assert_snapshot!("existing", looks.told);

    let died = tokio::task::spawn_blocking(move || {
        whole.nodes()[1].kill().expect("a node");
        whole
    });
    let whole = died.await.expect("the cluster");
    let begun = Instant::now();
    let lost = loop {
        let (status, finding) = existing::look(from_ref(&first), &plain()).await;
        if finding.holds == Some(false) {
            break (status.uncovered_slots, finding.reason);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "the loss of a master is not seen");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(lost.0 > 5_000 && lost.1 == "SlotsUncovered", "{lost:?}");
    drop(whole);
}

/// The authority of nobody here.
fn cluster_authority(folder: &Folder) -> std::path::PathBuf {
    let path = folder.path().join("other.pem");
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificate =
        rcgen::CertificateParams::new(Vec::new()).expect("parameters").self_signed(&key).expect("a certificate");
    std::fs::write(&path, certificate.pem()).expect("a file");
    Path::new(&path).to_owned()
}
