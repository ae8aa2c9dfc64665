//! Partitions: the units in which everything is spread over the masters.
//!
//! **This is a storage format**: which partition a name belongs to, and what a partition's keys are called, must never change for data that exists. The
//! number of partitions is stored beside the data and compared at the start.

use bytes::{BufMut, Bytes, BytesMut};

use crate::slot::{SLOTS, slot};

/// One of the parts that all names are spread over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition(u16);

impl Partition {
    /// Its number, from 0.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// How names become partitions, and partitions keys.
#[derive(Debug)]
pub struct Partitions {
    /// `<prefix>:{<tag>}:` of each.
    stems: Vec<Bytes>,
    slots: Vec<u16>,
}

impl Partitions {
    /// The most there can be: every partition's range of slots still has four slots, so that a tag is found soon.
    pub const MAX: u16 = 4096;

    /// This many partitions, at least 1 and at most [`MAX`](Self::MAX), with keys that begin with `prefix`.
    pub fn new(prefix: &str, count: u16) -> Self {
        let count = count.clamp(1, Self::MAX);
        let tags = tags(count);
        let stems = tags.iter().map(|tag| Bytes::from(format!("{prefix}:{{{tag}}}:"))).collect();
        let slots = tags.iter().map(|tag| slot(tag.to_string().as_bytes())).collect();
        Self { stems, slots }
    }

    /// How many there are.
    pub fn count(&self) -> u16 {
        self.slots.len() as u16
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.count()).map(Partition)
    }

    /// The partition of a name: FNV-1a of 64 bits, mixed once more, scaled to the number of partitions.
    pub fn of(&self, name: &[u8]) -> Partition {
        let scaled = (u128::from(hash(name)) * u128::from(self.count())) >> 64;
        Partition(scaled as u16)
    }

    /// The partition with this number.
    pub fn at(&self, index: usize) -> Option<Partition> {
        (index < self.slots.len()).then_some(Partition(index as u16))
    }

    /// The slot that all keys of a partition are in.
    pub fn slot(&self, partition: Partition) -> u16 {
        self.slots[partition.index()]
    }

    /// `<prefix>:{<tag>}:<kind>:<rest>`, without the last colon where `rest` is empty.
    pub fn key(&self, partition: Partition, kind: &str, rest: impl AsRef<[u8]>) -> Bytes {
        let (stem, rest) = (&self.stems[partition.index()], rest.as_ref());
        let mut key = BytesMut::with_capacity(stem.len() + kind.len() + 1 + rest.len());
        key.put_slice(stem);
        key.put_slice(kind.as_bytes());
        if !rest.is_empty() {
            key.put_u8(b':');
            key.put_slice(rest);
        }
        key.freeze()
    }
}

/// The tag of partition i is the smallest number whose slot lies in the i-th of `count` equal ranges of slots: so any even split of the slots among
/// masters splits the partitions evenly.
fn tags(count: u16) -> Vec<u32> {
    let mut tags = vec![None; usize::from(count)];
    let mut missing = tags.len();
    let mut number: u32 = 0;
    while missing > 0 {
        let slot = slot(number.to_string().as_bytes());
        let range = range_of(slot, count);
        if tags[range].is_none() && (range > 0 || range_of(slot, Partitions::MAX) == 0) {
            tags[range] = Some(number);
            missing -= 1;
        }
        number += 1;
    }
    tags.into_iter().flatten().collect()
}

fn range_of(slot: u16, count: u16) -> usize {
    (u32::from(slot) * u32::from(count) / u32::from(SLOTS)) as usize
}

fn hash(name: &[u8]) -> u64 {
    let fnv = name
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // FNV alone spreads short names badly over its high bits.
    let mixed = (fnv ^ (fnv >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    let mixed = (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_of_tags_are_spread_evenly() {
        for count in [1, 2, 3, 7, 16, 255, 256, 1000, 4096] {
            let partitions = Partitions::new("chat", count);
            assert_eq!(partitions.count(), count);
            for partition in partitions.all() {
                let slot = partitions.slot(partition);
                assert_eq!(range_of(slot, count), partition.index(), "{count} partitions");
                assert_eq!(slot, crate::slot(&partitions.key(partition, "m", "")));
                assert_eq!(slot, crate::slot(&partitions.key(partition, "s", "a{b}c")));
            }
        }
    }

    #[test]
    fn the_first_partition_is_the_same_whatever_their_number() {
        for count in [1, 2, 255, 256, 4096] {
            let partitions = Partitions::new("chat", count);
            let first = partitions.at(0).map(|partition| partitions.key(partition, "layout", ""));
            assert_eq!(first.as_deref(), Some(&b"chat:{2977}:layout"[..]));
        }
    }

    /// What is stored under these must be found for ever.
    #[test]
    fn names_and_tags_stay_what_they_are() {
        let partitions = Partitions::new("chat", 256);
        let found: Vec<(usize, Bytes)> = ["", "lobby", "room-1", "Zürich"]
            .into_iter()
            .map(|name| {
                let partition = partitions.of(name.as_bytes());
                (partition.index(), partitions.key(partition, "s", name))
            })
            .collect();
        let expected: Vec<(usize, Bytes)> = EXPECTED.iter().map(|&(i, key)| (i, Bytes::from(key))).collect();
        assert_eq!(found, expected);
    }

    const EXPECTED: [(usize, &str); 4] =
        [(239, "chat:{161}:s"), (180, "chat:{232}:s:lobby"), (101, "chat:{60}:s:room-1"), (36, "chat:{209}:s:Zürich")];

    #[test]
    fn names_are_spread_evenly() {
        let partitions = Partitions::new("chat", 256);
        let mut counts = [0_u32; 256];
        for room in 0..256_000 {
            counts[partitions.of(format!("room-{room}").as_bytes()).index()] += 1;
        }
        assert!(counts.iter().all(|&count| (850..1150).contains(&count)), "{counts:?}");
    }
}
