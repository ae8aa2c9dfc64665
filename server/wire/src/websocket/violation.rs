//! The ways in which a peer can break the framing.

use super::close::code;

/// Why a connection must be closed; [`Violation::close_code`] says with which code. There is no way on after one: the
/// place of the next frame is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit is set, though no extension was agreed (RFC 6455, 5.2).
    #[error("a reserved bit is set")]
    ReservedBits,
    /// An opcode that the RFC leaves for later.
    #[error("the opcode is reserved")]
    ReservedOpcode,
    /// A client's frame without a mask, or a server's with one (5.1).
    #[error("the frame is masked wrongly for its direction")]
    Masking,
    /// A control frame without the final bit (5.5).
    #[error("a control frame is fragmented")]
    FragmentedControl,
    /// A control frame of more than 125 bytes (5.5).
    #[error("a control frame is too long")]
    LongControl,
    /// A length that is not in its shortest form, or has its highest bit set (5.2).
    #[error("the length is encoded wrongly")]
    Length,
    /// A continuation frame where no message is open (5.4).
    #[error("a continuation without a start")]
    UnexpectedContinuation,
    /// A new data frame while a fragmented message is open (5.4).
    #[error("a message started inside another")]
    InterruptedMessage,
    /// More than [`crate::limits::FRAGMENTS_MAX`] frames in one message.
    #[error("a message has too many fragments")]
    TooManyFragments,
    /// A message longer than the given maximum; found on the header, before the bytes arrive.
    #[error("a message is too large")]
    TooLarge,
    /// A text message that is not UTF-8 (8.1).
    #[error("a text is not UTF-8")]
    Utf8,
    /// A close frame whose code may not be sent (7.4).
    #[error("the close code may not be sent")]
    CloseCode,
    /// A close frame of one byte, or whose reason is not UTF-8 (5.5.1).
    #[error("the close frame is malformed")]
    ClosePayload,
}

impl Violation {
    /// The code for the close frame that answers it.
    pub fn close_code(self) -> u16 {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::Masking
            | Self::FragmentedControl
            | Self::LongControl
            | Self::Length
            | Self::UnexpectedContinuation
            | Self::InterruptedMessage
            | Self::CloseCode
            | Self::ClosePayload => code::PROTOCOL_ERROR,
            Self::TooManyFragments => code::POLICY,
            Self::TooLarge => code::TOO_LARGE,
            Self::Utf8 => code::INVALID_DATA,
        }
    }

    /// A short, constant name for logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved_bits",
            Self::ReservedOpcode => "reserved_opcode",
            Self::Masking => "masking",
            Self::FragmentedControl => "fragmented_control",
            Self::LongControl => "long_control",
            Self::Length => "length",
            Self::UnexpectedContinuation => "unexpected_continuation",
            Self::InterruptedMessage => "interrupted_message",
            Self::TooManyFragments => "too_many_fragments",
            Self::TooLarge => "too_large",
            Self::Utf8 => "utf8",
            Self::CloseCode => "close_code",
            Self::ClosePayload => "close_payload",
        }
    }
}
