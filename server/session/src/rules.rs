//! The rules that recovery rests on, by name, so that a test can take each one out and show that it is needed.

/// One rule of recovery. `docs/protocol.md` tells clients what they rest on; each line here says what the server does.
///
/// Those of the machine are asked for where they are kept; those of transports, logs and stores are kept by the code
/// that uses this crate, and stand here because the model test knows them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Rule {
    /// The CONNECT reply comes before anything that is replayed.
    ConnectFirst,
    /// A stay begins with `joined`, whose own offset ends what older shared offsets say of the room.
    JoinedEvent,
    /// A member that joins with a cursor begins a new stay at that cursor.
    Restart,
    /// An own entry counts only for the stay that it was written in.
    JoinNumber,
    /// An own offset counts only for the session that it was written in.
    SessionTag,
    /// A join is answered after its write.
    PersistJoin,
    /// A stay is delivered from its start, not from the head of the local follower.
    AttachAtStart,
    /// A leave is answered after its write.
    PersistLeave,
    /// A frame is shared only while no other room is dirty.
    OwnFrames,
    /// Position, dirty and place in the outbox change in one step.
    OneStep,
    /// An entry never asks for an acknowledgement: the client would not take its offset.
    NoAckId,
    /// A volatile event does not end in a string: the client would take it for an offset.
    VolatileObject,
    /// `gap` and `void` carry an offset.
    GapOffset,
    /// Only a pong proves that something arrived.
    PongProof,
    /// A ping takes its place in the outbox like any frame.
    PingInOrder,
    /// What a pong confirms is what was enqueued before its ping.
    SnapAtPing,
    /// A copy of dirty holds what was enqueued to this session, not the head of its rooms.
    SnapSent,
    /// A room leaves dirty only when the write of its position was answered.
    PersistFirst,
    /// An answer of the record store is relied on only once replicas have the write.
    Wait,
    /// The number of dirty rooms is bounded.
    HardBound,
    /// A write names the fence of its owner, and an older one is refused.
    Fence,
    /// A checkpoint counts only for the stay that it was made in.
    JoinMatch,
    /// A record's positions never go down.
    MaxMerge,
    /// A record that is gone is not made anew.
    NeverRecreate,
    /// A claim stays in the offset until it is in the record.
    ClaimCarried,
    /// A claim is held against the log by how far it reaches, not by its epoch.
    ClaimByN,
    /// A claim never takes a session below its record.
    ClaimFloor,
    /// A claim counts only for rooms that are in the record.
    OwnRooms,
    /// A session is taken over only by its user.
    SameUser,
    /// A polling GET that comes again gets the same payload, or an error, never the next one.
    GetRetry,
    /// A polling POST that comes again is not handled again.
    PostRetry,
    /// Nothing goes to the WebSocket before the client has ended the upgrade.
    UpgradeOrder,
    /// On polling, the close packet is alone in its payload.
    CloseAlone,
    /// A member that is ahead of the local follower waits for it.
    Ahead,
    /// Each page of a catch-up begins with the next entry, or `gap` says what is missing.
    TrimCheck,
    /// A position beyond what its epoch reaches on the log is rolled back by `void`.
    Void,
    /// The place after a `void` takes the epoch of what comes next, so that it is above the void one.
    VoidForward,
    /// A position of a newer epoch than the log's means that the view of the log is old.
    StaleSource,
    /// The epoch rises whenever entries may have been lost.
    Epoch,
    /// The rise of the epoch is replicated before the first entry in it.
    EpochDurable,
    /// The pong of a ping that was placed before the session began proves nothing to it.
    ForeignPong,
    /// A session does not move while a join or leave is with the store: the answer would find nobody.
    MoveIdle,
    /// Rooms ahead of the record stay so on the next owner.
    MoveDirty,
    /// The pings in flight move with the session.
    MovePings,
    /// What is unsent moves with the session.
    MoveUnsent,
    /// What is unsent goes out on the next owner before anything else.
    MoveUnsentFirst,
    /// A session and what is unsent leave their owner in one step.
    MoveOneStep,
}

/// Whether a rule is kept: always, but for tests with the feature `mutants`.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn holds(_rule: Rule) -> bool {
    true
}

#[cfg(feature = "mutants")]
mod mutants {
    use super::Rule;
    use std::cell::Cell;

    thread_local! {
        /// A bit for each rule that is taken out on this thread.
        static OUT: Cell<u64> = const { Cell::new(0) };
    }

    /// Whether a rule is kept on this thread.
    pub fn holds(rule: Rule) -> bool {
        OUT.get() & (1 << rule as u8) == 0
    }

    /// Runs `body` without the given rules, on this thread.
    pub fn without<T>(rules: &[Rule], body: impl FnOnce() -> T) -> T {
        struct Restore(u64);
        impl Drop for Restore {
            fn drop(&mut self) {
                OUT.set(self.0);
            }
        }
        let _restore = Restore(OUT.get());
        OUT.set(rules.iter().fold(OUT.get(), |out, rule| out | 1 << *rule as u8));
        body()
    }
}

#[cfg(feature = "mutants")]
pub use mutants::{holds, without};
