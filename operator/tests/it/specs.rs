//! Which specs are taken, and what people are told of the others: by the API server where it can know, or else by the operator's conditions.

use crate::control_plane::ControlPlane;
use chat_api::ChatCluster;
use chat_operator::controller::dereference::Referred;
use chat_operator::controller::validate::validate;
use http::{Method, Request};
use kube::Client;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// A wish, and what a person changes in it later.
#[derive(Deserialize)]
struct Case {
    what: String,
    /// `chat` if it does not matter.
    name: Option<String>,
    spec: Value,
    /// A later change, as a merge patch of the spec.
    change: Option<Value>,
}

fn cases() -> Vec<Case> {
    serde_yaml::from_str(include_str!("specs/cases.yaml")).expect("cases")
}

#[tokio::test(flavor = "multi_thread")]
async fn specs() {
    let plane = ControlPlane::bare().await;
    let (client, namespace) = (plane.client().await, plane.namespace("specs").await);
    let mut told = String::new();
    for case in cases() {
        let verdict = verdict(&client, &namespace, &case).await;
        writeln!(told, "{}\n    {}", case.what, verdict.replace('\n', "\n    ")).expect("text");
    }
    insta::assert_snapshot!("specs", told);
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults() {
    let plane = ControlPlane::bare().await;
    let (client, namespace) = (plane.client().await, plane.namespace("defaults").await);
    let smallest = json!({ "redis": { "managed": {} } });
    let made = post(&client, &namespace, "chat", &smallest, true).await.expect("the smallest ChatCluster is taken");
    insta::assert_snapshot!("defaults", serde_yaml::to_string(&made["spec"]).expect("YAML"));
}

async fn verdict(client: &Client, namespace: &str, case: &Case) -> String {
    let name = case.name.as_deref().unwrap_or("chat");
    let made = match post(client, namespace, name, &case.spec, case.change.is_none()).await {
        Ok(made) => made,
        Err(refusal) => return format!("API server: {refusal}"),
    };
    let made = match &case.change {
        None => made,
        Some(change) => {
            let changed = patch(client, namespace, name, change).await;
            delete(client, namespace, name).await;
            match changed {
                Ok(changed) => changed,
                Err(refusal) => return format!("API server: {refusal}"),
            }
        }
    };
    let cluster: ChatCluster = match serde_json::from_value(made) {
        Ok(cluster) => cluster,
        // The API server does not look at how large a number deep inside may be.
        Err(unreadable) => return format!("operator, that cannot read it: {unreadable}"),
    };
    match validate(&cluster, &referred(name), Some("chat-server:1")) {
        Ok(_) => "taken".to_owned(),
        Err(invalid) => format!("operator: {invalid}"),
    }
}

/// The Secrets that there are: one of each fault.
fn referred(name: &str) -> Referred {
    let value = |text: &str| text.as_bytes().to_vec();
    let mut referred = Referred::default();
    referred.found(&format!("{name}-signing"), BTreeMap::from([("key".to_owned(), vec![b'k'; 64])]));
    let good = [("long", vec![b's'; 48]), ("short", value("short")), ("empty", Vec::new()), ("binary", vec![0xff; 48])];
    let good = good.map(|(key, value)| (key.to_owned(), value));
    referred.found("good", BTreeMap::from(good));
    referred
}

fn path(namespace: &str, name: &str, dry: bool) -> String {
    let base = format!("/apis/chatcluster.dev/v1alpha1/namespaces/{namespace}/chatclusters{name}");
    // kubectl asks the same: unknown fields are errors.
    format!("{base}?fieldValidation=Strict{}", if dry { "&dryRun=All" } else { "" })
}

async fn ask(client: &Client, method: Method, path: String, content: &str, body: &Value) -> Result<Value, String> {
    let request = Request::builder().method(method).uri(path).header("content-type", content);
    let request = request.body(serde_json::to_vec(body).expect("JSON")).expect("a request");
    match client.request::<Value>(request).await {
        Ok(answer) => Ok(answer),
        Err(kube::Error::Api(status)) => Err(status.message.clone()),
        Err(other) => panic!("the API server does not answer: {other}"),
    }
}

async fn post(client: &Client, namespace: &str, name: &str, spec: &Value, dry: bool) -> Result<Value, String> {
    let wish = json!({ "apiVersion": "chatcluster.dev/v1alpha1", "kind": "ChatCluster", "metadata": { "name": name }, "spec": spec });
    ask(client, Method::POST, path(namespace, "", dry), "application/json", &wish).await
}

async fn patch(client: &Client, namespace: &str, name: &str, change: &Value) -> Result<Value, String> {
    let path = path(namespace, &format!("/{name}"), true);
    ask(client, Method::PATCH, path, "application/merge-patch+json", &json!({ "spec": change })).await
}

async fn delete(client: &Client, namespace: &str, name: &str) {
    let gone =
        ask(client, Method::DELETE, path(namespace, &format!("/{name}"), false), "application/json", &json!({})).await;
    gone.expect("a ChatCluster that can be deleted");
}
