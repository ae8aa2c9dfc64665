//! What a server says instead of an answer, by what is to be done about it.

use std::sync::Arc;

/// An error reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Another node owns the slot: the one at this address, if it says so.
    Moved(Option<Arc<str>>),
    /// The slot is on its way to the node at this address; ask there, once.
    Ask(Arc<str>),
    /// It has become a replica.
    ReadOnly,
    /// It cannot answer now, and may later: the cluster is down, data are being loaded, keys are on their way, a script runs.
    Busy,
    /// The library is not loaded.
    FunctionMissing,
    /// The epoch of the partition was not raised under the present tenure.
    Tenure,
    /// The master has no replica that follows, and the caller does not allow that.
    Unreplicated,
    /// The server's memory is full.
    OutOfMemory,
    /// It is not part of a cluster.
    NoCluster,
    /// The user may not do that.
    NotPermitted(String),
    /// Anything else: the call itself is at fault.
    Other(String),
}

impl Fault {
    pub(crate) fn parse(text: &str) -> Self {
        let code = text.split_ascii_whitespace().next().unwrap_or_default();
        match code {
            "MOVED" => Self::Moved(address_at_end(text)),
            "ASK" => address_at_end(text).map_or(Self::Busy, Self::Ask),
            "READONLY" => Self::ReadOnly,
            "CLUSTERDOWN" | "LOADING" | "TRYAGAIN" | "MASTERDOWN" | "BUSY" | "NOREPLICAS" => Self::Busy,
            "TENURE" => Self::Tenure,
            "UNREPLICATED" => Self::Unreplicated,
            "OOM" => Self::OutOfMemory,
            "NOPERM" | "NOAUTH" | "WRONGPASS" => Self::NotPermitted(text.to_owned()),
            _ if text.contains("Function not found") => Self::FunctionMissing,
            _ if text.contains("cluster support disabled") => Self::NoCluster,
            // A command inside a function that the user may not use, and one that found the memory full.
            _ if text.contains("ACL failure") || text.contains("no permissions") => Self::NotPermitted(text.to_owned()),
            _ if text.contains("-OOM ") => Self::OutOfMemory,
            _ => Self::Other(text.to_owned()),
        }
    }

    /// Its name among the counters.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Moved(_) => "moved",
            Self::Ask(_) => "ask",
            Self::ReadOnly => "readonly",
            Self::Busy => "busy",
            Self::FunctionMissing => "function_missing",
            Self::Tenure => "tenure",
            Self::Unreplicated => "unreplicated",
            Self::OutOfMemory => "out_of_memory",
            Self::NoCluster => "no_cluster",
            Self::NotPermitted(_) => "not_permitted",
            Self::Other(_) => "other",
        }
    }

    /// Every name there is.
    pub(crate) const NAMES: [&'static str; 11] = [
        "moved",
        "ask",
        "readonly",
        "busy",
        "function_missing",
        "tenure",
        "unreplicated",
        "out_of_memory",
        "no_cluster",
        "not_permitted",
        "other",
    ];
}

/// Where a redirection leads. A node that does not know the host leaves it out.
fn address_at_end(text: &str) -> Option<Arc<str>> {
    let address = text.rsplit(' ').next().filter(|address| address.contains(':') && !address.starts_with(':'))?;
    Some(address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_apart_by_their_code() {
        for (text, expected) in [
            ("MOVED 3999 127.0.0.1:6381", Fault::Moved(Some("127.0.0.1:6381".into()))),
            ("MOVED 3999 :6381", Fault::Moved(None)),
            ("ASK 3999 127.0.0.1:6381", Fault::Ask("127.0.0.1:6381".into())),
            ("ASK 3999 redis-1.redis:6381", Fault::Ask("redis-1.redis:6381".into())),
            ("READONLY You can't write against a read only replica.", Fault::ReadOnly),
            ("CLUSTERDOWN Hash slot not served", Fault::Busy),
            ("LOADING Redis is loading the dataset in memory", Fault::Busy),
            ("TRYAGAIN Multiple keys request during rehashing of slot", Fault::Busy),
            ("ERR Function not found", Fault::FunctionMissing),
            ("TENURE the epoch is not of this tenure", Fault::Tenure),
            ("OOM command not allowed when used memory > 'maxmemory'.", Fault::OutOfMemory),
            ("ERR This instance has cluster support disabled", Fault::NoCluster),
            ("ERR user said MOVED", Fault::Other("ERR user said MOVED".into())),
        ] {
            assert_eq!(Fault::parse(text), expected, "{text}");
        }
    }
}
