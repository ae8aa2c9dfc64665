//! What this server said of its rooms, so that it says only what is new, and can be held to it.

use crate::room::{Crowd, Said};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

/// The last words about each room with users on this server. `R` is a hold on the room.
pub struct Voice<R> {
    /// The last version given to any word.
    version: u64,
    spoken: HashMap<Arc<str>, Spoken<R>>,
    hasher: RandomState,
}

struct Spoken<R> {
    room: R,
    version: u64,
    /// A hash of what was said: the words themselves are kept by others.
    content: u64,
}

/// What the store has to hold of this server in one of its parts, to compare: the number of rooms, and the sum of the versions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many rooms.
    pub rooms: u64,
    /// The sum of the versions of what was said of them.
    pub versions: u64,
}

impl<R> Default for Voice<R> {
    fn default() -> Self {
        Self { version: 0, spoken: HashMap::new(), hasher: RandomState::new() }
    }
}

impl<R: Clone> Voice<R> {
    /// What to say of a room, if that is news to the others.
    pub fn say(&mut self, name: &Arc<str>, room: &R, crowd: Crowd) -> Option<Said> {
        let content = self.hasher.hash_one((crowd.online, &crowd.names));
        match self.spoken.entry(name.clone()) {
            Entry::Vacant(_) if crowd.online == 0 => return None,
            Entry::Occupied(spoken) if crowd.online == 0 => {
                spoken.remove();
            }
            Entry::Occupied(spoken) if spoken.get().content == content => return None,
            Entry::Occupied(mut spoken) => {
                let spoken = spoken.get_mut();
                (spoken.version, spoken.content) = (self.version + 1, content);
            }
            Entry::Vacant(place) => {
                place.insert(Spoken { room: room.clone(), version: self.version + 1, content });
            }
        }
        self.version += 1;
        Some(Said { version: self.version, crowd })
    }

    /// The rooms that were last said to have somebody here, in no order.
    pub fn rooms(&self) -> impl Iterator<Item = (&Arc<str>, &R)> {
        self.spoken.iter().map(|(name, spoken)| (name, &spoken.room))
    }

    /// What the store has to hold, by its parts.
    pub fn sums(&self, part_of: impl Fn(&str) -> u16) -> HashMap<u16, Sum> {
        let mut sums = HashMap::<u16, Sum>::new();
        for (name, spoken) in &self.spoken {
            let sum = sums.entry(part_of(name)).or_default();
            sum.rooms += 1;
            sum.versions += spoken.version;
        }
        sums
    }

    /// All that is to be said of one part of the store, said anew: it has lost what it held.
    pub fn repeat(
        &mut self,
        is_of_part: impl Fn(&str) -> bool,
        crowd_of: impl Fn(&R) -> Crowd,
    ) -> Vec<(Arc<str>, Said)> {
        let mut words = Vec::new();
        for (name, spoken) in self.spoken.iter_mut().filter(|(name, _)| is_of_part(name)) {
            let crowd = crowd_of(&spoken.room);
            self.version += 1;
            spoken.version = self.version;
            spoken.content = self.hasher.hash_one((crowd.online, &crowd.names));
            words.push((name.clone(), Said { version: self.version, crowd }));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(online: usize) -> Crowd {
        Crowd { online, names: None }
    }

    #[test]
    fn only_news_is_said() {
        let (mut voice, a) = (Voice::default(), Arc::<str>::from("a"));
        assert_eq!(voice.say(&a, &(), crowd(0)), None);
        assert_eq!(voice.say(&a, &(), crowd(1)).map(|said| said.version), Some(1));
        assert_eq!(voice.say(&a, &(), crowd(1)), None);
        assert_eq!(voice.say(&a, &(), crowd(2)).map(|said| said.version), Some(2));
        assert_eq!(voice.sums(|_| 7), HashMap::from([(7, Sum { rooms: 1, versions: 2 })]));
        assert_eq!(voice.say(&a, &(), crowd(0)).map(|said| said.version), Some(3));
        assert_eq!((voice.rooms().count(), voice.say(&a, &(), crowd(0))), (0, None));
    }

    #[test]
    fn what_is_repeated_has_new_versions() {
        let (mut voice, a, b) = (Voice::default(), Arc::<str>::from("a"), Arc::<str>::from("b"));
        voice.say(&a, &(), crowd(1));
        voice.say(&b, &(), crowd(1));
        let words = voice.repeat(|name| name == "a", |()| crowd(4));
        assert_eq!(words, [(a.clone(), Said { version: 3, crowd: crowd(4) })]);
        assert_eq!(voice.say(&a, &(), crowd(4)), None);
        assert_eq!(voice.sums(|_| 0)[&0], Sum { rooms: 2, versions: 5 });
    }
}
