//! The Redis Cluster in a look at a ChatCluster: how it is, the objects of a managed one, and its next step.

use super::act::{Outcome, owner_ref};
use super::dereference::Referred;
use super::reconcile::{Operator, ReconcileError, api};
use super::status::Finding;
use super::validate::Validated;
use crate::names;
use crate::redis::{
    self, Access, Command, Credentials, Formation, NoAuthorities, Order, Roll, Step, Tls, World, build, existing,
};
use crate::stores;
use chat_api::{ChatCluster, ExistingRedis, ManagedRedis, RedisStatus, SecretKey};
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Preconditions};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, ResourceExt};
use std::sync::Arc;

/// What was found.
pub(super) struct Looked {
    /// In numbers.
    pub(super) status: RedisStatus,
    /// In a sentence.
    pub(super) finding: Finding,
    managed: Option<Managed>,
}

struct Managed {
    wanted: ManagedRedis,
    world: World,
    formation: Formation,
    roll: Roll,
}

impl Looked {
    /// Whether more servers may be made: not while Redis is known to be unwell.
    pub(super) fn may_scale(&self) -> bool {
        self.finding.holds != Some(false)
    }

    /// Whether it gets well by itself, as far as anybody can tell.
    pub(super) fn heals(&self) -> bool {
        self.is_managed() && redis::heals(&self.finding)
    }

    /// Whether the operator runs it.
    pub(super) fn is_managed(&self) -> bool {
        self.managed.is_some()
    }

    /// Whether there is nothing to do and nothing to wait for.
    pub(super) fn is_calm(&self) -> bool {
        self.may_scale() && self.managed.as_ref().is_none_or(|managed| managed.roll == Roll::Rest)
    }
}

impl Operator {
    /// Asks the nodes how they are, and plans.
    pub(super) async fn redis(&self, cluster: &ChatCluster, validated: &Validated, referred: &Referred) -> Looked {
        let spec = &validated.spec.redis;
        if let Some(wanted) = &spec.managed {
            return self.managed(cluster, wanted.clone()).await;
        }
        let seeds = spec.existing.as_ref().map_or(&[][..], |existing| &existing.seeds);
        let (status, finding) = match access(validated, referred) {
            Ok(access) => existing::look(seeds, &access).await,
            Err(why) => existing::unasked(&why),
        };
        Looked { status, finding, managed: None }
    }

    async fn managed(&self, cluster: &ChatCluster, wanted: ManagedRedis) -> Looked {
        let sets: Vec<_> = stores::of(&self.stores.stateful_sets, cluster).collect();
        let pods: Vec<_> = stores::of(&self.stores.pods, cluster).collect();
        let mut world = redis::observe(&wanted, &sets, &pods);
        redis::look(&mut world).await;
        let formation = redis::formation(&world);
        let roll = redis::roll(&world, &formation);
        let (status, finding) = redis::health(&world, &formation);
        Looked { status, finding, managed: Some(Managed { wanted, world, formation, roll }) }
    }

    /// Has the objects of a managed Redis be as they shall be.
    pub(super) async fn apply_redis(
        &self,
        cluster: &ChatCluster,
        validated: &Validated,
        looked: &Looked,
        outcome: &mut Outcome,
    ) -> Result<(), ReconcileError> {
        let Some(Managed { wanted, world, .. }) = &looked.managed else { return Ok(()) };
        let owner = &cluster.metadata;
        let own = || owner_ref(cluster);
        let (stores, applier) = (&self.stores, &self.applier);
        let settings = applier.apply(&stores.config_maps, owner, own(), build::config_map(validated)).await;
        let settings = outcome.of(settings)?;
        outcome.of(applier.apply(&stores.services, owner, own(), build::service(validated)).await)?;
        outcome.of(applier.apply(&stores.budgets, owner, own(), build::budget(validated)).await)?;
        let policy = match build::network_policy(validated) {
            Some(wish) => applier.apply(&stores.policies, owner, own(), wish).await,
            None => applier.remove(&stores.policies, owner, &names::redis(&validated.name)).await,
        };
        outcome.of(policy)?;
        // Nodes that would start with somebody else's settings are not made.
        for shard in (0..world.wanted.shards).filter(|_| settings) {
            let pods = redis::size(world, shard, self.present(validated, shard));
            let wish = build::stateful_set(validated, wanted, shard, pods);
            outcome.of(applier.apply(&stores.stateful_sets, owner, own(), wish).await)?;
        }
        Ok(())
    }

    /// How many pods a shard's StatefulSet is to have by now.
    fn present(&self, validated: &Validated, shard: usize) -> Option<usize> {
        let name = names::shard(&validated.name, shard);
        let set: Arc<StatefulSet> =
            self.stores.stateful_sets.get(&ObjectRef::new(&name).within(&validated.namespace))?;
        usize::try_from(set.spec.as_ref()?.replicas?).ok()
    }

    /// Has the nodes of a managed Redis do their next step.
    pub(super) async fn form(&self, cluster: &ChatCluster, looked: &Looked) -> Result<(), ReconcileError> {
        let Some(Managed { world, formation, roll, .. }) = &looked.managed else { return Ok(()) };
        if !matches!(formation.step, Step::Formed | Step::Wait) {
            tracing::info!(step = ?formation.step, orders = formation.orders.len(), "Redis is formed or healed");
        }
        let mut orders = formation.orders.clone();
        match roll {
            Roll::Rest => {}
            Roll::FailOver(pod) => orders.push(Order { pod: pod.clone(), command: Command::FailOver }),
            Roll::Delete(pod) => self.renew(cluster, pod).await?,
        }
        for undone in redis::carry_out(world, &orders).await {
            tracing::warn!(pod = undone.pod, error = %undone, cause = %undone.source, "a node of Redis was told something in vain");
        }
        Ok(())
    }

    /// Deletes the pod that was looked at, and not one that has its name by now.
    async fn renew(&self, cluster: &ChatCluster, name: &str) -> Result<(), ReconcileError> {
        let namespace = cluster.namespace().unwrap_or_default();
        let Some(pod) = self.stores.pods.get(&ObjectRef::new(name).within(&namespace)) else { return Ok(()) };
        let preconditions = Preconditions { uid: pod.uid(), resource_version: None };
        let that_one = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &namespace);
        tracing::info!(pod = name, "a pod of Redis is renewed");
        match pods.delete(name, &that_one).await {
            Ok(_) => Ok(()),
            // It has gone, or is another by now: the next look sees that.
            Err(kube::Error::Api(status)) if status.code == 404 || status.code == 409 => Ok(()),
            Err(error) => Err(api("the end of a Pod")(error)),
        }
    }
}

/// How an existing Redis is to be asked.
fn access(validated: &Validated, referred: &Referred) -> Result<Access, NoAuthorities> {
    let Some(ExistingRedis { auth, tls, .. }) = &validated.spec.redis.existing else { return Ok(Access::default()) };
    let value = |reference: Option<&SecretKey>| reference.and_then(|reference| referred.value(reference).ok());
    let credentials = value(validated.secrets.redis_password.as_ref()).map(|password| Credentials {
        user: auth.as_ref().and_then(|auth| auth.user.clone()),
        password: String::from_utf8_lossy(password.trim_ascii_end()).into_owned(),
    });
    let tls = tls.as_ref().map(|_| Tls::new(value(validated.secrets.redis_ca.as_ref()))).transpose()?;
    Ok(Access { credentials, tls })
}
