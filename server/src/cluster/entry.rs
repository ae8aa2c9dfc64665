//! What a server says about itself to the others.

use super::Boot;
use serde::{Deserialize, Serialize};

/// A server's entry in the registry. It is read by servers of other builds: fields are added, never changed, and a missing one has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name among the others.
    pub node: String,
    /// This run of it.
    #[serde(with = "super::boot")]
    pub boot: Boot,
    /// Where its internal port is reached, `host:port`.
    pub address: String,
    /// Which build it runs.
    #[serde(default)]
    pub build: String,
    /// When it started, in milliseconds since 1970, by its own clock.
    #[serde(default)]
    pub started_at: u64,
    /// What it does with clients.
    pub state: State,
    /// Connections that are open.
    #[serde(default)]
    pub connections: u64,
    /// How many it takes; 0 where it does not say.
    #[serde(default)]
    pub connections_max: u64,
    /// Rooms that it keeps.
    #[serde(default)]
    pub rooms: u64,
    /// What it does, a second.
    #[serde(default)]
    pub rates: Rates,
}

/// How long an entry may be, in bytes: a few times what a server writes.
const ENTRY_BYTES_MAX: usize = 4096;

impl Entry {
    /// An entry as it stands on the board; `None` if it is none that this build can read.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > ENTRY_BYTES_MAX {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }
}

/// What a server does with clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It takes and keeps them.
    Serving,
    /// It sends them elsewhere.
    Draining,
    /// It has none any more and said good-bye. Its entry stays for a while, so that the others need not wait for its expiry.
    Ended,
    /// A word of a newer build.
    #[serde(other)]
    Unknown,
}

/// What a server does, a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rates {
    /// Entries appended for its clients.
    pub sends: f64,
    /// Entries sent to members.
    pub deliveries: f64,
    /// Connections opened.
    pub accepts: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_another_build_is_read() {
        let text =
            br#"{"node":"a","boot":"00000000000000ff","address":"10.0.0.1:3001","state":"hibernating","new":[1]}"#;
        let entry = Entry::parse(text).expect("an entry");
        assert_eq!((entry.boot, entry.state, entry.connections), (Boot(255), State::Unknown, 0));
        assert_eq!(
            Entry::parse(&serde_json::to_vec(&Entry { state: State::Serving, ..entry.clone() }).expect("JSON")),
            Some(Entry { state: State::Serving, ..entry })
        );
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let long =
            format!(r#"{{"node":"{}","boot":"00000000000000ff","address":"a:1","state":"serving"}}"#, "a".repeat(5000));
        for bad in [
            &b""[..],
            b"{}",
            b"\xff",
            b"[]",
            br#"{"node":"a","boot":"7","address":"a:1","state":"serving"}"#,
            long.as_bytes(),
        ] {
            assert_eq!(Entry::parse(bad), None);
        }
    }
}
