//! Everything on one machine with one command: starts the parts, says where they are, tells what becomes of them, and ends them.

mod orders;
mod parts;

use std::io::{self, IsTerminal};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use chat_rig::{Balancer, ChatServer, Flavour, Host, RedisCluster, balancer};
use orders::Order;
use parts::Parts;

/// How often the parts are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// What to start.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
    /// How many chat servers
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    servers: u8,
    /// redis or valkey
    #[arg(long, default_value = "redis", value_parser = flavour)]
    flavour: Flavour,
    /// haproxy or nginx
    #[arg(long, default_value = "haproxy", value_parser = balancer_kind)]
    balancer: balancer::Kind,
    /// A setting for all servers, such as ping-interval=5s; can be given again
    #[arg(long = "setting", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// The servers' program [default: beside this one]
    #[arg(long)]
    server: Option<PathBuf>,
}

/// What wakes the loop.
enum Event {
    Order(String),
    /// Ctrl-C, or SIGTERM.
    End,
}

/// Starts everything and stays until it is told to end.
pub(crate) fn up(options: &Options) -> io::Result<()> {
    let (events, todo) = channel();
    await_signals(events.clone());
    let parts = options.start()?;
    println!("\n{}\n", parts.overview()?);
    if io::stdin().is_terminal() {
        println!("  {}\n", orders::HELP);
        await_orders(events);
    }
    let mut seen = parts.look();
    loop {
        match todo.recv_timeout(LOOK_EVERY) {
            Ok(Event::End) => break,
            Ok(Event::Order(line)) => match Order::parse(&line) {
                Ok(Order::Quit) => break,
                Ok(Order::Nothing) => {}
                Ok(order) => println!("{}", parts.obey(order).unwrap_or_else(|error| format!("  {error}"))),
                Err(text) => println!("  {text}"),
            },
            Err(RecvTimeoutError::Timeout) => {}
            // No terminal, and no signal can be had any more.
            Err(RecvTimeoutError::Disconnected) => thread::sleep(LOOK_EVERY),
        }
        let now = parts.look();
        for change in parts::changes(&seen, &now) {
            println!("  {change}");
        }
        seen = now;
    }
    println!("\n  Ending everything.");
    Ok(())
}

impl Options {
    fn start(&self) -> io::Result<Parts> {
        let redis = step("Redis Cluster of six nodes", || {
            RedisCluster::builder().flavour(self.flavour).append_only(true).start()
        })?;
        let servers: Vec<ChatServer> = step(&format!("{} chat servers", self.servers), || {
            let launch = |number| {
                let builder = ChatServer::builder().name(&format!("chat-{number}")).redis(redis.seeds());
                let builder = builder.setting("trusted-proxies", "127.0.0.1");
                let builder = self.settings.iter().fold(builder, |builder, (name, value)| builder.setting(name, value));
                self.server.iter().fold(builder, |builder, path| builder.program(path.clone())).launch()
            };
            let servers = (1..=self.servers).map(launch).collect::<io::Result<Vec<_>>>()?;
            servers.iter().try_for_each(|server| server.await_ready(Duration::from_secs(30)))?;
            Ok(servers)
        })?;
        let addresses: Vec<_> = servers.iter().map(ChatServer::address).collect();
        let balancer = step(self.balancer.program(), || {
            Balancer::start_at(&Host::local(), self.listen, self.balancer, &addresses)
        })?;
        Ok(Parts { balancer, servers, redis })
    }
}

/// Says what is being done and how long it took.
fn step<T>(name: &str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let (begun, terminal) = (Instant::now(), io::stdout().is_terminal());
    if terminal {
        print!("  … {name}");
        let _ = io::Write::flush(&mut io::stdout());
    }
    let done = work().map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
    println!("{}  ok  {name}  {:.1}s", if terminal { "\r\x1b[K" } else { "" }, begun.elapsed().as_secs_f32());
    Ok(done)
}

fn await_signals(events: Sender<Event>) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let mut term = signal(SignalKind::terminate())?;
            tokio::select! { result = tokio::signal::ctrl_c() => result?, _ = term.recv() => {} }
            // The loop may have ended by itself.
            let _ = events.send(Event::End);
            io::Result::Ok(())
        })
    });
}

fn await_orders(events: Sender<Event>) {
    thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).all(|line| events.send(Event::Order(line)).is_ok())
    });
}

fn flavour(name: &str) -> Result<Flavour, String> {
    match name {
        "redis" => Ok(Flavour::Redis),
        "valkey" => Ok(Flavour::Valkey),
        _ => Err("redis or valkey".to_owned()),
    }
}

fn balancer_kind(name: &str) -> Result<balancer::Kind, String> {
    match name {
        "haproxy" => Ok(balancer::Kind::Haproxy),
        "nginx" => Ok(balancer::Kind::Nginx),
        _ => Err("haproxy or nginx".to_owned()),
    }
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("NAME=VALUE, such as ping-interval=5s")?;
    Ok((name.trim_start_matches('-').to_owned(), value.to_owned()))
}
