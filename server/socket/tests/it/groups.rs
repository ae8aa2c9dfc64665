//! Groups: who gets a fan-out, in chunks that are each at one place.

use crate::probe::{Probe, Probed, text};
use chat_socket::{Batch, Frame, Group, Member};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fan_out_reaches_its_members_and_nobody_else() {
    let probed = Probed::start().await;
    let group = Group::<Probe, u64>::default();
    let (mut wires, mut places) = (Vec::new(), Vec::new());
    for tag in 0..3 {
        let (wire, socket) = probed.connect().await;
        let place = group.place(7, |place, mut chunk| {
            assert_eq!(chunk.head, 7, "a new chunk begins where its first member does");
            chunk.members.push(Member { socket: socket.clone(), tag });
            place
        });
        wires.push(wire);
        places.push((place, socket));
    }
    assert_eq!((group.len(), group.chunks().len()), (3, 1));
    // The second one leaves.
    let (place, socket) = &places[1];
    let chunk = group.chunk(*place).expect("its chunk");
    assert!(chunk.lock().remove(socket));
    assert!(!chunk.lock().remove(socket), "it is not there any more");
    let batch = Batch::new(vec![Frame::text(br#"42["a"]"#), Frame::text(br#"42["b"]"#)]);
    for chunk in group.chunks() {
        let mut chunk = chunk.lock();
        for member in &chunk.members {
            member.socket.lock().send_batch(&batch);
        }
        chunk.head = 9;
    }
    places[1].1.lock().send(&Frame::text(br#"42["alone"]"#));
    assert_eq!(text(&mut wires[1]).await, r#"42["alone"]"#);
    for wire in [0, 2] {
        assert_eq!(text(&mut wires[wire]).await, r#"42["a"]"#);
        assert_eq!(text(&mut wires[wire]).await, r#"42["b"]"#);
    }
    // Whoever comes next sees where the others are, and decides.
    group.place(8, |_, chunk| assert_eq!(chunk.head, 9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_chunk_makes_another_and_holes_are_filled() {
    let probed = Probed::start().await;
    let (_wire, socket) = probed.connect().await;
    let group = Group::<Probe, u64>::default();
    let enter = || {
        group.place(0, |place, mut chunk| {
            let tag = chunk.members.len() as u32;
            chunk.members.push(Member { socket: socket.clone(), tag });
            place
        })
    };
    let places: Vec<u32> = (0..513).map(|_| enter()).collect();
    assert_eq!(places.iter().filter(|place| **place == 0).count(), 256);
    assert_eq!((group.chunks().len(), group.len()), (3, 513));
    for _ in 0..255 {
        assert_eq!(enter(), 2);
    }
    assert!(group.chunk(0).expect("a chunk").lock().remove(&socket));
    assert_eq!(enter(), 0, "the hole");
    assert_eq!(enter(), 3);
}
