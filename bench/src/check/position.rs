//! A place in a room's log.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// `<epoch>-<n>`: `n` counts the room's entries without gaps, also over epochs. Ordered by epoch, then by number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Position {
    /// Rises when the log lost entries or may have.
    pub epoch: u64,
    /// The entry's number.
    pub n: u64,
}

/// Not a position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a position <epoch>-<n>")]
pub struct NotAPosition(String);

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}-{}", self.epoch, self.n)
    }
}

impl FromStr for Position {
    type Err = NotAPosition;

    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let parts = text.split_once('-').and_then(|(epoch, n)| Some((epoch.parse().ok()?, n.parse().ok()?)));
        parts.map(|(epoch, n)| Self { epoch, n }).ok_or_else(|| NotAPosition(text.to_owned()))
    }
}

impl From<Position> for String {
    fn from(position: Position) -> Self {
        position.to_string()
    }
}

impl TryFrom<String> for Position {
    type Error = NotAPosition;

    fn try_from(text: String) -> Result<Self, NotAPosition> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_two_numbers() {
        assert_eq!("3-45".parse(), Ok(Position { epoch: 3, n: 45 }));
        assert_eq!(Position { epoch: 3, n: 45 }.to_string(), "3-45");
        for text in ["", "3", "3-", "-4", "a-b", "3-4-5"] {
            assert!(text.parse::<Position>().is_err(), "{text}");
        }
    }
}
