//! What the API server refused is not sent again at each look: a quota or a policy says the same thing many times. The wait grows with each refusal;
//! whoever wishes for something else is not kept waiting.

use kube::core::Status;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The wait after the first refusal. Each further one doubles it, ...
const FIRST: Duration = Duration::from_secs(10);

/// ... up to this.
const LONGEST: Duration = Duration::from_secs(300);

/// What was refused, by the uid of the ChatCluster, then by kind and name.
#[derive(Default)]
pub(super) struct Refusals(Mutex<HashMap<String, HashMap<String, Refusal>>>);

struct Refusal {
    /// The hash of what was sent.
    wish: String,
    said: Status,
    wait: Duration,
    until: Instant,
}

impl Refusals {
    /// What the API server said of this very wish, if it is not to be asked again yet.
    pub(super) fn standing(&self, owner: &str, key: &str, wish: &str, now: Instant) -> Option<Status> {
        let refusals = self.0.lock();
        let refusal = refusals.get(owner)?.get(key)?;
        (refusal.wish == wish && now < refusal.until).then(|| refusal.said.clone())
    }

    /// A wish was refused.
    pub(super) fn note(&self, owner: &str, key: &str, wish: &str, said: &Status, now: Instant) {
        let mut refusals = self.0.lock();
        let own = refusals.entry(owner.to_owned()).or_default();
        let before = own.get(key).filter(|refusal| refusal.wish == wish);
        let wait = before.map_or(FIRST, |refusal| (refusal.wait * 2).min(LONGEST));
        let (wish, said) = (wish.to_owned(), said.clone());
        own.insert(key.to_owned(), Refusal { wish, said, wait, until: now + wait });
    }

    /// Something was taken: what was said before is of no use any more.
    pub(super) fn forget(&self, owner: &str, key: &str) {
        if let Some(own) = self.0.lock().get_mut(owner) {
            own.remove(key);
        }
    }

    /// Forgets those of ChatClusters that are gone.
    pub(super) fn keep(&self, is_there: impl Fn(&str) -> bool) {
        self.0.lock().retain(|owner, _| is_there(owner));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_until_something_else_is_wished_for() {
        let (refusals, mut now) = (Refusals::default(), Instant::now());
        let said = Status::failure("exceeded quota", "Forbidden");
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            assert!(refusals.standing("uid", "Service/chat", "a", now).is_none());
            refusals.note("uid", "Service/chat", "a", &said, now);
            let almost = now + Duration::from_millis(seconds * 1000 - 1);
            let standing = refusals.standing("uid", "Service/chat", "a", almost).expect("a refusal");
            assert_eq!(standing.message, "exceeded quota");
            now += Duration::from_secs(seconds);
        }
        refusals.note("uid", "Service/chat", "a", &said, now);
        assert!(refusals.standing("uid", "Service/chat", "b", now).is_none(), "another wish");
        refusals.note("uid", "Service/chat", "b", &said, now);
        assert!(refusals.standing("uid", "Service/chat", "b", now + FIRST).is_none(), "begins anew");
        assert!(refusals.standing("uid", "Service/other", "b", now).is_none());
        refusals.forget("uid", "Service/chat");
        assert!(refusals.standing("uid", "Service/chat", "b", now).is_none());
    }
}
