//! Who has which slot, by what all nodes say.

use super::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Slots of a cluster.
pub const SLOTS: usize = 16_384;

/// The slots that a shard begins with: all shards' are as many, but for one.
pub fn range(shard: usize, shards: usize) -> RangeInclusive<u16> {
    let first = |shard: usize| shard * SLOTS / shards.max(1);
    // Both are below 16,384.
    first(shard) as u16..=(first(shard + 1) - 1) as u16
}

/// The owners of the slots. Where nodes disagree, the claim of the higher epoch counts, as it does among them.
#[derive(Debug)]
pub(super) struct Slots<'a> {
    owners: Vec<Option<&'a str>>,
    claimants: BTreeSet<&'a str>,
}

impl<'a> Slots<'a> {
    pub(super) fn of(world: &'a World) -> Self {
        // Most nodes say the same: each claim is looked at once, the highest epoch's last.
        let mut claims = BTreeSet::new();
        for member in world.views().flat_map(|(_, view)| &view.members) {
            for slots in &member.slots {
                claims.insert((member.config_epoch, member.id.as_str(), *slots.start(), *slots.end()));
            }
        }
        let mut owners = vec![None; SLOTS];
        for (_, id, first, last) in &claims {
            owners[usize::from(*first)..=usize::from(*last)].fill(Some(*id));
        }
        Self { owners, claimants: claims.into_iter().map(|(_, id, _, _)| id).collect() }
    }

    /// Whether any node says that this one has any slots.
    pub(super) fn is_claimant(&self, id: &str) -> bool {
        self.claimants.contains(id)
    }

    /// The owners, with how many slots each has.
    pub(super) fn owners(&self) -> BTreeMap<&'a str, usize> {
        let mut owners = BTreeMap::new();
        for run in self.owners.chunk_by(|one, other| one == other) {
            if let Some(owner) = run[0] {
                *owners.entry(owner).or_insert(0) += run.len();
            }
        }
        owners
    }

    /// Whether nobody has any of these.
    pub(super) fn are_free(&self, range: RangeInclusive<u16>) -> bool {
        range.into_iter().all(|slot| self.owners[usize::from(slot)].is_none())
    }

    /// How many have an owner for which this does not hold, or none.
    pub(super) fn without(&self, serves: impl Fn(&str) -> bool) -> usize {
        self.owners.iter().filter(|owner| !owner.is_some_and(&serves)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_all_slots_once() {
        for shards in [1, 3, 5, 7, 64] {
            let all: Vec<_> = (0..shards).flat_map(|shard| range(shard, shards)).collect();
            assert_eq!(all, (0..16_384).collect::<Vec<_>>());
        }
    }
}
