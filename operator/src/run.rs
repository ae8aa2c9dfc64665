//! The operator from its settings to its end.

use crate::controller::reconcile::{Operator, ReconcileError, reconcile};
use crate::custom_metrics;
use crate::custom_metrics::figures::Figures;
use crate::custom_metrics::registration::OwnService;
use crate::events::Announcer;
use crate::health::{self, Health};
use crate::metrics::Metrics;
use crate::servers::Rounds;
use crate::settings::Settings;
use crate::stores::{self, Changes};
use chat_api::ChatCluster;
use futures_util::StreamExt;
use kube::runtime::controller::{self, Action};
use kube::runtime::reflector::ObjectRef;
use kube::{Api, Client};
use kube_lease_manager::LeaseManagerBuilder;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a Lease is held without being renewed, in seconds; another operator leads after it.
const LEASE_SECONDS: u64 = 15;

/// How long before its end it is renewed, in seconds.
const LEASE_GRACE_SECONDS: u64 = 5;

/// The rest after a failed look.
const AFTER_ERROR: Duration = Duration::from_secs(5);

/// Looks at so many ChatClusters at a time.
const CONCURRENCY: u16 = 8;

/// Changes that come within this time are one: a scaling is a burst of them.
const DEBOUNCE: Duration = Duration::from_millis(200);

/// How often what is known of ChatClusters that are gone is forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(300);

/// Why the operator ends.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The API server cannot be found or asked.
    #[error("the API server cannot be reached: run in a pod with a ServiceAccount, or set KUBECONFIG")]
    Client(#[source] Box<kube::Error>),
    /// The definition of ChatCluster is missing.
    #[error("the API server does not know ChatClusters: install the custom resource definition first (k8s/crd.yaml)")]
    Definition(#[source] Box<kube::Error>),
    /// An address that it cannot listen on.
    #[error("{0}: cannot listen on {1}")]
    Listen(&'static str, SocketAddr, #[source] std::io::Error),
    /// The process gets no signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// Metrics that contradict each other: a defect.
    #[error("the metrics cannot be registered")]
    Metrics(#[from] prometheus::Error),
    /// The Lease cannot be asked for.
    #[error("the lease cannot be asked for")]
    Lease(#[from] kube_lease_manager::LeaseManagerError),
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(settings: Settings) -> Result<(), RunError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(RunError::Signals)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(RunError::Signals)?;
    let client = Client::try_default().await.map_err(|error| RunError::Client(Box::new(error)))?;
    let clusters: Api<ChatCluster> = stores::scoped(&client, settings.namespace.as_deref());
    let asked = clusters.list_metadata(&kube::api::ListParams::default().limit(1)).await;
    asked.map_err(|error| {
        if is_unknown(&error) { RunError::Definition(Box::new(error)) } else { RunError::Client(Box::new(error)) }
    })?;
    let metrics = Arc::new(Metrics::new()?);
    let health = Arc::new(Health::default());
    let listener = listen("--listen", settings.listen).await?;
    let router = health::router(health.clone(), metrics.clone());
    let mut aside = JoinSet::new();
    aside.spawn(async move { drop(axum::serve(listener, router).await) });
    let (stores, changes) = stores::watch(&client, settings.namespace.as_deref());
    let announcer = Announcer::new(client.clone(), settings.identity.clone(), metrics.clone());
    let dashboard = include_str!("../../charts/chatcluster/files/dashboard.json");
    let image = settings.server_image.clone();
    let mut operator = Operator::new(client.clone(), Arc::new(stores), announcer, image, dashboard);
    aside.spawn(Rounds::of(&operator).run());
    if let Some((at, service)) = settings.metrics_api_listen.zip(settings.metrics_api_service.clone()) {
        let figures = Figures {
            stores: operator.stores.clone(),
            servers: operator.servers.clone(),
            health: health.clone(),
            namespace: settings.namespace.clone(),
        };
        let own = OwnService { namespace: settings.own_namespace.clone(), name: service };
        let listener = listen("--metrics-api-listen", at).await?;
        operator.standing = Some(custom_metrics::start(&client, own, figures, listener, &metrics, &mut aside));
    }
    let operator = Arc::new(operator);
    tracing::info!(listen = %settings.listen, namespace = settings.namespace.as_deref().unwrap_or("all"), "operator started");
    tokio::select! {
        led = lead(&settings, &client, operator, &metrics, &health, changes) => led?,
        _ = terminate.recv() => tracing::info!("ended by SIGTERM"),
        _ = interrupt.recv() => tracing::info!("ended by SIGINT"),
    }
    aside.shutdown().await;
    Ok(())
}

async fn listen(flag: &'static str, at: SocketAddr) -> Result<TcpListener, RunError> {
    TcpListener::bind(at).await.map_err(|error| RunError::Listen(flag, at, error))
}

/// The API server does not know the kind.
fn is_unknown(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Waits until this operator leads, then looks at ChatClusters until it no longer does: then it ends, and its pod begins anew.
async fn lead(
    settings: &Settings,
    client: &Client,
    operator: Arc<Operator>,
    metrics: &Arc<Metrics>,
    health: &Health,
    mut changes: Changes,
) -> Result<(), RunError> {
    // Followers have seen all that there is too: they take over at once.
    tokio::select! {
        _ = operator.stores.ready() => {}
        () = see(&mut changes) => {}
    }
    health.seen();
    if settings.lease == "off" {
        metrics.leads.set(1);
        control(operator, metrics.clone(), changes).await;
        return Ok(());
    }
    let manager = LeaseManagerBuilder::new(client.clone(), &settings.lease)
        .with_namespace(&settings.own_namespace)
        .with_identity(&settings.identity)
        .with_duration(LEASE_SECONDS)
        .with_grace(LEASE_GRACE_SECONDS)
        .build()
        .await?;
    let (mut leads, held) = manager.watch().await;
    tokio::select! {
        _ = leads.wait_for(|leads| *leads) => {}
        () = see(&mut changes) => {}
    }
    metrics.leads.set(1);
    tracing::info!(lease = settings.lease, "this operator leads");
    tokio::select! {
        () = control(operator, metrics.clone(), changes) => {}
        () = lost(&mut leads) => tracing::warn!("the lease was lost: another operator leads"),
    }
    drop(leads);
    let _ = held.await;
    Ok(())
}

async fn lost(leads: &mut watch::Receiver<bool>) {
    let _ = leads.wait_for(|leads| !*leads).await;
}

/// Has the changes be seen while nobody acts on them yet: what is there is looked at anyway once somebody does.
async fn see(changes: &mut Changes) {
    while changes.next().await.is_some() {}
}

async fn control(operator: Arc<Operator>, metrics: Arc<Metrics>, changes: Changes) {
    let clusters = operator.stores.clusters.clone();
    // What was seen before this operator led is looked at too.
    let first: Vec<_> = clusters.state().iter().map(|cluster| ObjectRef::from_obj(&**cluster)).collect();
    let queue = futures_util::stream::iter(first).chain(changes).map(Ok::<_, Infallible>);
    let config = controller::Config::default().concurrency(CONCURRENCY).debounce(DEBOUNCE);
    let looked = controller::applier(
        |cluster, operator: Arc<Operator>| {
            let metrics = metrics.clone();
            Box::pin(async move {
                let begun = Instant::now();
                let looked = reconcile(cluster, operator).await;
                metrics.looked(begun.elapsed().as_secs_f64(), looked.is_ok());
                looked
            })
        },
        |_, _: &ReconcileError, _| Action::requeue(AFTER_ERROR),
        operator.clone(),
        clusters,
        queue,
        config,
    );
    let tidied = async {
        let mut every = tokio::time::interval(TIDY_EVERY);
        loop {
            every.tick().await;
            operator.tidy();
        }
    };
    let looked = looked.for_each(async |looked| match looked {
        // It was deleted between the change and the look.
        Ok(_) | Err(controller::Error::ObjectNotFound(_)) => {}
        Err(error) => tracing::warn!(error = chain(&error), "a look at a ChatCluster failed; it is repeated"),
    });
    tokio::select! {
        () = looked => {}
        () = tidied => {}
    }
}

/// An error with all that it came from.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Some errors of the client repeat their source.
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}
