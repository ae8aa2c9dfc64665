//! Counts, sizes and durations, written as people write them.

use std::time::Duration;

use super::Kind;

/// A whole number.
pub struct Count;

impl Kind for Count {
    type Value = usize;
    const ALLOWED: &'static str = "a whole number";

    fn parse(text: &str) -> Option<usize> {
        digits(text).and_then(|number| usize::try_from(number).ok())
    }

    fn show(value: &usize) -> String {
        value.to_string()
    }

    fn magnitude(value: &usize) -> Option<u128> {
        Some(*value as u128)
    }
}

/// A size in bytes.
pub struct Bytes;

const SIZES: [(&str, u64); 8] = [
    ("", 1),
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl Kind for Bytes {
    type Value = usize;
    const ALLOWED: &'static str = "a size: bytes, or a whole number with KB, MB, GB, KiB, MiB or GiB, such as 64KiB";

    fn parse(text: &str) -> Option<usize> {
        with_unit(text, &SIZES).and_then(|bytes| usize::try_from(bytes).ok())
    }

    fn show(value: &usize) -> String {
        shortest(*value as u64, &SIZES)
    }

    fn magnitude(value: &usize) -> Option<u128> {
        Some(*value as u128)
    }
}

/// A duration, in whole milliseconds.
pub struct Time;

const TIMES: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

impl Kind for Time {
    type Value = Duration;
    const ALLOWED: &'static str = "a duration: a whole number with ms, s, m, h or d, such as 25s";

    fn parse(text: &str) -> Option<Duration> {
        with_unit(text, &TIMES).map(Duration::from_millis)
    }

    fn show(value: &Duration) -> String {
        shortest(u64::try_from(value.as_millis()).unwrap_or(u64::MAX), &TIMES)
    }

    fn magnitude(value: &Duration) -> Option<u128> {
        Some(value.as_millis())
    }
}

/// A plain decimal number; `_` may separate digits.
fn digits(text: &str) -> Option<u64> {
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    text.replace('_', "").parse().ok()
}

/// A number and one of these units, in the smallest of them.
fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    digits(number)?.checked_mul(*factor)
}

/// The shortest spelling, with the largest unit among equals.
fn shortest(value: u64, units: &[(&str, u64)]) -> String {
    let exact = units.iter().rev().filter(|(_, factor)| value.is_multiple_of(*factor));
    let spelled = exact.map(|(name, factor)| format!("{}{name}", value / factor));
    spelled.min_by_key(String::len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_need_a_unit() {
        let read = |text| Time::parse(text).map(|time| time.as_millis());
        assert_eq!(read("25s"), Some(25_000));
        assert_eq!(read("500ms"), Some(500));
        assert_eq!(read("2 h"), Some(7_200_000));
        assert_eq!(read("1_000ms"), Some(1000));
        for bad in [
            "",
            "25",
            "s",
            "-1s",
            "1.5s",
            "25S",
            "1h30m",
            "25s ",
            "_1s",
            "18446744073709551616ms",
            "18446744073709551615s",
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sizes_know_both_families_of_units() {
        assert_eq!(Bytes::parse("64KiB"), Some(65_536));
        assert_eq!(Bytes::parse("1MB"), Some(1_000_000));
        assert_eq!(Bytes::parse("100"), Some(100));
        assert_eq!(Bytes::parse("100 B"), Some(100));
        for bad in ["", "KB", "64K", "64kb", "0.5MB", "+1", "99999999999GiB"] {
            assert_eq!(Bytes::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_shortest_spelling_is_shown() {
        assert_eq!(Time::show(&Duration::from_secs(7200)), "2h");
        assert_eq!(Time::show(&Duration::from_secs(90)), "90s");
        assert_eq!(Bytes::show(&65_536), "64KiB");
        assert_eq!(Bytes::show(&100_000), "100KB");
        assert_eq!(Bytes::show(&1023), "1023");
    }

    proptest! {
        #[test]
        fn a_duration_reads_back(millis in any::<u64>()) {
            let time = Duration::from_millis(millis);
            prop_assert_eq!(Time::parse(&Time::show(&time)), Some(time));
        }

        #[test]
        fn a_size_reads_back(bytes in prop_oneof![any::<usize>(), (0..1000_usize).prop_map(|n| n << 20), (0..1000_usize).prop_map(|n| n * 1000)]) {
            prop_assert_eq!(Bytes::parse(&Bytes::show(&bytes)), Some(bytes));
        }

        #[test]
        fn any_text_is_a_value_or_not(text in "[0-9_]{0,25} ?[A-Za-z]{0,4}|.*") {
            let _ = (Time::parse(&text), Bytes::parse(&text), Count::parse(&text));
        }
    }
}
