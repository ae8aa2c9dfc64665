//! Whom the API believes, and that it stops: in the process, with authorities of the test. Nobody asks an API server here.

use super::https::{Asker, Pair};
use crate::control_plane::WITHIN;
use chat_operator::custom_metrics::access::Access;
use chat_operator::custom_metrics::api::MetricsApi;
use chat_operator::custom_metrics::certificate::Certificates;
use chat_operator::custom_metrics::figures::Figures;
use chat_operator::custom_metrics::serve::serve;
use chat_operator::custom_metrics::trust::Trust;
use chat_operator::health::Health;
use chat_operator::metrics::Metrics;
use chat_operator::servers::Servers;
use chat_operator::stores;
use jiff::Timestamp;
use kube::{Client, Config};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

const HOST: &str = "adapter.here.svc";
const SHOP: &str =
    "/apis/custom.metrics.k8s.io/v1beta2/namespaces/here/chatclusters.chatcluster.dev/shop/chat_connections";
const DISCOVERY: &str = "/apis/custom.metrics.k8s.io/v1beta2";

/// Somebody who may do everything, so that nobody needs to be asked.
const MASTER: [(&str, &str); 2] = [("x-remote-user", "admin"), ("x-remote-group", "system:masters")];

struct Api {
    asker: Asker,
    metrics: Arc<Metrics>,
    certificates: watch::Sender<Option<Certificates>>,
    trust: watch::Sender<Option<Arc<Trust>>>,
}

fn trust_in(authority: &Pair) -> Arc<Trust> {
    let data = [
        ("requestheader-client-ca-file", authority.certificate.as_str()),
        ("requestheader-allowed-names", r#"["front-proxy-client"]"#),
        ("requestheader-username-headers", r#"["X-Remote-User"]"#),
        ("requestheader-group-headers", r#"["X-Remote-Group"]"#),
    ];
    let data: BTreeMap<_, _> = data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Arc::new(Trust::read(&data).expect("trust"))
}

async fn api(authority: &Pair) -> Api {
    // Nobody is there: whoever would be asked about does not come in.
    let client = Client::try_from(Config::new("http://127.0.0.1:1".parse().expect("a URI"))).expect("a client");
    let metrics = Arc::new(Metrics::new().expect("metrics"));
    let health = Arc::new(Health::default());
    health.seen();
    let figures = Figures {
        stores: Arc::new(stores::watch(&client, None).0),
        servers: Arc::new(Servers::default()),
        health,
        namespace: None,
    };
    let api = Arc::new(MetricsApi { access: Access::new(client), figures, metrics: metrics.clone() });
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address");
    let (certificates, held) = watch::channel(None);
    let (trust, believed) = watch::channel(None);
    let (opened, open) = oneshot::channel();
    let told = metrics.clone();
    tokio::spawn(serve(listener, api, told, held, believed, move || opened.send(()).expect("somebody waits")));
    let made = Certificates::new(HOST, Timestamp::now()).expect("certificates");
    let asker = Asker { at, host: HOST.to_owned(), authorities: made.authorities.clone() };
    trust.send_replace(Some(trust_in(authority)));
    certificates.send_replace(Some(made));
    open.await.expect("it opens");
    Api { asker, metrics, certificates, trust }
}

impl Api {
    async fn status(&self, shown: Option<&Pair>, headers: &[(&str, &str)]) -> Option<u16> {
        Some(self.asker.get(shown, SHOP, headers).await?.0)
    }

    /// Waits until the answer is this one: a change is carried out in a moment, and not in the call that announces it.
    async fn becomes(&self, shown: &Pair, wanted: Option<u16>) {
        let same = async {
            while self.status(Some(shown), &MASTER).await != wanted {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(WITHIN, same).await.unwrap_or_else(|_| panic!("never answered {wanted:?}"));
    }
}

#[tokio::test]
async fn only_the_front_proxy_speaks_for_others() {
    let front = Pair::authority("front");
    let api = api(&front).await;
    let proxy = front.sign("front-proxy-client");
    // There is no such ChatCluster, which only those hear who may ask.
    assert_eq!(api.status(Some(&proxy), &MASTER).await, Some(404));
    assert_eq!(api.status(None, &MASTER).await, Some(401), "no certificate");
    assert_eq!(api.status(Some(&front.sign("kubelet")), &MASTER).await, Some(401), "another name");
    assert_eq!(api.status(Some(&proxy), &[]).await, Some(401), "no user");
    let stranger = Pair::authority("front").sign("front-proxy-client");
    assert_eq!(api.status(Some(&stranger), &MASTER).await, None, "another authority of the same name");
    assert_eq!(api.status(None, &[("authorization", "Bearer x")]).await, Some(503), "the API server is away");
    // Documents of discovery are for everybody.
    for path in ["/apis/custom.metrics.k8s.io", DISCOVERY, "/apis/custom.metrics.k8s.io/v1beta1"] {
        assert_eq!(api.asker.get(None, path, &[]).await.map(|(status, _)| status), Some(200), "{path}");
    }
    let text = String::from_utf8(api.metrics.text()).expect("text");
    for row in [
        r#"requests_total{outcome="unauthenticated"} 3"#,
        r#"requests_total{outcome="not_found"} 1"#,
        r#"requests_total{outcome="discovery"} 3"#,
        r#"connections_total{outcome="handshake"} 1"#,
    ] {
        assert!(text.contains(row), "{row} in\n{text}");
    }
}

#[tokio::test]
async fn an_authority_that_is_replaced_counts_no_longer_on_connections_that_it_opened_either() {
    let (old, new) = (Pair::authority("front"), Pair::authority("front"));
    let api = api(&old).await;
    let (before, after) = (old.sign("front-proxy-client"), new.sign("front-proxy-client"));
    let mut open = api.asker.connect(Some(&before)).await.expect("a connection");
    assert_eq!(open.get(SHOP, &MASTER).await.map(|(status, _)| status), Some(404));
    assert_eq!(api.status(Some(&after), &MASTER).await, None);
    api.trust.send_replace(Some(trust_in(&new)));
    api.becomes(&after, Some(404)).await;
    api.becomes(&before, None).await;
    assert_eq!(open.get(SHOP, &MASTER).await, None, "the connection has ended");
    // A cluster without a front proxy: nobody is believed.
    api.trust.send_replace(None);
    api.becomes(&after, Some(401)).await;
}

#[tokio::test]
async fn a_renewed_certificate_is_served_at_once() {
    let front = Pair::authority("front");
    let mut api = api(&front).await;
    let proxy = front.sign("front-proxy-client");
    let renewed = Certificates::new(HOST, Timestamp::now()).expect("certificates");
    api.certificates.send_replace(Some(renewed.clone()));
    api.becomes(&proxy, None).await;
    api.asker.authorities = renewed.authorities;
    api.becomes(&proxy, Some(404)).await;
}
