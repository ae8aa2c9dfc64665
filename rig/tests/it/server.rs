//! A chat server is started, asked, ended and started again.

use std::time::Duration;

use chat_rig::{Balancer, ChatServer, Host, http};

const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_server_runs_ends_and_runs_again() {
    let server = ChatServer::builder().name("chat-7").setting("drain-accept", "0s").start().unwrap();
    let pid = server.pid().unwrap();
    assert!(server.metrics().unwrap().contains("# TYPE"));
    assert!(server.metric("chat_connections").unwrap() < 1.0);
    let balancer = Balancer::haproxy(&[server.address()]).unwrap();
    let (status, page) = http::get(&Host::local(), balancer.address(), "/socket.io/?EIO=4&transport=polling").unwrap();
    assert_eq!(status, 200, "{page}");
    assert!(page.contains("sid"), "{page}");

    server.terminate().unwrap();
    server.await_end(SOON).unwrap();
    server.start().unwrap();
    assert_ne!(server.pid().unwrap(), pid);
    assert!(std::fs::read_to_string(server.log()).unwrap().contains("chat-7"));
    server.kill().unwrap();
    assert!(!server.is_running());
}

#[test]
fn a_server_that_does_not_start_says_why() {
    let error = ChatServer::builder().setting("workers", "none").start().unwrap_err();
    assert!(error.to_string().contains("workers"), "{error}");
}
