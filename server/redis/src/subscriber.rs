//! What whoever subscribes must do, and what it gets.

use std::fmt;

use bytes::Bytes;

/// Hears a channel. Both are called from the task that reads the connection: they must not block.
pub trait Subscriber: Send + Sync + 'static {
    /// Something was published.
    fn message(&self, payload: Bytes);
    /// Messages may have been missed before this: the subscription has just been put in place (also the first time), or its connection did not
    /// keep up. What is published from now on comes as [`message`](Self::message), until the next disturbance.
    fn disturbed(&self);
}

/// A stay on a channel; it ends when this is dropped.
#[must_use = "the subscription ends when this is dropped"]
pub struct Subscription {
    pub(crate) end: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end();
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
