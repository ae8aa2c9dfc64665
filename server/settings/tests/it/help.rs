//! The texts for people at a terminal.

use chat_settings::{Command, Settings, SettingsError};

use crate::World;

fn usage(flags: &[&str]) -> String {
    match (World { flags, ..World::default() }).command() {
        Err(SettingsError::Usage(error)) => error.to_string(),
        other => panic!("a text is expected: {other:?}"),
    }
}

#[test]
fn help_explains_every_setting() {
    let help = usage(&["--help"]);
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for key in Settings::keys() {
        assert!(words.contains(&format!("--{}", key.name())), "{}", key.name());
        assert!(words.contains(&key.variable()), "{}", key.variable());
        assert!(words.contains(key.meaning), "{}", key.meaning);
    }
    for heading in ["Network:", "Access:", "Connections:", "Retention:", "Drain:", "Logging:", "Limits:"] {
        assert!(help.contains(heading), "{heading}");
    }
    assert!(help.contains("check-config") && help.contains("completions"));
}

#[test]
fn a_wrong_flag_is_answered_with_the_right_one() {
    assert!(usage(&["--ping-intervall=1s"]).contains("--ping-interval"));
    assert!(usage(&["--version"]).contains("chat-server"));
}

#[test]
fn shells_can_complete() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let command = World { flags: &["completions", shell], ..World::default() }.command();
        let Ok(Command::Completions(script)) = command else { panic!("a script for {shell}") };
        assert!(script.contains("ping-interval"), "{shell}");
    }
    assert!(usage(&["completions", "dos"]).contains("bash"));
}
