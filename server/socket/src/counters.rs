//! What the sockets count. Labels come from closed sets.

use crate::CloseReason;
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// The counters of one server of sockets.
#[derive(Clone)]
pub struct Counters {
    /// Connections that are open now, by transport.
    pub connections: IntGaugeVec,
    /// Connections without a connected namespace.
    pub unauthenticated: IntGauge,
    /// Connections that were opened, by their first transport.
    pub opened: IntCounterVec,
    /// Sessions that moved from polling to WebSocket.
    pub upgraded: IntCounter,
    /// Connections that ended, by reason.
    pub closed: IntCounterVec,
    /// Handshakes and polling requests that were refused, by reason.
    pub refused: IntCounterVec,
    /// Polling requests that came again and were answered as the first time.
    pub repeated: IntCounter,
    /// Polling requests that were forwarded to the session's owner, by outcome.
    pub forwarded: IntCounterVec,
    /// Sessions that moved between servers, by outcome.
    pub moved: IntCounterVec,
    /// Times that a connection was read no further since it had as many requests under way as one may have.
    pub crowded: IntCounter,
    /// Limits that were reached, by name: those of the sockets ([`Bound`]), and those of the application.
    pub limits: IntCounterVec,
}

/// A limit that the sockets keep. The names are those of their settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Connections at once.
    Connections,
    /// Connections without a connected namespace.
    Unauthenticated,
    /// The time to connect one.
    ConnectTimeout,
    /// The time of an upgrade.
    UpgradeTimeout,
    /// The time of a request's head.
    HeaderTimeout,
    /// The time of a request's body.
    BodyTimeout,
    /// The time without reading.
    StallTimeout,
    /// The size of a message or payload.
    Payload,
}

impl Bound {
    const ALL: [Self; 8] = [
        Self::Connections,
        Self::Unauthenticated,
        Self::ConnectTimeout,
        Self::UpgradeTimeout,
        Self::HeaderTimeout,
        Self::BodyTimeout,
        Self::StallTimeout,
        Self::Payload,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Connections => "max_connections",
            Self::Unauthenticated => "max_unauthenticated",
            Self::ConnectTimeout => "connect_timeout",
            Self::UpgradeTimeout => "upgrade_timeout",
            Self::HeaderTimeout => "header_timeout",
            Self::BodyTimeout => "body_timeout",
            Self::StallTimeout => "stall_timeout",
            Self::Payload => "max_payload",
        }
    }
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedBy {
    BadRequest,
    UnknownSid,
    ForgedSid,
    Origin,
    Connections,
    Unauthenticated,
    Application,
    TooLarge,
    SlowBody,
}

impl RefusedBy {
    const ALL: [Self; 9] = [
        Self::BadRequest,
        Self::UnknownSid,
        Self::ForgedSid,
        Self::Origin,
        Self::Connections,
        Self::Unauthenticated,
        Self::Application,
        Self::TooLarge,
        Self::SlowBody,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::UnknownSid => "unknown_sid",
            Self::ForgedSid => "forged_sid",
            Self::Origin => "origin",
            Self::Connections => "connections",
            Self::Unauthenticated => "unauthenticated",
            Self::Application => "application",
            Self::TooLarge => "too_large",
            Self::SlowBody => "slow_body",
        }
    }
}

/// What became of a request that was forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ForwardedAs {
    /// The owner has answered, whatever it said.
    Answered,
    /// There is no such owner, or no such session on it.
    Gone,
    /// The owner did not answer.
    Slow,
    /// The client has broken the request off.
    BrokenOff,
}

impl ForwardedAs {
    const ALL: [Self; 4] = [Self::Answered, Self::Gone, Self::Slow, Self::BrokenOff];

    const fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::BrokenOff => "broken_off",
        }
    }
}

/// What became of a session that was to move between servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MovedAs {
    /// It came here.
    Taken,
    /// It was given away.
    Given,
    /// It was to come here, but there is no such owner, or no such session on it.
    Gone,
    /// It was to come here, but its owner did not answer.
    Slow,
    /// It came here, and could not be made sense of or had no place.
    Refused,
    /// It was to be given away, but was in the middle of something for too long, or nobody waited for it any more.
    Kept,
    /// A WebSocket probed for it and went away without taking it.
    ProbeLost,
}

impl MovedAs {
    const ALL: [Self; 7] =
        [Self::Taken, Self::Given, Self::Gone, Self::Slow, Self::Refused, Self::Kept, Self::ProbeLost];

    const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Given => "given",
            Self::Gone => "gone",
            Self::Slow => "slow",
            Self::Refused => "refused",
            Self::Kept => "kept",
            Self::ProbeLost => "probe_lost",
        }
    }
}

impl Counters {
    /// Makes the counters and registers them, every row at zero from the start.
    pub fn new(registry: &Registry) -> prometheus::Result<Self> {
        let counters = Self {
            connections: IntGaugeVec::new(
                Opts::new("chat_connections", "Connections that are open now, by transport."),
                &["transport"],
            )?,
            unauthenticated: IntGauge::new(
                "chat_connections_unauthenticated",
                "Connections that have not connected a namespace yet.",
            )?,
            opened: IntCounterVec::new(
                Opts::new("chat_connections_opened_total", "Connections opened, by their first transport."),
                &["transport"],
            )?,
            upgraded: IntCounter::new(
                "chat_connections_upgraded_total",
                "Sessions that moved from polling to WebSocket.",
            )?,
            closed: IntCounterVec::new(
                Opts::new("chat_connections_closed_total", "Connections that ended, by reason."),
                &["reason"],
            )?,
            refused: IntCounterVec::new(
                Opts::new("chat_requests_refused_total", "Handshakes and polling requests refused, by reason."),
                &["reason"],
            )?,
            repeated: IntCounter::new(
                "chat_requests_repeated_total",
                "Polling requests that came again and were answered as the first time.",
            )?,
            forwarded: IntCounterVec::new(
                Opts::new(
                    "chat_requests_forwarded_total",
                    "Polling requests forwarded to the server that owns the session, by outcome.",
                ),
                &["outcome"],
            )?,
            moved: IntCounterVec::new(
                Opts::new(
                    "chat_sessions_moved_total",
                    "Sessions that were to move between servers at the upgrade to a WebSocket, by outcome on this server.",
                ),
                &["outcome"],
            )?,
            crowded: IntCounter::new(
                "chat_connections_crowded_total",
                "Times that a connection was read no further since it had as many requests under way as one may have.",
            )?,
            limits: IntCounterVec::new(
                Opts::new("chat_limits_reached_total", "Limits that were reached, by the setting's name."),
                &["limit"],
            )?,
        };
        registry.register(Box::new(counters.connections.clone()))?;
        registry.register(Box::new(counters.unauthenticated.clone()))?;
        registry.register(Box::new(counters.opened.clone()))?;
        registry.register(Box::new(counters.upgraded.clone()))?;
        registry.register(Box::new(counters.closed.clone()))?;
        registry.register(Box::new(counters.refused.clone()))?;
        registry.register(Box::new(counters.repeated.clone()))?;
        registry.register(Box::new(counters.forwarded.clone()))?;
        registry.register(Box::new(counters.moved.clone()))?;
        registry.register(Box::new(counters.crowded.clone()))?;
        registry.register(Box::new(counters.limits.clone()))?;
        for bound in Bound::ALL {
            counters.limits.with_label_values(&[bound.name()]).reset();
        }
        for transport in ["polling", "websocket"] {
            counters.connections.with_label_values(&[transport]).set(0);
            counters.opened.with_label_values(&[transport]).reset();
        }
        for reason in CloseReason::ALL {
            counters.closed.with_label_values(&[reason.name()]).reset();
        }
        for reason in RefusedBy::ALL {
            counters.refused.with_label_values(&[reason.name()]).reset();
        }
        for outcome in ForwardedAs::ALL {
            counters.forwarded.with_label_values(&[outcome.name()]).reset();
        }
        for outcome in MovedAs::ALL {
            counters.moved.with_label_values(&[outcome.name()]).reset();
        }
        Ok(counters)
    }

    pub(crate) fn forwarded(&self, outcome: ForwardedAs) {
        self.forwarded.with_label_values(&[outcome.name()]).inc();
    }

    pub(crate) fn moved(&self, outcome: MovedAs) {
        self.moved.with_label_values(&[outcome.name()]).inc();
    }

    pub(crate) fn refused(&self, reason: RefusedBy) {
        self.refused.with_label_values(&[reason.name()]).inc();
        match reason {
            RefusedBy::Connections => self.reached(Bound::Connections),
            RefusedBy::Unauthenticated => self.reached(Bound::Unauthenticated),
            RefusedBy::TooLarge => self.reached(Bound::Payload),
            RefusedBy::SlowBody => self.reached(Bound::BodyTimeout),
            RefusedBy::BadRequest
            | RefusedBy::UnknownSid
            | RefusedBy::ForgedSid
            | RefusedBy::Origin
            | RefusedBy::Application => {}
        }
    }

    pub(crate) fn closed(&self, reason: CloseReason) {
        self.closed.with_label_values(&[reason.name()]).inc();
        match reason {
            CloseReason::ConnectTimeout => self.reached(Bound::ConnectTimeout),
            CloseReason::Stalled => self.reached(Bound::StallTimeout),
            CloseReason::TooLarge => self.reached(Bound::Payload),
            CloseReason::Client
            | CloseReason::TransportLost
            | CloseReason::PingTimeout
            | CloseReason::BadInput
            | CloseReason::BadText
            | CloseReason::BrokenRule
            | CloseReason::PollingBroken
            | CloseReason::Server
            | CloseReason::TakenOver
            | CloseReason::Moved => {}
        }
    }

    /// A limit was reached.
    pub fn reached(&self, bound: Bound) {
        self.limits.with_label_values(&[bound.name()]).inc();
    }

    pub(crate) fn transport(websocket: bool) -> &'static str {
        if websocket { "websocket" } else { "polling" }
    }
}
