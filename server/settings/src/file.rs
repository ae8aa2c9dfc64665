//! The YAML file: a flat mapping of names to scalars or lists of scalars.

use std::path::Path;

use serde_yaml::{Mapping, Value};

use crate::{Key, SettingsError};

/// One line of a file.
pub(crate) struct Entry {
    pub(crate) name: String,
    /// The value as it would stand on a command line; a list with commas.
    pub(crate) text: String,
    /// Where the name stands, from 1.
    pub(crate) line: Option<usize>,
}

/// The entries of a file. An empty file has none.
pub(crate) fn entries(path: &Path, text: &str) -> Result<Vec<Entry>, SettingsError> {
    let syntax = |why: String| SettingsError::Syntax { path: path.to_owned(), why };
    let value: Value = serde_yaml::from_str(text).map_err(|error| syntax(error.to_string()))?;
    let mapping = match value {
        Value::Null => Mapping::new(),
        Value::Mapping(mapping) => mapping,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Sequence(_) | Value::Tagged(_) => {
            return Err(syntax("a mapping is expected: one `name: value` a line".to_owned()));
        }
    };
    let entry = |(name, value): (Value, Value)| {
        let Value::String(name) = name else {
            return Err(syntax("a name must be a text, such as ping-interval".to_owned()));
        };
        let line = line_of(text, &name);
        let place = line.map(|line| format!(", line {line}")).unwrap_or_default();
        let plain = scalars(value)
            .ok_or_else(|| syntax(format!("{name}{place}: a plain value or a list of plain values is expected")))?;
        Ok(Entry { name, text: plain, line })
    };
    mapping.into_iter().map(entry).collect()
}

/// The text of a scalar, or of a list of them.
fn scalars(value: Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(value) => Some(value.to_string()),
        Value::String(value) => Some(value),
        Value::Sequence(values) => {
            let texts: Option<Vec<_>> = values.into_iter().map(scalars).collect();
            texts.map(|texts| texts.join(","))
        }
        Value::Null | Value::Mapping(_) | Value::Tagged(_) => None,
    }
}

/// The line that begins with this name. (A YAML value does not know where it stood.)
fn line_of(text: &str, name: &str) -> Option<usize> {
    let begins = |line: &str| {
        let rest = line.trim_start_matches(['{', ' ', '"', '\'']).strip_prefix(name);
        rest.is_some_and(|rest| rest.trim_start_matches(['"', '\'']).trim_start().starts_with(':'))
    };
    text.lines().position(begins).map(|at| at + 1)
}

/// Writes settings as a file. Secrets are left out, and so is the name of the file itself.
pub(crate) fn write(settings: impl Iterator<Item = (&'static Key, String)>) -> String {
    let mut lines = Vec::new();
    let mut group = "";
    for (key, value) in settings.filter(|(key, _)| key.field != "config") {
        if key.group != group {
            group = key.group;
            lines.push(format!("# {group}"));
        }
        lines.push(if key.secret && value != "off" {
            format!("# {}: {value}", key.name())
        } else {
            format!("{}: {}", key.name(), quoted(&value))
        });
    }
    lines.push(String::new());
    lines.join("\n")
}

/// A value as a YAML scalar that reads back as the same text.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-".contains(c);
    if value.chars().all(plain) { value.to_owned() } else { format!("{value:?}") }
}
