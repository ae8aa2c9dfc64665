//! What stands between the operator and the API server in these tests: it counts, and it ends an operator before any of its writes.

use futures_util::future::Either;
use http::{Method, Request, Response};
use kube::client::Body;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tower::{BoxError, Layer, Service};

/// Counts questions and writes. Watches are neither.
#[derive(Clone, Debug)]
pub(crate) struct Gate(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    reads: AtomicUsize,
    writes: AtomicUsize,
    /// The operator is dead before its next write.
    ends_after: usize,
}

impl Gate {
    /// Lets so many writes through; after them the operator is as good as killed.
    pub(crate) fn new(ends_after: usize) -> Self {
        Self(Arc::new(Counts { reads: AtomicUsize::new(0), writes: AtomicUsize::new(0), ends_after }))
    }

    pub(crate) fn reads(&self) -> usize {
        self.0.reads.load(Ordering::SeqCst)
    }

    pub(crate) fn writes(&self) -> usize {
        self.0.writes.load(Ordering::SeqCst)
    }

    /// Whether there was a write that it did not let through.
    pub(crate) fn is_shut(&self) -> bool {
        self.writes() > self.0.ends_after
    }

    fn lets<B>(&self, request: &Request<B>) -> bool {
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch=true"));
        match *request.method() {
            Method::GET if is_watch => {}
            Method::GET => drop(self.0.reads.fetch_add(1, Ordering::SeqCst)),
            _ => drop(self.0.writes.fetch_add(1, Ordering::SeqCst)),
        }
        !self.is_shut()
    }
}

impl<S> Layer<S> for Gate {
    type Service = Gated<S>;

    fn layer(&self, inner: S) -> Gated<S> {
        Gated { gate: self.clone(), inner }
    }
}

/// A client behind the gate.
#[derive(Clone, Debug)]
pub(crate) struct Gated<S> {
    gate: Gate,
    inner: S,
}

impl<S, B> Service<Request<Body>> for Gated<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<Response<B>, BoxError>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if self.gate.lets(&request) {
            Either::Left(self.inner.call(request))
        } else {
            Either::Right(ready(Err("the operator was killed".into())))
        }
    }
}
