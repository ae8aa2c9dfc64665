//! A room as the caller has it.

use chat_session::Named;
use std::sync::Arc;

/// A room with nothing but a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room(pub(crate) Arc<str>);

impl Named for Room {
    fn name(&self) -> &Arc<str> {
        &self.0
    }
}
