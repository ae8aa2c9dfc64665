//! Where an entry stands in its room.

use std::fmt;
use std::str::FromStr;

/// The place of an entry: `<epoch>-<n>`.
///
/// `n` counts a room's entries from 1 without gaps and goes on over epochs. The epoch rises whenever the log's server
/// lost or may have lost entries, so that the same `n` never names two entries. Positions order by epoch, then by `n`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The tenure of the log's server in which the entry was appended. 0 only in [`Position::START`].
    pub epoch: u64,
    /// The number of the entry in its room, from 1. 0 stands before the first one.
    pub n: u64,
}

/// The largest epoch and number: what a JavaScript number holds exactly (2^53 - 1).
pub const NUMBER_MAX: u64 = (1 << 53) - 1;

impl Position {
    /// Before the first entry of any room.
    pub const START: Self = Self { epoch: 0, n: 0 };

    /// The position `<epoch>-<n>`.
    pub const fn new(epoch: u64, n: u64) -> Self {
        Self { epoch, n }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)
    }
}

/// The text is not `<epoch>-<n>` with plain decimal numbers of at most [`NUMBER_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a position is `<epoch>-<n>`, two decimal numbers below 2^53")]
pub struct BadPosition;

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (epoch, n) = text.split_once('-').ok_or(BadPosition)?;
        Ok(Self { epoch: number(epoch)?, n: number(n)? })
    }
}

/// A plain decimal number: no sign, no leading zero, so that each position has one spelling.
fn number(text: &str) -> Result<u64, BadPosition> {
    let plain = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    if !plain || (text.len() > 1 && text.starts_with('0')) {
        return Err(BadPosition);
    }
    text.parse().ok().filter(|n| *n <= NUMBER_MAX).ok_or(BadPosition)
}
