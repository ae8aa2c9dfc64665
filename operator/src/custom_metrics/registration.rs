//! The two APIServices by which the API server knows this API. The chart owns them; the operator gives them its authority, and only where they name its
//! own Service: an adapter that is there already is never displaced, since every autoscaler of the cluster may live by it.

use super::certificate::Certificates;
use super::path::Version;
use crate::metrics::Metrics;
use futures_util::StreamExt;
use futures_util::stream::select;
use k8s_openapi::ByteString;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use kube::api::{Patch, PatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// The rest after a failure.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Whose a version of the API is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// It has not been seen yet.
    #[default]
    Unseen,
    /// Nobody's: the API server does not know it.
    Nobody,
    /// Ours.
    Ours,
    /// Another one's: its Service.
    Other(String),
}

/// Whose the API is, by version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The version that is preferred.
    pub v1beta2: Held,
    /// The older one.
    pub v1beta1: Held,
}

impl Standing {
    /// Who has the API in our place. The HorizontalPodAutoscaler takes one version for the whole group, so one is enough.
    pub fn other(&self) -> Option<(Version, &str)> {
        [(Version::V1Beta2, &self.v1beta2), (Version::V1Beta1, &self.v1beta1)].into_iter().find_map(
            |(version, held)| match held {
                Held::Other(service) => Some((version, service.as_str())),
                Held::Unseen | Held::Nobody | Held::Ours => None,
            },
        )
    }

    fn of(&mut self, version: Version) -> &mut Held {
        match version {
            Version::V1Beta1 => &mut self.v1beta1,
            Version::V1Beta2 => &mut self.v1beta2,
        }
    }
}

/// Where the operators are found, by the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnService {
    /// The operator's namespace.
    pub namespace: String,
    /// Its Service.
    pub name: String,
}

impl OwnService {
    /// The name that the certificate is for.
    pub fn host(&self) -> String {
        format!("{}.{}.svc", self.name, self.namespace)
    }
}

/// Whose an APIService is.
pub fn held(found: Option<&APIService>, own: &OwnService) -> Held {
    let Some(found) = found else { return Held::Nobody };
    let Some(service) = found.spec.as_ref().and_then(|spec| spec.service.as_ref()) else {
        return Held::Other("the API server itself".to_owned());
    };
    let (namespace, name) =
        (service.namespace.as_deref().unwrap_or_default(), service.name.as_deref().unwrap_or_default());
    if (namespace, name) == (own.namespace.as_str(), own.name.as_str()) {
        Held::Ours
    } else {
        Held::Other(format!("{namespace}/{name}"))
    }
}

/// Whether the API server is to be given these authorities.
fn is_outdated(found: &APIService, authorities: &str) -> bool {
    let bundle = found.spec.as_ref().and_then(|spec| spec.ca_bundle.as_ref());
    bundle.is_none_or(|bundle| bundle.0 != authorities.as_bytes())
}

/// Enters the API.
pub struct Registrar {
    /// The API server.
    pub client: Client,
    /// Where the operators are found.
    pub own: OwnService,
    /// Whether each version is ours.
    pub metrics: Arc<Metrics>,
}

impl Registrar {
    /// Has both APIServices know the authorities, and tells whose they are. Never ends.
    pub async fn run(self, mut certificates: watch::Receiver<Option<Certificates>>, told: watch::Sender<Standing>) {
        let services: Api<APIService> = Api::all(self.client.clone());
        let one = |version: Version| {
            let changes = watch_object(services.clone(), &version.service()).default_backoff();
            changes.map(move |change| (version, change)).boxed()
        };
        let mut changes = select(one(Version::V1Beta2), one(Version::V1Beta1));
        let mut known: HashMap<Version, Option<APIService>> = HashMap::new();
        let mut rest = None;
        loop {
            tokio::select! {
                Some((version, change)) = changes.next() => match change {
                    Ok(found) => {
                        self.tell(version, &held(found.as_ref(), &self.own), &told);
                        known.insert(version, found);
                    }
                    Err(error) => tracing::warn!(error = %error, service = version.service(), "an APIService cannot be read"),
                },
                Ok(()) = certificates.changed() => {}
                () = sleep(rest.unwrap_or_default()), if rest.is_some() => {}
            }
            let authorities = certificates.borrow_and_update().as_ref().map(|held| held.authorities.clone());
            let Some(authorities) = authorities else { continue };
            rest = None;
            for found in known.values().flatten() {
                if held(Some(found), &self.own) != Held::Ours || !is_outdated(found, &authorities) {
                    continue;
                }
                if let Err(error) = self.give(&services, found, &authorities).await {
                    tracing::warn!(error = %error, service = found.name_any(), "an APIService cannot be given the authority; it is tried again");
                    rest = Some(AFTER_ERROR);
                }
            }
        }
    }

    /// Under the version that was looked at: by the next it may be somebody else's.
    async fn give(&self, services: &Api<APIService>, found: &APIService, authorities: &str) -> Result<(), kube::Error> {
        let patch = json!({
            "metadata": { "resourceVersion": found.resource_version() },
            "spec": { "caBundle": ByteString(authorities.as_bytes().to_vec()), "insecureSkipTLSVerify": null },
        });
        match services.patch(&found.name_any(), &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => {
                tracing::info!(service = found.name_any(), "the API server knows the metrics API's authority");
                Ok(())
            }
            // It has changed meanwhile, or is gone: the watch says so.
            Err(kube::Error::Api(status)) if status.code == 409 || status.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn tell(&self, version: Version, held: &Held, told: &watch::Sender<Standing>) {
        self.metrics.api_registered.with_label_values(&[version.name()]).set((*held == Held::Ours).into());
        told.send_if_modified(|standing| {
            let before = std::mem::replace(standing.of(version), held.clone());
            let news = before != *held;
            if news {
                say(version, held);
            }
            news
        });
    }
}

fn say(version: Version, held: &Held) {
    let service = version.service();
    match held {
        Held::Ours => tracing::info!(service, "the metrics API is this operator's"),
        Held::Nobody => tracing::warn!(
            service,
            "the API server does not know the metrics API: no ChatCluster is scaled by its connections until the chart's APIService is there"
        ),
        Held::Other(owner) => tracing::warn!(
            service,
            owner,
            "the metrics API is another adapter's, and is left to it: give that adapter the rules of docs/autoscaling.md, or scale by KEDA"
        ),
        Held::Unseen => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> OwnService {
        OwnService { namespace: "chatcluster-system".to_owned(), name: "chat-metrics".to_owned() }
    }

    fn service(spec: &serde_json::Value) -> APIService {
        serde_json::from_value(json!({ "metadata": { "name": "v1beta2.custom.metrics.k8s.io" }, "spec": spec }))
            .expect("one")
    }

    fn priorities(mut spec: serde_json::Value) -> serde_json::Value {
        spec["groupPriorityMinimum"] = json!(100);
        spec["versionPriority"] = json!(100);
        spec
    }

    #[test]
    fn only_our_own_service_is_ours() {
        let of = |namespace: &str, name: &str| {
            held(Some(&service(&priorities(json!({ "service": { "namespace": namespace, "name": name } })))), &own())
        };
        assert_eq!(of("chatcluster-system", "chat-metrics"), Held::Ours);
        assert_eq!(of("chatcluster-system", "other"), Held::Other("chatcluster-system/other".to_owned()));
        assert_eq!(of("monitoring", "chat-metrics"), Held::Other("monitoring/chat-metrics".to_owned()));
        assert_eq!(
            held(Some(&service(&priorities(json!({})))), &own()),
            Held::Other("the API server itself".to_owned())
        );
        assert_eq!(held(None, &own()), Held::Nobody);
    }

    #[test]
    fn one_version_in_other_hands_is_enough() {
        let other = Held::Other("monitoring/adapter".to_owned());
        let standing = Standing { v1beta2: Held::Ours, v1beta1: other.clone() };
        assert_eq!(standing.other(), Some((Version::V1Beta1, "monitoring/adapter")));
        assert_eq!(
            Standing { v1beta2: other, v1beta1: Held::Nobody }.other().map(|(version, _)| version),
            Some(Version::V1Beta2)
        );
        assert_eq!(Standing { v1beta2: Held::Ours, v1beta1: Held::Unseen }.other(), None);
    }

    #[test]
    fn authorities_are_given_where_they_differ() {
        let with = |bundle: &str| service(&priorities(json!({ "caBundle": ByteString(bundle.as_bytes().to_vec()) })));
        assert!(!is_outdated(&with("new"), "new"));
        assert!(is_outdated(&with("old"), "new"));
        assert!(is_outdated(&service(&priorities(json!({}))), "new"));
    }
}
