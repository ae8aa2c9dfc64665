//! The session's secret and its tag.

use chat_session::Pid;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::hash::Hasher;

proptest! {
    #[test]
    fn a_pid_is_read_as_it_was_written(bits in any::<u128>()) {
        let pid = Pid::from_random(bits);
        let text = pid.reveal();
        prop_assert_eq!(text.len(), Pid::CHARS);
        prop_assert_eq!(text.parse(), Ok(pid));
    }

    #[test]
    fn other_texts_are_no_pids(text in "\\PC{0,40}|[A-Za-z0-9_-]{21,23}") {
        // Each pid has one spelling.
        if let Ok(pid) = text.parse::<Pid>() {
            prop_assert_eq!(pid.reveal(), text);
        }
    }

    #[test]
    fn debug_output_never_shows_a_pid(bits in any::<u128>()) {
        prop_assert_eq!(format!("{:?}", Pid::from_random(bits)), "Pid(secret)");
    }
}

#[test]
fn tags_differ_where_pids_differ_in_one_bit() {
    let tags: BTreeSet<Vec<u8>> = (0..128).map(|bit| Pid::from_random(1 << bit).tag().as_bytes().to_vec()).collect();
    assert_eq!(tags.len(), 128);
}

#[test]
fn a_tag_is_the_same_on_every_server() {
    // Tags stand in offsets that outlive the server's version: this text must not change.
    let tag = Pid::from_random(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef).tag();
    assert_eq!(tag.as_bytes(), b"LkPPdW0YQYp");
}

#[test]
#[allow(deprecated, reason = "the one SipHash-2-4 in the standard library that takes a key")]
fn a_tag_is_siphash_of_a_constant_under_the_pid() {
    let bits: u128 = 0xfedc_ba98_7654_3210_0f1e_2d3c_4b5a_6978;
    let key = u128::from_le_bytes(bits.to_be_bytes());
    let mut hasher = std::hash::SipHasher::new_with_keys(key as u64, (key >> 64) as u64);
    hasher.write(&0x6f66_6673_6574_0000_u64.to_le_bytes());
    // 64 bits under a pid's spelling: its last eleven characters.
    let text = Pid::from_random(u128::from(hasher.finish())).reveal();
    assert_eq!(Pid::from_random(bits).tag().as_bytes(), &text.as_bytes()[11..]);
}
