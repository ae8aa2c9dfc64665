//! The examples for HAProxy and nginx are what the programs take, and do what their comments say.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_rig::Balancer;
use chat_rig::balancer::Kind;
use chat_rig::{Host, http};

const SOON: Duration = Duration::from_secs(20);

/// A server that answers with its name and what it was asked, upgrades on request and says how it is at `/readyz`.
struct Origin {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    /// Requests other than probes.
    asked: Arc<AtomicUsize>,
}

impl Origin {
    fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (ready, asked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let origin = Self { address, ready: ready.clone(), asked: asked.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (ready, asked) = (ready.clone(), asked.clone());
                thread::spawn(move || answer(name, stream.unwrap(), &ready, &asked));
            }
        });
        origin
    }
}

/// Serves one connection until it is closed.
fn answer(name: &str, stream: TcpStream, ready: &AtomicBool, asked: &AtomicUsize) {
    let (mut reader, mut stream) = (BufReader::new(stream.try_clone().unwrap()), stream);
    loop {
        let head = head(&mut reader);
        let (line, lower) = (head.lines().next().unwrap_or_default().to_owned(), head.to_lowercase());
        if line.is_empty() {
            return;
        }
        if line.contains("/readyz") {
            let status = if ready.load(Ordering::Relaxed) { "200 OK" } else { "503 Service Unavailable" };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        }
        asked.fetch_add(1, Ordering::Relaxed);
        if line.contains("/dies") {
            return;
        }
        if lower.contains("upgrade: websocket") {
            // The answer to the sample key of RFC 6455; HAProxy looks at it.
            let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLBMxaQ9kYGzzhZRbK+xOo=";
            write!(stream, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n{upgrade}\r\n\r\n{name}")
                .unwrap();
            let _ = std::io::copy(&mut reader, &mut stream);
            return;
        }
        let body = format!("{name}\n{head}");
        let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
}

fn head(reader: &mut impl BufRead) -> String {
    let mut head = String::new();
    while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
    head
}

fn get(balancer: &Balancer, path: &str) -> (u16, String) {
    http::get(&Host::local(), balancer.address(), path).unwrap()
}

/// Who answered.
fn name(balancer: &Balancer) -> String {
    get(balancer, "/").1.lines().next().unwrap_or_default().to_owned()
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "waited for {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn serves(kind: Kind) {
    let origins = ["one", "two"].map(Origin::start);
    let host = Host::local();
    let balancer = Balancer::start_on(&host, kind, &origins.each_ref().map(|origin| origin.address)).unwrap();

    // In turn, without stickiness.
    let names: Vec<String> = (0..6).map(|_| name(&balancer)).collect();
    assert_eq!(names.iter().filter(|name| *name == "one").count(), 3, "{names:?}");

    // What a client claims is replaced.
    let mut stream = TcpStream::connect(balancer.address()).unwrap();
    let claims = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Forwarded-Proto: https\r\n";
    write!(stream, "GET / HTTP/1.0\r\nHost: chat.example:81\r\n{claims}\r\n").unwrap();
    let mut seen = String::new();
    stream.read_to_string(&mut seen).unwrap();
    let seen = seen.to_lowercase();
    assert!(!seen.contains("6.6.6.6") && !seen.contains("https"), "{seen}");
    assert!(seen.contains("x-forwarded-for: 127.0.0.1") && seen.contains("x-forwarded-proto: http"), "{seen}");
    assert!(seen.contains("host: chat.example:81"), "{seen}");

    // WebSockets: the upgrade, then bytes both ways.
    let mut stream = TcpStream::connect(balancer.address()).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";
    write!(stream, "GET / HTTP/1.1\r\nHost: chat\r\n{upgrade}\r\n").unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    assert!(head(&mut reader).starts_with("HTTP/1.1 101"));
    stream.write_all(b"ping").unwrap();
    let mut frames = [0; 7];
    reader.read_exact(&mut frames).unwrap();
    assert_eq!(&frames[3..], b"ping");

    // A POST that a server may have handled is not sent again.
    let asked = || origins.iter().map(|origin| origin.asked.load(Ordering::Relaxed)).sum::<usize>();
    let before = asked();
    let mut stream = TcpStream::connect(balancer.address()).unwrap();
    write!(stream, "POST /dies HTTP/1.0\r\nHost: chat\r\nContent-Length: 0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 502 "), "{answer}");
    assert_eq!(asked(), before + 1);
}

#[test]
fn haproxy_serves_by_its_example() {
    serves(Kind::Haproxy);
}

#[test]
fn nginx_serves_by_its_example() {
    serves(Kind::Nginx);
}

#[test]
fn haproxy_leaves_a_server_alone_that_is_not_ready() {
    let origins = ["one", "two"].map(Origin::start);
    let balancer = Balancer::haproxy(&origins.each_ref().map(|origin| origin.address)).unwrap();
    origins[0].ready.store(false, Ordering::Relaxed);
    until("the unready one to be left alone", || (0..4).all(|_| name(&balancer) == "two"));
    origins[0].ready.store(true, Ordering::Relaxed);
    until("it to be asked again", || (0..4).any(|_| name(&balancer) == "one"));
}

#[test]
fn no_request_fails_for_a_server_that_is_gone() {
    let origin = Origin::start("one");
    // A port that nobody listens on.
    let gone = SocketAddr::new(Host::local().ip(), chat_rig::port::free(&Host::local()).unwrap());
    for kind in [Kind::Haproxy, Kind::Nginx] {
        let balancer = Balancer::start_on(&Host::local(), kind, &[gone, origin.address]).unwrap();
        for _ in 0..20 {
            assert_eq!(get(&balancer, "/").0, 200, "{kind:?}");
        }
        let pid = balancer.pid().unwrap();
        balancer.kill().unwrap();
        assert!(!balancer.is_running());
        balancer.start().unwrap();
        assert_ne!(balancer.pid().unwrap(), pid);
    }
}
