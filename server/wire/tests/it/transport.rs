//! The rules of a session's transports, one by one.

use chat_wire::engine::transport::{Cause, Close, Get, Post, Probe, Transport, Upgrade};

/// A polling session whose GET `a` was answered.
fn answered() -> Transport {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(Some("a")), Get::Hold);
    transport.answered();
    transport
}

fn probing() -> Transport {
    let mut transport = Transport::polling();
    assert_eq!(transport.probe(), Probe::Answer { held: None });
    transport
}

#[test]
fn a_websocket_session_costs_next_to_nothing() {
    assert!(size_of::<Transport>() <= 16);
}

#[test]
fn a_repeated_get_gets_the_same_payload_as_often_as_it_comes() {
    let mut transport = answered();
    assert_eq!(transport.get(Some("a")), Get::Repeat);
    assert_eq!(transport.get(Some("a")), Get::Repeat);
    assert_eq!(transport.get(Some("b")), Get::Hold);
    transport.answered();
    assert_eq!(transport.get(Some("b")), Get::Repeat);
    assert_eq!(transport.get(Some("a")), Get::Hold, "only the last one is known");
}

#[test]
fn gets_without_t_are_never_repeats() {
    let mut transport = Transport::polling();
    for _ in 0..3 {
        assert_eq!(transport.get(None), Get::Hold);
        transport.answered();
    }
    assert_eq!(transport.get(Some("")), Get::Hold, "an empty t is a t");
    transport.answered();
    assert_eq!(transport.get(Some("")), Get::Repeat);
}

#[test]
fn a_get_that_repeats_one_that_is_held_is_a_conflict() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(Some("a")), Get::Hold);
    assert_eq!(transport.get(Some("a")), Get::Conflict);
    assert!(transport.is_closed());
}

#[test]
fn a_get_cancelled_after_its_answer_closes_nothing() {
    let mut transport = answered();
    assert!(!transport.get_cancelled());
    assert_eq!(transport.get(Some("a")), Get::Repeat);
}

#[test]
fn a_repeated_post_is_handled_once() {
    let mut transport = Transport::polling();
    assert_eq!(transport.post(Some("a")), Post::Take);
    assert!(transport.posted());
    assert!(!transport.posted(), "once");
    assert_eq!(transport.post(Some("a")), Post::Repeat);
    assert_eq!(transport.post(Some("b")), Post::Take);
    assert!(transport.posted());
}

#[test]
fn gets_and_posts_have_marks_of_their_own() {
    let mut transport = answered();
    assert_eq!(transport.post(Some("a")), Post::Take);
    assert!(transport.posted());
    assert_eq!(transport.get(Some("b")), Get::Hold);
}

#[test]
fn a_post_that_broke_off_may_come_again() {
    let mut transport = Transport::polling();
    assert_eq!(transport.post(Some("a")), Post::Take);
    transport.post_cancelled();
    assert_eq!(transport.post(Some("a")), Post::Take);
    assert!(transport.posted());
}

#[test]
fn two_posts_at_a_time_end_the_session() {
    for second in ["a", "b"] {
        let mut transport = Transport::polling();
        assert_eq!(transport.get(Some("g")), Get::Hold);
        assert_eq!(transport.post(Some("a")), Post::Take);
        assert_eq!(transport.post(Some(second)), Post::Overlap { held: Some("1") });
        assert!(!transport.posted(), "the first is not handled any more");
        assert_eq!(transport.get(Some("h")), Get::Refuse);
    }
}

#[test]
fn while_probing_gets_are_not_held() {
    let mut transport = probing();
    assert_eq!(transport.get(Some("a")), Get::Flush);
    transport.answered();
    assert_eq!(transport.get(Some("a")), Get::Repeat);
    assert_eq!(transport.get(Some("b")), Get::Flush);
    transport.answered();
    assert_eq!(transport.upgrade(), Upgrade::Done { held: None });
}

#[test]
fn a_5_with_a_get_still_held_ends_it_first() {
    let mut transport = probing();
    assert_eq!(transport.get(Some("a")), Get::Flush);
    assert_eq!(transport.upgrade(), Upgrade::Done { held: Some("6") });
}

#[test]
fn a_5_without_a_probe_is_refused() {
    let mut transport = Transport::polling();
    assert_eq!(transport.upgrade(), Upgrade::Refuse);
    assert!(!transport.is_websocket());
}

#[test]
fn a_second_probe_is_refused_and_the_first_goes_on() {
    let mut transport = probing();
    assert_eq!(transport.probe(), Probe::Refuse);
    assert_eq!(transport.upgrade(), Upgrade::Done { held: None });
}

#[test]
fn after_a_lost_probe_polling_goes_on_and_another_may_probe() {
    let mut transport = probing();
    transport.probe_lost();
    assert_eq!(transport.get(Some("a")), Get::Hold);
    assert_eq!(transport.upgrade(), Upgrade::Refuse);
    assert_eq!(transport.probe(), Probe::Answer { held: Some("6") });
}

#[test]
fn a_post_read_whole_after_the_move_is_refused() {
    let mut transport = probing();
    assert_eq!(transport.post(Some("a")), Post::Take);
    assert_eq!(transport.upgrade(), Upgrade::Done { held: None });
    assert!(!transport.posted());
    assert_eq!(transport.post(Some("b")), Post::Refuse);
}

#[test]
fn close_tells_the_held_get_alone() {
    let mut transport = Transport::polling();
    assert_eq!(transport.get(Some("a")), Get::Hold);
    assert_eq!(transport.close(), Close::Answer("1"));
    assert!(transport.is_closed());
    assert_eq!(transport.close(), Close::Ended);
}

#[test]
fn close_waits_for_the_next_get_and_takes_nothing_meanwhile() {
    let mut transport = answered();
    assert_eq!(transport.post(Some("p")), Post::Take);
    assert_eq!(transport.close(), Close::Await);
    assert_eq!(transport.close(), Close::Await);
    assert!(!transport.posted());
    assert_eq!(transport.post(Some("q")), Post::Refuse);
    assert_eq!(transport.probe(), Probe::Refuse);
    assert_eq!(transport.get(Some("a")), Get::Repeat, "the answer before it was lost");
    assert_eq!(transport.get(Some("b")), Get::Close);
    assert_eq!(transport.get(Some("b")), Get::Refuse);
}

#[test]
fn close_while_probing_ends_the_probe() {
    let mut transport = probing();
    assert_eq!(transport.close(), Close::Await);
    assert_eq!(transport.upgrade(), Upgrade::Refuse);
    transport.probe_lost();
    assert_eq!(transport.get(None), Get::Close);
}

#[test]
fn a_websocket_is_closed_as_a_websocket() {
    let mut transport = Transport::websocket();
    assert_eq!(transport.close(), Close::WebSocket);
    assert_eq!(transport.close(), Close::Ended);
}

#[test]
fn an_end_is_the_end() {
    for cause in [Cause::Client, Cause::Server] {
        for mut transport in [answered(), probing(), Transport::websocket()] {
            assert_eq!(transport.end(cause), None);
            assert!(
                transport.is_closed() && !transport.has_get() && !transport.is_probing() && !transport.is_websocket()
            );
            assert_eq!(transport.get(Some("a")), Get::Refuse);
            assert_eq!(transport.post(Some("a")), Post::Refuse);
            assert_eq!(transport.probe(), Probe::Refuse);
            assert_eq!(transport.upgrade(), Upgrade::Refuse);
            assert_eq!(transport.close(), Close::Ended);
            assert!(!transport.posted() && !transport.get_cancelled());
        }
    }
}
