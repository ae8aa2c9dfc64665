//! Libraries of builds that are gone: each build has one of its own, and Redis keeps them for ever.
//!
//! Every server notes in Redis, now and then, that its library is in use. One of which nobody has said so for a long time is deleted. A library that nobody
//! knows of yet is taken for one that is in use since it was first seen. Should a build go on that does not tell, or that keeps its things under another
//! prefix, nothing is lost: what calls a function that is missing loads its library again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::call::{Call, Value};
use crate::connection::Command;
use crate::fault::Fault;
use crate::shared::Shared;
use crate::write;

/// What the names of all our libraries begin with.
const NAME: &str = "chat_";
/// How long a master may take to list its libraries, or to delete one.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// Why libraries were left alone, this time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Untidy(String);

/// Says that this library is in use, and deletes those that were not for so long. Answers which.
pub(crate) async fn tidy(shared: &Arc<Shared>, unused: Duration) -> Result<Vec<String>, Untidy> {
    let Some(partition) = shared.partitions.at(0) else { return Ok(Vec::new()) };
    let topology = shared.topology.borrow().clone();
    let mut places: Vec<(Arc<str>, BTreeSet<String>)> = Vec::new();
    for master in topology.masters() {
        places.push((master.address.clone(), others_at(shared, &master.address).await?));
    }
    let others: BTreeSet<String> = places.iter().flat_map(|(_, versions)| versions.iter().cloned()).collect();
    let keys = vec![shared.partitions.key(partition, "libraries", "")];
    let args = others.iter().map(|version| Bytes::from(version.clone())).collect();
    let call = Call { function: "library_used", keys: keys.clone(), args };
    let told = write::write(shared, partition, call).await.map_err(|error| Untidy(error.to_string()))?;
    let gone = unused_since(&told.value, &others, unused);
    for (address, versions) in places {
        for version in versions.intersection(&gone) {
            delete(shared, &address, version).await?;
        }
    }
    if !gone.is_empty() {
        let args = gone.iter().map(|version| Bytes::from(version.clone())).collect();
        let call = Call { function: "library_gone", keys, args };
        write::write(shared, partition, call).await.map_err(|error| Untidy(error.to_string()))?;
    }
    Ok(gone.into_iter().collect())
}

/// The versions that were last in use so long ago, by what `library_used` answers: now, then version and time of each.
fn unused_since(told: &Value, others: &BTreeSet<String>, unused: Duration) -> BTreeSet<String> {
    let Some([now, marks @ ..]) = told.as_array() else { return BTreeSet::new() };
    let Some(now) = now.as_count() else { return BTreeSet::new() };
    let text = |value: &Value| Some(String::from_utf8_lossy(value.as_bytes()?).into_owned());
    let marks: HashMap<String, u64> =
        marks.chunks_exact(2).filter_map(|pair| Some((text(&pair[0])?, pair[1].as_count()?))).collect();
    let is_old = |used: u64| u128::from(now.saturating_sub(used)) >= unused.as_millis();
    others.iter().filter(|version| marks.get(*version).is_some_and(|used| is_old(*used))).cloned().collect()
}

/// The versions of our libraries on a master, but for the one of this build.
async fn others_at(shared: &Shared, address: &Arc<str>) -> Result<BTreeSet<String>, Untidy> {
    let args = ["LIST", "LIBRARYNAME", "chat_*"].map(|arg| Bytes::from_static(arg.as_bytes()));
    let listed = ask(shared, address, Command::new("FUNCTION", args)).await?.map_err(|fault| untidy(&fault))?;
    let mut versions: BTreeSet<String> =
        listed.as_array().unwrap_or_default().iter().filter_map(name_of).filter_map(|name| version_of(&name)).collect();
    versions.remove(shared.library.version());
    Ok(versions)
}

/// A library is listed as a flat list of names and values.
fn name_of(library: &Value) -> Option<String> {
    let fields = library.as_array()?.chunks_exact(2);
    let name = fields.into_iter().find(|pair| pair[0].as_bytes().is_some_and(|name| &**name == b"library_name"))?;
    Some(String::from_utf8_lossy(name[1].as_bytes()?).into_owned())
}

/// The version in a library's name, if it is one of ours.
fn version_of(name: &str) -> Option<String> {
    let version = name.strip_prefix(NAME)?;
    (version.len() == 8 && version.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| version.to_owned())
}

async fn delete(shared: &Shared, address: &Arc<str>, version: &str) -> Result<(), Untidy> {
    let args = [Bytes::from_static(b"DELETE"), Bytes::from(format!("{NAME}{version}"))];
    match ask(shared, address, Command::new("FUNCTION", args)).await? {
        Ok(_) => {
            tracing::info!(node = &**address, version, "a function library that nobody used was deleted");
            shared.counters.library_deleted();
            Ok(())
        }
        // Another server was faster.
        Err(Fault::Other(text)) if text.contains("not found") => Ok(()),
        Err(fault) => Err(untidy(&fault)),
    }
}

async fn ask(shared: &Shared, address: &Arc<str>, command: Command) -> Result<Result<Value, Fault>, Untidy> {
    let broken = |broken: crate::connection::Broken| Untidy(broken.to_string());
    shared.link(address).get().await.map_err(broken)?.command(&command, ANSWER_MAX).await.map_err(broken)
}

fn untidy(fault: &Fault) -> Untidy {
    match fault {
        Fault::NotPermitted(text) | Fault::Other(text) => Untidy(text.clone()),
        Fault::Moved(_)
        | Fault::Ask(_)
        | Fault::ReadOnly
        | Fault::Busy
        | Fault::FunctionMissing
        | Fault::Tenure
        | Fault::Unreplicated
        | Fault::OutOfMemory
        | Fault::NoCluster => Untidy(fault.name().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Bytes(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn only_what_was_long_unused_is() {
        let others = ["0000aaaa", "0000bbbb", "0000cccc"].map(str::to_owned).into();
        let told = ["5000", "0000aaaa", "4001", "0000bbbb", "4000", "0000dddd", "1"].map(text);
        let unused = |told: &Value, ms| unused_since(told, &others, Duration::from_millis(ms));
        let told = Value::Array(told.into());
        assert_eq!(unused(&told, 1000), ["0000bbbb".to_owned()].into());
        assert_eq!(
            unused(&told, 999).len(),
            2,
            "one that is not there is nobody's, and one that nobody knows is not old"
        );
        assert!(unused(&told, 1001).is_empty());
        for odd in [Value::Null, Value::Array(vec![]), Value::Array(vec![text("x"), text("0000aaaa"), text("1")])] {
            assert!(unused(&odd, 0).is_empty());
        }
    }

    #[test]
    fn only_our_own_names_are_versions() {
        assert_eq!(version_of("chat_01ab23cd").as_deref(), Some("01ab23cd"));
        for other in ["chat_", "chat_01ab23c", "chat_01ab23cdx", "chat_room-abc", "mylib", "xchat_01ab23cd"] {
            assert_eq!(version_of(other), None, "{other}");
        }
    }
}
