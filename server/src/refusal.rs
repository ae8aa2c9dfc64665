//! Why a request is refused: one closed set of codes, and the one place where inner errors become them.

use chat_log::{AppendError, ReadError};
use chat_session::Failed;
use chat_settings::{Limit, Limits};
use serde::Serialize;
use std::time::Duration;

/// The code of an error, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// No or no valid token.
    Unauthenticated,
    /// Not allowed to this user.
    Forbidden,
    /// No such room or entry.
    NotFound,
    /// The request is not as the protocol says.
    Invalid,
    /// Something is longer than its limit.
    TooLarge,
    /// Too much at once.
    RateLimited,
    /// Not possible now.
    Unavailable,
    /// It may have happened or not: send again with the same id.
    UnknownOutcome,
    /// It is there already, or is another's.
    Conflict,
}

impl Code {
    /// All codes, in the order of the counter's rows.
    pub const ALL: [Self; 9] = [
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Invalid,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::UnknownOutcome,
        Self::Conflict,
    ];

    /// Its name in answers and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Conflict => "conflict",
        }
    }
}

/// A refusal: what the client is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What was wrong and what to do, for people.
    pub message: String,
    /// When to try again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The limit that was reached, for the counter.
    #[serde(skip)]
    pub limit: Option<Limit>,
}

impl Refusal {
    /// A refusal that no limit made.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None, limit: None }
    }

    /// The request is not as the protocol says.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// A room that the request names is not there, or the session is not in it.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// Something is more than its limit.
    pub fn limit(code: Code, limit: Limit, limits: &Limits) -> Self {
        Self { limit: Some(limit), ..Self::new(code, limit.refusal(limits)) }
    }

    /// Too much at once.
    pub fn rate(limit: Limit, limits: &Limits, wait: Duration) -> Self {
        Self { retry_after_ms: Some(wait.as_millis() as u64 + 1), ..Self::limit(Code::RateLimited, limit, limits) }
    }
}

impl From<ReadError> for Refusal {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unavailable => Self::new(Code::Unavailable, "the room cannot be read now: try again"),
        }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Unavailable => Self::new(Code::Unavailable, "nothing was sent: try again with the same id"),
            AppendError::UnknownOutcome => {
                Self::new(Code::UnknownOutcome, "it may have been sent: send it again with the same id")
            }
            AppendError::TooLarge { max } => {
                Self::new(Code::TooLarge, format!("the message is longer than {max} bytes: send it in parts"))
            }
            AppendError::Full(bound) => Self::new(Code::Unavailable, format!("nothing was sent: {bound}")),
        }
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        let message = match failed {
            Failed::Refused => "nothing has changed: try again",
            Failed::Unknown | Failed::Fenced | Failed::Gone => "the session is over here: connect again",
        };
        Self::new(Code::Unavailable, message)
    }
}
