//! A store of presence in memory, for several servers in one process.

use super::{PresenceStore, Sum, Unread};
use crate::room::{Asked, Kept, Said};
use chat_log::BoxFuture;
use chat_socket::Boot;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Rooms are spread over so many parts, by the length of their names: tests can tell which.
const PARTS: usize = 4;

/// What the servers share.
#[derive(Clone, Default)]
pub struct Shared(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    kept: HashMap<(Boot, u16), Part>,
    out: bool,
}

struct Part {
    said: HashMap<Arc<str>, Said>,
    until: Instant,
}

/// The store, as one server sees it.
pub struct MemoryPresence {
    own: Boot,
    keeps: Duration,
    shared: Shared,
}

impl Shared {
    /// The store for this server; what it says is kept for so long.
    pub fn at(&self, own: Boot, keeps: Duration) -> MemoryPresence {
        MemoryPresence { own, keeps, shared: self.clone() }
    }

    /// Loses all that a server said.
    pub fn lose(&self, boot: Boot) {
        self.0.lock().kept.retain(|(of, _), _| *of != boot);
    }

    /// What a server said expires, but for these parts, which it renews.
    #[cfg(test)]
    pub(super) fn expire(&self, boot: Boot, but_for: &HashMap<u16, Sum>) {
        self.0.lock().kept.retain(|(of, part), _| *of != boot || but_for.contains_key(part));
    }

    /// Answers no more, or again.
    pub fn set_out(&self, out: bool) {
        self.0.lock().out = out;
    }

    /// The rooms of which something is kept that a server said.
    pub fn rooms(&self, boot: Boot) -> usize {
        let stored = self.0.lock();
        stored.kept.iter().filter(|((of, _), part)| *of == boot && part.lives()).map(|(_, part)| part.said.len()).sum()
    }
}

impl Part {
    fn lives(&self) -> bool {
        self.until > Instant::now()
    }
}

impl MemoryPresence {
    fn change(&self, part: u16, change: impl FnOnce(&mut HashMap<Arc<str>, Said>)) {
        let until = Instant::now() + self.keeps;
        let mut stored = self.shared.0.lock();
        if stored.out {
            return;
        }
        let kept = stored.kept.entry((self.own, part)).or_insert_with(|| Part { said: HashMap::new(), until });
        if !kept.lives() {
            kept.said.clear();
        }
        kept.until = until;
        change(&mut kept.said);
    }

    /// The parts that do not hold what they should; all are kept for another while.
    pub(super) fn renewed(&self, sums: HashMap<u16, Sum>) -> Vec<u16> {
        let (now, mut stored) = (Instant::now(), self.shared.0.lock());
        if stored.out {
            return Vec::new();
        }
        let mut lost = Vec::new();
        for (part, sum) in sums {
            let kept = stored.kept.get_mut(&(self.own, part)).filter(|kept| kept.lives());
            let holds = kept.map_or_else(Sum::default, |kept| {
                kept.until = now + self.keeps;
                Sum { rooms: kept.said.len() as u64, versions: kept.said.values().map(|said| said.version).sum() }
            });
            if holds != sum {
                lost.push(part);
            }
        }
        lost
    }

    /// What is kept.
    pub(super) fn look(&self, boots: &[Boot], asked: &[Asked]) -> Result<Vec<Vec<Kept>>, Unread> {
        let stored = self.shared.0.lock();
        let kept = |boot: &Boot, asked: &Asked, known: u64| {
            let part = stored.kept.get(&(*boot, self.part_of(&asked.room))).filter(|part| part.lives());
            match part.and_then(|part| part.said.get(&asked.room)) {
                Some(said) if said.version == known => Kept::Same,
                Some(said) => Kept::Said(said.clone()),
                None => Kept::Nothing,
            }
        };
        let of_room =
            |asked: &Asked| boots.iter().zip(&asked.known).map(|(boot, known)| kept(boot, asked, *known)).collect();
        if stored.out { Err(Unread) } else { Ok(asked.iter().map(of_room).collect()) }
    }
}

impl PresenceStore for MemoryPresence {
    fn part_of(&self, room: &str) -> u16 {
        (room.len() % PARTS) as u16
    }

    fn write(&self, room: &Arc<str>, said: &Said) {
        self.change(self.part_of(room), |kept| {
            if said.crowd.online == 0 {
                kept.remove(room);
            } else {
                kept.insert(room.clone(), said.clone());
            }
        });
    }

    fn replace(&self, part: u16, words: &[(Arc<str>, Said)]) {
        self.change(part, |kept| *kept = words.iter().cloned().collect());
    }

    fn renew(&self, sums: HashMap<u16, Sum>) -> BoxFuture<'_, Vec<u16>> {
        Box::pin(ready(self.renewed(sums)))
    }

    fn read<'a>(&'a self, boots: &'a [Boot], asked: &'a [Asked]) -> BoxFuture<'a, Result<Vec<Vec<Kept>>, Unread>> {
        Box::pin(ready(self.look(boots, asked)))
    }
}
