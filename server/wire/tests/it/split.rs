//! How the bytes are cut on their way changes nothing.

use chat_wire::engine::{Packet, payload};
use chat_wire::websocket::Opcode;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::frames::{frame, read};

const MAX: usize = 600;

/// Whole messages, messages in fragments with control frames among them, and now and then a frame that is out of place.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let text = "\\PC{0,80}".prop_map(String::into_bytes);
    let bytes = prop_oneof![vec(any::<u8>(), 0..8), vec(any::<u8>(), 120..300)];
    let data = prop_oneof![text.prop_map(|text| (Opcode::Text, text)), bytes.prop_map(|bytes| (Opcode::Binary, bytes))];
    let control = prop_oneof![Just(Opcode::Ping), Just(Opcode::Pong)];
    let fragmented = (data.clone(), vec(0_usize..100, 0..4), control, any::<bool>()).prop_map(
        |((opcode, payload), mut cuts, control, with_control)| {
            cuts.sort_unstable();
            let (mut out, mut at, mut opcode) = (Vec::new(), 0, opcode);
            for cut in cuts {
                let cut = cut.clamp(at, payload.len());
                out.extend(frame(false, opcode, &payload[at..cut]));
                if with_control {
                    out.extend(frame(true, control, b"beat"));
                }
                (at, opcode) = (cut, Opcode::Continuation);
            }
            out.extend(frame(true, opcode, &payload[at..]));
            out
        },
    );
    let stray = prop_oneof![
        Just(frame(true, Opcode::Continuation, b"x")),
        Just(frame(false, Opcode::Text, b"open")),
        Just(frame(true, Opcode::Close, &[3, 232, b'x'])),
        Just(frame(true, Opcode::Close, &[3])),
        Just(frame(true, Opcode::Text, &[0xff])),
        Just(frame(true, Opcode::Binary, &[1; MAX + 1])),
    ];
    vec(prop_oneof![9 => fragmented, 1 => stray], 0..6).prop_map(|frames| frames.concat())
}

/// As above, with bytes overwritten at random.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    (frames(), vec((any::<prop::sample::Index>(), any::<u8>()), 0..4)).prop_map(|(mut input, damage)| {
        for (at, byte) in damage {
            if !input.is_empty() {
                let at = at.index(input.len());
                input[at] = byte;
            }
        }
        input
    })
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    vec(0_usize..1_500, 0..30).prop_map(|mut cuts| {
        cuts.sort_unstable();
        cuts
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn of_good_and_bad_frames(input in frames(), cuts in cuts()) {
        prop_assert_eq!(read(&input, &cuts, MAX), read(&input, &[], MAX));
    }

    #[test]
    fn of_damaged_frames(input in damaged(), cuts in cuts()) {
        prop_assert_eq!(read(&input, &cuts, MAX), read(&input, &[], MAX));
    }

    #[test]
    fn of_anything_byte_by_byte(input in vec(any::<u8>(), 0..200)) {
        let bytewise: Vec<usize> = (0..input.len()).collect();
        prop_assert_eq!(read(&input, &bytewise, MAX), read(&input, &[], MAX));
    }

    /// The same packets in one payload, or spread over several, are the same stream.
    #[test]
    fn of_packets_over_payloads(messages in vec("[^\u{1e}]{0,12}", 1..12), cut in any::<prop::sample::Index>()) {
        let packets: Vec<Packet<'_>> = messages.iter().map(|text| Packet::Message(text)).collect();
        let join = |packets: &[Packet<'_>]| {
            let mut out = Vec::new();
            for packet in packets {
                payload::push(packet, &mut out);
            }
            String::from_utf8(out).unwrap()
        };
        let (head, tail) = packets.split_at(cut.index(packets.len()));
        let mut seen = Vec::new();
        for body in [join(head), join(tail)].iter().filter(|body| !body.is_empty()) {
            for packet in payload::split(body, 12) {
                let Packet::Message(text) = packet.unwrap() else { panic!("only messages were sent") };
                seen.push(text.to_owned());
            }
        }
        prop_assert_eq!(seen, messages);
    }
}
