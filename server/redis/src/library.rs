//! The one library of Redis functions, made of the parts that its users give.
//!
//! Its version is a hash of its source, and the names of library and functions end in it: so two builds run side by side on one Redis, and a library
//! that is there is the right one.

pub(crate) mod tidy;

use std::collections::HashMap;

use bytes::Bytes;
use parking_lot::RwLock;
use sha2::{Digest, Sha256};

use crate::fitness;

const PREAMBLE: &str = include_str!("library/preamble.lua");

/// A library of Redis functions in the making.
///
/// A part is a chunk of Lua. It calls `register(name, f)` for each function that may write, and `register_read(name, f)` for those that only read;
/// `f(KEYS, ARGV)` is as in Redis. What the preamble offers to parts stands at its head, in `library/preamble.lua`.
#[derive(Clone, Debug, Default)]
pub struct Library {
    parts: Vec<&'static str>,
}

impl Library {
    /// A library without parts.
    pub fn new() -> Self {
        Self::default()
    }

    /// The library with one part more.
    #[must_use]
    pub fn part(mut self, source: &'static str) -> Self {
        self.parts.push(source);
        self
    }
}

/// A library as it is loaded.
#[derive(Debug)]
pub(crate) struct Loadable {
    pub(crate) source: Bytes,
    /// `_<version>`: what all its functions end in.
    suffix: String,
    /// Full names of functions, so that a call allocates none.
    names: RwLock<HashMap<&'static str, Bytes>>,
}

impl Loadable {
    pub(crate) fn new(library: &Library) -> Self {
        // Each part in a block of its own, since Lua allows 200 local variables in one.
        let mut body = String::from(PREAMBLE);
        for part in &library.parts {
            body.extend(["\ndo\n", part, "\nend\n"]);
        }
        let digest = Sha256::digest(body.as_bytes());
        let version = format!("{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
        let source = format!("#!lua name=chat_{version}\nlocal VERSION = '{version}'\n{body}");
        Self { source: source.into(), suffix: format!("_{version}"), names: RwLock::default() }
    }

    /// Its version.
    pub(crate) fn version(&self) -> &str {
        &self.suffix[1..]
    }

    /// The commands that it calls.
    pub(crate) fn commands(&self) -> impl Iterator<Item = Bytes> + use<> {
        fitness::commands(&String::from_utf8_lossy(&self.source)).into_iter().map(Bytes::from)
    }

    /// The name that Redis knows a function by.
    pub(crate) fn name(&self, function: &'static str) -> Bytes {
        if let Some(name) = self.names.read().get(function) {
            return name.clone();
        }
        let name = Bytes::from(format!("{function}{}", self.suffix));
        self.names.write().insert(function, name.clone());
        name
    }
}
