//! What Redis alone takes from send to delivery: FCALL and WAIT on one connection a master, SPUBLISH inside the function, one
//! subscribed connection a master. Nothing is checked, retried, deduplicated or fanned out: less cannot be done.
//!
//! A send that is due while the one before it is under way waits for it, and its time counts from when it was due: users do not
//! send more slowly because the system is slow, and the servers are measured so, too.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chat_redis::Partitions;
use chat_rig::Node;

use crate::chaos::cluster::Cluster;
use crate::latency::Latencies;

/// Appends and publishes, as the server's own function does at its core.
const LIBRARY: &str = "#!lua name=bare\nredis.register_function('bare', function(keys, args)\n\
    redis.call('XADD', keys[1], 'MAXLEN', '~', 1000, '*', 'e', args[1])\n\
    redis.call('SPUBLISH', keys[1], args[1])\n return 1 end)";

/// A subscriber looks this often whether the loop is over.
const LOOK: Duration = Duration::from_millis(100);

/// What the loop took.
#[derive(Debug)]
pub struct Taken {
    /// From send to delivery.
    pub deliveries: Latencies,
    /// From send to the answer of WAIT.
    pub acks: Latencies,
}

/// Sends `rate` a second over `rooms` rooms for a while.
pub fn run(cluster: &Cluster, rooms: usize, rate: f64, length: Duration, text: usize) -> io::Result<Taken> {
    let partitions = Partitions::new("bare", 256);
    let masters = cluster.redis.masters()?;
    let slots = masters.iter().map(|master| cluster.slots_of(master)).collect::<io::Result<Vec<_>>>()?;
    let started = Instant::now() + Duration::from_millis(500);
    let over = Arc::new(AtomicBool::new(false));
    let mut threads = Vec::new();
    for (master, slots) in masters.iter().zip(slots) {
        master.command(&["FUNCTION", "LOAD", "REPLACE", LIBRARY])?;
        let key = |room: usize| {
            let name = format!("room-{room}");
            let partition = partitions.of(name.as_bytes());
            let here = slots.iter().any(|range| range.contains(&partitions.slot(partition)));
            here.then(|| (room, String::from_utf8_lossy(&partitions.key(partition, "l", &name)).into_owned()))
        };
        let keys: Vec<(usize, String)> = (0..rooms).filter_map(key).collect();
        let channels = keys.iter().map(|(_, key)| key.clone()).collect();
        let (listening, sending) = (Connection::open(master)?, Connection::open(master)?);
        let over = Arc::clone(&over);
        let listener = thread::spawn(move || listen(listening, channels, started, &over));
        let sender = thread::spawn(move || send(sending, &keys, rooms, rate, started, length, text));
        threads.push((listener, sender));
    }
    let mut taken = Taken { deliveries: Latencies::default(), acks: Latencies::default() };
    let panicked = |_| io::Error::other("the bare loop panicked");
    let mut listeners = Vec::new();
    for (listener, sender) in threads {
        taken.acks.add(&sender.join().map_err(panicked)??);
        listeners.push(listener);
    }
    over.store(true, Ordering::Relaxed);
    for listener in listeners {
        taken.deliveries.add(&listener.join().map_err(panicked)??);
    }
    Ok(taken)
}

fn listen(
    mut connection: Connection,
    channels: Vec<String>,
    started: Instant,
    over: &AtomicBool,
) -> io::Result<Latencies> {
    for channel in channels {
        connection.call(&["SSUBSCRIBE", &channel])?;
    }
    connection.stream.get_ref().set_read_timeout(Some(LOOK))?;
    let mut latencies = Latencies::default();
    while !over.load(Ordering::Relaxed) {
        let message = match connection.reply() {
            Ok(message) => message,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => continue,
            Err(error) => return Err(error),
        };
        let sent_us = message.rsplit('\n').next().and_then(|text| text.split(' ').next()?.parse().ok());
        if let Some(sent_us) = sent_us {
            latencies.note(started.elapsed().saturating_sub(Duration::from_micros(sent_us)));
        }
    }
    Ok(latencies)
}

fn send(
    mut connection: Connection,
    keys: &[(usize, String)],
    rooms: usize,
    rate: f64,
    started: Instant,
    length: Duration,
    text: usize,
) -> io::Result<Latencies> {
    let mut latencies = Latencies::default();
    let interval = Duration::from_secs_f64(1.0 / rate);
    let total = usize::try_from(length.as_nanos() / interval.as_nanos().max(1)).unwrap_or(usize::MAX);
    for round in 0..total.div_ceil(rooms) {
        for (room, key) in keys {
            let number = round * rooms + room;
            if number >= total {
                break;
            }
            let due = started + Duration::from_secs_f64(number as f64 / rate);
            let sent = match due.checked_duration_since(Instant::now()) {
                Some(early) => {
                    thread::sleep(early);
                    Instant::now()
                }
                None => due,
            };
            let us = sent.saturating_duration_since(started).as_micros();
            let text = format!("{us:012} {:x<filler$}", "", filler = text.saturating_sub(13));
            connection.write(&["FCALL", "bare", "1", key, &text])?;
            connection.write(&["WAIT", "1", "1000"])?;
            connection.reply()?;
            connection.reply()?;
            latencies.note(sent.elapsed());
        }
    }
    Ok(latencies)
}

/// A connection that speaks just enough of RESP2.
struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(node: &Node) -> io::Result<Self> {
        let stream = TcpStream::connect(node.address())?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    fn call(&mut self, words: &[&str]) -> io::Result<String> {
        self.write(words)?;
        self.reply()
    }

    fn write(&mut self, words: &[&str]) -> io::Result<()> {
        let mut out = format!("*{}\r\n", words.len());
        for word in words {
            // Writing to a string cannot fail.
            let _ = write!(out, "${}\r\n{word}\r\n", word.len());
        }
        self.stream.get_mut().write_all(out.as_bytes())
    }

    /// A reply as text, an array's elements in lines. A read that times out does so only before the first byte.
    fn reply(&mut self) -> io::Result<String> {
        if self.stream.fill_buf()?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let (kind, rest) = line.trim_end().split_at(1);
        let length =
            || rest.parse::<i64>().map(|length| usize::try_from(length).unwrap_or(0)).map_err(io::Error::other);
        match kind {
            "-" => Err(io::Error::other(rest.to_owned())),
            "$" => {
                let mut bytes = vec![0; length()? + 2];
                self.stream.read_exact(&mut bytes)?;
                Ok(String::from_utf8_lossy(&bytes[..bytes.len() - 2]).into_owned())
            }
            "*" => {
                let parts = (0..length()?).map(|_| self.reply()).collect::<io::Result<Vec<_>>>()?;
                Ok(parts.join("\n"))
            }
            _ => Ok(rest.to_owned()),
        }
    }
}
