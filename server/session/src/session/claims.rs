//! What a client says to have seen, held against the log.

use super::{RoomRef, Session};
use crate::{CatchUp, JoinNumber, Rule, Start, Turn, holds};
use chat_log::Position;

impl<R: RoomRef> Session<R> {
    /// The claim of a stay that was not yet held against the log.
    pub fn unresolved(&self, join: JoinNumber) -> Option<Position> {
        self.dirty.iter().find(|dirty| dirty.join == join && dirty.claim).map(|dirty| dirty.at)
    }

    /// Decides on a claim and says where to catch up from. `record` is the position in the record.
    ///
    /// The *reach* of a position is the smaller of its `n` and the number of the log's last entry of its epoch or an
    /// earlier one: how far its holder can agree with the log as it is. A claim counts if it reaches at least as far as
    /// the record, by `n` and not by epoch: else `<high epoch>-3` would read what stands before the record. If the
    /// claim's epoch is above the log's, the caller's view of the log is old: refresh it before calling this, and drop
    /// the claim with [`drop_claim`](Self::drop_claim) only when the log's master has confirmed its epoch.
    pub fn resolve_claim(
        &mut self,
        join: JoinNumber,
        record: Position,
        reach_of_claim: u64,
        reach_of_record: u64,
    ) -> CatchUp {
        let Some(place) = self.dirty.iter().position(|dirty| dirty.join == join && dirty.claim) else {
            return CatchUp { at: record };
        };
        let claim = self.dirty[place].at;
        let farther =
            if holds(Rule::ClaimByN) { (reach_of_claim, claim) >= (reach_of_record, record) } else { claim >= record };
        if farther || !holds(Rule::ClaimFloor) {
            self.dirty[place].claim = false;
            CatchUp { at: claim }
        } else {
            self.dirty.swap_remove(place);
            CatchUp { at: record }
        }
    }

    /// Drops a claim that no log can confirm: the log's master says that there never was such an epoch. Nobody knows what
    /// the client has seen, so it goes back to how far the record reaches: `after` is the last entry that still stands,
    /// `next_epoch` as in [`Start::Void`]. Enqueue what is returned in this step; it never is [`Turn::Wait`].
    pub fn drop_claim(
        &mut self,
        join: JoinNumber,
        record: Position,
        after: Position,
        next_epoch: u64,
    ) -> (CatchUp, Turn) {
        self.dirty.retain(|dirty| dirty.join != join || !dirty.claim);
        let mut catch_up = CatchUp { at: record };
        let turn = catch_up.turn(self, join, Start::Void { after, next_epoch });
        (catch_up, turn)
    }
}
