//! How a server goes away without a storm on those that stay.

use crate::chat::Chat;
use crate::http::Health;
use chat_socket::{CloseReason, Server, Socket};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often connections are closed while draining.
const TICK: Duration = Duration::from_millis(20);

/// Drains: not ready at once, new connections for a while more, then closes at the set rate, idle ones first, and what
/// is left at the deadline. Returns when nobody is connected.
pub async fn drain(server: &Arc<Server<Chat>>, health: &Health) {
    let settings = server.application().settings().drain.clone();
    let begun = Instant::now();
    health.drain();
    server.application().metrics().draining.set(1);
    tracing::info!(connections = server.connections(), accept_seconds = settings.drain_accept.as_secs(), "draining");
    let accept_until = begun + settings.drain_accept.min(settings.drain_deadline);
    while Instant::now() < accept_until && server.connections() > 0 {
        tokio::time::sleep(TICK).await;
    }
    server.refuse_new();
    let mut waiting = order(server.sockets());
    let mut budget = 0.0;
    let per_tick = settings.drain_closes_per_second as f64 * TICK.as_secs_f64();
    let mut interval = tokio::time::interval(TICK);
    while server.connections() > 0 && begun.elapsed() < settings.drain_deadline {
        interval.tick().await;
        budget = (budget + per_tick).min(per_tick.max(1.0));
        while budget >= 1.0 {
            let Some(socket) = waiting.pop() else { break };
            socket.lock().close(CloseReason::Server);
            budget -= 1.0;
        }
        if waiting.is_empty() {
            // Whoever came while others were closed, and those whose close takes its time.
            waiting = order(server.sockets());
        }
    }
    let left = server.sockets();
    for socket in &left {
        socket.lock().close(CloseReason::Server);
    }
    tracing::info!(left = left.len(), seconds = begun.elapsed().as_secs_f64(), "drained");
}

/// Those that are closed first stand last: connections with nothing on its way to them.
fn order(sockets: Vec<Arc<Socket<Chat>>>) -> Vec<Arc<Socket<Chat>>> {
    let mut sockets = sockets;
    sockets.retain(|socket| socket.lock().is_open());
    sockets.sort_by_cached_key(|socket| socket.lock().is_drained());
    sockets
}
