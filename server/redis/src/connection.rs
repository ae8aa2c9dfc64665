//! A connection to one node: a disposable client that knows nothing of the cluster. What fails once is thrown away.
//!
//! Two habits of the client shape this module. An array of three or four elements that begins with a word such as `message` is taken for a push, so
//! functions wrap their answer in an array of one (see the preamble). And it puts every answer to a server-sent `sunsubscribe` away silently, so whoever
//! subscribes watches the topology instead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use fred::error::{Error, ErrorKind};
use fred::interfaces::{ClientLike, EventInterface, PubsubInterface};
use fred::prelude::{Builder, Client, Config, ServerConfig};
use fred::types::config::TlsConfig;
use fred::types::{ClusterHash, CustomCommand, Message, RespVersion};
use tokio::sync::broadcast;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::call::Value;
use crate::fault::Fault;
use crate::options::Options;

/// How long each of the two parts of connecting may take: name, TCP and TLS, and then the exchange that makes it usable.
const PART_MAX: Duration = Duration::from_millis(400);
/// How long connecting may take: longer than its parts, so that the client's own word on what is wrong comes first.
const CONNECT_MAX: Duration = Duration::from_millis(900);
/// How long the driver's own reason is waited for once connecting has failed.
const REASON_MAX: Duration = Duration::from_millis(50);

/// A command as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) args: Vec<Bytes>,
}

impl Command {
    pub(crate) fn new(name: &'static str, args: impl IntoIterator<Item = Bytes>) -> Self {
        Self { name, args: args.into_iter().collect() }
    }
}

/// The connection is of no use any more; whether what was sent was executed nobody knows.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Broken {
    pub(crate) text: String,
    pub(crate) timeout: bool,
    /// The server said that name or password are wrong, or that it wants some.
    pub(crate) denied: bool,
}

impl Broken {
    pub(crate) fn timeout() -> Self {
        Self { text: "no answer in time".into(), timeout: true, denied: false }
    }

    pub(crate) fn closed() -> Self {
        Self { text: "the connection was closed".into(), timeout: false, denied: false }
    }

    fn of(error: &Error) -> Self {
        let timeout = matches!(error.kind(), ErrorKind::Timeout);
        let denied = matches!(error.kind(), ErrorKind::Auth);
        let text = if error.details().is_empty() { format!("{:?}", error.kind()) } else { error.details().to_owned() };
        Self { text, timeout, denied }
    }
}

/// What connections are made of.
pub(crate) struct Connector {
    config: Config,
}

impl Connector {
    pub(crate) fn new(options: &Options, tls: Option<TlsConfig>) -> Self {
        let password = options.password.as_ref().map(|password| String::from_utf8_lossy(password).into_owned());
        Self {
            config: Config {
                username: options.user.clone(),
                password,
                tls,
                version: RespVersion::RESP3,
                ..Config::default()
            },
        }
    }

    /// Connects to `host:port`; `capacity` bounds the messages that wait for a subscriber.
    pub(crate) async fn connect(&self, address: &str, capacity: usize) -> Result<Connection, Broken> {
        let Some((host, port)) = split(address) else {
            return Err(Broken { text: format!("{address} is not host:port"), timeout: false, denied: false });
        };
        let mut config = self.config.clone();
        config.server = ServerConfig::new_centralized(host, port);
        let mut builder = Builder::from_config(config);
        builder.with_performance_config(|performance| performance.broadcast_channel_capacity = capacity);
        builder.with_connection_config(|connection| {
            connection.connection_timeout = PART_MAX;
            connection.internal_command_timeout = PART_MAX;
            connection.max_command_attempts = 1;
            connection.disable_cluster_health_check = true;
            connection.tcp.nodelay = Some(true);
        });
        let client = builder.build().map_err(|error| Broken::of(&error))?;
        // Listens before there is anything to hear.
        let listener = client.clone();
        let mut connected = std::pin::pin!(listener.wait_for_connect());
        let early = futures_util::poll!(&mut connected);
        let mut driver = Driver(client.connect());
        let ended = match early {
            Poll::Ready(ended) => Ok(ended),
            Poll::Pending => timeout(CONNECT_MAX, connected).await,
        };
        match ended {
            Ok(Ok(())) => {}
            // What is announced is not always the reason; what the driver ends with is.
            Ok(Err(error)) => {
                return Err(match timeout(REASON_MAX, &mut driver.0).await {
                    Ok(Ok(Err(reason))) => Broken::of(&reason),
                    Ok(Ok(Ok(())) | Err(_)) | Err(_) => Broken::of(&error),
                });
            }
            Err(_) => return Err(Broken::timeout()),
        }
        Ok(Connection { address: address.into(), client, driver, broken: AtomicBool::new(false) })
    }
}

/// The host and port of an address; an IPv6 host may stand in brackets or not.
fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    Some((host.trim_start_matches('[').trim_end_matches(']'), port.parse().ok()?))
}

/// A connection to one node.
pub(crate) struct Connection {
    pub(crate) address: Arc<str>,
    client: Client,
    driver: Driver,
    broken: AtomicBool,
}

/// The task that drives a connection. It ends with its owner, also one that gives up while it connects: nobody would ever close that connection.
struct Driver(JoinHandle<Result<(), Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// Nobody may use it any more.
    pub(crate) fn discard(&self) {
        self.broken.store(true, Ordering::Relaxed);
        self.driver.0.abort();
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed) || self.driver.0.is_finished()
    }

    /// Sends commands in one go; an answer each. A connection that does not answer all of them in time is discarded.
    pub(crate) async fn pipeline(
        &self,
        commands: &[&Command],
        within: Duration,
    ) -> Result<Vec<Result<Value, Fault>>, Broken> {
        let pipeline = self.client.pipeline();
        for command in commands {
            // Queued in memory: the answer to this is nothing.
            let queued: Result<(), Error> = pipeline.custom(custom(command.name), arguments(command)).await;
            queued.map_err(|error| Broken::of(&error))?;
        }
        let Ok(answers) = timeout(within, pipeline.try_all::<fred::types::Value>()).await else {
            return Err(self.fail(Broken::timeout()));
        };
        let short = answers.len() != commands.len();
        let mut read = Vec::with_capacity(answers.len());
        for answer in answers {
            match answer {
                Ok(value) => read.push(Ok(value.into())),
                Err(error) if is_reply(&error) => read.push(Err(Fault::parse(error.details()))),
                Err(error) => return Err(self.fail(Broken::of(&error))),
            }
        }
        if short {
            return Err(self.fail(Broken::closed()));
        }
        Ok(read)
    }

    /// Sends one command.
    pub(crate) async fn command(&self, command: &Command, within: Duration) -> Result<Result<Value, Fault>, Broken> {
        let sent = self.client.custom::<fred::types::Value, _>(custom(command.name), arguments(command));
        match timeout(within, sent).await {
            Ok(Ok(value)) => Ok(Ok(value.into())),
            Ok(Err(error)) if is_reply(&error) => Ok(Err(Fault::parse(error.details()))),
            Ok(Err(error)) => Err(self.fail(Broken::of(&error))),
            Err(_) => Err(self.fail(Broken::timeout())),
        }
    }

    /// Leaves a channel.
    pub(crate) async fn leave(&self, channel: &Bytes, within: Duration) -> Result<(), Broken> {
        let channel = String::from_utf8_lossy(channel).into_owned();
        match timeout(within, self.client.sunsubscribe(channel)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.fail(Broken::of(&error))),
            Err(_) => Err(self.fail(Broken::timeout())),
        }
    }

    /// What is published on the channels that were subscribed.
    pub(crate) fn messages(&self) -> broadcast::Receiver<Message> {
        self.client.message_rx()
    }

    fn fail(&self, broken: Broken) -> Broken {
        self.discard();
        broken
    }
}

fn custom(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, ClusterHash::Random, false)
}

fn arguments(command: &Command) -> Vec<fred::types::Value> {
    command.args.iter().cloned().map(fred::types::Value::Bytes).collect()
}

/// Whether the server said it, in answer to the command; `CLUSTERDOWN` alone ends the connection, too.
fn is_reply(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Unknown
        | ErrorKind::Cluster
        | ErrorKind::Auth
        | ErrorKind::InvalidArgument
        | ErrorKind::InvalidCommand
        | ErrorKind::NotFound => true,
        ErrorKind::Config => error.details().contains("cluster support disabled"),
        ErrorKind::IO
        | ErrorKind::Routing
        | ErrorKind::Url
        | ErrorKind::Protocol
        | ErrorKind::Tls
        | ErrorKind::Canceled
        | ErrorKind::Timeout
        | ErrorKind::Parse
        | ErrorKind::Sentinel
        | ErrorKind::Backpressure => false,
    }
}

impl From<fred::types::Value> for Value {
    fn from(value: fred::types::Value) -> Self {
        use fred::types::Value as Wire;
        match value {
            Wire::Boolean(yes) => Self::Integer(i64::from(yes)),
            Wire::Integer(number) => Self::Integer(number),
            Wire::Double(number) => Self::Integer(number as i64),
            Wire::String(text) => Self::Bytes(text.into_inner()),
            Wire::Bytes(bytes) => Self::Bytes(bytes),
            Wire::Null | Wire::Queued => Self::Null,
            Wire::Map(map) => Self::Array(
                map.inner()
                    .into_iter()
                    .flat_map(|(key, value)| [Self::Bytes(Bytes::copy_from_slice(key.as_bytes())), value.into()])
                    .collect(),
            ),
            Wire::Array(values) => Self::Array(values.into_iter().map(Self::from).collect()),
        }
    }
}
