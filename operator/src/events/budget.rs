//! How many events a ChatCluster may have: a Redis that comes and goes must not fill the API server with them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// So many at once ...
const BURST: u32 = 20;

/// ... and one more after so long.
const EACH: Duration = Duration::from_secs(15);

/// What is left, by the uid of a ChatCluster. One that is not here has all of it.
#[derive(Default)]
pub(super) struct Budget {
    left: HashMap<String, (u32, Instant)>,
}

impl Budget {
    /// Whether there may be another.
    pub(super) fn take(&mut self, uid: &str, now: Instant) -> bool {
        let left = |(left, at): &(u32, Instant)| {
            left.saturating_add((now.duration_since(*at).as_secs() / EACH.as_secs()) as u32)
        };
        self.left.retain(|_, spent| left(spent) < BURST);
        let (rest, at) = self.left.get(uid).map_or((BURST, now), |spent| {
            // What of a term has passed goes on counting.
            let terms = now.duration_since(spent.1).as_secs() / EACH.as_secs();
            (left(spent), spent.1 + EACH * terms as u32)
        });
        if rest == 0 {
            return false;
        }
        self.left.insert(uid.to_owned(), (rest - 1, at));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_now_and_then() {
        let (mut budget, begin) = (Budget::default(), Instant::now());
        let taken = (0..100).filter(|_| budget.take("a", begin)).count();
        assert_eq!(taken, BURST as usize);
        assert!(budget.take("b", begin), "others have their own");
        assert!(!budget.take("a", begin + EACH / 2));
        assert!(budget.take("a", begin + EACH), "one more, though it was asked in between");
        assert!(!budget.take("a", begin + EACH));
        let later = begin + EACH * (2 * BURST);
        assert!(budget.take("a", later));
        assert_eq!(budget.left.len(), 1, "who has all of it is forgotten");
    }
}
