//! An Ingress in front of the service.

use super::metadata;
use crate::controller::validate::Validated;
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule, IngressServiceBackend, IngressSpec,
    IngressTLS, ServiceBackendPort,
};

/// The Ingress, where one is wished for.
pub fn ingress(cluster: &Validated) -> Option<Ingress> {
    let own = cluster.spec.ingress.as_ref()?;
    let port = ServiceBackendPort { name: Some("public".to_owned()), number: None };
    let service = IngressServiceBackend { name: cluster.name.clone(), port: Some(port) };
    let path = HTTPIngressPath {
        path: Some("/".to_owned()),
        path_type: "Prefix".to_owned(),
        backend: IngressBackend { service: Some(service), resource: None },
    };
    let rule = IngressRule { host: Some(own.host.clone()), http: Some(HTTPIngressRuleValue { paths: vec![path] }) };
    let tls = own
        .tls_secret_name
        .clone()
        .map(|name| IngressTLS { hosts: Some(vec![own.host.clone()]), secret_name: Some(name) });
    let mut metadata = metadata(cluster, cluster.name.clone());
    metadata.annotations = Some(own.annotations.clone()).filter(|annotations| !annotations.is_empty());
    Some(Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: own.class_name.clone(),
            rules: Some(vec![rule]),
            tls: tls.map(|tls| vec![tls]),
            default_backend: None,
        }),
        status: None,
    })
}
