//! The one ordered task of a room: takes what was hinted or read, and serves it to the live members, chunk by chunk.
//!
//! It is there only while there is something to do. In large rooms several workers serve chunks at the same time.

use super::deliver::{Delivered, Delivery, deliver};
use super::entry::Encoded;
use super::ring::Ring;
use super::{Feed, Room};
use crate::chat::Chat;
use crate::connection::Behind;
use crate::expel;
use crate::feeder;
use crate::volatile;
use chat_log::{Entry, Position, Start};
use chat_session::JoinNumber;
use chat_settings::Limit;
use chat_socket::{Chunk, SharedChunk};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many entries are read at once where hints were missed.
const READ_ENTRIES: usize = 256;

/// How long to wait before a log that does not answer is asked again.
const RETRY: Duration = Duration::from_millis(100);

/// How many words of other servers are served before entries are looked at again.
const VOLATILE_AT_ONCE: usize = 16;

/// Rooms with more chunks than this are served by several workers.
const CHUNKS_ALONE: usize = 4;

/// Has the room's pump run, now or once more.
pub(super) fn schedule(room: &Arc<Room>, chat: &Arc<Chat>) {
    {
        let mut feed = room.feed.lock();
        if feed.pumping {
            feed.again = true;
            return;
        }
        feed.pumping = true;
    }
    tokio::spawn(run(room.clone(), chat.clone()));
}

async fn run(room: Arc<Room>, chat: Arc<Chat>) {
    loop {
        if take_disturbed(&room) {
            catch_up(&room, &chat).await;
        }
        take_hints(&room, &chat);
        serve(&room, &chat).await;
        room.progress.notify_waiters();
        serve_volatile(&room, &chat).await;
        if !goes_on(&room) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// Whether there is more to do; if not, the next one who has something begins a pump anew.
fn goes_on(room: &Room) -> bool {
    let mut feed = room.feed.lock();
    let news = feed.disturbed || !feed.incoming.is_empty() || !feed.inbox.is_empty();
    feed.pumping = std::mem::take(&mut feed.again) || (feed.stays > 0 && news);
    feed.pumping
}

fn take_disturbed(room: &Room) -> bool {
    let mut feed = room.feed.lock();
    std::mem::take(&mut feed.disturbed) && feed.stays > 0
}

/// Reads what the hints did not bring.
async fn catch_up(room: &Arc<Room>, chat: &Arc<Chat>) {
    let head = room.feed.lock().ring.as_ref().map(Ring::head);
    let Some(head) = head else {
        let rooms = [room.name.clone()];
        let read = chat.log().tails(&rooms).await;
        let Some(tail) = read.ok().and_then(|tails| tails.first().copied()) else { return retry(room).await };
        let mut feed = room.feed.lock();
        if feed.stays > 0 {
            feed.ring = Some(Ring::new(tail));
        }
        return;
    };
    let Ok(page) = chat.log().read(&room.name, head, READ_ENTRIES).await else {
        return retry(room).await;
    };
    match page.start {
        Start::Follows => {
            let last = page.is_last(head);
            let mut feed = room.feed.lock();
            let Some(ring) = &mut feed.ring else { return };
            for entry in &page.entries {
                push(ring, room, chat, entry);
            }
            if !last {
                feed.disturbed = true;
            } else if page.entries.is_empty() && page.tail.epoch > ring.head().epoch {
                ring.raise(page.tail.epoch);
            }
        }
        // Each member hears of it at its own place.
        Start::Gap { .. } | Start::Void { .. } => {
            chat.metrics().disturbances.inc();
            room.pages.sweep();
            {
                let mut feed = room.feed.lock();
                if feed.stays == 0 {
                    return;
                }
                feed.ring = Some(Ring::new(page.tail));
            }
            for chunk in &room.group.chunks() {
                demote_all(room, chat, &mut chunk.lock(), page.tail);
            }
        }
        // Our view of the log is old: it is refreshed elsewhere, and asked again here.
        Start::Ahead => retry(room).await,
    }
}

async fn retry(room: &Room) {
    room.feed.lock().disturbed = true;
    tokio::time::sleep(RETRY).await;
}

fn push(ring: &mut Ring, room: &Room, chat: &Chat, entry: &Entry) {
    match Encoded::new(&room.name, entry) {
        Some(encoded) => ring.push(Arc::new(encoded)),
        None => {
            chat.metrics().foreign_entries.inc();
            ring.skip(entry.position);
        }
    }
}

/// Takes hinted entries that follow on the ring. One that does not means that something was missed.
fn take_hints(room: &Room, chat: &Chat) {
    let mut feed = room.feed.lock();
    let Feed { ring: Some(ring), incoming, disturbed, .. } = &mut *feed else { return };
    while let Some(entry) = incoming.pop_front() {
        let head = ring.head();
        let follows = entry.position == Position::new(head.epoch, head.n + 1);
        if follows {
            push(ring, room, chat, &entry);
        } else if entry.position > head {
            *disturbed = true;
            incoming.clear();
        }
    }
}

/// Serves the live members up to the ring's head.
async fn serve(room: &Arc<Room>, chat: &Arc<Chat>) {
    let chunks = room.group.chunks();
    let Some(round) = Round::new(room, &chunks) else { return };
    let workers = if chunks.len() <= CHUNKS_ALONE { 1 } else { chat.workers() };
    let shared = Arc::new((chunks, round, AtomicUsize::new(0)));
    let work = |room: Arc<Room>, chat: Arc<Chat>, shared: Arc<(Vec<Shared>, Round, AtomicUsize)>| async move {
        let (chunks, round, next) = &*shared;
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = chunks.get(place) else { return };
            serve_chunk(&room, &chat, chunk, round);
            tokio::task::yield_now().await;
        }
    };
    let helpers: Vec<_> =
        (1..workers).map(|_| tokio::spawn(work(room.clone(), chat.clone(), shared.clone()))).collect();
    work(room.clone(), chat.clone(), shared.clone()).await;
    for helper in helpers {
        if let Err(error) = helper.await {
            tracing::error!(error = %error, "a fan-out worker failed");
        }
    }
}

/// Serves what other servers told, after the entries that came before.
async fn serve_volatile(room: &Arc<Room>, chat: &Arc<Chat>) {
    // Not all that ever comes: entries come first.
    for _ in 0..VOLATILE_AT_ONCE {
        let Some(envelope) = room.feed.lock().inbox.pop() else { return };
        volatile::serve(chat, room, envelope).await;
    }
}

type Shared = SharedChunk<Chat, Position>;

/// What one round serves: encoded and joined once for the many chunks that are at the same place.
struct Round {
    from: Position,
    to: Position,
    deliveries: Vec<Delivery>,
}

impl Round {
    fn new(room: &Room, chunks: &[Shared]) -> Option<Self> {
        let from = chunks.iter().map(|chunk| chunk.lock().head).min()?;
        let feed = room.feed.lock();
        let ring = feed.ring.as_ref()?;
        let (to, entries) = (ring.head(), ring.after(from).unwrap_or_default());
        drop(feed);
        Some(Self { from, to, deliveries: Delivery::cut(&entries) })
    }
}

fn serve_chunk(room: &Arc<Room>, chat: &Arc<Chat>, chunk: &Mutex<Chunk<Chat, Position>>, round: &Round) {
    let mut chunk = chunk.lock();
    if chunk.head >= round.to {
        return;
    }
    if chunk.members.is_empty() {
        chunk.head = round.to;
        return;
    }
    if chunk.head == round.from && (!round.deliveries.is_empty() || round.from.n == round.to.n) {
        return serve_members(room, chat, &mut chunk, &round.deliveries, round.to);
    }
    let entries = room.feed.lock().ring.as_ref().and_then(|ring| Some((ring.after(chunk.head)?, ring.head())));
    match entries {
        Some((entries, to)) => serve_members(room, chat, &mut chunk, &Delivery::cut(&entries), to),
        None => demote_all(room, chat, &mut chunk, round.to),
    }
}

fn serve_members(
    room: &Arc<Room>,
    chat: &Arc<Chat>,
    chunk: &mut Chunk<Chat, Position>,
    deliveries: &[Delivery],
    to: Position,
) {
    let mut scratch = Vec::new();
    let mut delivered = 0;
    for delivery in deliveries {
        let at = chunk.head;
        chunk.members.retain(|member| {
            let join = JoinNumber(member.tag);
            let mut guard = member.socket.lock();
            match deliver(&mut guard, join, delivery, &mut scratch) {
                Delivered::Done => {
                    delivered += delivery.len() as u64;
                    true
                }
                full_or_wait @ (Delivered::Full | Delivered::Wait) => {
                    guard.app().fall_behind(Behind::at(room.clone(), join, at));
                    feeder::wake(chat, &member.socket, &mut guard);
                    chat.metrics().fell_behind.inc();
                    if full_or_wait == Delivered::Full {
                        chat.metrics().limit(Limit::Outbox);
                    }
                    false
                }
                Delivered::Kicked => {
                    delivered += delivery.len() as u64;
                    expel::doubt(chat, &member.socket, &mut guard, room, join, delivery.last().position);
                    false
                }
                // Its end takes it out of here.
                Delivered::Gone => true,
            }
        });
        chunk.head = delivery.last().position;
    }
    chunk.head = to;
    chat.metrics().deliveries.inc_by(delivered);
}

/// Makes all members of a chunk go on by themselves, from the chunk's head.
fn demote_all(room: &Arc<Room>, chat: &Arc<Chat>, chunk: &mut Chunk<Chat, Position>, to: Position) {
    let at = chunk.head;
    for member in std::mem::take(&mut chunk.members) {
        let mut guard = member.socket.lock();
        guard.app().fall_behind(Behind::at(room.clone(), JoinNumber(member.tag), at));
        feeder::wake(chat, &member.socket, &mut guard);
    }
    chunk.head = to;
}
