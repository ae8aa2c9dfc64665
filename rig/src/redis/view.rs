//! The cluster as one of its nodes sees it: `CLUSTER NODES`, parsed.

use std::ops::RangeInclusive;

/// A node of the cluster in another node's eyes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The 40 hex digits that it keeps for life.
    pub id: String,
    /// `ip:port`; the TLS port where TLS is on.
    pub address: String,
    /// The id of its master, if it is a replica.
    pub master: Option<String>,
    /// Suspected or agreed to have failed, or not yet shaken hands with.
    pub failing: bool,
    /// Its config epoch.
    pub config_epoch: u64,
    /// The slots that it serves.
    pub slots: Vec<RangeInclusive<u16>>,
}

impl Member {
    /// Whether it serves slots.
    pub fn is_master(&self) -> bool {
        self.master.is_none() && !self.slots.is_empty()
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(' ');
        let id = fields.next()?.to_owned();
        let address = fields.next()?.split(['@', ',']).next()?.to_owned();
        let flags: Vec<&str> = fields.next()?.split(',').collect();
        let master = Some(fields.next()?).filter(|id| *id != "-").map(str::to_owned);
        let config_epoch = fields.nth(2)?.parse().ok()?;
        let linked = fields.next()? == "connected" || flags.contains(&"myself");
        // Slots on the move stand in brackets beside the range that still serves them.
        let slots = fields.filter(|slots| !slots.starts_with('[')).map(range).collect::<Option<_>>()?;
        let failing = !linked || ["fail?", "fail", "handshake", "noaddr"].iter().any(|flag| flags.contains(flag));
        Some(Self { id, address, master, failing, config_epoch, slots })
    }
}

/// All members that `CLUSTER NODES` names.
pub(super) fn parse(nodes: &str) -> Vec<Member> {
    nodes.lines().filter_map(Member::parse).collect()
}

fn range(text: &str) -> Option<RangeInclusive<u16>> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(first.parse().ok()?..=last.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_line_is_read() {
        let text = "a1 127.0.0.1:101@10101,host myself,master - 0 0 3 connected 0-5460 5462 [5461->-c3]\n\
                    b2 127.0.0.1:102@10102 slave a1 0 1700000000000 3 connected\n\
                    c3 127.0.0.1:103@10103 master,fail? - 1700000000000 0 4 disconnected 5461\n";
        let members = parse(text);
        assert_eq!(members.len(), 3);
        assert_eq!(members[0].slots, [0..=5460, 5462..=5462]);
        assert_eq!((members[0].address.as_str(), members[0].config_epoch), ("127.0.0.1:101", 3));
        assert!(members[0].is_master() && !members[0].failing);
        assert_eq!(members[1].master.as_deref(), Some("a1"));
        assert!(!members[1].is_master() && !members[1].failing);
        assert!(members[2].failing);
    }
}
