//! Everything in this process: it lives as long as the process does.

use super::{Keeper, Stores};
use crate::presence::Servers;
use crate::records::{MemoryRecords, RecordOptions};
use crate::rooms::{Bounds, MemoryRooms};
use chat_log::{MemoryLog, Options};
use chat_settings::Settings;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Keeps everything in this process.
pub fn memory(settings: &Settings) -> Stores {
    let (retention, limits) = (&settings.retention, &settings.limits);
    let options = Options {
        retained_entries: retention.retention_entries,
        retained_age: retention.retention_age,
        retained_bytes: retention.retention_bytes,
        dedup_age: retention.dedup_age,
        rooms_max: limits.max_rooms,
        bytes_max: limits.max_log_bytes,
        ..Options::default()
    };
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
    let log = Arc::new(MemoryLog::new(options, Arc::new(clock)));
    let records = RecordOptions { expiry: settings.recovery.session_expiry, records_max: limits.max_sessions };
    Stores {
        log: log.clone(),
        records: Arc::new(MemoryRecords::new(records)),
        rooms: Arc::new(MemoryRooms::new(Bounds::of(limits))),
        servers: Servers::alone(),
        keeper: Keeper::Memory(log),
    }
}
