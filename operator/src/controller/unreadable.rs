//! A ChatCluster that the API server keeps and this operator cannot read, since another version's definition let it pass. It is told so, and no other
//! ChatCluster waits for it.

use super::reconcile::{CALM, Operator, ReconcileError, api};
use super::status;
use chat_api::{ChatCluster, ChatClusterStatus};
use jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::error_boundary::InvalidObject;
use kube::runtime::controller::Action;

impl Operator {
    /// Says what cannot be read, once.
    pub(super) async fn cannot_read(&self, unreadable: &InvalidObject) -> Result<Action, ReconcileError> {
        let metadata = &unreadable.metadata;
        let (Some(name), Some(namespace)) = (&metadata.name, &metadata.namespace) else {
            return Ok(Action::await_change());
        };
        let kind = ApiResource::erase::<ChatCluster>(&());
        let clusters: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let Some(mut found) = clusters.get_opt(name).await.map_err(api("a ChatCluster"))? else {
            return Ok(Action::await_change());
        };
        let status = found.data.get("status").cloned().unwrap_or_default();
        let before: ChatClusterStatus = serde_json::from_value(status).unwrap_or_default();
        let message = format!(
            "this version of the operator cannot read the spec: {}; correct it, or install the operator and the definition of one release",
            unreadable.error
        );
        let answer = status::unreadable(&before, metadata.generation, &message, Timestamp::now());
        if answer != before {
            found.data["status"] = serde_json::to_value(&answer).unwrap_or_default();
            found.metadata.managed_fields = None;
            clusters.replace_status(name, &PostParams::default(), &found).await.map_err(api("the status"))?;
        }
        Ok(Action::requeue(CALM))
    }
}
