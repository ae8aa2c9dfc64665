//! Flag before variable before file before default.

use std::time::Duration;

use chat_settings::Settings;

use crate::World;

#[test]
fn the_stronger_source_counts() {
    let flag = ("--ping-interval", "4s");
    let variable = [("CHAT_PING_INTERVAL", "3s")];
    let file = [("f", "ping-interval: 2s")];
    let interval = |flags: &[&str], variables, files| {
        World { flags, variables, files }.load().expect("settings").transport.ping_interval.as_secs()
    };
    assert_eq!(interval(&[], &[], &[]), 25);
    assert_eq!(interval(&["--config", "f"], &[], &file), 2);
    assert_eq!(interval(&["--config", "f"], &variable, &file), 3);
    assert_eq!(interval(&["--config", "f", flag.0, flag.1], &variable, &file), 4);
    assert_eq!(interval(&[flag.0, flag.1], &[], &[]), 4);
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let files = [("f", "listen: '127.0.0.1:4000'")];
    let settings = World { variables: &[("CHAT_CONFIG", "f")], files: &files, ..World::default() }.load();
    assert_eq!(settings.expect("settings").network.listen.port(), 4000);
}

#[test]
fn every_setting_can_be_given_by_every_source() {
    let defaults = World::default().load().expect("the defaults are accepted");
    for key in Settings::keys().filter(|key| key.field != "config" && !key.field.ends_with("_file")) {
        let text = match key.field {
            field if key.secret => format!("{field:x<40}"),
            "listen" | "internal_listen" | "metrics_listen" => "127.0.0.1:1234".to_owned(),
            "node" | "log_level" | "redis_user" | "redis_prefix" | "internal_advertise" => "other".to_owned(),
            "redis" => "rediss://redis-0:6379,redis-1:6379".to_owned(),
            "redis_unreplicated" => "refuse".to_owned(),
            "trusted_proxies" => "10.0.0.0/8".to_owned(),
            "allowed_origins" => "own".to_owned(),
            "log_format" => "json".to_owned(),
            _ if key.switch => "false".to_owned(),
            "max_payload" | "outbox" | "retention_bytes" => "10MB".to_owned(),
            "drain_accept" | "dedup_age" => "3s".to_owned(),
            _ => key.range.map(|(_, high)| high.to_owned()).unwrap_or_default(),
        };
        // What must go together with it.
        let mut rest: Vec<(&str, &str)> = Vec::new();
        match key.field {
            "redis" | "signing_key_previous" => rest.push(("signing-key", "another key that is long enough for it")),
            "text_bytes" | "data_bytes" => {
                rest.extend([("max-payload", "20MB"), ("outbox", "16MiB"), ("retention-bytes", "1GiB")]);
            }
            "ping_interval" | "ping_timeout" => rest.push(("session-expiry", "1d")),
            _ => {}
        }
        let (name, variable) = (key.name(), key.variable());
        let flags: Vec<_> = rest.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        let flags: Vec<_> = flags.iter().map(String::as_str).collect();
        let own = format!("--{name}={text}");
        let by_flag = World { flags: &[&flags[..], &[&own]].concat(), ..World::default() }.load();
        let by_variable = World { flags: &flags, variables: &[(&variable, &text)], ..World::default() }.load();
        let named = [("f", &*format!("{name}: \"{text}\"\n"))];
        let config = ["--config", "f"];
        let by_file = World { flags: &[&flags[..], &config].concat(), files: &named, ..World::default() }.load();
        let by_flag = by_flag.unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(by_variable.expect("settings"), by_flag, "{name}");
        assert_eq!(by_file.expect("settings").to_yaml(), by_flag.to_yaml(), "{name}");
        let same = by_flag == World { flags: &flags, ..World::default() }.load().expect("settings");
        assert!(!same && by_flag != defaults, "{name} has an effect");
    }
}

#[test]
fn a_switch_needs_no_value() {
    let guests = |flags| {
        World { flags, variables: &[("CHAT_GUESTS", "false")], files: &[] }.load().expect("settings").access.guests
    };
    assert!(!guests(&[]));
    assert!(guests(&["--guests"]));
    assert!(guests(&["--guests=true"]));
    assert!(!guests(&["--guests=false"]));
}

#[test]
fn the_node_is_named_after_its_host() {
    let node = |flags, variables| World { flags, variables, files: &[] }.load().expect("settings").node;
    assert_eq!(node(&[], &[("HOSTNAME", "chat-7")]), "chat-7");
    assert_eq!(node(&["--node", "a"], &[("HOSTNAME", "chat-7")]), "a");
    assert_eq!(node(&[], &[]), "local");
}

#[test]
fn variables_of_others_are_left_alone() {
    let variables = [
        ("PATH", "/bin"),
        ("CHATTER", "x"),
        ("CHAT_PING_INTERVAL", ""),
        // What Kubernetes sets for a Service named `chat`.
        ("CHAT_PORT", "tcp://10.0.0.1:80"),
        ("CHAT_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("CHAT_SERVICE_HOST", "10.0.0.1"),
        ("CHAT_SERVICE_PORT_HTTP", "80"),
    ];
    let settings = World { variables: &variables, ..World::default() }.load().expect("settings");
    assert_eq!(settings.transport.ping_interval, Duration::from_secs(25));
}
