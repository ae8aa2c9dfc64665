//! One look at one ChatCluster.

use super::act::{Decided, Outcome, tell};
use super::apply::{Applier, ApplyError, is_ending, is_lasting};
use super::build::{self, Template};
use super::dereference::Referred;
use super::neighbours::neighbour;
use super::observe::{Pods, observe};
use super::scaling::scaling;
use super::status::{self, Finding, Found};
use super::trouble::{NOT_READY, trouble};
use super::validate::{Invalid, Validated, mounted, validate};
use crate::custom_metrics::registration::Standing;
use crate::drain::{Plan, World, plan};
use crate::events::Announcer;
use crate::metrics::{Failure, Metrics};
use crate::names;
use crate::servers::{Askers, Servers, is_server, may_have_clients};
use crate::stores::{self, Guarded, Stores};
use chat_api::{ChatCluster, ChatClusterStatus};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::PostParams;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, ResourceExt};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often a ChatCluster is looked at when nothing happens.
pub(super) const CALM: Duration = Duration::from_secs(30);

/// How often while servers come or go, or the operator's own Redis does.
const BUSY: Duration = Duration::from_secs(2);

/// How often while a Redis that somebody else runs is not healthy.
const WATCHFUL: Duration = Duration::from_secs(10);

/// After somebody else changed what a look was about to change: the watch will have shown it by then.
const SOON: Duration = Duration::from_secs(1);

/// How long a look may take: an API server that takes a request and never answers holds up nobody for ever.
const LOOK_MAX: Duration = Duration::from_secs(60);

/// What the operator works with.
pub struct Operator {
    /// The API server.
    pub client: Client,
    /// What it holds of our objects.
    pub stores: Arc<Stores>,
    /// What the servers say.
    pub servers: Arc<Servers>,
    /// Asks the servers of each ChatCluster.
    pub askers: Arc<Askers>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Tells people what happens.
    pub announcer: Announcer,
    /// Whose the metrics API is, where this operator serves it.
    pub standing: Option<watch::Receiver<Standing>>,
    /// Writes objects.
    pub applier: Applier,
    /// When connections were last written into the status of a ChatCluster, by its uid.
    pub counted: Mutex<HashMap<String, Timestamp>>,
    /// The image of servers whose ChatCluster names none.
    pub default_image: Option<String>,
    /// The dashboard's text.
    pub dashboard: &'static str,
}

/// Why a look did not come to its end. It is tried again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The API server did not answer, or not with what was wanted.
    #[error("the API server cannot be asked for {what}")]
    Api {
        /// What was wanted.
        what: &'static str,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
    /// An object was not written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The API server takes too long.
    #[error("the look took longer than a minute: the API server does not answer")]
    Late,
}

impl ReconcileError {
    fn source(&self) -> Option<&kube::Error> {
        match self {
            Self::Api { source, .. } | Self::Apply(ApplyError::Refused { source, .. }) => Some(source),
            Self::Apply(ApplyError::Foreign { .. }) | Self::Late => None,
        }
    }

    fn failure(&self) -> Failure {
        match self {
            _ if self.is_outdated() => Failure::Conflict,
            Self::Api { .. } => Failure::Api,
            Self::Apply(ApplyError::Refused { .. }) => Failure::Apply,
            Self::Apply(ApplyError::Foreign { .. }) => Failure::Refused,
            Self::Late => Failure::Late,
        }
    }

    /// What a person is to be told of it, if it stays so until somebody does something.
    fn lasting(&self) -> Option<(&'static str, String)> {
        match self {
            Self::Apply(error) => error.lasting(),
            Self::Api { what, source } if is_lasting(source) => {
                let kube::Error::Api(status) = &**source else { return None };
                Some(("ObjectRefused", format!("the API server refuses {what}: {}", status.message)))
            }
            Self::Api { .. } | Self::Late => None,
        }
    }

    /// What was looked at is not what there is any more.
    fn is_outdated(&self) -> bool {
        matches!(self.source(), Some(kube::Error::Api(status)) if status.code == 409)
    }
}

pub(super) fn api(what: &'static str) -> impl FnOnce(kube::Error) -> ReconcileError {
    move |source| ReconcileError::Api { what, source: Box::new(source) }
}

/// One look, which ends in time, and in an error only where somebody should hear of it.
pub async fn reconcile(cluster: Arc<Guarded>, operator: Arc<Operator>) -> Result<Action, ReconcileError> {
    let looked = Box::pin(async {
        match &cluster.0 {
            Ok(cluster) => Box::pin(look(cluster, &operator)).await,
            Err(unreadable) => operator.cannot_read(unreadable).await,
        }
    });
    let looked = tokio::time::timeout(LOOK_MAX, looked).await.unwrap_or(Err(ReconcileError::Late));
    if let Err(error) = &looked {
        operator.metrics.failed(error.failure());
    }
    match looked {
        Err(error) if error.is_outdated() => Ok(Action::requeue(SOON)),
        // The ChatCluster goes with its namespace.
        Err(error) if error.source().is_some_and(is_ending) => Ok(Action::requeue(CALM)),
        Err(error) => operator.say(&cluster, error).await,
        Ok(action) => Ok(action),
    }
}

/// Dereference, validate, build, apply, status.
async fn look(cluster: &ChatCluster, operator: &Operator) -> Result<Action, ReconcileError> {
    if cluster.metadata.deletion_timestamp.is_some() {
        // All that was made goes with its owner.
        return Ok(Action::await_change());
    }
    let now = Timestamp::now();
    let referred = operator.dereference(cluster).await?;
    let validated = match operator.validate(cluster, &referred) {
        Ok(validated) => validated,
        Err(invalid) => {
            operator.metrics.failed(Failure::Invalid);
            operator.answer(cluster, status::refused(cluster, "Invalid", &invalid.to_string(), now)).await?;
            return Ok(Action::requeue(CALM));
        }
    };
    // It was found: else nothing were validated.
    let key = referred.value(&validated.secrets.signing).unwrap_or_default();
    let asker = operator.askers.of(&cluster.uid().unwrap_or_default(), key);
    let pods: Vec<_> = stores::of(&operator.stores.pods, cluster).filter(is_server).collect();
    for reason in asker.poll(&pods, &operator.servers).await {
        operator.metrics.unheard(reason);
    }
    let template = build::template(&validated);
    let redis = operator.redis(cluster, &validated, &referred).await;
    let world = operator.observe(cluster, &validated, &template, redis.may_scale(), now);
    let plan = plan(&world);
    operator.count(cluster, &pods, &world, &plan);
    let deployments: Vec<_> = stores::of(&operator.stores.deployments, cluster).collect();
    let trouble = trouble(&deployments, &pods, &template.hash, status::deadline(&validated), now);
    // Servers wait for a Redis that is not well: that is what is amiss then.
    let trouble = trouble.filter(|trouble| trouble.reason != NOT_READY || redis.may_scale());
    let mut found = Found {
        redis: redis.status.clone(),
        redis_finding: &redis.finding,
        redis_heals: redis.heals(),
        trouble: trouble.as_ref(),
        refused: None,
        connections: operator.connections(cluster, &world),
        scaling: operator.scaling(cluster),
    };
    // What is about to be done is written down first.
    let before = cluster.status.clone().unwrap_or_default();
    let intended = status::status(cluster, &validated, &world, &plan, &found);
    let cluster = &operator.answer(cluster, status::record(&before, &intended)).await?;
    let mut outcome = Outcome::default();
    operator.apply_redis(cluster, &validated, &redis, &mut outcome).await?;
    let decided = Decided { cluster, validated: &validated, template: &template, world: &world, plan: &plan };
    operator.act(decided, &mut outcome).await?;
    operator.form(cluster, &redis).await?;
    tell(&asker, &operator.servers, &pods, &plan, now).await;
    found.refused = outcome.refused.take();
    if found.refused.is_some() {
        operator.metrics.failed(Failure::Refused);
    }
    operator.answer(cluster, status::status(cluster, &validated, &world, &plan, &found)).await?;
    outcome.end()?;
    let is_settled = plan.recorded.is_empty() && plan.rollout.is_none();
    Ok(Action::requeue(match (is_settled, redis.may_scale()) {
        (true, true) if redis.is_calm() => CALM,
        (true, false) if !redis.is_managed() => WATCHFUL,
        _ => BUSY,
    }))
}

impl Operator {
    /// One that has done nothing yet.
    pub fn new(
        client: Client,
        stores: Arc<Stores>,
        announcer: Announcer,
        default_image: Option<String>,
        dashboard: &'static str,
    ) -> Self {
        Self {
            applier: Applier::new(client.clone()),
            client,
            stores,
            servers: Arc::default(),
            askers: Arc::default(),
            metrics: announcer.metrics().clone(),
            announcer,
            standing: None,
            counted: Mutex::default(),
            default_image,
            dashboard,
        }
    }

    /// The Secrets that a ChatCluster needs; the one with the signing key is made if it is to be.
    async fn dereference(&self, cluster: &ChatCluster) -> Result<Referred, ReconcileError> {
        let mut referred = Referred::default();
        let Ok(mounted) = mounted(&cluster.name_any(), &cluster.spec) else { return Ok(referred) };
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        for (_, reference) in mounted.all() {
            if referred.knows(&reference.name) {
                continue;
            }
            let found = secrets.get_opt(&reference.name).await.map_err(api("a Secret"))?;
            let own =
                reference.name == names::signing(&cluster.name_any()) && cluster.spec.auth.signing_key_ref.is_none();
            let secret = match found {
                Some(secret) => secret,
                None if own => {
                    let made = build::signing_secret(cluster, &rand::random());
                    secrets.create(&PostParams::default(), &made).await.map_err(api("a new Secret"))?
                }
                None => continue,
            };
            let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0)).collect();
            referred.found(&reference.name, data);
        }
        Ok(referred)
    }

    /// All that can be checked: the ChatCluster by itself, and beside the others.
    fn validate(&self, cluster: &ChatCluster, referred: &Referred) -> Result<Validated, Invalid> {
        let validated = validate(cluster, referred, self.default_image.as_deref())?;
        let others = self.stores.clusters.state();
        neighbour(cluster, others.iter().filter_map(|other| other.0.as_ref().ok()))?;
        Ok(validated)
    }

    /// Writes down how a ChatCluster is, for Prometheus.
    fn count(&self, cluster: &ChatCluster, pods: &[Arc<Pod>], world: &World, plan: &Plan) {
        let draining = |uid: &str| plan.recorded.iter().any(|record| record.uid == uid);
        let serving = world.servers.iter().filter(|server| server.serves() && !draining(&server.uid)).count();
        let counts = [world.wanted.replicas, serving, plan.recorded.len()];
        let uids: Vec<_> =
            pods.iter().filter(|pod| may_have_clients(pod, world.now)).filter_map(|pod| pod.uid()).collect();
        let total = self.servers.total(uids.iter().map(String::as_str), world.now);
        let connections = total.ok().map(|total| total.connections);
        self.metrics.cluster(&cluster.namespace().unwrap_or_default(), &cluster.name_any(), counts, connections);
    }

    fn observe(
        &self,
        cluster: &ChatCluster,
        validated: &Validated,
        template: &Template,
        redis_healthy: bool,
        now: Timestamp,
    ) -> World {
        let pods: Vec<_> = stores::of(&self.stores.pods, cluster).collect();
        let deployments: Vec<_> = stores::of(&self.stores.deployments, cluster).collect();
        let own = ObjectRef::new(&cluster.name_any()).within(&cluster.namespace().unwrap_or_default());
        let service = self.stores.services.get(&own);
        let found = Pods { deployments: &deployments, pods: &pods, service: service.as_deref() };
        let connections = |uid: &str| self.servers.of(uid, now).map(|said| said.connections);
        observe(cluster, validated, &template.hash, &found, connections, redis_healthy, now)
    }

    /// Whether the autoscaler gets what it scales by, where there shall be one.
    fn scaling(&self, cluster: &ChatCluster) -> Option<Finding> {
        cluster.spec.autoscaling.as_ref()?;
        let own = ObjectRef::new(&cluster.name_any()).within(&cluster.namespace().unwrap_or_default());
        let standing = self.standing.as_ref().map(|standing| standing.borrow().clone());
        Some(scaling(self.stores.autoscalers.get(&own).as_deref(), standing.as_ref()))
    }

    /// All connections, if each server that has any says how many, and if the status may say so by now.
    fn connections(&self, cluster: &ChatCluster, world: &World) -> Option<u64> {
        let running = world.servers.iter().filter(|server| server.ready);
        let all: u64 = running.map(|server| server.connections).sum::<Option<u64>>()?;
        let mut counted = self.counted.lock();
        let last = counted.entry(cluster.uid().unwrap_or_default()).or_insert(Timestamp::UNIX_EPOCH);
        if world.now.duration_since(*last) < status::CONNECTIONS_EVERY {
            return None;
        }
        *last = world.now;
        Some(all)
    }

    /// What ended a look is said in a condition, once, if it stays so until somebody does something; the look is repeated at its usual pace.
    async fn say(&self, cluster: &Guarded, error: ReconcileError) -> Result<Action, ReconcileError> {
        let (Ok(cluster), Some((reason, message))) = (&cluster.0, error.lasting()) else { return Err(error) };
        // Where the status itself is what is refused, the log is all that there is.
        match self.answer(cluster, status::refused(cluster, reason, &message, Timestamp::now())).await {
            Ok(_) => Ok(Action::requeue(CALM)),
            Err(unanswered) if unanswered.is_outdated() => Ok(Action::requeue(SOON)),
            Err(_) => Err(error),
        }
    }

    /// Writes the status, if it says something new. Returns the ChatCluster with it.
    async fn answer(&self, cluster: &ChatCluster, status: ChatClusterStatus) -> Result<ChatCluster, ReconcileError> {
        let unsaid = cluster.status.is_none() && status == ChatClusterStatus::default();
        if unsaid || cluster.status.as_ref() == Some(&status) {
            return Ok(cluster.clone());
        }
        let clusters: Api<ChatCluster> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        let mut answered = cluster.clone();
        answered.status = Some(status.clone());
        answered.metadata.managed_fields = None;
        // Under the version that was looked at: what was decided on an older one is decided anew.
        let written = clusters.replace_status(&cluster.name_any(), &PostParams::default(), &answered).await;
        let written = written.map_err(api("the status"))?;
        let stays = |uid: &str| {
            let mut pods = stores::of(&self.stores.pods, cluster);
            pods.any(|pod| pod.uid().as_deref() == Some(uid) && pod.metadata.deletion_timestamp.is_none())
        };
        self.announcer.announce(cluster, &cluster.status.clone().unwrap_or_default(), &status, stays).await;
        Ok(written)
    }

    /// Forgets what is known of ChatClusters that are gone, but for what their servers said: that is known to operators that do not lead, too.
    pub fn tidy(&self) {
        let there: std::collections::HashSet<_> =
            self.stores.clusters.state().iter().filter_map(|cluster| cluster.uid()).collect();
        self.counted.lock().retain(|uid, _| there.contains(uid));
        self.applier.keep(|uid| there.contains(uid));
    }
}
