//! Hosts reach each other and nobody else, until they are cut off.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use chat_rig::{Host, Network, RedisCluster};

const SHORT: Duration = Duration::from_millis(300);
const SOON: Duration = Duration::from_secs(30);

/// A private network, or none where the test does not run as root.
fn network() -> Option<Network> {
    match Network::new() {
        Ok(network) => Some(network),
        Err(error) => {
            let root = std::fs::read_to_string("/proc/self/status").unwrap().contains("Uid:\t0");
            assert!(!root, "{error}");
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn a_cut_loses_packets_and_healing_brings_them_back() {
    let Some(network) = network() else { return };
    let [ada, bob, eve] = ["ada", "bob", "eve"].map(|name| network.host(name).unwrap());
    let address = SocketAddr::new(bob.ip(), 2000);
    let listener = bob.run(move || TcpListener::bind(address)).unwrap().unwrap();
    let mut sender = ada.connect(address, SHORT).unwrap();
    let (mut receiver, from) = listener.accept().unwrap();
    assert_eq!(from.ip(), ada.ip());
    let stranger = Network::new().unwrap().host("stranger").unwrap();
    assert!(stranger.connect(address, SHORT).is_err(), "reached from another network");

    network.cut(&ada, &bob).unwrap();
    assert_eq!(ada.connect(address, SHORT).unwrap_err().kind(), ErrorKind::TimedOut);
    eve.connect(address, SHORT).unwrap();
    sender.write_all(b"x").unwrap();
    receiver.set_read_timeout(Some(SHORT)).unwrap();
    let mut byte = [0];
    assert_eq!(receiver.read(&mut byte).unwrap_err().kind(), ErrorKind::WouldBlock);

    network.heal(&ada, &bob).unwrap();
    receiver.set_read_timeout(Some(SOON)).unwrap();
    receiver.read_exact(&mut byte).unwrap();
    ada.connect(address, SHORT).unwrap();
}

#[test]
fn a_thread_enters_a_host_and_works_from_there() {
    let Some(network) = network() else { return };
    let host = network.host("ada").unwrap();
    let address = SocketAddr::new(host.ip(), 2000);
    let _listener = host.run(move || TcpListener::bind(address)).unwrap().unwrap();
    let inside = std::thread::spawn(move || {
        host.enter().unwrap();
        TcpStream::connect_timeout(&address, SHORT).map(drop)
    });
    inside.join().unwrap().unwrap();
}

#[test]
fn a_master_that_is_cut_off_is_replaced_and_steps_back() {
    let Some(network) = network() else { return };
    let hosts: Vec<Host> = (1..=6).map(|number| network.host(&format!("redis-{number}")).unwrap()).collect();
    let cluster = RedisCluster::builder().hosts(&hosts).node_timeout(1000).start().unwrap();
    let master = cluster.master_of_slot(0).unwrap();
    let others = || hosts.iter().filter(|host| host.name() != master.host().name());
    others().for_each(|other| network.cut(master.host(), other).unwrap());
    let promoted = cluster.await_promotion(0, &master, SOON).unwrap();
    assert_eq!(promoted.command(&["SET", "{06S}", "x"]).unwrap(), "OK");
    assert!(master.is_answering(), "its Unix socket is cut too");
    others().for_each(|other| network.heal(master.host(), other).unwrap());
    cluster.await_healthy(SOON).unwrap();
    assert_eq!(cluster.replica_of(&promoted).unwrap().name(), master.name());
}
