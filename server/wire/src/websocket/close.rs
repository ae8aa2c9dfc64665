//! The body of close frames (RFC 6455, 5.5.1 and 7.4).

use super::violation::Violation;

/// Close codes that a server of ours sends (RFC 6455, 7.4.1).
pub mod code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The server goes away.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A text that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// The peer broke a rule that has no code of its own.
    pub const POLICY: u16 = 1008;
    /// A message above the maximum.
    pub const TOO_LARGE: u16 = 1009;
    /// The server failed.
    pub const INTERNAL: u16 = 1011;
    /// The server is overloaded; try again later.
    pub const TRY_AGAIN: u16 = 1013;
}

/// A peer's reason to close. A frame without a body has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close<'a> {
    /// A code that may stand on the wire.
    pub code: u16,
    /// Text for people; often empty.
    pub reason: &'a str,
}

impl<'a> Close<'a> {
    pub(super) fn decode(payload: &'a [u8]) -> Result<Option<Self>, Violation> {
        match payload {
            [] => Ok(None),
            [_] => Err(Violation::ClosePayload),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !may_be_sent(code) {
                    return Err(Violation::CloseCode);
                }
                let reason = simdutf8::basic::from_utf8(reason).map_err(|_| Violation::Utf8)?;
                Ok(Some(Self { code, reason }))
            }
        }
    }
}

/// The codes of the RFC and of IANA's registry, and the ranges for libraries and applications. 1004 to 1006 and 1015
/// have meanings but never stand on the wire.
pub(super) fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
