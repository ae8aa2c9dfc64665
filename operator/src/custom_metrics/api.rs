//! Answers requests: discovery to everybody, metrics to those who may.

use super::access::{Access, NoAccess};
use super::documents::{self, Metric};
use super::figures::{Figures, NoFigure};
use super::path::{Path, Wanted, path};
use super::selector::{NoSelector, selector};
use super::trust::{Trust, claim};
use crate::metrics::Metrics;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode, request};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// Any object.
const ANY: &str = "*";

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A metric was given.
    Ok,
    /// A document of discovery was given.
    Discovery,
    /// There is no such thing.
    NotFound,
    /// It makes no sense.
    Bad,
    /// Nobody knows who asks.
    Unauthenticated,
    /// It may not.
    Forbidden,
    /// A server is silent, or the operator has just begun.
    Unavailable,
    /// The API server does not say who asks, or whether it may.
    Unsaid,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Discovery,
        Self::NotFound,
        Self::Bad,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::Unavailable,
        Self::Unsaid,
    ];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Discovery => "discovery",
            Self::NotFound => "not_found",
            Self::Bad => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Unavailable => "unavailable",
            Self::Unsaid => "unsaid",
        }
    }
}

/// Why a request is refused, in words for a person.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(transparent)]
    Access(#[from] NoAccess),
    #[error(transparent)]
    Figure(#[from] NoFigure),
    #[error(transparent)]
    Selector(#[from] NoSelector),
    #[error("{0} has no metrics here; {1} has")]
    Resource(String, String),
    #[error("there is no metric {0} of ChatClusters; there are {1}")]
    Metric(String, String),
    #[error("{0} has no labels: leave the metric selector out")]
    MetricSelector(&'static str),
    #[error("there is nothing at {0}")]
    Path(String),
    #[error("metrics are read: GET is all that there is")]
    Method,
}

impl Refusal {
    fn code(&self) -> (StatusCode, Outcome) {
        match self {
            Self::Access(NoAccess::Nobody | NoAccess::Token) => (StatusCode::UNAUTHORIZED, Outcome::Unauthenticated),
            Self::Access(NoAccess::Forbidden { .. }) => (StatusCode::FORBIDDEN, Outcome::Forbidden),
            Self::Access(NoAccess::Unsaid(_)) => (StatusCode::SERVICE_UNAVAILABLE, Outcome::Unsaid),
            Self::Access(NoAccess::Crowded) => (StatusCode::TOO_MANY_REQUESTS, Outcome::Unsaid),
            Self::Figure(NoFigure::Unseen | NoFigure::Silent { .. }) => {
                (StatusCode::SERVICE_UNAVAILABLE, Outcome::Unavailable)
            }
            Self::Figure(NoFigure::Missing { .. } | NoFigure::Elsewhere { .. })
            | Self::Resource(..)
            | Self::Metric(..)
            | Self::Path(_) => (StatusCode::NOT_FOUND, Outcome::NotFound),
            Self::Selector(_) | Self::MetricSelector(_) => (StatusCode::BAD_REQUEST, Outcome::Bad),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, Outcome::Bad),
        }
    }
}

/// The API.
pub struct MetricsApi {
    /// Who may ask.
    pub access: Access,
    /// What there is to be answered.
    pub figures: Figures,
    /// What was.
    pub metrics: Arc<Metrics>,
}

impl MetricsApi {
    /// Answers a request that came over a connection with such a client certificate, if with any.
    pub async fn answer(
        &self,
        head: &request::Parts,
        trust: Option<&Trust>,
        common_name: Option<&str>,
    ) -> Response<Full<Bytes>> {
        let (code, outcome, document) = match self.document(head, trust, common_name).await {
            Ok((outcome, document)) => (StatusCode::OK, outcome, document),
            Err(refusal) => {
                let (code, outcome) = refusal.code();
                let message = refusal.to_string();
                tracing::debug!(path = head.uri.path(), message, "a request of the metrics API is refused");
                (code, outcome, documents::status(code, &message))
            }
        };
        self.metrics.asked(outcome);
        let mut response = Response::new(Full::new(document.to_string().into()));
        *response.status_mut() = code;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn document(
        &self,
        head: &request::Parts,
        trust: Option<&Trust>,
        common_name: Option<&str>,
    ) -> Result<(Outcome, Value), Refusal> {
        if head.method != Method::GET && head.method != Method::HEAD {
            return Err(Refusal::Method);
        }
        match path(head.uri.path()) {
            Path::Group => Ok((Outcome::Discovery, documents::group())),
            Path::Resources(version) => Ok((Outcome::Discovery, documents::resources(version))),
            Path::Metric(wanted) => {
                let who = self.access.who(claim(trust, common_name, &head.headers)).await?;
                self.access.may(&who, &wanted).await?;
                Ok((Outcome::Ok, self.values(&wanted, head.uri.query().unwrap_or_default())?))
            }
            Path::Elsewhere => Err(Refusal::Path(head.uri.path().to_owned())),
        }
    }

    fn values(&self, wanted: &Wanted, query: &str) -> Result<Value, Refusal> {
        let Wanted { version, namespace, resource, name, metric } = wanted;
        if *resource != documents::resource() {
            return Err(Refusal::Resource(resource.clone(), documents::resource()));
        }
        let metric = Metric::of(metric)
            .ok_or_else(|| Refusal::Metric(metric.clone(), Metric::ALL.map(Metric::name).join(" and ")))?;
        let parameter = |name: &str| {
            form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
        };
        if parameter("metricLabelSelector").is_some_and(|selector| !selector.is_empty()) {
            return Err(Refusal::MetricSelector(metric.name()));
        }
        let now = Timestamp::now();
        let figures = if name == ANY {
            self.figures.all(namespace, &selector(&parameter("labelSelector").unwrap_or_default())?, now)?
        } else {
            vec![self.figures.one(namespace, name, now)?]
        };
        Ok(documents::values(*version, namespace, metric, &figures))
    }
}
