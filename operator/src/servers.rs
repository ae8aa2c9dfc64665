//! What the servers say of themselves, asked every few seconds; a server that does not answer keeps its last word for a while.

mod ask;
mod askers;
mod clients;
mod rounds;

pub use ask::{Asker, NotDone, Unheard};
pub use askers::Askers;
pub use clients::may_have_clients;
pub use rounds::{Rounds, is_server};

use chat_internal::Boot;
use jiff::{SignedDuration, Timestamp};
use parking_lot::RwLock;
use std::collections::HashMap;

/// How long the last word of a server that does not answer counts.
pub const KEPT: SignedDuration = SignedDuration::from_secs(30);

/// What a server said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// Which run of the server said it: what it is asked to do is for this run alone.
    pub boot: Boot,
    /// Clients that are connected.
    pub connections: u64,
    /// Messages taken a second, of late.
    pub sends_per_second: f64,
    /// When it said so.
    pub at: Timestamp,
}

/// The last words of all servers, by the uid of their pod.
#[derive(Debug, Default)]
pub struct Servers {
    said: RwLock<HashMap<String, Said>>,
}

/// Why there is no total.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{silent} of {servers} servers have not answered for 30 seconds: a total without them would be too small")]
pub struct Unknown {
    /// Those that did not.
    pub silent: usize,
    /// All of them.
    pub servers: usize,
}

/// What all servers of a ChatCluster carry.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Total {
    /// Clients that are connected.
    pub connections: u64,
    /// Messages taken a second.
    pub sends_per_second: f64,
    /// When the first of them said so; none where there are no servers.
    pub at: Option<Timestamp>,
}

impl Servers {
    /// Notes what a server said.
    pub fn note(&self, uid: &str, said: Said) {
        self.said.write().insert(uid.to_owned(), said);
    }

    /// Forgets servers that are gone.
    pub fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.said.write().retain(|uid, _| is_there(uid));
    }

    /// What a server said, if that still counts.
    pub fn of(&self, uid: &str, now: Timestamp) -> Option<Said> {
        self.said.read().get(uid).copied().filter(|said| now.duration_since(said.at) < KEPT)
    }

    /// The total of some servers: of all of them, or none. One that is too small would have servers removed that are needed.
    pub fn total<'a>(&self, uids: impl Iterator<Item = &'a str>, now: Timestamp) -> Result<Total, Unknown> {
        let (mut total, mut silent, mut servers) = (Total::default(), 0, 0);
        for uid in uids {
            servers += 1;
            match self.of(uid, now) {
                Some(said) => {
                    total.connections += said.connections;
                    total.sends_per_second += said.sends_per_second;
                    total.at = Some(total.at.map_or(said.at, |at| at.min(said.at)));
                }
                None => silent += 1,
            }
        }
        if silent == 0 { Ok(total) } else { Err(Unknown { silent, servers }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silent_server_counts_for_a_while_and_then_there_is_no_total() {
        let now = Timestamp::UNIX_EPOCH;
        let servers = Servers::default();
        servers.note("a", Said { boot: Boot(1), connections: 3, sends_per_second: 0.5, at: now });
        servers.note(
            "b",
            Said { boot: Boot(2), connections: 4, sends_per_second: 1.0, at: now - SignedDuration::from_secs(20) },
        );
        let total = |at| servers.total(["a", "b"].into_iter(), at);
        assert_eq!(
            total(now),
            Ok(Total { connections: 7, sends_per_second: 1.5, at: Some(now - SignedDuration::from_secs(20)) })
        );
        let later = now + SignedDuration::from_secs(10);
        assert_eq!(total(later), Err(Unknown { silent: 1, servers: 2 }));
        assert_eq!(servers.total(["a"].into_iter(), later).map(|total| total.connections), Ok(3));
        servers.keep(|uid| uid == "b");
        assert_eq!(servers.of("a", now), None);
    }
}
