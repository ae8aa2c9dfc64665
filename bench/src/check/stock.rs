//! Stock clients beside the lean ones: programs that run socket.io-client or python-socketio and write histories of the same form.
//!
//! They are told when to rest and when to end, and say every tenth of a second how far each of their clients has come.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::position::Position;

/// A program that was told to end and goes on for so long is killed.
const END_MAX: Duration = Duration::from_secs(10);

/// Which stock clients take part.
#[derive(Debug, Clone, clap::Args)]
pub struct StockOptions {
    /// Clients of socket.io-client (JavaScript)
    #[arg(long, default_value_t = 0)]
    pub stock_js: usize,
    /// Clients of python-socketio
    #[arg(long, default_value_t = 0)]
    pub stock_python: usize,
    /// The folder of the stock clients' programs
    #[arg(long, default_value = "server/tests/clients/history")]
    pub stock_folder: PathBuf,
    /// The Python that has python-socketio
    #[arg(long, env = "CHATCLUSTER_PYTHON", default_value = "python3")]
    pub python: PathBuf,
}

/// What the programs are told of the run.
#[derive(Debug)]
pub(super) struct Briefing<'a> {
    pub(super) urls: &'a [String],
    /// Rooms are named `<run>-<number>`.
    pub(super) run: &'a str,
    pub(super) rooms: usize,
    /// Texts a second a client.
    pub(super) rate: f64,
    pub(super) history: &'a Path,
    /// When the run began, in microseconds of the machine's monotonic clock, which all programs on it share.
    pub(super) started_us: u128,
}

/// How far a stock client has come.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Standing {
    pub(super) ready: bool,
    pub(super) unsent: usize,
    /// Its place in each room that it is in.
    pub(super) rooms: BTreeMap<String, Option<Position>>,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    clients: Vec<Standing>,
}

/// A program with its clients.
#[derive(Debug)]
pub(super) struct Stock {
    child: Child,
    clients: usize,
    status: Arc<Mutex<Status>>,
}

impl StockOptions {
    /// Starts the programs that are asked for.
    pub(super) fn start(&self, briefing: &Briefing<'_>) -> io::Result<Vec<Stock>> {
        let programs =
            [(self.stock_js, PathBuf::from("node"), "stock.mjs"), (self.stock_python, self.python.clone(), "stock.py")];
        let wanted = programs.into_iter().filter(|(clients, ..)| *clients > 0);
        let start = |(clients, program, script): (usize, PathBuf, &str)| {
            Stock::start(Command::new(program).arg(self.stock_folder.join(script)), clients, briefing)
        };
        wanted.map(start).collect()
    }
}

impl Stock {
    fn start(command: &mut Command, clients: usize, briefing: &Briefing<'_>) -> io::Result<Self> {
        let Briefing { urls, run, rooms, rate, history, started_us } = briefing;
        command
            .args(["--url", &urls.join(","), "--run", run, "--rooms", &rooms.to_string(), "--rate", &rate.to_string()])
            .args(["--clients", &clients.to_string(), "--started-us", &started_us.to_string()])
            .arg("--history")
            .arg(history);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let status = Arc::new(Mutex::new(Status::default()));
        if let Some(output) = child.stdout.take() {
            let status = Arc::clone(&status);
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if let Ok(told) = serde_json::from_str(&line) {
                        *status.lock().unwrap_or_else(PoisonError::into_inner) = told;
                    }
                }
            });
        }
        Ok(Self { child, clients, status })
    }

    /// No more texts from now on.
    pub(super) fn rest(&mut self) -> io::Result<()> {
        self.tell("rest")
    }

    /// Where its clients stand; none before all of them have said so.
    pub(super) fn standings(&self) -> Option<Vec<Standing>> {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        (status.clients.len() == self.clients).then(|| status.clients.clone())
    }

    /// Ends the histories and waits for the program.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.tell("end")?;
        let until = Instant::now() + END_MAX;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(io::Error::other(format!("the stock clients ended with {status}"))),
                None if Instant::now() > until => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "the stock clients do not end"));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    fn tell(&mut self, word: &str) -> io::Result<()> {
        let input = self.child.stdin.as_mut().ok_or_else(|| io::Error::other("the stock clients have no input"))?;
        writeln!(input, "{word}")
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_is_what_the_programs_say() {
        let line = r#"{"clients":[{"ready":true,"unsent":2,"rooms":{"a":"1-7","b":null}}]}"#;
        let status: Status = serde_json::from_str(line).unwrap();
        let rooms = [("a".to_owned(), Some(Position { epoch: 1, n: 7 })), ("b".to_owned(), None)];
        assert_eq!(status.clients, [Standing { ready: true, unsent: 2, rooms: rooms.into() }]);
    }
}
