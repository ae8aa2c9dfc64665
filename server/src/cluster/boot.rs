//! Boots in JSON: their sixteen digits, since a number of 64 bits does not survive JavaScript.

use chat_socket::Boot;
use serde::{Deserialize, Deserializer, Serializer};
use std::borrow::Cow;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(super) fn serialize<S: Serializer>(boot: &Boot, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(boot)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Boot, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}
