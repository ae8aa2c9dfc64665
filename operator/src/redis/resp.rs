//! As much of a Redis client as the operator needs: a question, an answer, both bounded in size and in time.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
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

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing came within a second.
    #[error("no answer within a second")]
    Late,
    /// The connection failed.
    #[error("the connection failed")]
    Io(#[from] std::io::Error),
    /// The answer is no Redis's, or too long.
    #[error("the answer is not what Redis would say")]
    Nonsense,
    /// Redis says no, in its words.
    #[error("{0}")]
    Refused(String),
}

/// A connection to a node.
#[derive(Debug)]
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr, credentials: Option<&Credentials>) -> Result<Self, AskError> {
        let stream = timeout(WITHIN, TcpStream::connect(address)).await.map_err(|_| AskError::Late)??;
        let mut connection = Self { stream: BufReader::new(stream) };
        if let Some(Credentials { user, password }) = credentials {
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
