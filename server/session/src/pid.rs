//! The session's secret, and the tag that is shown in its place.

use std::fmt;
use std::str::FromStr;

/// The session's secret: who presents it, and is its user, takes the session over. Never logged, never shown to others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pid([u8; 16]);

/// The text is not a pid: 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id has 22 characters of base64url")]
pub struct BadPid;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Pid {
    /// How many characters the text has.
    pub const CHARS: usize = 22;

    /// The pid of 128 random bits. They have to come from a source that nobody can guess.
    pub const fn from_random(bits: u128) -> Self {
        Self(bits.to_be_bytes())
    }

    /// The text that the client gets. Only the CONNECT reply and the store's key may hold it.
    pub fn reveal(&self) -> String {
        let mut text = [0; Self::CHARS];
        encode(u128::from_be_bytes(self.0), &mut text);
        text.iter().copied().map(char::from).collect()
    }

    /// The bytes that the text stands for. Only the session on its way to another server may hold them.
    pub(crate) fn expose(&self) -> &[u8; 16] {
        &self.0
    }

    /// A pid from [`expose`](Self::expose).
    pub(crate) const fn concealed(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The tag of this session's offsets.
    ///
    /// It is SipHash-2-4 of a constant under the pid as its key: it tells sessions apart without telling the pid, and
    /// nothing has to be stored for it.
    pub fn tag(&self) -> Tag {
        let mut text = [0; Tag::CHARS];
        encode(u128::from(sip(self.0)), &mut text);
        Tag(text)
    }
}

/// The pid does not appear in logs by accident.
impl fmt::Debug for Pid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pid(secret)")
    }
}

impl FromStr for Pid {
    type Err = BadPid;

    fn from_str(text: &str) -> Result<Self, BadPid> {
        if text.len() != Self::CHARS {
            return Err(BadPid);
        }
        let digit = |byte: u8| ALPHABET.iter().position(|known| *known == byte).ok_or(BadPid);
        let mut bits: u128 = 0;
        for byte in text.bytes() {
            // The first character carries two bits only: each pid has one spelling.
            if bits >> 122 != 0 {
                return Err(BadPid);
            }
            bits = bits << 6 | digit(byte)? as u128;
        }
        Ok(Self::from_random(bits))
    }
}

/// What marks an offset as this session's. Safe to show.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tag([u8; Self::CHARS]);

impl Tag {
    /// How many characters it has: 64 bits in base64url.
    pub const CHARS: usize = 11;

    /// Its text, in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// A tag as it came in an offset. Any text of the right length is taken: it is only ever compared.
    pub(crate) fn presented(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().map(Self)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({})", String::from_utf8_lossy(&self.0))
    }
}

/// Writes a number in base64url, most significant digit first.
fn encode(mut number: u128, text: &mut [u8]) {
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number & 63) as usize];
        number >>= 6;
    }
}

/// SipHash-2-4 of one constant word, keyed by the pid.
fn sip(key: [u8; 16]) -> u64 {
    const WORD: u64 = 0x6f66_6673_6574_0000;
    let key = u128::from_le_bytes(key);
    let (k0, k1) = (key as u64, (key >> 64) as u64);
    let mut v = [
        k0 ^ 0x736f_6d65_7073_6575,
        k1 ^ 0x646f_7261_6e64_6f6d,
        k0 ^ 0x6c79_6765_6e65_7261,
        k1 ^ 0x7465_6462_7974_6573,
    ];
    // The word, then the final word that holds its length in the top byte.
    for word in [WORD, 8 << 56] {
        v[3] ^= word;
        round(&mut v);
        round(&mut v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for _ in 0..4 {
        round(&mut v);
    }
    v[0] ^ v[1] ^ v[2] ^ v[3]
}

fn round(v: &mut [u64; 4]) {
    v[0] = v[0].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(13) ^ v[0];
    v[0] = v[0].rotate_left(32);
    v[2] = v[2].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(16) ^ v[2];
    v[0] = v[0].wrapping_add(v[3]);
    v[3] = v[3].rotate_left(21) ^ v[0];
    v[2] = v[2].wrapping_add(v[1]);
    v[1] = v[1].rotate_left(17) ^ v[2];
    v[2] = v[2].rotate_left(32);
}
