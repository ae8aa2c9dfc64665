//! Who is in which room: a rule instead of tables.

/// `groups` x `each` rooms; a connection is in the `each` rooms of its group, connections take the groups in turn.
///
/// All connections in one room is 1 x 1; all in five rooms is 1 x 5; a thousand rooms of a few members each is
/// 1,000 x 1. All members of a group share all their rooms, so rooms are equally large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    groups: usize,
    each: usize,
}

impl Layout {
    /// `groups` and `each` are at least 1; smaller numbers are taken as 1.
    pub fn new(groups: usize, each: usize) -> Self {
        Self { groups: groups.max(1), each: each.max(1) }
    }

    /// All rooms.
    pub fn rooms(self) -> usize {
        self.groups * self.each
    }

    /// Groups of connections that share their rooms.
    pub fn groups(self) -> usize {
        self.groups
    }

    /// Rooms of a connection.
    pub fn each(self) -> usize {
        self.each
    }

    /// The room in place `slot` of a connection, `slot` below [`Layout::each`].
    pub fn room(self, connection: usize, slot: usize) -> usize {
        slot * self.groups + connection % self.groups
    }

    /// The place that a room has among a connection's rooms.
    pub fn slot(self, connection: usize, room: usize) -> Option<usize> {
        (room < self.rooms() && room % self.groups == connection % self.groups).then_some(room / self.groups)
    }

    /// The `index`th member of a room among the first `connections`, going round.
    pub fn member(self, room: usize, index: usize, connections: usize) -> usize {
        let group = room % self.groups;
        let members = connections.saturating_sub(group).div_ceil(self.groups).max(1);
        group + self.groups * (index % members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_has_the_same_place_from_both_sides() {
        for (groups, each) in [(1, 1), (1, 5), (50, 1), (7, 3)] {
            let layout = Layout::new(groups, each);
            for connection in 0..100 {
                let rooms: Vec<_> = (0..each).map(|slot| layout.room(connection, slot)).collect();
                for room in 0..layout.rooms() {
                    assert_eq!(layout.slot(connection, room), rooms.iter().position(|&other| other == room));
                }
                assert_eq!(layout.slot(connection, layout.rooms()), None);
            }
        }
    }

    #[test]
    fn members_of_a_room_are_in_it() {
        let layout = Layout::new(7, 3);
        for room in 0..layout.rooms() {
            for index in 0..200 {
                let member = layout.member(room, index, 100);
                assert!(member < 100);
                assert!(layout.slot(member, room).is_some());
            }
        }
    }
}
