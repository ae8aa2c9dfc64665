//! The compose file says what can be checked without containers: it parses, its settings exist, Valkey takes its flags.

use std::path::Path;
use std::process::{Command, Stdio};

use chat_rig::{Flavour, Host, port};
use serde_yaml::Value;

const COMPOSE: &str = include_str!("../../../examples/compose.yaml");
const SETTINGS: &str = include_str!("../../../docs/settings.md");
const HAPROXY: &str = include_str!("../../../examples/haproxy.cfg");

fn services() -> serde_yaml::Mapping {
    let mut compose: Value = serde_yaml::from_str(COMPOSE).unwrap();
    compose.apply_merge().unwrap();
    compose["services"].as_mapping().unwrap().clone()
}

fn of_image(image: &str) -> Vec<(String, Value)> {
    let all = services().into_iter().map(|(name, service)| (name.as_str().unwrap().to_owned(), service));
    all.filter(|(_, service)| service["image"].as_str().unwrap().starts_with(image)).collect()
}

#[test]
fn the_servers_are_told_what_they_understand() {
    let servers = of_image("chatcluster/server");
    assert_eq!(servers.len(), 3);
    let nodes = of_image("valkey/valkey:8");
    for (name, server) in &servers {
        let environment = server["environment"].as_mapping().unwrap();
        assert_eq!(environment["CHAT_NODE"].as_str(), Some(name.as_str()));
        for variable in environment.keys().map(|key| key.as_str().unwrap()) {
            let setting = variable.strip_prefix("CHAT_").unwrap().to_lowercase().replace('_', "-");
            assert!(SETTINGS.contains(&format!("| `{setting}`")), "{variable}");
        }
        let seeds = environment["CHAT_REDIS"].as_str().unwrap();
        let named = |seed: &str| nodes.iter().any(|(node, _)| *seed == format!("{node}:6379"));
        assert!(seeds.split(',').count() == 6 && seeds.split(',').all(named), "{seeds}");
        assert!(HAPROXY.contains(&format!("server {name} {name}:3000")));
    }
}

#[test]
fn the_nodes_are_six_and_have_the_addresses_that_form_the_cluster() {
    let (formers, nodes): (Vec<_>, Vec<_>) =
        of_image("valkey/valkey:8").into_iter().partition(|(name, _)| name == "valkey-cluster");
    let script = formers[0].1["command"][2].as_str().unwrap();
    assert_eq!(nodes.len(), 6);
    for (name, node) in &nodes {
        let address = node["networks"]["default"]["ipv4_address"].as_str().unwrap();
        assert!(script.contains(&format!("{address}:6379")), "{name}");
        assert_eq!(formers[0].1["depends_on"][name]["condition"].as_str(), Some("service_healthy"));
        assert_eq!(node["volumes"][0].as_str(), Some(format!("{name}:/data").as_str()));
    }
}

#[test]
fn valkey_takes_its_flags() {
    let (_, node) = of_image("valkey/valkey:8").remove(0);
    let flags: Vec<String> = serde_yaml::from_value(node["command"].clone()).unwrap();
    let folder = chat_rig::folder::Folder::new().unwrap();
    let port = port::free(&Host::local()).unwrap().to_string();
    // Its last words come after all flags were read: this log folder does not exist.
    let output = Command::new(Flavour::Valkey.program().unwrap())
        .args(&flags[1..])
        .args(["--port", &port, "--bind", "127.0.0.1", "--logfile", "/nowhere/at/all"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Can't open the log file") && !said.contains("Bad directive"), "{said}");
    assert!(Path::new(folder.path()).exists());
}
