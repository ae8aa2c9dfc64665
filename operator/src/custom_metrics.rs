//! `custom.metrics.k8s.io`: the connections of a ChatCluster, and the messages that it takes a second, for the HorizontalPodAutoscaler.
//!
//! It is an aggregated API: the API server passes requests on, over TLS, with a client certificate of its own and the caller's name in headers. So this
//! is a server that must know whom it talks to ([`trust`], [`access`]), that needs a certificate which the API server takes for ours ([`certificate`],
//! [`keeping`]), and that is entered at the API server by two APIServices ([`registration`]). What it answers is little ([`path`], [`documents`]), and
//! is never less than what there is: where a server has not answered for a while there is no figure at all ([`figures`]).
//!
//! Every operator answers, whether it leads or not. While the APIServices exist and nobody answers, no namespace of the cluster can be deleted: that is
//! why the documents of discovery are given to whoever asks, before anything else works.

pub mod access;
pub mod api;
pub mod certificate;
pub mod documents;
pub mod figures;
pub mod front_proxy;
pub mod keeping;
pub mod path;
mod recent;
pub mod registration;
pub mod selector;
pub mod serve;
mod tls;
pub mod trust;

use crate::metrics::Metrics;
use access::Access;
use api::MetricsApi;
use figures::Figures;
use keeping::Keeper;
use kube::{Api, Client};
use registration::{OwnService, Registrar, Standing};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// The API's group.
pub const GROUP: &str = "custom.metrics.k8s.io";

/// Starts all of it as tasks, and says whose the API is from time to time.
pub fn start(
    client: &Client,
    own: OwnService,
    figures: Figures,
    listener: TcpListener,
    metrics: &Arc<Metrics>,
    tasks: &mut JoinSet<()>,
) -> watch::Receiver<Standing> {
    let (certificates, held) = watch::channel(None);
    let (trust, believed) = watch::channel(None);
    let (standing, whose) = watch::channel(Standing::default());
    let health = figures.health.clone();
    health.expect_metrics_api();
    let keeper =
        Keeper { secrets: Api::namespaced(client.clone(), &own.namespace), name: own.name.clone(), host: own.host() };
    let api = Arc::new(MetricsApi { access: Access::new(client.clone()), figures, metrics: metrics.clone() });
    let registrar = Registrar { client: client.clone(), own, metrics: metrics.clone() };
    tasks.spawn(keeper.run(certificates));
    tasks.spawn(front_proxy::follow(client.clone(), trust));
    tasks.spawn(registrar.run(held.clone(), standing));
    let opened = move || health.metrics_api_opened();
    tasks.spawn(serve::serve(listener, api, metrics.clone(), held, believed, opened));
    whose
}
