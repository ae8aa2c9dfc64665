//! A setting's definition, and the macro that makes a group of them.

/// What is known of a setting before it has a value.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// The heading that it stands under.
    pub group: &'static str,
    /// Its name with `_`, as the field of [`Settings`](crate::Settings) has it.
    pub field: &'static str,
    /// What it means, in one or more sentences.
    pub meaning: &'static str,
    /// The default, as one would write it.
    pub default: &'static str,
    /// What may be written.
    pub allowed: &'static str,
    /// The word that stands for no value.
    pub word: Option<&'static str>,
    /// The lowest and the highest value.
    pub range: Option<(&'static str, &'static str)>,
    /// It takes effect on SIGHUP; others need a restart.
    pub reload: bool,
    /// Its value is not to be shown.
    pub secret: bool,
    /// Its flag alone means `true`.
    pub switch: bool,
}

impl Key {
    /// The key in a file: `ping-interval`. With `--` before it, the flag.
    pub fn name(&self) -> String {
        self.field.replace('_', "-")
    }

    /// The environment variable: `CHAT_PING_INTERVAL`.
    pub fn variable(&self) -> String {
        format!("CHAT_{}", self.field.to_uppercase())
    }

    /// What may be written, in full.
    pub fn allowed(&self) -> String {
        let word = self.word.map(|word| format!("{word}, or "));
        let word = word.unwrap_or_default();
        let range = self.range.map(|(low, high)| format!(", from {low} to {high}"));
        format!("{word}{}{}", self.allowed, range.unwrap_or_default())
    }
}

/// Makes a struct of settings: `field: Kind = "default" in "lowest" to "highest", reload;`. The range and `reload` may be left out.
macro_rules! group {
    (
        $(#[$doc:meta])*
        pub struct $Group:ident: $title:literal {
            $(
                $(#[doc = $meaning:literal])+
                $field:ident: $Kind:ty = $default:literal $(in $low:literal to $high:literal)? $(, $reload:ident)?;
            )+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $Group {
            $( $(#[doc = $meaning])+ pub $field: <$Kind as $crate::kind::Kind>::Value, )+
        }

        impl $Group {
            pub(crate) const KEYS: &'static [$crate::Key] = &[$(
                $crate::key::group!(@key $title, [$($meaning)+], $field, $Kind, $default, [$($low, $high)?], [$($reload)?]),
            )+];

            /// Reads the group's values.
            pub(crate) fn take(values: &$crate::values::Values) -> Result<Self, $crate::SettingsError> {
                Ok(Self { $(
                    $field: values.take::<$Kind>(
                        &$crate::key::group!(@key $title, [$($meaning)+], $field, $Kind, $default, [$($low, $high)?], [$($reload)?]),
                    )?,
                )+ })
            }

            /// The values as text, in the order of the keys.
            pub(crate) fn show(&self) -> Vec<String> {
                vec![$( <$Kind as $crate::kind::Kind>::show(&self.$field) ),+]
            }

            /// Takes over what may change without a restart. Returns the names of what differs but may not.
            pub(crate) fn reload(&mut self, newer: &Self) -> Vec<String> {
                let mut kept = Vec::new();
                $(
                    if self.$field != newer.$field {
                        if $crate::key::group!(@is_given $($reload)?) {
                            self.$field.clone_from(&newer.$field);
                        } else {
                            kept.push(stringify!($field).replace('_', "-"));
                        }
                    }
                )+
                kept
            }
        }
    };
    (@key $title:literal, [$($meaning:literal)+], $field:ident, $Kind:ty, $default:literal, [$($low:literal, $high:literal)?], [$($reload:ident)?]) => {
        $crate::Key {
            group: $title,
            field: stringify!($field),
            meaning: concat!($($meaning),+).trim_ascii_start(),
            default: $default,
            allowed: <$Kind as $crate::kind::Kind>::ALLOWED,
            word: <$Kind as $crate::kind::Kind>::WORD,
            range: $crate::key::group!(@range $($low, $high)?),
            reload: $crate::key::group!(@is_given $($reload)?),
            secret: <$Kind as $crate::kind::Kind>::SECRET,
            switch: <$Kind as $crate::kind::Kind>::SWITCH,
        }
    };
    (@range) => { None };
    (@range $low:literal, $high:literal) => { Some(($low, $high)) };
    (@is_given) => { false };
    (@is_given reload) => { true };
}
pub(crate) use group;
