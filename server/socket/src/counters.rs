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
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedBy {
    BadRequest,
    UnknownSid,
    Origin,
    Connections,
    Unauthenticated,
    Application,
    TooLarge,
    SlowBody,
}

impl RefusedBy {
    const ALL: [Self; 8] = [
        Self::BadRequest,
        Self::UnknownSid,
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
            Self::Origin => "origin",
            Self::Connections => "connections",
            Self::Unauthenticated => "unauthenticated",
            Self::Application => "application",
            Self::TooLarge => "too_large",
            Self::SlowBody => "slow_body",
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
        };
        registry.register(Box::new(counters.connections.clone()))?;
        registry.register(Box::new(counters.unauthenticated.clone()))?;
        registry.register(Box::new(counters.opened.clone()))?;
        registry.register(Box::new(counters.upgraded.clone()))?;
        registry.register(Box::new(counters.closed.clone()))?;
        registry.register(Box::new(counters.refused.clone()))?;
        registry.register(Box::new(counters.repeated.clone()))?;
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
        Ok(counters)
    }

    pub(crate) fn refused(&self, reason: RefusedBy) {
        self.refused.with_label_values(&[reason.name()]).inc();
    }

    pub(crate) fn transport(websocket: bool) -> &'static str {
        if websocket { "websocket" } else { "polling" }
    }
}
