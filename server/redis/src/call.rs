//! A call of a function on a partition, and how it may end.

use bytes::Bytes;

/// A call of one of the library's functions. All keys are in one partition.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name as in the library's source.
    pub function: &'static str,
    /// Every key that it touches.
    pub keys: Vec<Bytes>,
    /// The rest.
    pub args: Vec<Bytes>,
}

/// What a function answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: Lua's `false` or `nil`.
    Null,
    /// A number; Lua's are cut to integers.
    Integer(i64),
    /// A string.
    Bytes(Bytes),
    /// A table.
    Array(Vec<Value>),
}

impl Value {
    /// The number it is, or is the decimal form of.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
            Self::Null | Self::Array(_) => None,
        }
    }

    /// The number it is, if it is a count.
    pub fn as_count(&self) -> Option<u64> {
        self.as_integer().and_then(|number| u64::try_from(number).ok())
    }

    /// The string it is.
    pub fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Null | Self::Integer(_) | Self::Array(_) => None,
        }
    }

    /// The table it is.
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(values) => Some(values),
            Self::Null | Self::Integer(_) | Self::Bytes(_) => None,
        }
    }

    /// The table it is, to be taken apart.
    pub fn into_array(self) -> Option<Vec<Value>> {
        match self {
            Self::Array(values) => Some(values),
            Self::Null | Self::Integer(_) | Self::Bytes(_) => None,
        }
    }
}

/// A write that counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What the function answered, the last time it was called.
    pub value: Value,
    /// Every replica that may be elected has it, too.
    pub replicated: bool,
}

/// Why a write does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The master cannot be reached, or too much waits for it. Nothing was written.
    #[error("redis cannot be reached")]
    Unavailable,
    /// It may have been written or not, or be undone by a failover.
    #[error("the outcome of the write is unknown")]
    Unknown,
    /// The master has no replica that follows, and that is not allowed. Nothing was written.
    #[error("the master has no replica")]
    Unreplicated,
    /// The server's memory is full. Nothing was written.
    #[error("redis is out of memory")]
    OutOfMemory,
    /// The function or the server said no.
    #[error("redis refuses: {0}")]
    Refused(String),
}

/// Why a read has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The master cannot be reached.
    #[error("redis cannot be reached")]
    Unavailable,
    /// The function or the server said no.
    #[error("redis refuses: {0}")]
    Refused(String),
}
