//! What a client says to have seen, held against the log.

use super::{RoomRef, Session};
use crate::{CatchUp, JoinNumber, Rule, holds};
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
    /// the client has seen, so it goes back to the record: in the same step, take a turn of what is returned with
    /// [`Start::Void`](crate::Start::Void) after `record`, in the record's epoch, and enqueue it. That turn never has to wait,
    /// since the claim's place in dirty is free again.
    pub fn drop_claim(&mut self, join: JoinNumber, record: Position) -> CatchUp {
        self.dirty.retain(|dirty| dirty.join != join || !dirty.claim);
        CatchUp { at: record }
    }
}
