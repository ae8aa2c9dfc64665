//! What is promised about memory: nothing on the hot path, and never more than a bound that the input's sender does not
//! set. Counted by the test binary's allocator, for each thread alone.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use chat_wire::engine::{Packet as Engine, Query, Transport, payload};
use chat_wire::socket::{self, Attachments, Event, Packet};
use chat_wire::websocket::{self, Message, Opcode, Reader, Step};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::frames::frame;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    // A thread that ends may free after its counters are gone.
    let _ = NOW.try_with(|now| {
        now.set(now.get() + bytes);
        if bytes > 0 {
            CALLS.set(CALLS.get() + 1);
            PEAK.set(PEAK.get().max(now.get()));
        }
    });
}

#[allow(unsafe_code, reason = "an allocator cannot be written without; it only counts and hands on")]
// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // The old and the new block may both be there for a moment.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most bytes that `work` held at once above what there was before, and how often it allocated.
fn measure(work: impl FnOnce()) -> (usize, usize) {
    let (before, calls) = (NOW.get(), CALLS.get());
    PEAK.set(before);
    work();
    ((PEAK.get() - before).cast_unsigned(), CALLS.get() - calls)
}

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(vec![0_u8; 100]))), (100, 1));
}

#[test]
fn receiving_an_event_does_not_allocate() {
    let text = r#"42/custom,17["send",{"room":"lobby","id":"x","text":"hé"},[1,2],"three",null]"#;
    let mut input = frame(true, Opcode::Text, text.as_bytes());
    let mut reader = Reader::new();
    let (_, calls) = measure(|| {
        let Ok(Step::Message { message: Message::Text(text), .. }) = reader.next(&mut input, 1_000) else { panic!() };
        let Ok(Engine::Message(text)) = Engine::decode_text(text) else { panic!() };
        let packet = Packet::decode(text).unwrap();
        let event = Event::parse(packet.data).unwrap();
        assert_eq!((event.name.as_ref(), event.args.len(), packet.id), ("send", 4, Some(17)));
    });
    assert_eq!(calls, 0);
}

#[test]
fn nested_json_takes_a_byte_a_level() {
    let data = r#"["send",{"data":{"a":[{"b":[1]}]}}]"#;
    let (peak, calls) = measure(|| assert_eq!(Event::parse(data).unwrap().args.len(), 1));
    assert!(peak <= 16 && calls <= 2, "{peak} bytes in {calls} allocations");
}

#[test]
fn heartbeats_queries_and_polling_do_not_allocate() {
    let mut transport = Transport::polling();
    let mut input = frame(true, Opcode::Text, b"3");
    let mut reader = Reader::new();
    let (_, calls) = measure(|| {
        assert!(matches!(reader.next(&mut input, 1_000), Ok(Step::Message { message: Message::Text("3"), .. })));
        let query = Query::parse("EIO=4&transport=polling&t=abc&sid=xyz").unwrap();
        let _ = transport.get(query.t.as_deref());
        transport.answered();
        let _ = transport.post(query.t.as_deref());
        assert!(transport.posted());
        assert_eq!(payload::split("3\u{1e}42[\"x\"]", 10).count(), 2);
    });
    assert_eq!(calls, 0);
}

#[test]
fn sending_into_a_buffer_with_room_does_not_allocate() {
    let mut out = Vec::with_capacity(1_000);
    let (_, calls) = measure(|| {
        websocket::encode_with(Opcode::Text, &mut out, |out| {
            socket::event("/custom", Some(3), "message", [r#"{"n":1}"#, r#""r:a:1-1""#], out);
        });
        websocket::encode_with(Opcode::Text, &mut out, |out| socket::ack("/", 4, ["{}"], out));
        websocket::encode_close(1001, "draining", &mut out);
        payload::push_binary(&[0; 100], &mut out);
    });
    assert_eq!(calls, 0);
}

#[test]
fn fragments_take_no_more_than_the_maximum() {
    let max = 100_000;
    let mut input = frame(false, Opcode::Binary, &[1; 999]);
    for _ in 0..99 {
        input.extend(frame(false, Opcode::Continuation, &[1; 999]));
    }
    input.extend(frame(true, Opcode::Continuation, &[1; 100]));
    let mut reader = Reader::new();
    let (peak, calls) = measure(|| {
        let mut at = 0;
        while at < input.len() {
            match reader.next(&mut input[at..], max).unwrap() {
                Step::Absorbed { used } => at += used,
                Step::Message { message: Message::Binary(bytes), used } => {
                    assert_eq!(bytes.len(), max);
                    at += used;
                }
                Step::Incomplete { .. } | Step::Message { .. } => panic!("whole binary frames were sent"),
            }
        }
    });
    assert!(peak <= 2 * max + 100, "{peak} bytes: the buffer, and once its predecessor");
    assert!(calls < 20, "{calls} allocations: it doubles");
    let before = NOW.get();
    assert_eq!(reader.next(&mut [], max), Ok(Step::Incomplete { wanted: 2 }));
    assert!(before - NOW.get() >= max.cast_signed(), "an idle reader keeps nothing");
}

#[test]
fn arguments_that_are_too_many_are_not_kept() {
    let data = format!("[\"e\"{}]", ",1".repeat(100_000));
    let (peak, _) = measure(|| assert!(Event::parse(&data).is_err()));
    assert!(peak < 4_000, "{peak} bytes");
}

/// Room for what an error of the JSON reader takes.
const SLACK: usize = 512;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_frame_takes_more_than_the_maximum(mut input in vec(any::<u8>(), 0..300), fin: bool) {
        let max = 100;
        // Half of the cases start with a frame that is kept.
        if fin {
            input.splice(0..0, frame(false, Opcode::Text, &[b'a'; 60]));
        }
        let mut reader = Reader::new();
        let (peak, _) = measure(|| {
            let mut at = 0;
            while let Ok(Step::Absorbed { used } | Step::Message { used, .. }) = reader.next(&mut input[at..], max) {
                at += used;
            }
        });
        prop_assert!(peak <= 2 * max + 64, "{} bytes", peak);
    }

    #[test]
    fn no_text_takes_more_than_its_own_size(text in texts()) {
        let (peak, _) = measure(|| {
            let _ = Query::parse(&text);
            for packet in payload::split(&text, 100).flatten() {
                drop(packet);
            }
            if let Ok(packet) = Packet::decode(&text) {
                let _ = Event::parse(packet.data);
                let _ = Event::parse_ack(packet.data);
                let _ = Attachments::begin(&packet, 1_000);
            }
        });
        prop_assert!(peak <= 4 * text.len() + SLACK, "{} bytes for {}", peak, text.len());
    }
}

/// Text like that of the wire, and text of any kind.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,100}",
        "[0-9b\u{1e}]{0,100}",
        r#"[256][0-9-]{0,3}(/[a-z]{0,9},)?[0-9]{0,3}\["[a-z]{1,5}",[\[\]{}",:0-9a-z]{0,80}\]?"#,
        r#"51-\["x",(\{"_placeholder":true,"num":[0-9]\},?){0,9}\]"#,
        "EIO=4&transport=polling&sid=(%[0-9A-F]{2}){0,60}",
    ]
}
