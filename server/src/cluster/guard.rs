//! The door of the internal port: what is not signed by somebody of this deployment, for this very boot, just now and for the first time, stays outside.

use super::replays::{Repeated, Replays};
use super::signature::{Addressee, Digested, Forged, Keys, WINDOW};
use super::{Boot, Counters, Refused};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Limited};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long the body of a request may take once its head was found genuine.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Checks requests on the internal port.
pub struct Guard {
    keys: Arc<Keys>,
    own: Boot,
    body_bytes_max: usize,
    replays: Replays,
    counters: Counters,
}

impl Guard {
    /// The guard of this boot. Bodies may have so many bytes.
    pub fn new(keys: Arc<Keys>, own: Boot, body_bytes_max: usize, counters: Counters) -> Arc<Self> {
        Arc::new(Self { keys, own, body_bytes_max, replays: Replays::new(Instant::now()), counters })
    }

    /// Lets a request pass, its body read.
    async fn admit(&self, request: Request) -> Result<Request, Refused> {
        let (head, body) = request.into_parts();
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let genuine = self.keys.verify(head.method.as_str(), path, &head.headers).map_err(|forged| match forged {
            Forged::Unsigned => Refused::Unsigned,
            Forged::Signature => Refused::Signature,
        })?;
        match genuine.stamp.to {
            Addressee::Boot(boot) if boot == self.own => {}
            // Who asks who is here cannot know it yet; to do something one has to.
            Addressee::Anyone if head.method == Method::GET => {}
            Addressee::Boot(_) | Addressee::Anyone => return Err(Refused::Boot),
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64;
        if now.abs_diff(genuine.stamp.time_ms) > WINDOW.as_millis() as u64 {
            return Err(Refused::Time);
        }
        self.replays.take(genuine.mark, Instant::now()).map_err(|repeated| match repeated {
            Repeated::Replay => Refused::Replay,
            Repeated::Crowded => Refused::Crowded,
        })?;
        let body = tokio::time::timeout(BODY_TIME, Limited::new(body, self.body_bytes_max).collect());
        let body = body.await.map_err(|_| Refused::TooLarge)?.map_err(|_| Refused::TooLarge)?.to_bytes();
        if Digested::of(&body) != genuine.body {
            return Err(Refused::Signature);
        }
        Ok(Request::from_parts(head, Body::from(body)))
    }
}

/// The guard as a layer of a router.
pub(super) async fn guarded(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.admit(request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => {
            guard.counters.refused(refused);
            let status = match refused {
                Refused::Unsigned | Refused::Signature | Refused::Time | Refused::Replay => StatusCode::UNAUTHORIZED,
                Refused::Boot => StatusCode::GONE,
                Refused::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
                Refused::Crowded => StatusCode::SERVICE_UNAVAILABLE,
            };
            (status, format!("{}\n", refused.name())).into_response()
        }
    }
}
