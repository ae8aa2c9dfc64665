//! One look at one ChatCluster.

use super::apply::{Applier, ApplyError, OwnerRef};
use super::build::{self, Template};
use super::dereference::Referred;
use super::observe::{DELETION_COST, Pods, observe, serving};
use super::status;
use super::validate::{Validated, mounted, validate};
use crate::drain::{Plan, World, plan};
use crate::names;
use crate::servers::{Asker, NotDone, Servers};
use crate::stores::{self, Stores};
use chat_api::{ChatCluster, ChatClusterStatus};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Patch, PatchParams, PostParams};
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client, Resource, ResourceExt};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How often a ChatCluster is looked at when nothing happens.
const CALM: Duration = Duration::from_secs(30);

/// How often while servers come or go.
const BUSY: Duration = Duration::from_secs(2);

/// What the operator works with.
pub struct Operator {
    /// The API server.
    pub client: Client,
    /// What it holds of our objects.
    pub stores: Stores,
    /// What the servers say.
    pub servers: Servers,
    /// Asks the servers of each ChatCluster, by its uid.
    pub askers: RwLock<HashMap<String, Arc<Asker>>>,
    /// Writes objects.
    pub applier: Applier,
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
    #[error("an object cannot be applied")]
    Apply(#[from] ApplyError),
}

pub(super) fn api(what: &'static str) -> impl FnOnce(kube::Error) -> ReconcileError {
    move |source| ReconcileError::Api { what, source: Box::new(source) }
}

/// Dereference, validate, build, apply, status.
pub async fn reconcile(cluster: Arc<ChatCluster>, operator: Arc<Operator>) -> Result<Action, ReconcileError> {
    if cluster.metadata.deletion_timestamp.is_some() {
        // All that was made goes with its owner.
        return Ok(Action::await_change());
    }
    let now = Timestamp::now();
    let referred = operator.dereference(&cluster).await?;
    let validated = match validate(&cluster, &referred, operator.default_image.as_deref()) {
        Ok(validated) => validated,
        Err(invalid) => {
            operator.answer(&cluster, status::refused(&cluster, "Invalid", &invalid.to_string(), now)).await?;
            return Ok(Action::requeue(CALM));
        }
    };
    let asker = operator.asker(&cluster, &validated, &referred);
    let pods: Vec<_> = stores::of(&operator.stores.pods, &cluster).filter(is_server).collect();
    asker.poll(&pods, &operator.servers).await;
    let template = build::template(&validated);
    let redis = operator.redis(&cluster, &validated, &referred).await;
    let world = operator.observe(&cluster, &validated, &template, redis.may_scale(), now);
    let plan = plan(&world);
    // What is about to be done is written down first.
    let status = status::status(&cluster, &validated, &world, &plan, Some(redis.status.clone()), &redis.finding, true);
    operator.answer(&cluster, status).await?;
    let applied = match operator.apply_redis(&cluster, &validated, &redis).await {
        Ok(()) => operator.apply(&cluster, &validated, &template, &world, &plan).await,
        Err(error) => Err(error),
    };
    match applied {
        Ok(()) => {}
        Err(ReconcileError::Apply(foreign @ ApplyError::Foreign { .. })) => {
            operator.answer(&cluster, status::refused(&cluster, "NameTaken", &foreign.to_string(), now)).await?;
        }
        Err(error) => return Err(error),
    }
    operator.form(&cluster, &redis).await?;
    tell(&asker, &operator.servers, &pods, &plan, now).await;
    let calm = redis.is_calm() && plan.recorded.is_empty() && plan.rollout.is_none() && !plan.held_back;
    Ok(Action::requeue(if calm { CALM } else { BUSY }))
}

impl Operator {
    /// The Secrets that a ChatCluster needs; the one with the signing key is made if it is to be.
    async fn dereference(&self, cluster: &ChatCluster) -> Result<Referred, ReconcileError> {
        let mut referred = Referred::default();
        let Ok(mounted) = mounted(&cluster.name_any(), &cluster.spec) else { return Ok(referred) };
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        for (_, reference) in mounted.all() {
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

    /// Who asks this ChatCluster's servers, under its present key.
    fn asker(&self, cluster: &ChatCluster, validated: &Validated, referred: &Referred) -> Arc<Asker> {
        let uid = cluster.uid().unwrap_or_default();
        if let Some(asker) = self.askers.read().get(&uid).filter(|asker| !asker.is_outdated(&validated.secrets_hash)) {
            return asker.clone();
        }
        // It was found: else nothing were validated.
        let key = referred.value(&validated.secrets.signing).unwrap_or_default();
        let asker = Arc::new(Asker::new(key, validated.secrets_hash.clone()));
        self.askers.write().insert(uid, asker.clone());
        asker
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

    /// Has the objects be as they shall be, and the servers do what they shall do.
    async fn apply(
        &self,
        cluster: &ChatCluster,
        validated: &Validated,
        template: &Template,
        world: &World,
        plan: &Plan,
    ) -> Result<(), ReconcileError> {
        let owner = &cluster.metadata;
        let own = || owner_ref(cluster);
        let (stores, applier) = (&self.stores, &self.applier);
        applier.apply(&stores.service_accounts, owner, own(), build::service_account(validated)).await?;
        applier.apply(&stores.config_maps, owner, own(), build::config_map(validated, &template.hash)).await?;
        applier.apply(&stores.budgets, owner, own(), build::budget(validated)).await?;
        applier.apply(&stores.services, owner, own(), build::service(validated, &plan.service)).await?;
        let name = cluster.name_any();
        match build::autoscaler(validated) {
            Some(wish) => applier.apply(&stores.autoscalers, owner, own(), wish).await?,
            None => applier.remove(&stores.autoscalers, owner, &name).await?,
        };
        match build::network_policy(validated) {
            Some(wish) => applier.apply(&stores.policies, owner, own(), wish).await?,
            None => applier.remove(&stores.policies, owner, &name).await?,
        };
        match build::ingress(validated) {
            Some(wish) => applier.apply(&stores.ingresses, owner, own(), wish).await?,
            None => applier.remove(&stores.ingresses, owner, &name).await?,
        };
        match build::dashboard(validated, self.dashboard) {
            Some(wish) => applier.apply(&stores.config_maps, owner, own(), wish).await?,
            None => applier.remove(&stores.config_maps, owner, &build::dashboard_name(validated)).await?,
        };
        self.gates(cluster, plan).await?;
        self.marks(cluster, plan).await?;
        self.sizes(cluster, validated, template, world, plan).await
    }

    /// Lets servers take clients, or not.
    async fn gates(&self, cluster: &ChatCluster, plan: &Plan) -> Result<(), ReconcileError> {
        let shut = plan.shut.iter().map(|name| (name, false));
        for (name, open) in plan.open.iter().map(|name| (name, true)).chain(shut) {
            self.patch_pod(cluster, name, &serving(open)).await?;
        }
        Ok(())
    }

    /// Marks the servers that go first, and takes marks off.
    async fn marks(&self, cluster: &ChatCluster, plan: &Plan) -> Result<(), ReconcileError> {
        let off = plan.unmark.iter().map(|name| (name, None));
        for (name, cost) in plan.mark.iter().map(|name| (name, Some("-1000"))).chain(off) {
            let patch = serde_json::json!({ "metadata": { "annotations": { DELETION_COST: cost } } });
            self.patch_pod(cluster, name, &patch).await?;
        }
        Ok(())
    }

    async fn patch_pod(
        &self,
        cluster: &ChatCluster,
        name: &str,
        patch: &serde_json::Value,
    ) -> Result<(), ReconcileError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        match pods.patch_metadata(name, &PatchParams::default(), &Patch::Merge(patch)).await {
            Ok(_) => Ok(()),
            // It has gone meanwhile: the next look sees that.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(api("a change of a Pod")(error)),
        }
    }

    /// Sizes the Deployments; one of an older revision goes when its pods are gone.
    async fn sizes(
        &self,
        cluster: &ChatCluster,
        validated: &Validated,
        template: &Template,
        world: &World,
        plan: &Plan,
    ) -> Result<(), ReconcileError> {
        let owner = &cluster.metadata;
        for size in &plan.replicas {
            if size.revision == template.hash {
                let wish = build::deployment(validated, template, size.replicas);
                self.applier.apply(&self.stores.deployments, owner, owner_ref(cluster), wish).await?;
                continue;
            }
            let name = names::revision(&cluster.name_any(), &size.revision);
            let present = world
                .revisions
                .iter()
                .find(|revision| revision.hash == size.revision)
                .map(|revision| revision.replicas);
            if size.replicas == 0 && !world.servers.iter().any(|server| server.revision == size.revision) {
                self.applier.remove(&self.stores.deployments, owner, &name).await?;
                self.applier.remove(&self.stores.config_maps, owner, &name).await?;
            } else if present != Some(size.replicas) {
                // Only the size: what its pods are made of stays as it was made.
                let deployments: Api<k8s_openapi::api::apps::v1::Deployment> =
                    Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
                let patch = serde_json::json!({ "spec": { "replicas": size.replicas } });
                deployments
                    .patch(&name, &PatchParams::default(), &Patch::Merge(&patch))
                    .await
                    .map_err(api("the size of a Deployment"))?;
            }
        }
        Ok(())
    }

    /// Writes the status, if it says something new.
    async fn answer(&self, cluster: &ChatCluster, status: ChatClusterStatus) -> Result<(), ReconcileError> {
        if cluster.status.as_ref() == Some(&status) {
            return Ok(());
        }
        let clusters: Api<ChatCluster> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        let mut answered = cluster.clone();
        answered.status = Some(status);
        answered.metadata.managed_fields = None;
        // Under the version that was looked at: what was decided on an older one is decided anew.
        clusters
            .replace_status(&cluster.name_any(), &PostParams::default(), &answered)
            .await
            .map_err(api("the status"))?;
        Ok(())
    }
}

/// Whether a pod is a server, and not a node of a managed Redis.
fn is_server(pod: &Arc<Pod>) -> bool {
    pod.labels().get(names::COMPONENT).map(String::as_str) == Some(names::SERVER)
}

/// Has the servers drain, serve again, or close some connections. One that does not answer is told again at the next look.
async fn tell(asker: &Asker, servers: &Servers, pods: &[Arc<Pod>], plan: &Plan, now: Timestamp) {
    let find = |name: &str| {
        let pod = pods.iter().find(|pod| pod.name_any() == name)?;
        let said = servers.of(&pod.uid()?, now)?;
        Some((pod, said.boot))
    };
    let mut told: Vec<Result<(), NotDone>> = Vec::new();
    for (pod, boot) in plan.undrain.iter().filter_map(|name| find(name)) {
        told.push(asker.undrain(pod, boot).await);
    }
    for drain in &plan.drain {
        if let Some((pod, boot)) = find(&drain.name) {
            told.push(asker.drain(pod, boot, drain.rate).await);
        }
    }
    for close in &plan.close {
        if let Some((pod, boot)) = find(&close.name) {
            told.push(asker.close(pod, boot, close.count, close.rate).await);
        }
    }
    for error in told.into_iter().filter_map(Result::err) {
        tracing::warn!(error = %error, "a server was told something in vain");
    }
}

/// The reference that has objects go with their ChatCluster.
pub fn owner_ref(cluster: &ChatCluster) -> OwnerRef {
    cluster.controller_owner_ref(&()).unwrap_or_default()
}
