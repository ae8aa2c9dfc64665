//! The smallest client of Redis that serves here: one command at a time over a node's Unix socket.
//!
//! The Unix socket lets commands through whatever was done to the node's network, and needs no TLS.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// A node that does not answer in this time is taken for stopped.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// What a node says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Text(String),
    Error(String),
    Nil,
    Array(Vec<Reply>),
}

pub(super) struct Client(BufReader<UnixStream>);

impl Client {
    pub(super) fn connect(socket: &Path, password: Option<&str>) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        let mut client = Self(BufReader::new(stream));
        if let Some(password) = password {
            client.call(&["AUTH", password])?.into_text()?;
        }
        Ok(client)
    }

    pub(super) fn call(&mut self, command: &[&str]) -> io::Result<Reply> {
        let mut request = Vec::new();
        write!(request, "*{}\r\n", command.len())?;
        for word in command {
            write!(request, "${}\r\n{word}\r\n", word.len())?;
        }
        self.0.get_mut().write_all(&request)?;
        self.reply()
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        let (kind, rest) = line.split_at_checked(1).ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let strange = || io::Error::new(io::ErrorKind::InvalidData, line.to_owned());
        let count = || rest.parse::<usize>().map_err(|_| strange());
        match kind {
            "+" | ":" => Ok(Reply::Text(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            "$" | "*" if rest == "-1" => Ok(Reply::Nil),
            "$" => {
                let mut bytes = vec![0; count()? + 2];
                self.0.read_exact(&mut bytes)?;
                bytes.truncate(bytes.len() - 2);
                Ok(Reply::Text(String::from_utf8_lossy(&bytes).into_owned()))
            }
            "*" => (0..count()?).map(|_| self.reply()).collect::<io::Result<_>>().map(Reply::Array),
            _ => Err(strange()),
        }
    }
}

impl Reply {
    /// The reply as text: an array's elements stand in lines, nil is empty, an error is one.
    pub(super) fn into_text(self) -> io::Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Error(text) => Err(io::Error::other(text)),
            Self::Nil => Ok(String::new()),
            Self::Array(replies) => {
                let lines: Vec<_> = replies.into_iter().map(Self::into_text).collect::<io::Result<_>>()?;
                Ok(lines.join("\n"))
            }
        }
    }
}
