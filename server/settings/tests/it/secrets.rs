//! Secrets come out by one door only.

use crate::World;

const KEY: &str = "the signing key itself, long enough to be one";
const OLD: &str = "the signing key before it, also long enough";
const JWT: &str = "the secret of the application's own tokens";

#[test]
fn they_are_read_from_flags_variables_and_files() {
    let world = World {
        flags: &["--signing-key-file", "key", "--config", "chat.yaml"],
        variables: &[("CHAT_JWT_SECRET", JWT)],
        files: &[("key", &format!("{KEY}\n")), ("chat.yaml", &format!("signing-key-previous: {OLD}\n"))],
    };
    let settings = world.load().expect("settings");
    let keys: Vec<_> = settings.signing_keys.iter().map(chat_settings::Secret::expose).collect();
    assert_eq!(keys, [KEY.as_bytes(), OLD.as_bytes()]);
    assert_eq!(settings.jwt_secret.map(|secret| secret.expose().to_vec()), Some(JWT.as_bytes().to_vec()));
}

#[test]
fn they_never_show() {
    let flags = ["--signing-key", KEY, "--signing-key-previous", OLD, "--jwt-secret", JWT];
    let settings = World { flags: &flags, ..World::default() }.load().expect("settings");
    for text in [format!("{settings:?}"), format!("{settings:#?}"), settings.to_yaml()] {
        for secret in [KEY, OLD, JWT] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(text.contains("<redacted>"));
    }
}

#[test]
fn they_are_not_in_errors() {
    let short = "tell nobody";
    for flags in [["--jwt-secret", short], ["--signing-key", short]] {
        let error = World { flags: &flags, ..World::default() }.load().expect_err("too short");
        assert!(!format!("{error} {error:?}").contains(short));
    }
    let variables = [("CHAT_SIGNING_KEY", KEY), ("CHAT_PING_INTERVAL", "soon")];
    let error = World { variables: &variables, ..World::default() }.load().expect_err("a bad value");
    assert!(!format!("{error} {error:?}").contains(KEY));
}
