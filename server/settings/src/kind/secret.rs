//! Values that nobody is to see.

use std::fmt;

use super::Kind;

/// A secret. It never shows itself: neither in `Debug`, nor in a printed configuration, nor in an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// The secret itself.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// From the content of a file; the line break at its end does not belong to it.
    pub(crate) fn from_file(content: &str) -> Self {
        Self(content.trim_end_matches(['\r', '\n']).as_bytes().into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(<redacted>)")
    }
}

/// How a secret is written.
pub struct Hidden;

impl Kind for Hidden {
    type Value = Secret;
    const ALLOWED: &'static str = "a secret text";
    const SECRET: bool = true;

    fn parse(text: &str) -> Option<Secret> {
        (!text.is_empty()).then(|| Secret(text.as_bytes().into()))
    }

    fn show(_: &Secret) -> String {
        "<redacted>".to_owned()
    }
}
