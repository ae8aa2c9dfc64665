//! The contract suite on the memory log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat_log::contract::{Harness, Terms};
use chat_log::{BoxFuture, MemoryLog, Options, RoomLog};

struct Memory {
    log: Arc<MemoryLog>,
    now_ms: Arc<AtomicU64>,
}

impl Harness for Memory {
    const TRIM_LUMP: usize = 0;

    async fn start(terms: Terms) -> Self {
        let now_ms = Arc::new(AtomicU64::new(1_800_000_000_000));
        let Terms { retained_entries, retained_age, dedup_age } = terms;
        let options = Options { retained_entries, retained_age, dedup_age, ..Options::default() };
        let clock = Arc::clone(&now_ms);
        let log = MemoryLog::new(options, Arc::new(move || clock.load(Ordering::SeqCst)));
        Self { log: Arc::new(log), now_ms }
    }

    fn log(&self) -> Arc<dyn RoomLog> {
        Arc::clone(&self.log) as _
    }

    async fn elapse(&self, time: Duration) {
        self.now_ms.fetch_add(time.as_millis() as u64, Ordering::SeqCst);
    }

    async fn roll_back(&self, room: &Arc<str>, n: u64) {
        self.log.roll_back(room, n);
    }

    async fn lose_everything(&self) {
        self.log.restart();
    }

    async fn cut(&self) {
        self.log.pause();
    }

    async fn heal(&self) {
        self.log.resume();
    }

    async fn lose_answer(&self) {
        self.log.lose_answers(1);
    }

    fn spawn(&self, work: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
        let task = tokio::spawn(work);
        Box::pin(async move { task.await.expect("the work goes well") })
    }

    async fn nap(&self) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

chat_log::contract!(Memory);
