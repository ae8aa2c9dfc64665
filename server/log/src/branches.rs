//! Which numbers of a room belong to which epoch: the table that tells how far an old position agrees with the log.

/// The most epochs that a room can tell apart.
pub(crate) const BRANCHES_MAX: usize = 64;

/// Epochs with the number of their first entry in the room, both rising; the first one begins at 1. It outlives the entries.
#[derive(Debug, Default)]
pub(crate) struct Branches(Vec<Branch>);

#[derive(Clone, Copy, Debug)]
struct Branch {
    epoch: u64,
    first: u64,
}

impl Branches {
    /// Notes that entry `n`, the next one, is of this epoch. Where the table is full, the two oldest epochs become one: positions of the older then
    /// agree with nothing. Returns the first number that readers may still be given.
    pub(crate) fn note(&mut self, epoch: u64, n: u64) -> Option<u64> {
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
    pub(crate) fn shared_with(&self, epoch: u64, tail: u64) -> u64 {
        let above = self.0.partition_point(|branch| branch.epoch <= epoch);
        self.0.get(above).map_or(tail, |branch| branch.first - 1)
    }

    /// The epoch of entry `n`.
    pub(crate) fn epoch_of(&self, n: u64) -> Option<u64> {
        let after = self.0.partition_point(|branch| branch.first <= n);
        after.checked_sub(1).map(|at| self.0[at].epoch)
    }

    /// The table that this text shows: `<epoch>:<first n>`, separated by spaces. None if it shows no table.
    #[cfg(feature = "redis")]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let branch = |text: &str| {
            let (epoch, first) = text.split_once(':')?;
            Some(Branch { epoch: epoch.parse().ok()?, first: first.parse().ok()? })
        };
        let branches: Vec<_> = text.split_terminator(' ').map(branch).collect::<Option<_>>()?;
        let rises = branches.is_sorted_by(|a, b| a.epoch < b.epoch && a.first < b.first);
        let begins = branches.first().is_none_or(|oldest| oldest.first == 1);
        (rises && begins && branches.len() <= BRANCHES_MAX).then_some(Self(branches))
    }

    /// Forgets what comes after entry `n`.
    #[cfg(feature = "faults")]
    pub(crate) fn roll_back(&mut self, n: u64) {
        self.0.retain(|branch| branch.first <= n);
    }
}
