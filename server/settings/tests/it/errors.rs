//! Each way to be wrong: the setting, where it was said, what was said, and what is allowed.

use chat_settings::{Command, Limit, Order, SettingsError};
use insta::assert_snapshot;

use crate::{World, file_error};

fn flag_error(flags: &[&str]) -> String {
    World { flags, ..World::default() }.error()
}

fn variable_error(name: &str, value: &str) -> String {
    World { variables: &[(name, value)], ..World::default() }.error()
}

#[test]
fn unknown_names() {
    assert_snapshot!(file_error("# mine\nping-intervall: 25s\n"), @r"ping-intervall: no such setting (chat.yaml, line 2); did you mean ping-interval?");
    assert_snapshot!(file_error("{max_payload: 1MB}"), @r"max_payload: no such setting (chat.yaml, line 1); did you mean max-payload?");
    assert_snapshot!(file_error("xyzzy: 1\n"), @r"xyzzy: no such setting (chat.yaml, line 1)");
    assert_snapshot!(file_error("config: other.yaml\n"), @r"config: no such setting (chat.yaml, line 1)");
    assert_snapshot!(variable_error("CHAT_PING_INTERVALL", "25s"), @r"CHAT_PING_INTERVALL: no such setting (variable CHAT_PING_INTERVALL); did you mean CHAT_PING_INTERVAL?");
    assert_snapshot!(flag_error(&["--ping-intervall", "25s"]), @r"
error: unexpected argument '--ping-intervall' found

  tip: a similar argument exists: '--ping-interval'

Usage: chat-server --ping-interval <VALUE>

For more information, try '--help'.
");
}

#[test]
fn values_of_each_kind() {
    assert_snapshot!(flag_error(&["--ping-interval", "25"]), @r#"ping-interval: "25" is not allowed (flag --ping-interval); allowed is a duration: a whole number with ms, s, m, h or d, such as 25s, from 100ms to 10m"#);
    assert_snapshot!(variable_error("CHAT_PING_INTERVAL", "20m"), @r#"ping-interval: "20m" is not allowed (variable CHAT_PING_INTERVAL); allowed is a duration: a whole number with ms, s, m, h or d, such as 25s, from 100ms to 10m"#);
    assert_snapshot!(file_error("\nlisten: 3000\n"), @r#"listen: "3000" is not allowed (chat.yaml, line 2); allowed is an address and a port, such as 0.0.0.0:3000 or [::]:3000"#);
    assert_snapshot!(file_error("guests: yes\n"), @r#"guests: "yes" is not allowed (chat.yaml, line 1); allowed is true or false"#);
    assert_snapshot!(file_error("max-payload: 1 banana\n"), @r#"max-payload: "1 banana" is not allowed (chat.yaml, line 1); allowed is a size: bytes, or a whole number with KB, MB, GB, KiB, MiB or GiB, such as 64KiB, from 1KB to 100MB"#);
    assert_snapshot!(file_error("max-connections: -1\n"), @r#"max-connections: "-1" is not allowed (chat.yaml, line 1); allowed is a whole number, from 1 to 10000000"#);
    assert_snapshot!(file_error("max-connections: 0\n"), @r#"max-connections: "0" is not allowed (chat.yaml, line 1); allowed is a whole number, from 1 to 10000000"#);
    assert_snapshot!(file_error("connections-per-address: 0\n"), @r#"connections-per-address: "0" is not allowed (chat.yaml, line 1); allowed is off, or a whole number, from 1 to 1000000"#);
    assert_snapshot!(file_error("workers: many\n"), @r#"workers: "many" is not allowed (chat.yaml, line 1); allowed is auto, or a whole number, from 1 to 1024"#);
    assert_snapshot!(file_error("trusted-proxies: [10.0.0.0/40]\n"), @r#"trusted-proxies: "10.0.0.0/40" is not allowed (chat.yaml, line 1); allowed is a list of addresses or networks, such as 10.0.0.0/8, or none"#);
    assert_snapshot!(file_error("allowed-origins: https://a.example/\n"), @r#"allowed-origins: "https://a.example/" is not allowed (chat.yaml, line 1); allowed is * for every page, own for the server's own page alone, or a list of origins, such as https://chat.example.org"#);
    assert_snapshot!(file_error("log-format: xml\n"), @r#"log-format: "xml" is not allowed (chat.yaml, line 1); allowed is auto, pretty or json"#);
}

#[test]
fn files_that_are_no_settings() {
    assert_snapshot!(file_error("listen 3000"), @r"chat.yaml: a mapping is expected: one `name: value` a line");
    assert_snapshot!(file_error("- listen\n"), @r"chat.yaml: a mapping is expected: one `name: value` a line");
    assert_snapshot!(file_error("ping-interval: {seconds: 25}\n"), @r"chat.yaml: ping-interval, line 1: a plain value or a list of plain values is expected");
    assert_snapshot!(file_error("a: 'b\n"), @r"chat.yaml: found unexpected end of stream at line 2 column 1, while scanning a quoted scalar at line 1 column 4");
    assert_snapshot!(file_error("node: a\nnode: b\n"), @r#"chat.yaml: duplicate entry with key "node""#);
    assert_snapshot!(file_error("1: a\n"), @r"chat.yaml: a name must be a text, such as ping-interval");
    assert_snapshot!(flag_error(&["--config", "missing.yaml"]), @r"config: the file missing.yaml cannot be read: no such file");
}

#[test]
fn settings_that_do_not_go_together() {
    assert_snapshot!(flag_error(&["--internal-listen", "127.0.0.1:3000"]), @r"listen (0.0.0.0:3000) and internal-listen (127.0.0.1:3000): they need different ports");
    assert_snapshot!(flag_error(&["--session-expiry", "30s"]), @r"session-expiry (30s) and ping-interval + ping-timeout (45s): a session must outlive the time in which its connection is found dead; raise session-expiry");
    assert_snapshot!(flag_error(&["--drain-deadline", "5s"]), @r"drain-deadline (5s) and drain-accept (10s): the deadline counts from SIGTERM, so no time to close connections would be left; raise drain-deadline");
    assert_snapshot!(flag_error(&["--retention-age", "1m"]), @r"retention-age (1m) and dedup-age (2m): a duplicate must find its first entry; raise retention-age");
    let redis = [
        "--redis",
        "127.0.0.1:1",
        "--signing-key",
        "0123456789abcdef0123456789abcdef",
        "--redis-write-deadline",
        "40s",
    ];
    assert_snapshot!(flag_error(&redis), @r"dedup-age (2m) and 3 x redis-write-deadline (2m): what is tried again after its id was forgotten is there twice; raise dedup-age, or lower redis-write-deadline");
    assert_snapshot!(flag_error(&["--max-payload", "20KB"]), @r"max-payload (20KB) and text-bytes + data-bytes + 4096 (36096): the longest message must fit into a payload with what is around it; raise max-payload");
    assert_snapshot!(flag_error(&["--outbox", "32KiB"]), @r"outbox (32KiB) and text-bytes + data-bytes + 4096 (36096): the longest message must fit into an outbox with what is around it; raise outbox");
    assert_snapshot!(flag_error(&["--text-bytes", "10MB", "--max-payload", "100MB", "--outbox", "16MiB", "--retention-bytes", "64KiB"]), @r"retention-bytes (64KiB) and text-bytes + data-bytes + 4096 (10020096): a room must be able to keep the longest message; raise retention-bytes");
}

#[test]
fn secrets_that_are_none() {
    let long = "0123456789abcdef0123456789abcdef";
    assert_snapshot!(flag_error(&["--signing-key", "short"]), @r"signing-key: a secret needs at least 32 bytes; `openssl rand -hex 32` makes one");
    assert_snapshot!(flag_error(&["--signing-key", long, "--signing-key-file", "key"]), @r"signing-key: it is given both itself and as a file; take one of them out");
    assert_snapshot!(flag_error(&["--signing-key-previous", long]), @r"signing-key-previous: there is no signing-key that it is the previous one of; set signing-key too");
    assert_snapshot!(flag_error(&["--jwt-secret-file", "missing"]), @r"jwt-secret-file: the file missing cannot be read: no such file");
    let world = World { flags: &["--jwt-secret-file", "key"], files: &[("key", "short\n")], ..World::default() };
    assert_snapshot!(world.error(), @r"jwt-secret-file: a secret needs at least 32 bytes; `openssl rand -hex 32` makes one");
}

#[test]
fn ports_of_the_system_and_other_addresses_do_not_clash() {
    let flags = ["--listen=127.0.0.1:0", "--internal-listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0"];
    World { flags: &flags, ..World::default() }.load().expect("port 0 is a different one each time");
    let flags = ["--listen=127.0.0.1:3000", "--internal-listen=127.0.0.2:3000"];
    World { flags: &flags, ..World::default() }.load().expect("two addresses");
}

#[test]
fn a_drain_is_asked_for_with_an_address_and_the_deployments_key() {
    const KEY: &str = "a key of at least thirty-two bytes, or more";
    fn ask(flags: &[&str], variables: &[(&str, &str)]) -> Result<Command, SettingsError> {
        World { flags, variables, files: &[("key", KEY)] }.command()
    }
    let address = "10.0.0.7:8081";
    let Ok(Command::Ask(asked)) = ask(&["drain", "--address", address, "--signing-key-file", "key"], &[]) else {
        panic!("it is good")
    };
    let lease = std::time::Duration::from_secs(600);
    assert_eq!((&*asked.address, asked.order), (address, Order::Drain { rate: 100, lease, wait: false }));
    assert_eq!(asked.signing_keys.len(), 1);
    // The key may stand where the server has it.
    let variables = [("CHAT_SIGNING_KEY_FILE", "key"), ("CHAT_PING_INTERVAL", "3s")];
    let orders = [
        (&["undrain", "--address", address][..], Order::Undrain),
        (&["drain", "--address", address, "--status"], Order::Status),
        (
            &["drain", "--address", address, "--rate", "7", "--lease", "90s", "--wait"],
            Order::Drain { rate: 7, lease: std::time::Duration::from_secs(90), wait: true },
        ),
    ];
    for (flags, order) in orders {
        let Ok(Command::Ask(asked)) = ask(flags, &variables) else { panic!("{flags:?}") };
        assert_eq!(asked.order, order);
    }
    assert!(matches!(ask(&["undrain", "--address", address], &[]), Err(SettingsError::Secret { .. })));
    assert!(matches!(ask(&["undrain"], &variables), Err(SettingsError::Usage(_))));
    for bad in ["host", ":1", "host:0", "host:x", "host:70000"] {
        assert!(matches!(ask(&["undrain", "--address", bad], &variables), Err(SettingsError::Usage(_))), "{bad}");
    }
}

#[test]
fn check_config_says_what_the_server_would() {
    let files = [("good", "ping-interval: 3s\n"), ("bad", "ping-interval: 3\n")];
    let check = |flags| World { flags, files: &files, ..World::default() }.command();
    let Ok(Command::CheckConfig(settings)) = check(&["check-config", "good"]) else { panic!("it is good") };
    assert_eq!(settings.transport.ping_interval.as_secs(), 3);
    assert!(matches!(check(&["check-config", "bad"]), Err(SettingsError::Bad { .. })));
    assert!(matches!(check(&["check-config", "missing"]), Err(SettingsError::Unreadable { .. })));
    assert!(matches!(check(&["check-config"]), Err(SettingsError::Usage(_))));
    assert!(matches!(check(&[]), Ok(Command::Run(_))));
}

#[test]
fn a_refusal_says_the_limit_and_what_to_do() {
    let limits = World::default().load().expect("settings").limits;
    let told: Vec<_> =
        [Limit::Text, Limit::RoomsPerSession, Limit::Connections].map(|limit| limit.refusal(&limits)).into();
    assert_snapshot!(told.join("\n"), @r"
the text may be at most 16KB long: send it in parts
a session may be in at most 200 rooms: leave one first
this server holds 100000 connections, as many as it may: try again, another server may have room
");
    assert_eq!(Limit::Text.name(), "text_bytes");
    for limit in Limit::ALL {
        assert!(!limit.refusal(&limits).contains("{}"), "{limit:?}");
    }
}
