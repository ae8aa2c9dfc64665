//! Which numbers of a room belong to which epoch: the table that tells how far an old position agrees with the log.

/// The most epochs that a room can tell apart.
pub(super) const BRANCHES_MAX: usize = 64;

/// Epochs with the number of their first entry in the room, both rising; the first one begins at 1. It outlives the entries.
#[derive(Debug, Default)]
pub(super) struct Branches(Vec<Branch>);

#[derive(Clone, Copy, Debug)]
struct Branch {
    epoch: u64,
    first: u64,
}

impl Branches {
    /// Notes that entry `n`, the next one, is of this epoch. Where the table is full, the two oldest epochs become one: positions of the older then
    /// agree with nothing. Returns the first number that readers may still be given.
    pub(super) fn note(&mut self, epoch: u64, n: u64) -> Option<u64> {
        if self.0.last().is_some_and(|last| last.epoch == epoch) {
            return None;
        }
        self.0.push(Branch { epoch, first: n });
        if self.0.len() <= BRANCHES_MAX {
            return None;
        }
        let oldest = self.0.remove(0);
        let merged = &mut self.0[0];
        Some(std::mem::replace(&mut merged.first, oldest.first))
    }

    /// The last number, of `tail` in all, whose epoch is not above this one: as far as a reader of that epoch can agree with the log.
    pub(super) fn shared_with(&self, epoch: u64, tail: u64) -> u64 {
        let above = self.0.partition_point(|branch| branch.epoch <= epoch);
        self.0.get(above).map_or(tail, |branch| branch.first - 1)
    }

    /// The epoch of entry `n`.
    pub(super) fn epoch_of(&self, n: u64) -> Option<u64> {
        let after = self.0.partition_point(|branch| branch.first <= n);
        after.checked_sub(1).map(|at| self.0[at].epoch)
    }

    /// Forgets what comes after entry `n`.
    #[cfg(feature = "faults")]
    pub(super) fn roll_back(&mut self, n: u64) {
        self.0.retain(|branch| branch.first <= n);
    }
}
