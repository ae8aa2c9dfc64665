//! Session ids that name the server that owns the session, so that any server of a cluster finds it in one hop.
//!
//! ```text
//! version (1 byte) | boot of the owner (8) | random (12) | HMAC-SHA-256 of all that, cut to 96 bits (12)
//! ```
//! 33 bytes, 44 characters of base64url. Whoever knows a sid may poll its session; the signature is there so that nobody can
//! make a server ask another one for sessions that never were.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fmt;
use std::str::FromStr;

const VERSION: u8 = 1;
const BOOT_AT: usize = 1;
const RANDOM_AT: usize = BOOT_AT + 8;
const TAG_AT: usize = RANDOM_AT + 12;
const BYTES: usize = TAG_AT + 12;
const CHARS: usize = BYTES / 3 * 4;

/// What the signed bytes begin with, so that a key which signs other things, too, never signs a sid by accident.
const DOMAIN: &[u8] = b"chat sid\0";

/// One run of one server: 64 random bits, 16 digits of hex as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Boot(pub u64);

/// The text is not a boot: 16 lower-case digits of hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a boot has 16 digits of hex")]
pub struct BadBoot;

impl Boot {
    /// A new one.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Boot {
    type Err = BadBoot;

    fn from_str(text: &str) -> Result<Self, BadBoot> {
        let digits = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if digits { u64::from_str_radix(text, 16).map(Self).map_err(|_| BadBoot) } else { Err(BadBoot) }
    }
}

/// The keys of the sids: the first one signs, all of them are accepted, so that a key can be exchanged while servers run.
#[derive(Clone)]
pub struct SidKeys(Vec<Hmac<Sha256>>);

impl SidKeys {
    /// These keys, the one that signs first. Without any, a random one: then sids mean nothing to other servers.
    pub fn new<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Self {
        // HMAC takes keys of any length.
        let mac = |key: &[u8]| Hmac::new_from_slice(key).ok();
        let mut keys: Vec<_> = keys.into_iter().filter_map(|key| mac(key.as_ref())).collect();
        if keys.is_empty() {
            keys.extend(mac(&rand::random::<[u8; 32]>()));
        }
        Self(keys)
    }

    fn tag(mac: &Hmac<Sha256>, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = mac.clone();
        mac.update(DOMAIN);
        mac.update(signed);
        mac
    }

    fn sign(&self, bytes: &mut [u8; BYTES]) {
        let (signed, tag) = bytes.split_at_mut(TAG_AT);
        if let Some(mac) = self.0.first() {
            tag.copy_from_slice(&Self::tag(mac, signed).finalize().into_bytes()[..BYTES - TAG_AT]);
        }
    }

    /// Compares in a time that does not tell how much of the tag is right.
    fn verify(&self, bytes: &[u8; BYTES]) -> bool {
        let (signed, tag) = bytes.split_at(TAG_AT);
        self.0.iter().any(|mac| Self::tag(mac, signed).verify_truncated_left(tag).is_ok())
    }
}

impl Default for SidKeys {
    fn default() -> Self {
        Self::new::<[u8; 0]>([])
    }
}

/// Keys do not appear in logs by accident.
impl fmt::Debug for SidKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SidKeys({} of them)", self.0.len())
    }
}

/// The id of an Engine.IO session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Sid([u8; BYTES]);

impl Sid {
    /// A new one of this owner.
    pub(crate) fn new(boot: Boot, keys: &SidKeys) -> Self {
        let mut bytes = [0; BYTES];
        bytes[0] = VERSION;
        bytes[BOOT_AT..RANDOM_AT].copy_from_slice(&boot.0.to_be_bytes());
        bytes[RANDOM_AT..TAG_AT].copy_from_slice(&rand::random::<[u8; TAG_AT - RANDOM_AT]>());
        keys.sign(&mut bytes);
        Self(bytes)
    }

    /// A sid as a client presents it; `None` if it was not made by a server with one of these keys.
    pub(crate) fn parse(text: &str, keys: &SidKeys) -> Option<Self> {
        let mut bytes = [0; BYTES];
        if text.len() != CHARS {
            return None;
        }
        // So many characters are exactly so many bytes, or the text is no base64.
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        (length == BYTES && bytes[0] == VERSION && keys.verify(&bytes)).then_some(Self(bytes))
    }

    /// Whose session it is.
    pub(crate) fn owner(&self) -> Boot {
        let mut boot = [0; RANDOM_AT - BOOT_AT];
        boot.copy_from_slice(&self.0[BOOT_AT..RANDOM_AT]);
        Boot(u64::from_be_bytes(boot))
    }

    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_names_its_owner_and_is_known_under_each_key() {
        let (old, new) = (SidKeys::new(["old"]), SidKeys::new(["new", "old"]));
        let boot = Boot::random();
        let sid = Sid::new(boot, &old);
        let text = sid.text();
        assert_eq!(text.len(), CHARS);
        for keys in [&old, &new] {
            let parsed = Sid::parse(&text, keys);
            assert!(parsed == Some(sid));
            assert_eq!(parsed.map(|sid| sid.owner()), Some(boot));
        }
        assert!(Sid::parse(&Sid::new(boot, &new).text(), &old).is_none(), "the first key signs");
        assert!(Sid::parse(&text, &SidKeys::new(["other"])).is_none());
        assert!(Sid::parse(&text, &SidKeys::default()).is_none());
        assert!(Sid::new(boot, &old) != sid, "no two are the same");
    }

    #[test]
    fn a_forged_or_malformed_sid_is_none() {
        let keys = SidKeys::new(["key"]);
        let sid = Sid::new(Boot(7), &keys);
        for bit in 0..BYTES * 8 {
            let mut bytes = sid.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(Sid::parse(&URL_SAFE_NO_PAD.encode(bytes), &keys).is_none(), "bit {bit}");
        }
        let mut newer = sid.0;
        newer[0] = VERSION + 1;
        keys.sign(&mut newer);
        assert!(Sid::parse(&URL_SAFE_NO_PAD.encode(newer), &keys).is_none(), "of another version");
        let text = sid.text();
        for bad in ["", "x", &text[1..], &format!("{text}A"), &text.replace(|_| true, "!"), &"é".repeat(CHARS / 2)] {
            assert!(Sid::parse(bad, &keys).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_boot_has_one_spelling() {
        assert_eq!(Boot(0xab).to_string(), "00000000000000ab");
        assert_eq!("00000000000000ab".parse(), Ok(Boot(0xab)));
        for bad in ["", "ab", "00000000000000AB", "+0000000000000ab", "00000000000000abc"] {
            assert_eq!(bad.parse::<Boot>(), Err(BadBoot), "{bad}");
        }
    }
}
