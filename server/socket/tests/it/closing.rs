//! How connections end: gracefully, after what was queued, or abruptly.

use crate::probe::{Probed, text};
use crate::wait::eventually;
use crate::wire::{Got, Wire};
use chat_socket::{CloseReason, Frame, Namespace};
use chat_wire::websocket::Opcode;

/// More than the kernel takes for a client that does not read.
const FRAMES: usize = 40;

fn frame(n: usize) -> Frame {
    Frame::text(format!("42[\"n\",{n},\"{}\"]", "x".repeat(8_000)).as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_close_comes_after_all_that_was_queued() {
    let probed = Probed::start().await;
    let (mut wire, socket) = probed.enter(Wire::open_narrow(probed.address).await).await;
    {
        let mut guard = socket.lock();
        for n in 0..FRAMES {
            guard.send(&frame(n));
        }
        assert!(!guard.is_drained(), "there is something to wait for");
        guard.close(CloseReason::Server);
        assert!(!guard.is_open());
        // Nothing more is taken.
        guard.emit(Namespace::MAIN, "late", &[]);
    }
    for n in 0..FRAMES {
        assert!(text(&mut wire).await.starts_with(&format!("42[\"n\",{n},")));
    }
    assert_eq!(wire.next().await, Got::Close(Some(1001)));
    // The server waits for the client's close frame, so that no reset overtakes the last bytes.
    wire.frame(true, Opcode::Close, &1001_u16.to_be_bytes()).await;
    assert_eq!(wire.next().await, Got::End);
    probed.noted("closed server").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_takes_nothing_is_dropped_with_what_was_queued() {
    let probed = Probed::start().await;
    let (wire, socket) = probed.enter(Wire::open_narrow(probed.address).await).await;
    for n in 0..FRAMES {
        socket.lock().send(&frame(n));
    }
    probed.noted("closed stalled").await;
    assert!(socket.lock().is_drained(), "its memory is given back");
    assert_eq!(probed.server.connections(), 0);
    drop(wire);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_end_has_its_reason() {
    let probed = Probed::start().await;
    let (mut wire, _) = probed.connect().await;
    wire.frame(true, Opcode::Close, &1000_u16.to_be_bytes()).await;
    assert_eq!(wire.closed().await, Some(1000));
    probed.noted("closed client").await;
    probed.notes.lock().clear();

    let (mut wire, _) = probed.connect().await;
    wire.send("1").await;
    assert_eq!(wire.closed().await, Some(1000));
    probed.noted("closed client").await;

    let (wire, _) = probed.connect().await;
    wire.cut();
    probed.noted("closed transport_lost").await;

    let (mut wire, socket) = probed.connect().await;
    socket.lock().close(CloseReason::TakenOver);
    assert_eq!(wire.closed().await, Some(1008));
    probed.noted("closed taken_over").await;
    eventually("nobody is left", || probed.server.connections() == 0).await;
}
