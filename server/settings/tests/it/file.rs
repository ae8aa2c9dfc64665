//! What a file may look like, and that a printed configuration says the same again.

use chat_settings::{Origins, Settings};

use crate::{World, from_file};

#[test]
fn an_empty_file_changes_nothing() {
    let defaults = World::default().load().expect("settings");
    for text in ["", "\n", "# nothing\n", "{}\n", "---\n"] {
        assert_eq!(from_file(text).expect("settings").to_yaml(), defaults.to_yaml(), "{text:?}");
    }
}

#[test]
fn values_are_written_as_yaml_has_them() {
    let settings = from_file(
        "guests: false\nmax-connections: 5000\noutbox: 128KiB\nnode: '7'\nconnections-per-address: off\n\
         allowed-origins:\n  - https://a.example\n  - https://b.example\ntrusted-proxies: [10.0.0.0/8, '::1']\n",
    )
    .expect("settings");
    assert!(!settings.access.guests);
    assert_eq!((settings.limits.max_connections, settings.limits.outbox), (5000, 128 << 10));
    assert_eq!(settings.node, "7");
    assert_eq!(settings.limits.connections_per_address, None);
    let origins = vec!["https://a.example".to_owned(), "https://b.example".to_owned()];
    assert_eq!(settings.network.allowed_origins, Origins::Listed(origins));
    assert_eq!(settings.network.trusted_proxies.len(), 2);
}

#[test]
fn what_is_printed_reads_back() {
    let same = |settings: &Settings| {
        let again = from_file(&settings.to_yaml()).expect("settings");
        assert_eq!(again.to_yaml(), settings.to_yaml());
        assert_eq!(again.limits, settings.limits);
        assert_eq!(again.network, settings.network);
        assert_eq!(again.access.guests, settings.access.guests);
    };
    same(&World::default().load().expect("settings"));
    let flags = [
        "--allowed-origins=https://a.example,https://b.example:8443",
        "--node=a: #b 'c' \"d\" \\e",
        "--log-level=info,chat_server=debug",
        "--listen=[::1]:3000",
        "--trusted-proxies=fd00::/8",
        "--memory-high-water=2GiB",
        "--session-expiry=90m",
        "--guests=false",
        "--workers=3",
    ];
    same(&World { flags: &flags, ..World::default() }.load().expect("settings"));
}

#[test]
fn the_defaults_are_printed_as_a_commented_file() {
    let text = World::default().load().expect("settings").to_yaml();
    insta::assert_snapshot!(text.lines().take(21).collect::<Vec<_>>().join("\n"), @r#"
# Network
listen: "0.0.0.0:3000"
internal-listen: "0.0.0.0:3001"
metrics-listen: "0.0.0.0:9090"
internal-advertise: auto
node: auto
trusted-proxies: none
allowed-origins: "*"
cluster-page: true
workers: auto
# Access
guests: true
open-rooms: true
guest-token-age: 30d
signing-key: off
signing-key-file: off
signing-key-previous: off
signing-key-previous-file: off
jwt-secret: off
jwt-secret-file: off
# Redis
"#);
}
