//! What a client writes down: one JSON line a thing that it did or saw, in its order.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::position::Position;

/// One thing that happened at a client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Event {
    /// Connected; `recovered` as the server says it.
    Connected {
        /// The session and its rooms are those of before.
        recovered: bool,
        /// A session of before was presented: then nothing but its loss excuses a fresh one.
        #[serde(default)]
        presented: bool,
    },
    /// The connection ended, or was broken on purpose.
    Disconnected {
        /// How, in words.
        how: String,
    },
    /// Asked to join.
    Join {
        /// The room.
        room: String,
        /// The cursor, where one was given.
        after: Option<Position>,
    },
    /// A stay began: entries after `from` follow.
    Joined {
        /// The room.
        room: String,
        /// The place before the first entry of the stay.
        from: Position,
    },
    /// A leave was acknowledged: nothing of the room follows.
    Left {
        /// The room.
        room: String,
    },
    /// Sent for the first time.
    Sent {
        /// The room.
        room: String,
        /// The client's own id of the message, unique over all clients of a run.
        id: String,
    },
    /// A send was acknowledged.
    Acked {
        /// The room.
        room: String,
        /// The client's own id of the message.
        id: String,
        /// Where it stands.
        position: Position,
        /// False where the server said that no replica holds it yet: then it may be lost.
        durable: bool,
    },
    /// A request was refused; it is made again later.
    Refused {
        /// The error code.
        code: String,
    },
    /// An entry came.
    Entry {
        /// The room.
        room: String,
        /// Where it stands.
        position: Position,
        /// Its sender's id of it.
        id: String,
    },
    /// The server said that entries cannot be had any more.
    Gap {
        /// The room.
        room: String,
        /// The place before the first of them.
        from: Position,
        /// The last of them.
        to: Position,
        /// The log started anew, so that nothing of before counts.
        reset: bool,
    },
    /// The server withdrew the entries after a place.
    Void {
        /// The room.
        room: String,
        /// The last place that holds.
        after: Position,
    },
    /// An entry of the room as the log itself shows it after the run.
    Logged {
        /// The room.
        room: String,
        /// Where it stands.
        position: Position,
        /// Its sender's id of it.
        id: String,
    },
    /// The run is over and this client was given the time to get everything.
    End,
}

/// An event and when it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Microseconds since the run began, on a clock that all clients of the run share.
    pub at: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// All that one client recorded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    /// The client's name, also that of its file.
    pub client: String,
    /// Its records, in order.
    pub records: Vec<Record>,
}

/// Writes a client's history as it happens.
#[derive(Debug)]
pub struct Recorder {
    file: BufWriter<File>,
}

impl Recorder {
    /// Begins `<directory>/<client>.jsonl`.
    pub fn create(directory: &Path, client: &str) -> io::Result<Self> {
        let file = File::create(directory.join(format!("{client}.jsonl")))?;
        Ok(Self { file: BufWriter::with_capacity(1 << 14, file) })
    }

    /// Appends a record.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.file, record)?;
        self.file.write_all(b"\n")
    }

    /// Hands what was written to the operating system.
    pub fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl History {
    /// Reads all histories of a directory, in the order of their names.
    pub fn read_all(directory: &Path) -> io::Result<Vec<Self>> {
        let mut paths: Vec<_> = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> io::Result<Self> {
        let client = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let mut records = Vec::new();
        for (index, line) in BufReader::new(File::open(path)?).lines().enumerate() {
            let record = serde_json::from_str(&line?).map_err(|error| {
                let place = format!("{}, line {}", path.display(), index + 1);
                io::Error::new(io::ErrorKind::InvalidData, format!("{place}: {error}"))
            })?;
            records.push(record);
        }
        Ok(Self { client, records })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_of_json() {
        let event =
            Event::Acked { room: "r".into(), id: "a-1".into(), position: Position { epoch: 2, n: 7 }, durable: true };
        let record = Record { at: 12, event };
        let line = serde_json::to_string(&record).unwrap();
        assert_eq!(line, r#"{"at":12,"what":"acked","room":"r","id":"a-1","position":"2-7","durable":true}"#);
        assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record);
    }
}
