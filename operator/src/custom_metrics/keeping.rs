//! Keeps the certificates in a Secret that all operators share: whoever is first writes it, the others take what is there. So any operator can serve, and
//! one that starts again serves under the authority that the API server knows already.

use super::certificate::{CertificateError, Certificates, Due};
use crate::names;
use futures_util::StreamExt;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{ObjectMeta, PostParams};
use kube::runtime::watcher;
use kube::runtime::{WatchStreamExt, watcher::watch_object};
use kube::{Api, ResourceExt};
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// How often the certificates' age is looked at.
const EVERY: Duration = Duration::from_secs(3600);

/// The rest after a failure.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// How often another operator may be faster before that is a failure.
const CONFLICTS_MAX: usize = 5;

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The API server did not take or give the Secret.
    #[error("Secret {name} cannot be {done}")]
    Secret {
        /// Its name.
        name: String,
        /// Read or written.
        done: &'static str,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// None can be made.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Others were faster, again and again.
    #[error("Secret {0} changes faster than it can be read")]
    Contended(String),
}

/// Keeps one Secret.
pub struct Keeper {
    /// The Secrets of the operator's own namespace.
    pub secrets: Api<Secret>,
    /// Its name.
    pub name: String,
    /// What the certificate is for: `<service>.<namespace>.svc`.
    pub host: String,
}

impl Keeper {
    /// Tells what the Secret holds, and renews it in time. Never ends.
    pub async fn run(self, told: watch::Sender<Option<Certificates>>) {
        let mut changes = pin!(watch_object(self.secrets.clone(), &self.name).default_backoff());
        loop {
            let rest = match self.look(Timestamp::now()).await {
                Ok(certificates) => {
                    told.send_if_modified(|before| {
                        let news = before.as_ref() != Some(&certificates);
                        *before = Some(certificates);
                        news
                    });
                    EVERY
                }
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(error = %error, cause, "the certificates of the metrics API are not to be had; it is tried again");
                    AFTER_ERROR
                }
            };
            tokio::select! {
                () = sleep(rest) => {}
                () = changed(&mut changes) => {}
            }
        }
    }

    /// What the Secret holds, after what was due.
    pub async fn look(&self, now: Timestamp) -> Result<Certificates, KeepError> {
        for _ in 0..CONFLICTS_MAX {
            let found = self.secrets.get_opt(&self.name).await.map_err(|source| self.secret("read", source))?;
            let Some(found) = found else {
                let made = Certificates::new(&self.host, now)?;
                match self.secrets.create(&PostParams::default(), &self.secret_of(&made, None)).await {
                    Ok(_) => {
                        tracing::info!(secret = self.name, "certificates of the metrics API made");
                        return Ok(made);
                    }
                    Err(error) if is_conflict(&error) => continue,
                    Err(error) => return Err(self.secret("written", error)),
                }
            };
            let held = read(&found).and_then(|held| Some((held.due(&self.host, now).ok()?, held)));
            let next = match held {
                Some((Due::Nothing, held)) => return Ok(held),
                Some((due, held)) => held.renewed(due, &self.host, now)?,
                // Somebody has put something else there: what cannot be read cannot be served.
                None => Certificates::new(&self.host, now)?,
            };
            // Under the version that was read: another operator may have done it meanwhile.
            let wish = self.secret_of(&next, found.resource_version());
            match self.secrets.replace(&self.name, &PostParams::default(), &wish).await {
                Ok(_) => {
                    tracing::info!(secret = self.name, "certificates of the metrics API renewed");
                    return Ok(next);
                }
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(self.secret("written", error)),
            }
        }
        Err(KeepError::Contended(self.name.clone()))
    }

    fn secret(&self, done: &'static str, source: kube::Error) -> KeepError {
        KeepError::Secret { name: self.name.clone(), done, source: Box::new(source) }
    }

    fn secret_of(&self, certificates: &Certificates, resource_version: Option<String>) -> Secret {
        let Certificates { authorities, authority_key, serving, serving_key } = certificates;
        let data = [("ca.crt", authorities), ("ca.key", authority_key), ("tls.crt", serving), ("tls.key", serving_key)];
        let bytes = |(key, text): (&str, &String)| (key.to_owned(), ByteString(text.clone().into_bytes()));
        // Not among the labelled objects of a ChatCluster: it is the operator's own.
        let labels = [("app.kubernetes.io/name", names::MANAGER), ("app.kubernetes.io/part-of", "chatcluster")];
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name.clone()),
                labels: Some(labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                resource_version,
                ..ObjectMeta::default()
            },
            data: Some(BTreeMap::from(data.map(bytes))),
            type_: Some("kubernetes.io/tls".to_owned()),
            ..Secret::default()
        }
    }
}

fn read(secret: &Secret) -> Option<Certificates> {
    let text = |key| String::from_utf8(secret.data.as_ref()?.get(key)?.0.clone()).ok();
    Some(Certificates {
        authorities: text("ca.crt")?,
        authority_key: text("ca.key")?,
        serving: text("tls.crt")?,
        serving_key: text("tls.key")?,
    })
}

/// It is there by now, or not any more as it was.
fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// The next change of the Secret; a watch that fails is repeated, and says nothing.
async fn changed(changes: &mut (impl futures_util::Stream<Item = Result<Option<Secret>, watcher::Error>> + Unpin)) {
    loop {
        match changes.next().await {
            Some(Ok(_)) => return,
            Some(Err(_)) => {}
            None => std::future::pending().await,
        }
    }
}
