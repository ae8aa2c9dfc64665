//! Answers that count for a few seconds.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// What was answered lately, bounded in number and age.
pub(super) struct Recent<K, V> {
    answers: HashMap<K, (V, Instant)>,
    most: usize,
    age: Duration,
}

impl<K: Hash + Eq, V: Clone> Recent<K, V> {
    /// Keeps at most so many, for so long.
    pub(super) fn new(most: usize, age: Duration) -> Self {
        Self { answers: HashMap::new(), most, age }
    }

    /// The answer, if it is not too old.
    pub(super) fn get(&self, key: &K, now: Instant) -> Option<V> {
        let (answer, at) = self.answers.get(key)?;
        (now.duration_since(*at) < self.age).then(|| answer.clone())
    }

    /// Keeps an answer. Where there is no room after the old ones have gone, it is not kept: nobody can push out those that are in use.
    pub(super) fn put(&mut self, key: K, answer: V, now: Instant) {
        if self.answers.len() >= self.most {
            let age = self.age;
            self.answers.retain(|_, (_, at)| now.duration_since(*at) < age);
        }
        if self.answers.len() < self.most {
            self.answers.insert(key, (answer, now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_age_and_are_few() {
        let (begin, age) = (Instant::now(), Duration::from_secs(5));
        let mut recent = Recent::new(2, age);
        recent.put("a", 1, begin);
        recent.put("b", 2, begin + Duration::from_secs(4));
        assert_eq!(recent.get(&"a", begin + Duration::from_secs(4)), Some(1));
        recent.put("c", 3, begin + Duration::from_secs(4));
        assert_eq!(recent.get(&"c", begin + Duration::from_secs(4)), None, "there is no room");
        assert_eq!(recent.get(&"a", begin + age), None, "too old");
        recent.put("c", 3, begin + age);
        assert_eq!(recent.get(&"c", begin + age), Some(3));
        assert_eq!(recent.get(&"b", begin + age), Some(2));
    }
}
