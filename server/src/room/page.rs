//! Pages of the log, read once for all who want the same.

use super::Room;
use super::deliver::Delivery;
use super::entry::Encoded;
use crate::chat::Chat;
use chat_log::{Position, ReadError, Start};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};
use tokio::sync::OnceCell;

/// Pages end at multiples of this many entries, so that readers from different places soon read the same ones.
const PAGE_ENTRIES: u64 = 64;

/// Pages that are kept a little longer than somebody reads them.
const KEPT_PAGES: usize = 8;

/// A page, encoded.
pub struct EncodedPage {
    /// How it follows on the position that was asked for.
    pub start: Start,
    /// Its entries, cut to what goes out in one write.
    pub deliveries: Vec<Delivery>,
    /// The position just before what will be appended next.
    pub tail: Position,
    /// Where it ends: at its last entry, or where it begins if it has none.
    pub end: Position,
    /// There is no more to read after it.
    pub last: bool,
}

type Cell = OnceCell<Arc<EncodedPage>>;

/// The pages of a room that are being read or used.
#[derive(Default)]
pub struct Pages {
    shelf: Mutex<Shelf>,
}

#[derive(Default)]
struct Shelf {
    open: HashMap<Position, Weak<Cell>>,
    kept: VecDeque<Arc<Cell>>,
}

impl Room {
    /// The page after a position. Those who ask for the same one at the same time share one read of the log.
    pub async fn page(&self, chat: &Chat, after: Position) -> Result<Arc<EncodedPage>, ReadError> {
        loop {
            let cell = self.pages.cell(after);
            let mut fresh = false;
            let read = || {
                fresh = true;
                self.read(chat, after)
            };
            let page = cell.get_or_try_init(read).await?.clone();
            // What was read just now is the truth, even where the feed has not heard of a loss yet.
            if !fresh && self.is_outdated(&page) {
                self.pages.close(after, &cell);
                continue;
            }
            self.pages.keep(&cell);
            return Ok(page);
        }
    }

    /// Whether the feed knows of more than a last page that was read earlier.
    fn is_outdated(&self, page: &EncodedPage) -> bool {
        page.last && self.head().is_some_and(|head| head.n > page.tail.n || head.epoch > page.tail.epoch)
    }

    async fn read(&self, chat: &Chat, after: Position) -> Result<Arc<EncodedPage>, ReadError> {
        chat.metrics().pages_read.inc();
        let limit = PAGE_ENTRIES - after.n % PAGE_ENTRIES;
        let page = chat.log().read(self.name(), after, limit as usize).await?;
        let entries: Vec<_> =
            page.entries.iter().filter_map(|entry| Encoded::new(self.name(), entry)).map(Arc::new).collect();
        chat.metrics().foreign_entries.inc_by((page.entries.len() - entries.len()) as u64);
        Ok(Arc::new(EncodedPage {
            start: page.start,
            last: page.is_last(after),
            end: page.end(after),
            tail: page.tail,
            deliveries: Delivery::cut(&entries),
        }))
    }
}

impl Pages {
    fn cell(&self, after: Position) -> Arc<Cell> {
        let mut shelf = self.shelf.lock();
        if let Some(cell) = shelf.open.get(&after).and_then(Weak::upgrade) {
            return cell;
        }
        let cell = Arc::new(Cell::new());
        shelf.open.insert(after, Arc::downgrade(&cell));
        cell
    }

    fn keep(&self, cell: &Arc<Cell>) {
        let mut shelf = self.shelf.lock();
        if shelf.kept.iter().any(|kept| Arc::ptr_eq(kept, cell)) {
            return;
        }
        if shelf.kept.len() == KEPT_PAGES {
            shelf.kept.pop_front();
        }
        shelf.kept.push_back(cell.clone());
    }

    fn close(&self, after: Position, cell: &Arc<Cell>) {
        let mut shelf = self.shelf.lock();
        if shelf.open.get(&after).is_some_and(|open| std::ptr::eq(open.as_ptr(), Arc::as_ptr(cell))) {
            shelf.open.remove(&after);
        }
    }

    /// Lets go of what nobody reads; called now and then.
    pub fn sweep(&self) {
        let mut shelf = self.shelf.lock();
        shelf.kept = VecDeque::new();
        shelf.open.retain(|_, cell| cell.strong_count() > 0);
        shelf.open.shrink_to_fit();
    }
}
