//! Feeds the stays of one connection that are behind: on join, on recovery, and when the client was slow.
//!
//! It is there only while there is such a stay. Pages go out as the outbox takes them, a page of each room in turn, and
//! at its room's head a stay becomes live in one step, so that nothing is missed and nothing comes twice.

use crate::chat::Chat;
use crate::connection::{Behind, Connection, Place};
use crate::emit;
use crate::expel;
use crate::room::{Delivered, Delivery, EncodedPage, Room, deliver};
use chat_log::{GapReason, Position, Reach, Start as LogStart};
use chat_session::{CatchUp, Start, Turn};
use chat_socket::{Guard, Socket};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long to wait before something that did not answer, or is not there yet, is looked at again without a sign.
const RETRY: Duration = Duration::from_millis(200);

/// Has the feeder of a connection run.
pub fn wake(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, guard: &mut Guard<'_, Chat>) {
    if let Some(feeder) = &guard.app().feeder {
        return feeder.notify_one();
    }
    let news = Arc::new(Notify::new());
    guard.app().feeder = Some(news.clone());
    tokio::spawn(feed(chat.clone(), socket.clone(), news));
}

/// What a turn of one stay came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// It got further: go on.
    Further,
    /// It is live, or over.
    Done,
    /// It has to wait, for room in the delta or for the log.
    Waits,
}

async fn feed(chat: Arc<Chat>, socket: Arc<Socket<Chat>>, news: Arc<Notify>) {
    let mut waiting = 0;
    loop {
        let behind = {
            let mut guard = socket.lock();
            let open = guard.is_open();
            let connection = guard.app();
            if !open || connection.leaving || connection.session.is_none() || connection.behind.is_empty() {
                connection.feeder = None;
                return;
            }
            // The next in turn.
            connection.behind.rotate_left(1);
            let all = connection.behind.len();
            let last = connection.behind[all - 1].clone();
            if waiting >= all { None } else { Some(last) }
        };
        let Some(behind) = behind else {
            let _ = tokio::time::timeout(RETRY, news.notified()).await;
            waiting = 0;
            continue;
        };
        match step(&chat, &socket, &behind).await {
            Step::Further | Step::Done => waiting = 0,
            Step::Waits => waiting += 1,
        }
        // A turn may have gone through without a wait, and others want theirs.
        tokio::task::yield_now().await;
    }
}

async fn step(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, behind: &Behind) -> Step {
    let at = match behind.at {
        Place::Known(at) => at.at,
        Place::Claimed { record, claim } => return resolve(chat, socket, behind, record, claim).await,
    };
    let mut entered = enter(chat, socket, behind);
    if matches!(entered, Entered::Early) {
        progress(chat, &behind.room).await;
        entered = enter(chat, socket, behind);
    }
    match entered {
        Entered::Live | Entered::Gone => return Step::Done,
        Entered::Full { bytes } => {
            room_for(socket, bytes).await;
            return Step::Further;
        }
        Entered::Waits => return Step::Waits,
        // The feed should have got there by now: the log knows.
        Entered::Early | Entered::Far => {}
    }
    let Ok(page) = behind.room.page(chat, at).await else { return Step::Waits };
    send_page(chat, socket, behind, at, &page).await
}

/// Waits until the room's pump has looked once more.
async fn progress(chat: &Arc<Chat>, room: &Arc<Room>) -> Step {
    let looked = room.progress().notified();
    tokio::pin!(looked);
    looked.as_mut().enable();
    room.pump(chat);
    let _ = tokio::time::timeout(RETRY, looked).await;
    Step::Further
}

/// Holds a claim against the log.
async fn resolve(
    chat: &Arc<Chat>,
    socket: &Arc<Socket<Chat>>,
    behind: &Behind,
    record: Position,
    claim: Position,
) -> Step {
    let (room, join) = (&behind.room, behind.join);
    let (Ok(of_claim), Ok(of_record)) =
        (chat.log().reach(room.name(), claim).await, chat.log().reach(room.name(), record).await)
    else {
        return Step::Waits;
    };
    let reach = |reach| match reach {
        Reach::To(n) => Some(n),
        Reach::Reset => Some(0),
        Reach::Ahead => None,
    };
    let mut guard = socket.lock();
    let Connection { session: Some(session), behind: all, .. } = guard.app() else { return Step::Done };
    let Some(stay) = all.iter_mut().find(|stay| stay.is(behind)) else { return Step::Done };
    let (known, voided) = match (reach(of_claim), reach(of_record)) {
        (Some(of_claim), of_record) => (session.resolve_claim(join, record, of_claim, of_record.unwrap_or(0)), None),
        // This log is its own master: there never was such an epoch, and nobody knows what the client has seen.
        (None, _) => {
            let mut at = session.drop_claim(join, record);
            let turn = at.turn(session, join, Start::Void { after: record, next_epoch: record.epoch });
            (at, Some(turn))
        }
    };
    stay.at = Place::Known(known);
    if let Some(Turn::Void { after, offset }) = voided {
        chat.metrics().voids.inc();
        emit::void(&mut guard, room, after, offset.as_deref());
    }
    Step::Further
}

/// How an attempt to become live ended.
enum Entered {
    Live,
    /// The stay or its connection is over.
    Gone,
    /// The outbox has no room for the next delivery.
    Full {
        /// Its size.
        bytes: usize,
    },
    /// The delta has no room.
    Waits,
    /// The room's feed has not got as far as this stay, which saw more.
    Early,
    /// It is too far behind for the ring, or on another branch: it has to read.
    Far,
}

/// Makes a stay live if the room's ring covers what it misses: the last entries and the place in the chunk in one step.
fn enter(chat: &Arc<Chat>, socket: &Arc<Socket<Chat>>, behind: &Behind) -> Entered {
    let (room, join) = (&behind.room, behind.join);
    let Place::Known(CatchUp { at }) = behind.at else { return Entered::Far };
    let Some(head) = room.head() else { return Entered::Early };
    if room.missing(at).is_none() {
        if at.epoch > head.epoch {
            room.disturb(chat);
            return Entered::Early;
        }
        return if at.n > head.n && at.epoch == head.epoch { Entered::Early } else { Entered::Far };
    }
    let entered = room.group().place(at, |place, mut chunk| {
        if chunk.head < at && chunk.members.is_empty() {
            chunk.head = at;
        }
        if chunk.head < at {
            return Entered::Early;
        }
        let Some(missing) = room.missing_until(at, chunk.head) else { return Entered::Far };
        let mut guard = socket.lock();
        if guard.app().leaving || guard.app().find_behind(behind).is_none() {
            return Entered::Gone;
        }
        let mut scratch = Vec::new();
        for delivery in Delivery::cut(&missing) {
            match deliver(&mut guard, join, &delivery, &mut scratch) {
                Delivered::Done => chat.metrics().deliveries.inc_by(delivery.len() as u64),
                Delivered::Full => return Entered::Full { bytes: delivery.bytes() },
                Delivered::Wait => return Entered::Waits,
                Delivered::Gone => return Entered::Gone,
                Delivered::Kicked => {
                    expel::doubt(chat, socket, &mut guard, room, join, delivery.last().position);
                    return Entered::Gone;
                }
            }
            if let Some(stay) = guard.app().find_behind(behind) {
                stay.at = Place::Known(CatchUp { at: delivery.last().position });
            }
        }
        guard.app().go_live(join, place);
        drop(guard);
        chunk.members.push(chat_socket::Member { socket: socket.clone(), tag: join.0 });
        Entered::Live
    });
    if matches!(entered, Entered::Live) {
        // The chunk may be behind the feed, if it was made or filled just now.
        room.pump(chat);
    }
    entered
}

/// How a page begins for a stay.
enum Begun {
    /// Its entries may follow.
    Entries,
    /// There is nothing in it: the room's feed goes on from here.
    Empty,
    /// That was all of this turn.
    Over(Step),
}

/// Holds the stay's place against how the page follows on it, and tells the client of what it cannot have or must withdraw.
fn begin_page(
    chat: &Arc<Chat>,
    socket: &Arc<Socket<Chat>>,
    behind: &Behind,
    asked: Position,
    page: &EncodedPage,
) -> Begun {
    let (room, join) = (&behind.room, behind.join);
    let mut guard = socket.lock();
    let Connection { session: Some(session), behind: all, .. } = guard.app() else { return Begun::Over(Step::Done) };
    let Some(stay) = all.iter_mut().find(|stay| stay.is(behind)) else { return Begun::Over(Step::Done) };
    let Place::Known(at) = &mut stay.at else { return Begun::Over(Step::Further) };
    if at.at != asked {
        return Begun::Over(Step::Further);
    }
    let (start, reason) = match page.start {
        LogStart::Follows => (Start::Follows, GapReason::Trimmed),
        LogStart::Gap { to, reason } => (Start::Gap { to }, reason),
        LogStart::Void { after } => (Start::Void { after, next_epoch: after.epoch }, GapReason::Trimmed),
        LogStart::Ahead => (Start::Ahead, GapReason::Trimmed),
    };
    match at.turn(session, join, start) {
        // Entries that nobody can be sent are passed over.
        Turn::Entries if page.deliveries.is_empty() && page.end > at.at => {
            at.at = page.end;
            Begun::Over(Step::Further)
        }
        Turn::Entries if page.deliveries.is_empty() => {
            // Held against the log, the place is the same one in the log's present epoch.
            if page.last && page.tail.n == at.at.n && page.tail != at.at {
                at.at = page.tail;
                return Begun::Over(Step::Further);
            }
            Begun::Empty
        }
        Turn::Entries => Begun::Entries,
        Turn::Gap { from, to, offset } => {
            chat.metrics().gaps.inc();
            emit::gap(&mut guard, room, from, to, reason, offset.as_deref());
            match reason {
                GapReason::Trimmed => Begun::Entries,
                // What was lost may have been all of the room, and a private one of the same name made since.
                GapReason::Reset => {
                    room.begun_anew(to.epoch);
                    expel::doubt(chat, socket, &mut guard, room, join, to);
                    Begun::Over(Step::Done)
                }
            }
        }
        Turn::Void { after, offset } => {
            chat.metrics().voids.inc();
            emit::void(&mut guard, room, after, offset.as_deref());
            Begun::Over(Step::Further)
        }
        Turn::Wait => Begun::Over(Step::Waits),
    }
}

/// Sends a page as the outbox takes it.
async fn send_page(
    chat: &Arc<Chat>,
    socket: &Arc<Socket<Chat>>,
    behind: &Behind,
    asked: Position,
    page: &EncodedPage,
) -> Step {
    match begin_page(chat, socket, behind, asked, page) {
        Begun::Entries => {}
        Begun::Empty => return progress(chat, &behind.room).await,
        Begun::Over(step) => return step,
    }
    let mut scratch = Vec::new();
    for delivery in &page.deliveries {
        room_for(socket, delivery.bytes()).await;
        let mut guard = socket.lock();
        let delivered = match guard.app().find_behind(behind) {
            Some(_) => deliver(&mut guard, behind.join, delivery, &mut scratch),
            None => Delivered::Gone,
        };
        match delivered {
            Delivered::Done => {
                chat.metrics().deliveries.inc_by(delivery.len() as u64);
                if let Some(stay) = guard.app().find_behind(behind) {
                    stay.at = Place::Known(CatchUp { at: delivery.last().position });
                }
            }
            Delivered::Full => return Step::Further,
            Delivered::Wait => return Step::Waits,
            Delivered::Gone => return Step::Done,
            Delivered::Kicked => {
                expel::doubt(chat, socket, &mut guard, &behind.room, behind.join, delivery.last().position);
                return Step::Done;
            }
        }
    }
    Step::Further
}

/// Waits until the outbox takes so many bytes, or the connection is over.
async fn room_for(socket: &Socket<Chat>, bytes: usize) {
    poll_fn(|context| socket.lock().poll_fits(bytes, context)).await;
}
