//! Takes connections: bounded in number, in the time that a handshake and a request's head may take, and in how long they are taken for granted. When
//! the front proxy's authorities or our certificates change, connections that were made before end after the request that is under way.

use super::api::MetricsApi;
use super::certificate::Certificates;
use super::tls::{Door, common_name};
use super::trust::Trust;
use crate::metrics::Metrics;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Connections at a time. The API server needs one for each request that is under way.
const CONNECTIONS_MAX: usize = 256;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How long a connection may be without a request: longer than the API server keeps one that it does not use.
const IDLE: Duration = Duration::from_secs(120);

/// The longest head of a request, in bytes: there may be many groups in it.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// The rest after a failed accept: the process has run out of something.
const AFTER_ERROR: Duration = Duration::from_millis(100);

/// What became of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// It was made.
    Taken,
    /// There were too many.
    Full,
    /// The handshake failed: a plain-text probe, a stranger's certificate.
    Handshake,
}

impl Admission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Taken, Self::Full, Self::Handshake];

    /// The label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Taken => "taken",
            Self::Full => "full",
            Self::Handshake => "handshake",
        }
    }
}

/// What is taken from the two: a door, as long as there are certificates for one.
pub async fn serve(
    listener: TcpListener,
    api: Arc<MetricsApi>,
    metrics: Arc<Metrics>,
    mut certificates: watch::Receiver<Option<Certificates>>,
    mut trust: watch::Receiver<Option<Arc<Trust>>>,
    opened: impl FnOnce(),
) {
    let door = watch::Sender::new(None);
    let mut opened = Some(opened);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let present = door.borrow().clone();
        tokio::select! {
            Ok(()) = certificates.changed() => open(&door, &mut certificates, &mut trust),
            Ok(()) = trust.changed() => open(&door, &mut certificates, &mut trust),
            accepted = listener.accept(), if present.is_some() => {
                let (Ok((stream, _)), Some(present)) = (accepted, present) else {
                    sleep(AFTER_ERROR).await;
                    continue;
                };
                let Ok(permit) = room.clone().try_acquire_owned() else {
                    metrics.admitted(Admission::Full);
                    continue;
                };
                let (api, metrics, doors) = (api.clone(), metrics.clone(), door.subscribe());
                tokio::spawn(async move {
                    connection(stream, &present, &api, &metrics, doors).await;
                    drop(permit);
                });
            }
        }
        if door.borrow().is_some()
            && let Some(opened) = opened.take()
        {
            opened();
        }
    }
}

/// A door of what there is now; the last one stays where no new one can be made.
fn open(
    door: &watch::Sender<Option<Arc<Door>>>,
    certificates: &mut watch::Receiver<Option<Certificates>>,
    trust: &mut watch::Receiver<Option<Arc<Trust>>>,
) {
    let Some(certificates) = certificates.borrow_and_update().clone() else { return };
    match Door::new(&certificates, trust.borrow_and_update().clone()) {
        Ok(new) => {
            door.send_replace(Some(Arc::new(new)));
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(error = %error, cause, "the metrics API goes on with its old certificates");
        }
    }
}

async fn connection(
    stream: TcpStream,
    door: &Door,
    api: &MetricsApi,
    metrics: &Metrics,
    mut doors: watch::Receiver<Option<Arc<Door>>>,
) {
    let _ = stream.set_nodelay(true);
    let accepting = TlsAcceptor::from(door.config.clone()).accept(stream);
    let Ok(Ok(stream)) = timeout(HANDSHAKE, accepting).await else {
        metrics.admitted(Admission::Handshake);
        return;
    };
    metrics.admitted(Admission::Taken);
    // It was verified, or there were no connection.
    let certificates = stream.get_ref().1.peer_certificates();
    let name = certificates.and_then(|chain| chain.first()).and_then(common_name);
    let service = service_fn(async |request: hyper::Request<hyper::body::Incoming>| {
        let (head, _) = request.into_parts();
        Ok::<_, Infallible>(api.answer(&head, door.trust.as_deref(), name.as_deref()).await)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = pin!(serving);
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = doors.changed() => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}
