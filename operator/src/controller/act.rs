//! What a look does when it has decided: objects are written, servers are let take clients or not, marked, and told to drain, and Deployments are sized.
//!
//! One object that cannot be written does not keep the others from it, but for those that need it.

use super::apply::{ApplyError, OwnerRef};
use super::build::{self, Template};
use super::observe::{DELETION_COST, serving};
use super::reconcile::{Operator, ReconcileError, api};
use super::validate::Validated;
use crate::drain::{Plan, World};
use crate::names;
use crate::servers::{Asker, NotDone, Servers};
use crate::stores;
use chat_api::ChatCluster;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource, ResourceExt};
use std::sync::Arc;

/// Pods that are changed, and servers that are told something, at a time.
const AT_A_TIME: usize = 16;

/// What was decided, about what.
#[derive(Clone, Copy)]
pub(super) struct Decided<'a> {
    pub(super) cluster: &'a ChatCluster,
    pub(super) validated: &'a Validated,
    pub(super) template: &'a Template,
    pub(super) world: &'a World,
    pub(super) plan: &'a Plan,
}

/// What became of the objects of one look.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The first that stays unwritten until somebody does something: a reason, and what to do.
    pub(super) refused: Option<(&'static str, String)>,
    /// The first that may be written at the next look.
    failed: Option<ApplyError>,
}

impl Outcome {
    /// Takes down what became of an object: whether it is as it shall be. An API server that does not answer at all ends the look.
    pub(super) fn of(&mut self, applied: Result<bool, ApplyError>) -> Result<bool, ReconcileError> {
        let Err(error) = applied else { return Ok(true) };
        if let Some(refused) = error.lasting() {
            self.refused.get_or_insert(refused);
        } else if error.was_answered() {
            self.failed.get_or_insert(error);
        } else {
            return Err(error.into());
        }
        Ok(false)
    }

    /// What failed for now makes the look a failed one, after all else was tried.
    pub(super) fn end(self) -> Result<(), ReconcileError> {
        self.failed.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl Operator {
    /// Has the objects be as they shall be, and the servers do what they shall do.
    pub(super) async fn act(&self, decided: Decided<'_>, outcome: &mut Outcome) -> Result<(), ReconcileError> {
        let Decided { cluster, validated, template, world, plan } = decided;
        let owner = &cluster.metadata;
        let own = || owner_ref(cluster);
        let (stores, applier) = (&self.stores, &self.applier);
        let account = applier.apply(&stores.service_accounts, owner, own(), build::service_account(validated)).await;
        let account = outcome.of(account)?;
        let settings = build::config_map(validated, &template.hash);
        let settings = outcome.of(applier.apply(&stores.config_maps, owner, own(), settings).await)?;
        outcome.of(applier.apply(&stores.budgets, owner, own(), build::budget(validated)).await)?;
        let service = build::service(validated, &plan.service);
        outcome.of(applier.apply(&stores.services, owner, own(), service).await)?;
        let name = cluster.name_any();
        let autoscaler = match build::autoscaler(validated) {
            Some(wish) => applier.apply(&stores.autoscalers, owner, own(), wish).await,
            None => applier.remove(&stores.autoscalers, owner, &name).await,
        };
        outcome.of(autoscaler)?;
        let policy = match build::network_policy(validated) {
            Some(wish) => applier.apply(&stores.policies, owner, own(), wish).await,
            None => applier.remove(&stores.policies, owner, &name).await,
        };
        outcome.of(policy)?;
        let ingress = match build::ingress(validated) {
            Some(wish) => applier.apply(&stores.ingresses, owner, own(), wish).await,
            None => applier.remove(&stores.ingresses, owner, &name).await,
        };
        outcome.of(ingress)?;
        let dashboard = match build::dashboard(validated, self.dashboard) {
            Some(wish) => applier.apply(&stores.config_maps, owner, own(), wish).await,
            None => applier.remove(&stores.config_maps, owner, &build::dashboard_name(validated)).await,
        };
        outcome.of(dashboard)?;
        let monitor = match build::pod_monitor(validated) {
            Some(wish) => applier.apply_now_and_then(owner, own(), &build::pod_monitor_kind(), wish, world.now).await,
            None => applier.remove_now_and_then(owner, &build::pod_monitor_kind(), &name, world.now).await,
        };
        outcome.of(monitor)?;
        self.gates(cluster, plan).await?;
        self.marks(cluster, plan).await?;
        // Pods that would start with somebody else's settings are not made.
        let may_make = account && settings;
        self.sizes(decided, may_make, outcome).await?;
        self.sweep(decided, outcome).await
    }

    /// Lets servers take clients, or not.
    async fn gates(&self, cluster: &ChatCluster, plan: &Plan) -> Result<(), ReconcileError> {
        let shut = plan.shut.iter().map(|name| (name, serving(false)));
        let gates = plan.open.iter().map(|name| (name, serving(true))).chain(shut);
        self.patch_pods(cluster, gates).await
    }

    /// Marks the servers that go first, and takes marks off.
    async fn marks(&self, cluster: &ChatCluster, plan: &Plan) -> Result<(), ReconcileError> {
        let cost = |cost: Option<&str>| serde_json::json!({ "metadata": { "annotations": { DELETION_COST: cost } } });
        let off = plan.unmark.iter().map(|name| (name, cost(None)));
        let marks = plan.mark.iter().map(|name| (name, cost(Some("-1000")))).chain(off);
        self.patch_pods(cluster, marks).await
    }

    /// Some at a time: there may be hundreds.
    async fn patch_pods(
        &self,
        cluster: &ChatCluster,
        patches: impl Iterator<Item = (&String, serde_json::Value)>,
    ) -> Result<(), ReconcileError> {
        let patches: Vec<_> = patches.map(|(name, patch)| self.patch_pod(cluster, name, patch)).collect();
        futures_util::stream::iter(patches).buffer_unordered(AT_A_TIME).try_collect().await
    }

    async fn patch_pod(
        &self,
        cluster: &ChatCluster,
        name: &str,
        patch: serde_json::Value,
    ) -> Result<(), ReconcileError> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &cluster.namespace().unwrap_or_default());
        match pods.patch_metadata(name, &PatchParams::default(), &Patch::Merge(&patch)).await {
            Ok(_) => Ok(()),
            // It has gone meanwhile: the next look sees that.
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
            Err(error) => Err(api("a change of a Pod")(error)),
        }
    }

    /// Sizes the Deployments; one of an older revision goes when its pods are gone.
    async fn sizes(&self, decided: Decided<'_>, may_make: bool, outcome: &mut Outcome) -> Result<(), ReconcileError> {
        let Decided { cluster, validated, template, world, plan } = decided;
        let owner = &cluster.metadata;
        for size in &plan.replicas {
            if size.revision == template.hash {
                if may_make {
                    let wish = build::deployment(validated, template, size.replicas);
                    let own = owner_ref(cluster);
                    outcome.of(self.applier.apply(&self.stores.deployments, owner, own, wish).await)?;
                }
                continue;
            }
            let name = names::revision(&cluster.name_any(), &size.revision);
            let present = world
                .revisions
                .iter()
                .find(|revision| revision.hash == size.revision)
                .map(|revision| revision.replicas);
            if size.replicas == 0 && !world.servers.iter().any(|server| server.revision == size.revision) {
                outcome.of(self.applier.remove(&self.stores.deployments, owner, &name).await)?;
            } else if present != Some(size.replicas) {
                // Only the size: what its pods are made of stays as it was made.
                let deployments: Api<Deployment> =
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

    /// Removes the settings of revisions that have no Deployment any more, or never got one.
    async fn sweep(&self, decided: Decided<'_>, outcome: &mut Outcome) -> Result<(), ReconcileError> {
        let Decided { cluster, template, world, .. } = decided;
        for settings in stores::of(&self.stores.config_maps, cluster) {
            let Some(revision) = settings.labels().get(names::REVISION) else { continue };
            if *revision != template.hash && !world.revisions.iter().any(|known| known.hash == *revision) {
                let name = settings.name_any();
                outcome.of(self.applier.remove(&self.stores.config_maps, &cluster.metadata, &name).await)?;
            }
        }
        Ok(())
    }
}

/// Has the servers drain, serve again, or close some connections. One that does not answer is told again at the next look.
pub(super) async fn tell(asker: &Asker, servers: &Servers, pods: &[Arc<Pod>], plan: &Plan, now: Timestamp) {
    let find = |name: &str| {
        let pod = pods.iter().find(|pod| pod.name_any() == name)?;
        let said = servers.of(&pod.uid()?, now)?;
        Some((pod, said.boot))
    };
    let mut told: Vec<BoxFuture<'_, Result<(), NotDone>>> = Vec::new();
    for (pod, boot) in plan.undrain.iter().filter_map(|name| find(name)) {
        told.push(asker.undrain(pod, boot).boxed());
    }
    for drain in &plan.drain {
        if let Some((pod, boot)) = find(&drain.name) {
            told.push(asker.drain(pod, boot, drain.rate).boxed());
        }
    }
    for close in &plan.close {
        if let Some((pod, boot)) = find(&close.name) {
            told.push(asker.close(pod, boot, close.count, close.rate).boxed());
        }
    }
    let mut told = futures_util::stream::iter(told).buffer_unordered(AT_A_TIME);
    while let Some(told) = told.next().await {
        if let Err(error) = told {
            tracing::warn!(error = %error, "a server was told something in vain");
        }
    }
}

/// The reference that has objects go with their ChatCluster.
pub(super) fn owner_ref(cluster: &ChatCluster) -> OwnerRef {
    cluster.controller_owner_ref(&()).unwrap_or_default()
}
