//! Clusters form, lose nodes and heal.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use chat_rig::{Flavour, RedisCluster};

const SOON: Duration = Duration::from_secs(30);

/// `foo` lies in this slot.
const SLOT_OF_FOO: u16 = 12182;

fn forms(flavour: Flavour) {
    let begun = Instant::now();
    let cluster = RedisCluster::builder().flavour(flavour).start().unwrap();
    eprintln!("{flavour:?} formed in {:?}", begun.elapsed());
    assert_eq!(cluster.seeds().len(), 6);
    let masters = cluster.masters().unwrap();
    assert_eq!(masters.len(), 3);
    for master in &masters {
        assert!(cluster.replica_of(master).unwrap().is_running());
    }
    let owner = cluster.master_of_slot(SLOT_OF_FOO).unwrap();
    assert_eq!(owner.command(&["SET", "foo", "bar\r\nbaz"]).unwrap(), "OK");
    assert_eq!(owner.command(&["GET", "foo"]).unwrap(), "bar\r\nbaz");
    let other = masters.iter().find(|master| master.name() != owner.name()).unwrap();
    assert!(other.command(&["GET", "foo"]).unwrap_err().to_string().contains("MOVED"));

    let pids: Vec<u32> = cluster.nodes().iter().map(|node| node.pid().unwrap()).collect();
    let folder = cluster.nodes()[0].folder().to_owned();
    drop(cluster);
    assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()));
    assert!(!folder.exists());
}

#[test]
fn redis_forms_and_leaves_nothing_behind() {
    forms(Flavour::Redis);
}

#[test]
fn valkey_forms_and_leaves_nothing_behind() {
    forms(Flavour::Valkey);
}

#[test]
fn a_killed_master_is_replaced_and_comes_back_as_a_replica() {
    let cluster = RedisCluster::builder().append_only(true).password("secret").start().unwrap();
    let master = cluster.master_of_slot(SLOT_OF_FOO).unwrap();
    master.command(&["SET", "foo", "kept"]).unwrap();
    master.command(&["WAIT", "1", "1000"]).unwrap();
    master.kill().unwrap();
    assert!(!master.is_running());
    let promoted = cluster.await_promotion(SLOT_OF_FOO, &master, SOON).unwrap();
    assert_eq!(promoted.command(&["GET", "foo"]).unwrap(), "kept");

    let before = master.address();
    master.start_on_new_port().unwrap();
    assert_ne!(master.address(), before);
    cluster.await_healthy(SOON).unwrap();
    assert_eq!(cluster.replica_of(&promoted).unwrap().name(), master.name());
}

#[test]
fn a_paused_master_is_replaced_and_steps_back_when_it_goes_on() {
    let cluster = RedisCluster::builder().node_timeout(1000).start().unwrap();
    let master = cluster.master_of_slot(SLOT_OF_FOO).unwrap();
    master.pause().unwrap();
    assert!(master.is_running() && !master.is_answering());
    let promoted = cluster.await_promotion(SLOT_OF_FOO, &master, SOON).unwrap();
    master.resume().unwrap();
    cluster.await_healthy(SOON).unwrap();
    assert_eq!(cluster.master_of_slot(SLOT_OF_FOO).unwrap().name(), promoted.name());
}

#[test]
fn with_tls_slots_move_roles_change_and_all_restart() {
    let cluster = RedisCluster::builder().append_only(true).password("secret").tls(true).start().unwrap();
    // A TLS alert, not an answer, for those who speak plainly.
    let mut plain = TcpStream::connect(cluster.nodes()[0].address()).unwrap();
    plain.set_read_timeout(Some(SOON)).unwrap();
    plain.write_all(b"PING\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"+") && !answer.starts_with(b"-"), "{answer:?}");
    assert!(cluster.authority().unwrap().is_file());

    let from = cluster.master_of_slot(SLOT_OF_FOO).unwrap();
    from.command(&["SET", "foo", "moved"]).unwrap();
    let to = cluster.masters().unwrap().into_iter().find(|master| master.name() != from.name()).unwrap();
    cluster.move_slot(SLOT_OF_FOO, &to).unwrap();
    assert_eq!(to.command(&["GET", "foo"]).unwrap(), "moved");
    cluster.await_healthy(SOON).unwrap();

    cluster.fail_over(&cluster.replica_of(&to).unwrap()).unwrap();
    let promoted = cluster.await_promotion(SLOT_OF_FOO, &to, SOON).unwrap();
    cluster.await_healthy(SOON).unwrap();
    assert_eq!(promoted.command(&["GET", "foo"]).unwrap(), "moved");

    for moved in [false, true] {
        let seeds = cluster.seeds();
        cluster.restart_all(moved).unwrap();
        cluster.await_healthy(SOON).unwrap();
        assert_eq!(seeds != cluster.seeds(), moved);
        assert_eq!(cluster.master_of_slot(SLOT_OF_FOO).unwrap().command(&["GET", "foo"]).unwrap(), "moved");
    }
}
