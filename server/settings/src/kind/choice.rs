//! Words: switches, texts, and the few choices that have names.

use super::Kind;

/// Yes or no.
pub struct Switch;

impl Kind for Switch {
    type Value = bool;
    const ALLOWED: &'static str = "true or false";
    const SWITCH: bool = true;

    fn parse(text: &str) -> Option<bool> {
        text.parse().ok()
    }

    fn show(value: &bool) -> String {
        value.to_string()
    }
}

/// Any text but the empty one.
pub struct Text;

impl Kind for Text {
    type Value = String;
    const ALLOWED: &'static str = "a text";

    fn parse(text: &str) -> Option<String> {
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn show(value: &String) -> String {
        value.clone()
    }
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `pretty` on a terminal, `json` elsewhere.
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl Kind for LogFormat {
    type Value = Self;
    const ALLOWED: &'static str = "auto, pretty or json";

    fn parse(text: &str) -> Option<Self> {
        [Self::Auto, Self::Pretty, Self::Json].into_iter().find(|format| Self::show(format) == text)
    }

    fn show(value: &Self) -> String {
        let name = match value {
            Self::Auto => "auto",
            Self::Pretty => "pretty",
            Self::Json => "json",
        };
        name.to_owned()
    }
}

/// What becomes of messages while nothing holds a second copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreplicated {
    /// They are taken, and their answers say so.
    Allow,
    /// They are refused.
    Refuse,
}

impl Kind for Unreplicated {
    type Value = Self;
    const ALLOWED: &'static str = "allow or refuse";

    fn parse(text: &str) -> Option<Self> {
        [Self::Allow, Self::Refuse].into_iter().find(|choice| Self::show(choice) == text)
    }

    fn show(value: &Self) -> String {
        let name = match value {
            Self::Allow => "allow",
            Self::Refuse => "refuse",
        };
        name.to_owned()
    }
}
