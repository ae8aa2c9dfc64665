//! Every bound of a session, in one place.

/// At so many dirty rooms the caller is to ping early, so that a checkpoint can be written.
pub const DIRTY_SOFT: usize = 16;

/// At most so many rooms are dirty; at this bound other rooms wait. Also the most rooms that an offset may name.
pub const DIRTY_MAX: usize = 32;

/// The longest form of a session on its way to another server, in bytes: some thousand rooms with long names.
pub const MOVED_BYTES_MAX: usize = 1 << 20;

/// How many pings in flight a session may take along.
pub const MOVED_PINGS_MAX: usize = 256;

/// The longest offset that is looked at, in bytes. One with [`DIRTY_MAX`] rooms and the largest numbers has fewer than 1,500.
pub const OFFSET_BYTES_MAX: usize = 4096;
