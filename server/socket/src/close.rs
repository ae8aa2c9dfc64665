//! Why a connection ended: a closed set, for logs and the label of a counter.

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client closed, by a close frame, a close packet or `41` on its last namespace.
    Client,
    /// The transport ended or failed: end of stream, reset.
    TransportLost,
    /// No pong came in time.
    PingTimeout,
    /// The client took no byte for the whole stall time while there was something to send.
    Stalled,
    /// No namespace was connected within the connect timeout.
    ConnectTimeout,
    /// A frame, payload or packet that the protocol forbids.
    BadInput,
    /// Text that is not UTF-8.
    BadText,
    /// A WebSocket message in too many fragments.
    BrokenRule,
    /// A message or payload above its limit.
    TooLarge,
    /// A polling request was cancelled, or two of a kind were under way at once.
    PollingBroken,
    /// The application ended it, to have the client come back elsewhere or later (drain, overload, take-over).
    Server,
    /// Another connection took the session over.
    TakenOver,
    /// The session goes on at another server.
    Moved,
}

impl CloseReason {
    /// All reasons, in the order of the counter's rows.
    pub const ALL: [Self; 13] = [
        Self::Client,
        Self::TransportLost,
        Self::PingTimeout,
        Self::Stalled,
        Self::ConnectTimeout,
        Self::BadInput,
        Self::BadText,
        Self::BrokenRule,
        Self::TooLarge,
        Self::PollingBroken,
        Self::Server,
        Self::TakenOver,
        Self::Moved,
    ];

    /// The label in metrics and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::TransportLost => "transport_lost",
            Self::PingTimeout => "ping_timeout",
            Self::Stalled => "stalled",
            Self::ConnectTimeout => "connect_timeout",
            Self::BadInput => "bad_input",
            Self::BadText => "bad_text",
            Self::BrokenRule => "broken_rule",
            Self::TooLarge => "too_large",
            Self::PollingBroken => "polling_broken",
            Self::Server => "server",
            Self::TakenOver => "taken_over",
            Self::Moved => "moved",
        }
    }

    /// The WebSocket close code that says it (RFC 6455, section 7.4.1).
    pub(crate) const fn code(self) -> u16 {
        match self {
            Self::Client => 1000,
            Self::TransportLost
            | Self::PingTimeout
            | Self::Stalled
            | Self::Server
            | Self::PollingBroken
            | Self::Moved => 1001,
            Self::ConnectTimeout | Self::TakenOver | Self::BrokenRule => 1008,
            Self::BadInput => 1002,
            Self::BadText => 1007,
            Self::TooLarge => 1009,
        }
    }
}
