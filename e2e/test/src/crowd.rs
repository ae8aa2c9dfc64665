//! Clients that talk and write down everything, on a thread of their own while a chapter does things to the cluster.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use chat_bench::check::record::History;
use chat_bench::check::run::{Check, Options, Outcome};
use chat_bench::check::stock::StockOptions;
use chat_bench::crowd::RunError;
use chat_bench::fleet::Transport;

use crate::chat;
use crate::kube::Wrong;

/// How many clients of each kind.
#[derive(Debug, Clone)]
pub struct Size {
    /// Lean clients.
    pub lean: usize,
    /// Stock clients.
    pub stock: StockOptions,
    /// Rooms.
    pub rooms: usize,
    /// Texts a second a client.
    pub rate: f64,
}

impl Size {
    /// All clients.
    pub fn clients(&self) -> usize {
        self.lean + self.stock.stock_js + self.stock.stock_python
    }
}

/// Clients at work.
#[derive(Debug)]
pub struct Crowd {
    over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Outcome, RunError>>,
    /// The zero of the histories' clocks.
    pub started: Instant,
    /// How many they are.
    pub clients: usize,
    histories: std::path::PathBuf,
}

/// What clients have done and seen.
#[derive(Debug)]
pub struct Told {
    /// The zero of the histories' clocks.
    pub started: Instant,
    /// How their run ended.
    pub outcome: Outcome,
    /// What each wrote down.
    pub histories: Vec<History>,
}

impl Crowd {
    /// Has clients come in and talk. Their connections are broken by nobody but the cluster.
    pub fn start(size: &Size, histories: &Path) -> Result<Self, Wrong> {
        let options = Options {
            url: vec![chat::URL.to_owned()],
            transport: vec![Transport::Ws, Transport::Polling, Transport::Upgrade],
            rooms: size.rooms,
            clients: size.lean,
            seconds: 0.0,
            rate: size.rate,
            fault_every: 0.0,
            leave_every: 30.0,
            history: histories.to_owned(),
            seed: None,
            stock: size.stock.clone(),
            quiet: true,
        };
        let over = Arc::new(AtomicBool::new(false));
        let (tell, told) = mpsc::channel();
        let told_to_end = over.clone();
        let thread = thread::spawn(move || {
            let mut check = Check::start(&options)?;
            // Nobody listens any more only where the story has ended.
            let _ = tell.send(check.started());
            while !told_to_end.load(Ordering::Relaxed) {
                check.turn()?;
            }
            check.finish()
        });
        let Ok(started) = told.recv() else { return Err(ended(thread)) };
        Ok(Self { over, thread, started, clients: size.clients(), histories: histories.to_owned() })
    }

    /// Lets everybody come to rest and go, and reads what they wrote.
    pub fn end(self) -> Result<Told, Wrong> {
        self.over.store(true, Ordering::Relaxed);
        let outcome = self.thread.join().map_err(|_| Wrong::NotSo("the clients panicked".to_owned()))??;
        let read = |source: io::Error| Wrong::Io { what: self.histories.display().to_string(), source };
        Ok(Told { started: self.started, outcome, histories: History::read_all(&self.histories).map_err(read)? })
    }
}

/// Why clients that did not start did not.
fn ended(thread: JoinHandle<Result<Outcome, RunError>>) -> Wrong {
    match thread.join() {
        Ok(Err(error)) => error.into(),
        Ok(Ok(_)) | Err(_) => Wrong::NotSo("the clients ended before they had begun".to_owned()),
    }
}
