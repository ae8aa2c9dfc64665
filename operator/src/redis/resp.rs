//! As much of a Redis client as the operator needs: a question, an answer, both bounded in size and in time.

use super::tls::Tls;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection and each answer may take.
const WITHIN: Duration = Duration::from_secs(1);

/// How long an answer may be: `CLUSTER NODES` of a thousand nodes fits.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// How long the first line of an answer may be.
const LINE_BYTES_MAX: u64 = 4 << 10;

/// Who asks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials {
    /// The ACL user, if it is not the default one.
    pub user: Option<String>,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// How a node is to be asked.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// What it is told first.
    pub credentials: Option<Credentials>,
    /// Where it is asked by TLS.
    pub tls: Option<Tls>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing came within a second.
    #[error("no answer within a second")]
    Late,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    /// There was somebody, but no TLS that could be trusted.
    #[error("TLS fails: {0}")]
    Tls(#[source] std::io::Error),
    /// The answer is no Redis's, or too long.
    #[error("the answer is not what Redis would say")]
    Nonsense,
    /// Redis says no, in its words.
    #[error("{0}")]
    Refused(String),
}

/// What bytes go over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection to a node.
pub(super) struct Connection {
    stream: BufReader<Box<dyn Stream>>,
}

impl Connection {
    /// Without password and TLS.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, AskError> {
        Self::open_as(address, "", &Access::default()).await
    }

    /// `host` is what a certificate has to be for.
    pub(super) async fn open_as(address: SocketAddr, host: &str, access: &Access) -> Result<Self, AskError> {
        let plain = timeout(WITHIN, TcpStream::connect(address)).await.map_err(|_| AskError::Late)??;
        let stream: Box<dyn Stream> = match &access.tls {
            None => Box::new(plain),
            Some(tls) => {
                let handshake = timeout(WITHIN, tls.connect(host, plain));
                Box::new(handshake.await.map_err(|_| AskError::Late)?.map_err(AskError::Tls)?)
            }
        };
        let mut connection = Self { stream: BufReader::new(stream) };
        if let Some(Credentials { user, password }) = &access.credentials {
            let auth = ["AUTH"].into_iter().chain(user.as_deref()).chain([password.as_str()]);
            connection.ask(&auth.collect::<Vec<_>>()).await?;
        }
        Ok(connection)
    }

    /// Asks, and gives back the text of the answer.
    pub(super) async fn ask(&mut self, words: &[&str]) -> Result<String, AskError> {
        timeout(WITHIN, self.exchange(words)).await.map_err(|_| AskError::Late)?
    }

    async fn exchange(&mut self, words: &[&str]) -> Result<String, AskError> {
        let mut question = format!("*{}\r\n", words.len());
        for word in words {
            for part in ["$", &word.len().to_string(), "\r\n", word, "\r\n"] {
                question.push_str(part);
            }
        }
        self.stream.write_all(question.as_bytes()).await?;
        self.stream.flush().await?;
        let mut line = Vec::new();
        (&mut self.stream).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
        let line = String::from_utf8(line).map_err(|_| AskError::Nonsense)?;
        let line = line.strip_suffix("\r\n").ok_or(AskError::Nonsense)?;
        let rest = line.get(1..).ok_or(AskError::Nonsense)?;
        match line.as_bytes()[0] {
            b'+' | b':' => Ok(rest.to_owned()),
            b'-' => Err(AskError::Refused(rest.to_owned())),
            b'$' => self.bulk(rest.parse().map_err(|_| AskError::Nonsense)?).await,
            _ => Err(AskError::Nonsense),
        }
    }

    async fn bulk(&mut self, length: usize) -> Result<String, AskError> {
        if length > ANSWER_BYTES_MAX {
            return Err(AskError::Nonsense);
        }
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text).await?;
        text.truncate(length);
        String::from_utf8(text).map_err(|_| AskError::Nonsense)
    }
}
