//! Follows what the cluster says of its front proxy: a new authority counts from the moment at which it is announced.

use super::trust::{CONFIG_MAP, Trust};
use futures_util::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client};
use std::pin::pin;
use std::sync::Arc;
use tokio::sync::watch;

/// Tells whom to believe; nobody where the cluster does not say. Never ends.
pub async fn follow(client: Client, told: watch::Sender<Option<Arc<Trust>>>) {
    let maps: Api<ConfigMap> = Api::namespaced(client, "kube-system");
    let mut changes = pin!(watch_object(maps, CONFIG_MAP).default_backoff());
    while let Some(change) = changes.next().await {
        let found = match change {
            Ok(found) => found,
            Err(error) => {
                // What was said last goes on counting.
                tracing::warn!(error = %error, "the ConfigMap kube-system/{CONFIG_MAP} cannot be read");
                continue;
            }
        };
        let trust = match Trust::read(&found.and_then(|map| map.data).unwrap_or_default()) {
            Ok(trust) => Some(Arc::new(trust)),
            Err(error) => {
                tracing::warn!(error = %error, "kube-system/{CONFIG_MAP} names nobody to believe: the API server cannot pass requests on");
                None
            }
        };
        told.send_if_modified(|before| {
            let news = *before != trust;
            *before = trust;
            news
        });
    }
}
