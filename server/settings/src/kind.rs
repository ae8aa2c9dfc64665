//! The kinds of values: how each is written, and what it becomes.

mod choice;
mod network;
mod number;
mod secret;

pub use choice::LogFormat;
pub use choice::Unreplicated;
pub(crate) use choice::{Switch, Text};
pub(crate) use network::{Address, Networks, Pages, Seeds};
pub use network::{Cidr, Origins, RedisSeeds, Seed};
pub(crate) use number::{Bytes, Count, Time};
pub(crate) use secret::Hidden;
pub use secret::Secret;

use std::path::PathBuf;

/// A way to write a value. `parse(show(value))` is the value.
pub trait Kind {
    /// What it becomes.
    type Value: Clone + PartialEq;
    /// What may be written, for errors and the documentation.
    const ALLOWED: &'static str;
    /// The word that stands for no value.
    const WORD: Option<&'static str> = None;
    /// The value is not to be shown to anybody.
    const SECRET: bool = false;
    /// The flag alone means `true`.
    const SWITCH: bool = false;

    /// The value; `None` where the text is not allowed.
    fn parse(text: &str) -> Option<Self::Value>;

    /// The text.
    fn show(value: &Self::Value) -> String;

    /// The size of the value, for kinds that have a range.
    fn magnitude(_value: &Self::Value) -> Option<u128> {
        None
    }
}

/// A kind that has one more word, which stands for no value.
macro_rules! or_word {
    ($(#[$doc:meta])* $Name:ident, $word:literal) => {
        $(#[$doc])*
        pub struct $Name<K>(std::marker::PhantomData<K>);

        impl<K: Kind> Kind for $Name<K> {
            type Value = Option<K::Value>;
            const ALLOWED: &'static str = K::ALLOWED;
            const WORD: Option<&'static str> = Some($word);
            const SECRET: bool = K::SECRET;

            fn parse(text: &str) -> Option<Self::Value> {
                if text == $word { Some(None) } else { K::parse(text).map(Some) }
            }

            fn show(value: &Self::Value) -> String {
                value.as_ref().map_or_else(|| $word.to_owned(), K::show)
            }

            fn magnitude(value: &Self::Value) -> Option<u128> {
                value.as_ref().and_then(K::magnitude)
            }
        }
    };
}

or_word! {
    /// `off`, or a value.
    Off, "off"
}
or_word! {
    /// `auto`, or a value.
    Auto, "auto"
}

/// The path of a file.
pub struct File;

impl Kind for File {
    type Value = PathBuf;
    const ALLOWED: &'static str = "the path of a file";

    fn parse(text: &str) -> Option<PathBuf> {
        (!text.is_empty()).then(|| PathBuf::from(text))
    }

    fn show(value: &PathBuf) -> String {
        value.display().to_string()
    }
}
