//! A room as the caller has it.

use chat_session::Named;
use std::sync::Arc;

/// A room with nothing but a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Room(pub(crate) Arc<str>);

impl Room {
    /// Its place in the alphabet, by the first letter of the name.
    pub(crate) fn index(&self) -> usize {
        usize::from(self.0.as_bytes()[0] - b'a')
    }

    /// The room at a place of the alphabet.
    pub(crate) fn at(index: usize) -> Arc<Self> {
        Arc::new(Self(char::from(b'a' + index as u8).to_string().into()))
    }
}

impl Named for Room {
    fn name(&self) -> &Arc<str> {
        &self.0
    }
}
