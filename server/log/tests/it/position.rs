//! The spelling of positions.

use chat_log::{BadPosition, NUMBER_MAX, Position};
use proptest::prelude::*;

#[test]
fn one_spelling_and_no_other() {
    assert_eq!("0-0".parse(), Ok(Position::START));
    assert_eq!("1800000000-42".parse(), Ok(Position::new(1_800_000_000, 42)));
    assert_eq!("9007199254740991-9007199254740991".parse(), Ok(Position::new(NUMBER_MAX, NUMBER_MAX)));
    for bad in [
        "",
        "-",
        "1",
        "1-",
        "-1",
        "1--1",
        "1-1-1",
        "01-1",
        "1-01",
        "+1-1",
        "1-+1",
        " 1-1",
        "1-1 ",
        "1 -1",
        "1.0-1",
        "0x1-1",
        "1_0-1",
        "a-1",
        "1-b",
        "١-١",
        "9007199254740992-1",
        "1-9007199254740992",
        "99999999999999999999-1",
        "1–1",
        "00-0",
    ] {
        assert_eq!(bad.parse::<Position>(), Err(BadPosition), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn reads_back_what_it_writes(epoch in 0..=NUMBER_MAX, n in 0..=NUMBER_MAX) {
        let position = Position::new(epoch, n);
        prop_assert_eq!(position.to_string().parse(), Ok(position));
    }

    #[test]
    fn whatever_it_reads_it_would_write_so(text in "[0-9]{0,17}[-+ ]?[0-9]{0,17}|.*") {
        if let Ok(position) = text.parse::<Position>() {
            prop_assert_eq!(position.to_string(), text);
        }
    }

    #[test]
    fn epochs_count_before_numbers(a in any::<(u32, u32)>(), b in any::<(u32, u32)>()) {
        let position = |(epoch, n): (u32, u32)| Position::new(epoch.into(), n.into());
        prop_assert_eq!(position(a).cmp(&position(b)), a.cmp(&b));
    }
}
