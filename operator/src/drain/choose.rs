//! Which servers go first.

use super::world::Server;

/// In the order in which they go: those that serve nobody anyway, then those with the fewest clients, and last those that have not said how many
/// they have. Names decide between equals, so that two looks at one world choose the same.
pub(super) fn first_to_go<'a>(servers: impl Iterator<Item = &'a Server>) -> Vec<&'a Server> {
    let mut servers: Vec<_> = servers.collect();
    servers.sort_by_key(|server| {
        let connections = if server.ready { server.connections.map_or(u64::MAX, |n| n + 1) } else { 0 };
        (connections, server.name.clone())
    });
    servers
}
