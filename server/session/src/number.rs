//! The numbers that tell one stay, and one owner, from the next.

/// The number of a join, unique in its session and rising from 1: it tells this stay in a room from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JoinNumber(pub u32);

/// Which of a session's owners writes. It rises with every take-over; a write under an older one is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fence(pub u32);

impl Fence {
    /// The fence of a new session.
    pub const FIRST: Self = Self(1);
}
