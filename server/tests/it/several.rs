//! Several servers in this process, on one log, one store of records and one store of presence.

use crate::live::{Live, Plan, With};
use chat_log::{MemoryLog, Options};
use chat_server::announcer;
use chat_server::presence::{self, Boots, Servers, Shared};
use chat_server::records::{MemoryRecords, RecordOptions};
use chat_settings::Settings;
use chat_socket::Boot;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The announcer's rhythm: twenty times as fast as the program's.
const EVERY: Duration = Duration::from_millis(50);

/// Servers that know each other.
pub(crate) struct Several {
    pub(crate) servers: Vec<One>,
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) presence: Shared,
    records: Arc<MemoryRecords>,
    settings: Settings,
}

/// One of them.
pub(crate) struct One {
    pub(crate) boot: Boot,
    pub(crate) live: Live,
    known: watch::Sender<Boots>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for One {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Several {
    /// So many servers.
    pub(crate) async fn start(count: usize) -> Self {
        let Plan { settings, session_expiry, .. } = Plan::default();
        let key = ["chat-server", "--signing-key", "a key that all of these servers have in common"];
        let none = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let signing_keys = Settings::load(key, [], none).expect("a good key").signing_keys;
        let settings = Settings { signing_keys, ..settings };
        let clock = || SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis() as u64;
        let log = Arc::new(MemoryLog::new(Options::default(), Arc::new(clock)));
        let options = RecordOptions { expiry: session_expiry, records_max: settings.limits.max_sessions };
        let records = Arc::new(MemoryRecords::new(options));
        let mut several = Self { servers: Vec::new(), log, presence: Shared::default(), records, settings };
        for _ in 0..count {
            several.add().await;
        }
        several
    }

    /// One server more.
    pub(crate) async fn add(&mut self) {
        let boot = Boot::random();
        let (known, boots) = watch::channel(Boots::default());
        let store = Arc::new(self.presence.at(boot, announcer::KEPT_FOR));
        let servers = Servers::among(boot, store, boots);
        let with = With { log: self.log.clone(), records: self.records.clone(), servers };
        let live = Live::among(Arc::default(), |plan| {
            plan.settings = self.settings.clone();
            plan.with = Some(with);
        });
        let live = live.await;
        let chat = live.server.application().clone();
        let tasks = [tokio::spawn(announcer::run(chat.clone(), EVERY)), tokio::spawn(presence::watch_servers(chat))];
        self.servers.push(One { boot, live, known, tasks });
        self.introduce();
    }

    /// A server dies without a word, and the others get to know. Its connections hang on nothing.
    pub(crate) fn kill(&mut self, place: usize) -> One {
        let killed = self.servers.remove(place);
        killed.tasks.iter().for_each(JoinHandle::abort);
        self.introduce();
        killed
    }

    /// Everybody knows of all the others.
    pub(crate) fn introduce(&self) {
        let all: BTreeSet<_> = self.servers.iter().map(|server| server.boot).collect();
        for server in &self.servers {
            let others = all.iter().copied().filter(|boot| *boot != server.boot).collect();
            server.known.send_replace(Arc::new(others));
        }
    }

    /// Where clients find a server.
    pub(crate) fn address(&self, place: usize) -> SocketAddr {
        self.servers[place].live.address
    }
}
