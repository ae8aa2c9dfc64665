//! One sweeper for the heartbeats and deadlines of all connections, instead of timers of their own.
//!
//! Each connection says when it wants to be looked at next; a tick glances at all those times and locks only the
//! connections that are due.

use crate::application::Application;
use crate::close::CloseReason;
use crate::config::{Config, Protocol};
use crate::server::Server;
use crate::socket::{Guard, Phase};
use std::sync::Weak;
use std::time::Duration;

/// How long a close may take to reach the client.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sweeps until the server is gone.
pub(crate) async fn run<A: Application>(server: Weak<Server<A>>) {
    let Some(tick) = server.upgrade().map(|server| tick(server.config())) else { return };
    let mut interval = tokio::time::interval(tick);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        let Some(server) = server.upgrade() else { return };
        let now = server.now();
        for socket in server.due(now) {
            let mut guard = socket.lock();
            let next = match verdict(&guard, server.config(), now) {
                Verdict::Look(next) => next,
                // What is due next, its answer or the end of a stall, the next tick finds out.
                Verdict::Ping => {
                    guard.ping();
                    now
                }
                Verdict::Close(reason) => {
                    guard.close(reason);
                    now.wrapping_add(ms(CLOSE_TIMEOUT))
                }
                Verdict::Drop(reason) => {
                    guard.abort(reason);
                    now.wrapping_add(ms(CLOSE_TIMEOUT))
                }
            };
            socket.look_again(next);
        }
    }
}

/// Fine enough for the shortest time that is set, coarse enough to cost nothing.
fn tick(config: &Config) -> Duration {
    let shortest = config.ping_interval.min(config.ping_timeout).min(config.connect_timeout).min(config.stall_timeout);
    (shortest / 20).clamp(Duration::from_millis(10), Duration::from_secs(1))
}

enum Verdict {
    Look(u32),
    Ping,
    Close(CloseReason),
    Drop(CloseReason),
}

/// What is due at a connection. The server's clock wraps, so that times are compared by their difference.
fn verdict<A: Application>(guard: &Guard<'_, A>, config: &Config, now: u32) -> Verdict {
    let since = |then: u32| now.wrapping_sub(then);
    let (interval, timeout) = (ms(config.ping_interval), ms(config.ping_timeout));
    match guard.inner.phase {
        Phase::Open => {}
        Phase::Closing(reason) | Phase::Lingering(reason) => {
            let left = ms(CLOSE_TIMEOUT).saturating_sub(since(guard.inner.moved));
            return if left == 0 { Verdict::Drop(reason) } else { Verdict::Look(now.wrapping_add(left)) };
        }
        Phase::Dropped(_) | Phase::Closed => return Verdict::Look(now.wrapping_add(interval)),
    }
    let stalled = if guard.is_blocked() { since(guard.inner.moved) } else { 0 };
    if stalled >= ms(config.stall_timeout) {
        return Verdict::Drop(CloseReason::Stalled);
    }
    let mut next = ms(config.stall_timeout) - stalled;
    if config.protocol == Protocol::SocketIo && guard.inner.namespaces == 0 {
        let waited = since(guard.inner.opened_at);
        if waited >= ms(config.connect_timeout) {
            return Verdict::Close(CloseReason::ConnectTimeout);
        }
        next = next.min(ms(config.connect_timeout) - waited);
    }
    let waited = since(guard.inner.pinged_at);
    if guard.inner.pings > 0 {
        // The ping may stand behind much that the client still reads: bytes that had to wait and moved are life, too.
        let silent = waited.min(since(guard.inner.moved));
        if silent >= timeout {
            // On polling there is no request to answer: whoever lives has one under way, or posts.
            let reason = CloseReason::PingTimeout;
            return if guard.is_websocket() { Verdict::Close(reason) } else { Verdict::Drop(reason) };
        }
        next = next.min(timeout - silent);
    } else if waited >= interval {
        return Verdict::Ping;
    } else {
        next = next.min(interval - waited);
    }
    Verdict::Look(now.wrapping_add(next))
}

fn ms(duration: Duration) -> u32 {
    duration.as_millis() as u32
}
