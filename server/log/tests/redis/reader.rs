//! A reader that follows a room as a server does: hints where they follow on, pages where in doubt.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chat_log::{Entry, Follower, Hint, Position, RoomLog, Start, Watch};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long a reader may take to come to the end of its room.
const PATIENCE: Duration = Duration::from_secs(30);

struct Ears(mpsc::UnboundedSender<Hint>);

impl Follower for Ears {
    fn hint(&self, hint: Hint) {
        let _ = self.0.send(hint);
    }
}

/// A reader at work.
pub(crate) struct Reader {
    task: JoinHandle<Seen>,
    stop: mpsc::UnboundedSender<Hint>,
    _watch: Watch,
}

/// What a reader has, and what it went through.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) entries: Vec<Arc<Entry>>,
    pub(crate) by_hint: usize,
    pub(crate) voids: usize,
    pub(crate) withdrawn: usize,
}

impl Reader {
    pub(crate) fn follow(log: &Arc<dyn RoomLog>, room: &Arc<str>) -> Self {
        let (stop, hints) = mpsc::unbounded_channel();
        let watch = log.watch(room, Arc::new(Ears(stop.clone())));
        let task = tokio::spawn(read_on(Arc::clone(log), Arc::clone(room), hints));
        Self { task, stop, _watch: watch }
    }

    /// Waits until the reader has everything *by its hints*, and asks it for it. Nothing may be appended any more.
    pub(crate) async fn finish(self, count: usize) -> Seen {
        let last = Entry { position: Position::new(0, count as u64), ..nothing() };
        self.stop.send(Hint::Entry(Arc::new(last))).unwrap();
        self.task.await.unwrap()
    }
}

/// An entry with epoch 0 is none: it tells the reader how many there are.
fn nothing() -> Entry {
    Entry { position: Position::START, at_ms: 0, author: "".into(), id: "".into(), body: "".into() }
}

async fn read_on(log: Arc<dyn RoomLog>, room: Arc<str>, mut hints: mpsc::UnboundedReceiver<Hint>) -> Seen {
    let (mut seen, mut at, mut count) = (Seen::default(), Position::START, None);
    let mut end = Instant::now() + Duration::from_secs(600);
    while count.is_none_or(|count| seen.entries.len() < count) {
        let left = end.saturating_duration_since(Instant::now());
        let hint = tokio::time::timeout(left, hints.recv()).await;
        let hint = hint.unwrap_or_else(|_| panic!("{room}: {at} is not the end: {count:?} are there"));
        match hint.unwrap() {
            Hint::Entry(entry) if entry.position.epoch == 0 => {
                (count, end) = (Some(entry.position.n as usize), Instant::now() + PATIENCE);
            }
            Hint::Entry(entry) if entry.position == Position::new(at.epoch, at.n + 1) => {
                at = entry.position;
                seen.entries.push(entry);
                seen.by_hint += 1;
            }
            Hint::Entry(entry) if entry.position <= at => {}
            Hint::Entry(_) | Hint::Disturbed => at = catch_up(&*log, &room, at, &mut seen).await,
            Hint::Volatile(_) => {}
        }
    }
    seen
}

async fn catch_up(log: &dyn RoomLog, room: &Arc<str>, mut at: Position, seen: &mut Seen) -> Position {
    loop {
        let Ok(page) = log.read(room, at, 100).await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        match page.start {
            Start::Follows => {}
            Start::Void { after } => {
                let kept = seen.entries.partition_point(|entry| entry.position.n <= after.n);
                seen.voids += 1;
                seen.withdrawn += seen.entries.len() - kept;
                seen.entries.truncate(kept);
            }
            Start::Gap { to, reason } => panic!("{room}: {at}: a gap to {to}: {reason:?}"),
            Start::Ahead => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        }
        for entry in &page.entries {
            assert_eq!(entry.position.n, seen.entries.len() as u64 + 1, "{room}: a hole");
            seen.entries.push(Arc::clone(entry));
        }
        at = page.end(at);
        if page.is_last(at) {
            return at;
        }
    }
}
