//! The objects of a managed Redis, as they are applied.

use chat_api::ChatCluster;
use chat_operator::controller::dereference::Referred;
use chat_operator::controller::validate::{Validated, validate};
use chat_operator::redis::build;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

fn validated() -> Validated {
    let text = "
apiVersion: chatcluster.dev/v1alpha1
kind: ChatCluster
metadata: {name: chat, namespace: talk, uid: u-1}
spec:
  redis: {managed: {storage: {size: 2Gi, className: fast}}}
";
    let cluster: ChatCluster = serde_yaml::from_str(text).expect("a ChatCluster");
    let mut referred = Referred::default();
    referred.found("chat-signing", BTreeMap::from([("key".to_owned(), vec![b'k'; 64])]));
    validate(&cluster, &referred, Some("chat-server:1")).expect("a valid ChatCluster")
}

fn yaml(object: &impl Serialize) -> String {
    serde_yaml::to_string(object).expect("YAML")
}

#[test]
fn objects() {
    let cluster = validated();
    let redis = cluster.spec.redis.managed.clone().expect("a managed Redis");
    insta::assert_snapshot!("stateful_set", yaml(&build::stateful_set(&cluster, &redis, 2, 2)));
    insta::assert_snapshot!("service", yaml(&build::service(&cluster)));
    insta::assert_snapshot!("budget", yaml(&build::budget(&cluster)));
    insta::assert_snapshot!("network_policy", yaml(&build::network_policy(&cluster)));
}

#[test]
fn scripts_are_right_for_a_plain_shell() {
    let files = build::config_map(&validated()).data.expect("files");
    let scripts = files.iter().filter(|(_, text)| text.starts_with("#!/bin/sh"));
    assert_eq!(scripts.clone().count(), 4);
    for (name, text) in scripts {
        let mut shell = Command::new("sh").arg("-n").stdin(Stdio::piped()).spawn().expect("a shell");
        shell.stdin.take().expect("its input").write_all(text.as_bytes()).expect("its input");
        assert!(shell.wait().expect("its end").success(), "{name}");
    }
}
