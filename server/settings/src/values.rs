//! The texts of all settings by source, the strongest source first: flag, variable, file, default.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::kind::Kind;
use crate::{Key, Settings, SettingsError, Source};

/// Texts by field name, with their sources. There is no `Debug`: some are secrets.
#[derive(Default)]
pub(crate) struct Values {
    given: BTreeMap<&'static str, (String, Source)>,
}

impl Values {
    /// Takes a text, unless a stronger source has given one.
    pub(crate) fn give(&mut self, key: &Key, text: String, source: Source) {
        self.given.entry(key.field).or_insert((text, source));
    }

    /// Takes the path of the file.
    pub(crate) fn give_config(&mut self, path: String) {
        self.given.insert("config", (path, Source::Flag("--config".to_owned())));
    }

    /// Takes the variables that begin with `CHAT_`. An empty one counts as not set.
    pub(crate) fn give_variables(
        &mut self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<(), SettingsError> {
        for (name, text) in variables {
            let name = name.to_string_lossy();
            if !name.starts_with("CHAT_") || text.is_empty() || is_service_link(&name) {
                continue;
            }
            let source = Source::Variable(name.to_string());
            let key = Settings::keys().find(|key| key.variable() == name);
            let key = key.ok_or_else(|| unknown(&name, source.clone(), Key::variable))?;
            self.give(key, text.to_string_lossy().into_owned(), source);
        }
        Ok(())
    }

    /// Takes the entries of a file.
    pub(crate) fn give_file(&mut self, path: &Path, text: &str) -> Result<(), SettingsError> {
        for entry in crate::file::entries(path, text)? {
            let source = Source::File { path: path.to_owned(), line: entry.line };
            let key = Settings::keys().find(|key| key.name() == entry.name && key.field != "config");
            let key = key.ok_or_else(|| unknown(&entry.name, source.clone(), Key::name))?;
            self.give(key, entry.text, source);
        }
        Ok(())
    }

    /// The value of a setting, checked.
    pub(crate) fn take<K: Kind>(&self, key: &Key) -> Result<K::Value, SettingsError> {
        let (text, source) = match self.given.get(key.field) {
            Some((text, source)) => (text.as_str(), source),
            None => (key.default, &Source::Default),
        };
        let value = K::parse(text.trim()).filter(|value| in_range::<K>(value, key.range));
        value.ok_or_else(|| SettingsError::Bad {
            name: key.name(),
            value: if key.secret { "<redacted>".to_owned() } else { text.to_owned() },
            from: source.clone(),
            allowed: key.allowed(),
        })
    }
}

fn in_range<K: Kind>(value: &K::Value, range: Option<(&str, &str)>) -> bool {
    let Some(((low, high), size)) = range.zip(K::magnitude(value)) else { return true };
    let bound = |text| K::parse(text).as_ref().and_then(K::magnitude);
    bound(low).is_none_or(|low| low <= size) && bound(high).is_none_or(|high| size <= high)
}

/// Kubernetes sets such variables in pods beside a Service whose name begins with `chat`.
fn is_service_link(name: &str) -> bool {
    name.ends_with("_PORT")
        || name.contains("_PORT_")
        || name.contains("_SERVICE_PORT")
        || name.ends_with("_SERVICE_HOST")
}

/// There is no such setting, but perhaps one of a similar name.
fn unknown(name: &str, from: Source, spell: fn(&Key) -> String) -> SettingsError {
    let spellings = Settings::keys().map(spell).filter(|near| near != name);
    let scored = spellings.map(|near| (strsim::jaro_winkler(name, &near), near));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    let near = best.filter(|(score, _)| *score > 0.85).map(|(_, near)| near);
    SettingsError::Unknown { name: name.to_owned(), from, near }
}
