//! All that a server can be told: by flag, by `CHAT_*` variable, by YAML file; in this order of precedence, and last by default.
//!
//! Each setting is defined once, by one entry of a `group!` in `groups.rs` or `limits.rs`: name, kind, default, range and meaning.
//! Flags, variables, file keys, `--help`, `docs/settings.md` and the fields of [`Settings`] all follow from it. [`Settings`] is the result after
//! all checks: plain values that nobody has to look at twice. Here is no runtime and no I/O; files are read by a function that the caller brings.

mod checks;
mod command;
mod document;
mod error;
mod file;
mod flags;
mod groups;
mod key;
mod kind;
mod limits;
mod settings;
mod values;

pub use command::{Ask, Command, Order};
pub use document::document;
pub use error::{SettingsError, Source};
pub use groups::{Access, Drain, Files, Logging, Network, Recovery, Redis, Retention, Transport};
pub use key::Key;
pub use kind::{Cidr, LogFormat, Origins, RedisSeeds, Secret, Seed, Unreplicated};
pub use limits::{Limit, Limits};
pub use settings::Settings;
