//! Who a caller is and whether it may ask: both are the API server's to say. Its answers count for a few seconds.

use super::GROUP;
use super::path::Wanted;
use super::recent::Recent;
use super::trust::{Claim, Identity};
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long an answer counts: as long as a right that was taken away lives on.
const AGE: Duration = Duration::from_secs(10);

/// Answers of each kind that are kept.
const KEPT_MAX: usize = 1024;

/// Questions that may be under way at a time: whoever sends made-up tokens must not keep the API server busy through us.
const UNDER_WAY_MAX: usize = 16;

/// How long the API server may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Those who may do everything, whether the API server can be asked or not, as everywhere in Kubernetes.
const MASTERS: &str = "system:masters";

/// Why a caller gets no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAccess {
    /// It has not said who it is.
    #[error("who is asking? Ask through the API server, or with a bearer token")]
    Nobody,
    /// The token is nobody's.
    #[error("the token is not known to the API server, or no longer")]
    Token,
    /// It may not.
    #[error("{user} may not get {resource}/{metric} of {GROUP} in namespace {namespace}{why}")]
    Forbidden {
        /// Who.
        user: String,
        /// What.
        resource: String,
        /// Which metric of it.
        metric: String,
        /// Where.
        namespace: String,
        /// What the API server adds to that.
        why: String,
    },
    /// The API server did not say.
    #[error("the API server does not say {0}; ask again")]
    Unsaid(&'static str),
    /// Too many are asking.
    #[error("too many callers are being looked at; ask again")]
    Crowded,
}

/// Asks the API server about callers.
pub struct Access {
    client: Client,
    tokens: Mutex<Recent<[u8; 32], Option<Identity>>>,
    rights: Mutex<Recent<Question, Option<String>>>,
    under_way: Semaphore,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Question {
    who: Identity,
    namespace: String,
    resource: String,
    name: String,
    metric: String,
    version: &'static str,
}

impl Access {
    /// One that knows nobody yet.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            tokens: Mutex::new(Recent::new(KEPT_MAX, AGE)),
            rights: Mutex::new(Recent::new(KEPT_MAX, AGE)),
            under_way: Semaphore::new(UNDER_WAY_MAX),
        }
    }

    /// Who it is.
    pub async fn who(&self, claim: Claim) -> Result<Identity, NoAccess> {
        let token = match claim {
            Claim::Proxied(identity) => return Ok(identity),
            Claim::Bearer(token) => token,
            Claim::Nothing => return Err(NoAccess::Nobody),
        };
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(known) = self.tokens.lock().get(&key, Instant::now()) {
            return known.ok_or(NoAccess::Token);
        }
        let review = TokenReview {
            metadata: ObjectMeta::default(),
            spec: TokenReviewSpec { token: Some(token), audiences: None },
            status: None,
        };
        let reviews: Api<TokenReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = self.ask("whose the token is", reviews.create(&params, &review)).await?;
        let status = answer.status.unwrap_or_default();
        let user = status.user.filter(|_| status.authenticated == Some(true));
        let identity = user.and_then(|user| {
            let extra = user.extra.unwrap_or_default();
            Some(Identity { user: user.username?, uid: user.uid, groups: user.groups.unwrap_or_default(), extra })
        });
        self.tokens.lock().put(key, identity.clone(), Instant::now());
        identity.ok_or(NoAccess::Token)
    }

    /// Whether it may have this metric.
    pub async fn may(&self, who: &Identity, wanted: &Wanted) -> Result<(), NoAccess> {
        if who.groups.iter().any(|group| group == MASTERS) {
            return Ok(());
        }
        let Wanted { version, namespace, resource, name, metric } = wanted.clone();
        let question = Question { who: who.clone(), namespace, resource, name, metric, version: version.name() };
        let known = self.rights.lock().get(&question, Instant::now());
        let refusal = match known {
            Some(refusal) => refusal,
            None => {
                let refusal = self.ask_for_right(&question).await?;
                self.rights.lock().put(question.clone(), refusal.clone(), Instant::now());
                refusal
            }
        };
        let Some(why) = refusal else { return Ok(()) };
        let Question { who, namespace, resource, metric, name: _, version: _ } = question;
        Err(NoAccess::Forbidden { user: who.user, resource, metric, namespace, why })
    }

    /// Nothing, or why not.
    async fn ask_for_right(&self, question: &Question) -> Result<Option<String>, NoAccess> {
        let Question { who, namespace, resource, name, metric, version } = question.clone();
        let attributes = ResourceAttributes {
            group: Some(GROUP.to_owned()),
            version: Some(version.to_owned()),
            namespace: Some(namespace),
            resource: Some(resource),
            subresource: Some(metric),
            name: Some(name),
            verb: Some("get".to_owned()),
            ..ResourceAttributes::default()
        };
        let review = SubjectAccessReview {
            metadata: ObjectMeta::default(),
            spec: SubjectAccessReviewSpec {
                user: Some(who.user),
                uid: who.uid,
                groups: Some(who.groups),
                extra: Some(who.extra),
                resource_attributes: Some(attributes),
                ..SubjectAccessReviewSpec::default()
            },
            status: None,
        };
        let reviews: Api<SubjectAccessReview> = Api::all(self.client.clone());
        let params = PostParams::default();
        let answer = self.ask("whether the caller may", reviews.create(&params, &review)).await?;
        let status = answer.status.unwrap_or_default();
        if status.allowed && status.denied != Some(true) {
            return Ok(None);
        }
        let why = status.reason.filter(|reason| !reason.is_empty());
        Ok(Some(why.map_or_else(String::new, |reason| format!(": {reason}"))))
    }

    async fn ask<T>(
        &self,
        what: &'static str,
        asking: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, NoAccess> {
        let _permit = self.under_way.try_acquire().map_err(|_| NoAccess::Crowded)?;
        match timeout(WITHIN, asking).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(error = %error, what, "the API server does not answer about a caller");
                Err(NoAccess::Unsaid(what))
            }
            Err(_) => Err(NoAccess::Unsaid(what)),
        }
    }
}
