//! Internal requests are signed: who has the deployment's key may ask, and nobody may change, repeat or redirect what was asked.
//!
//! The signature covers version, method, path with query, hash of the body, time, sender, addressee and a nonce. It is checked before a byte of the body is
//! read. Times may differ by [`WINDOW`]; within it the nonces of all requests are remembered (the receiver keeps them).

use crate::Boot;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use http::{HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// How far the clocks of sender and receiver may be apart, the way between them included.
pub const WINDOW: Duration = Duration::from_secs(30);

/// The version of what is signed and how.
const VERSION: &str = "chat-internal-1";

/// What the keys for internal requests are derived with, so that nothing else that is signed under the deployment's key passes for one.
const PURPOSE: &[u8] = b"chatcluster internal requests 1";

const TIME: HeaderName = HeaderName::from_static("chat-internal-time");
const FROM: HeaderName = HeaderName::from_static("chat-internal-from");
const TO: HeaderName = HeaderName::from_static("chat-internal-to");
const NONCE: HeaderName = HeaderName::from_static("chat-internal-nonce");
const BODY: HeaderName = HeaderName::from_static("chat-internal-body");
const SIGNATURE: HeaderName = HeaderName::from_static("chat-internal-signature");

/// Whom a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressee {
    /// One boot. Another one at its address refuses.
    Boot(Boot),
    /// Whoever is there: only to ask who that is.
    Anyone,
}

impl Addressee {
    fn text(self) -> String {
        match self {
            Self::Boot(boot) => boot.to_string(),
            Self::Anyone => "*".to_owned(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if text == "*" { Some(Self::Anyone) } else { text.parse().ok().map(Self::Boot) }
    }
}

/// What is signed beside the request itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When, in milliseconds since 1970, by the sender's clock.
    pub time_ms: u64,
    /// Who asks. The operator makes one up at its start.
    pub from: Boot,
    /// Whom.
    pub to: Addressee,
    /// Random, so that no two requests are the same.
    pub nonce: u128,
}

/// What is known of a request whose head is genuine.
#[derive(Debug, PartialEq, Eq)]
pub struct Genuine {
    /// What was signed with it.
    pub stamp: Stamp,
    /// What its body must hash to.
    pub body: Digested,
    /// What stands for it in the memory of requests that came.
    pub mark: u64,
}

/// The SHA-256 of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digested([u8; 32]);

impl Digested {
    /// Of these bytes.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }
}

/// Why a head is not genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forged {
    /// Something is missing, or is none of what it should be.
    Unsigned,
    /// No key of ours signed this.
    Signature,
}

/// The keys of a deployment. The first one signs, all verify, so that a key can be changed while servers run.
pub struct Keys(Vec<Hmac<Sha256>>);

impl Keys {
    /// Derived from the signing keys; without any, from one that is made up and that nobody else has.
    pub fn new<'a>(signing: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let made_up: [u8; 32] = rand::random();
        let keys: Vec<_> = signing.into_iter().map(derive).collect();
        Self(if keys.is_empty() { vec![derive(&made_up)] } else { keys })
    }

    /// Puts a signature on a request's headers.
    pub fn sign(&self, method: &str, path_and_query: &str, body: &[u8], stamp: &Stamp, headers: &mut HeaderMap) {
        let body = Digested::of(body);
        let text = canonical(method, path_and_query, body, stamp);
        // There is always a first key: see `new`.
        let Some(key) = self.0.first() else { return };
        let signature = key.clone().chain_update(text).finalize().into_bytes();
        let written = [
            (TIME, stamp.time_ms.to_string()),
            (FROM, stamp.from.to_string()),
            (TO, stamp.to.text()),
            (NONCE, URL_SAFE_NO_PAD.encode(stamp.nonce.to_be_bytes())),
            (BODY, URL_SAFE_NO_PAD.encode(body.0)),
            (SIGNATURE, URL_SAFE_NO_PAD.encode(signature)),
        ];
        for (name, value) in written {
            // Digits and letters make a header.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }

    /// Checks the signature of a request's head.
    pub fn verify(&self, method: &str, path_and_query: &str, headers: &HeaderMap) -> Result<Genuine, Forged> {
        let (stamp, body, signature) = read(headers).ok_or(Forged::Unsigned)?;
        let text = canonical(method, path_and_query, body, &stamp);
        // Compared in constant time, whichever key it is.
        let genuine = self.0.iter().any(|key| key.clone().chain_update(&text).verify_slice(&signature).is_ok());
        if !genuine {
            return Err(Forged::Signature);
        }
        let (head, _) = signature.split_first_chunk().ok_or(Forged::Signature)?;
        Ok(Genuine { stamp, body, mark: u64::from_be_bytes(*head) })
    }
}

/// HMAC-SHA-256 takes keys of every length.
fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("a key of any length is taken")
}

fn derive(signing: &[u8]) -> Hmac<Sha256> {
    let derived = mac(signing).chain_update(PURPOSE).finalize().into_bytes();
    mac(&derived)
}

/// One line a part. No part but the path can hold a line break, and HTTP allows none in a path.
fn canonical(method: &str, path_and_query: &str, body: Digested, stamp: &Stamp) -> String {
    let Stamp { time_ms, from, to, nonce } = stamp;
    let (body, to) = (URL_SAFE_NO_PAD.encode(body.0), to.text());
    format!("{VERSION}\n{method}\n{path_and_query}\n{body}\n{time_ms}\n{from}\n{to}\n{nonce:032x}")
}

fn read(headers: &HeaderMap) -> Option<(Stamp, Digested, [u8; 32])> {
    let text = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())?.to_str().ok()
    };
    let stamp = Stamp {
        time_ms: text(&TIME)?.parse().ok()?,
        from: text(&FROM)?.parse().ok()?,
        to: Addressee::parse(text(&TO)?)?,
        nonce: u128::from_be_bytes(decode(text(&NONCE)?)?),
    };
    Some((stamp, Digested(decode(text(&BODY)?)?), decode(text(&SIGNATURE)?)?))
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    // No more is decoded than a good value has.
    (text.len() == (N * 8).div_ceil(6)).then(|| URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn keys(signing: &[&str]) -> Keys {
        Keys::new(signing.iter().map(|key| key.as_bytes()))
    }

    const OLD: &str = "the-old-key-of-at-least-32-bytes-0";
    const NEW: &str = "the-new-key-of-at-least-32-bytes-1";

    fn stamp() -> Stamp {
        Stamp { time_ms: 1_700_000_000_000, from: Boot(1), to: Addressee::Boot(Boot(2)), nonce: 7 }
    }

    fn signed(keys: &Keys) -> HeaderMap {
        let mut headers = HeaderMap::new();
        keys.sign("POST", "/internal/v1/forward?x=1", b"body", &stamp(), &mut headers);
        headers
    }

    #[test]
    fn what_is_signed_is_genuine_under_both_keys() {
        let (old, new) = (keys(&[OLD]), keys(&[NEW, OLD]));
        for (signer, verifier, good) in
            [(&old, &new, true), (&new, &new, true), (&new, &old, false), (&old, &old, true)]
        {
            let verified = verifier.verify("POST", "/internal/v1/forward?x=1", &signed(signer));
            assert_eq!(verified.is_ok(), good);
            if let Ok(genuine) = verified {
                assert_eq!((genuine.stamp, genuine.body), (stamp(), Digested::of(b"body")));
            }
        }
        assert_eq!(keys(&[]).verify("POST", "/internal/v1/forward?x=1", &signed(&keys(&[]))), Err(Forged::Signature));
    }

    #[test]
    fn a_key_of_the_deployment_itself_signs_nothing() {
        let headers = signed(&Keys(vec![mac(OLD.as_bytes())]));
        assert_eq!(keys(&[OLD]).verify("POST", "/internal/v1/forward?x=1", &headers), Err(Forged::Signature));
    }

    #[test]
    fn nothing_that_is_signed_can_be_changed() {
        let keys = keys(&[OLD]);
        let good = signed(&keys);
        let path = "/internal/v1/forward?x=1";
        for (method, path) in [("GET", path), ("POST", "/internal/v1/forward?x=2"), ("POST", "/internal/v1/forward")] {
            assert_eq!(keys.verify(method, path, &good), Err(Forged::Signature));
        }
        let other = "A".repeat(43);
        for (name, value) in [
            (&TIME, "1700000000001"),
            (&FROM, "0000000000000003"),
            (&TO, "0000000000000003"),
            (&TO, "*"),
            (&NONCE, "AAAAAAAAAAAAAAAAAAAAAA"),
            (&BODY, &other),
            (&SIGNATURE, &other),
        ] {
            let mut headers = good.clone();
            headers.insert(name, HeaderValue::from_str(value).expect("a header"));
            assert_eq!(keys.verify("POST", path, &headers), Err(Forged::Signature), "{name}");
            headers.remove(name);
            assert_eq!(keys.verify("POST", path, &headers), Err(Forged::Unsigned), "{name} is missing");
            let mut twice = good.clone();
            twice.append(name, good[name].clone());
            assert_eq!(keys.verify("POST", path, &twice), Err(Forged::Unsigned), "{name} is there twice");
        }
        assert!(keys.verify("POST", path, &good).is_ok());
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(values in prop::collection::vec("[ -~]{0,80}", 6)) {
            let mut headers = HeaderMap::new();
            for (name, value) in [TIME, FROM, TO, NONCE, BODY, SIGNATURE].into_iter().zip(&values) {
                headers.insert(name, HeaderValue::from_str(value).expect("printable"));
            }
            prop_assert!(keys(&[OLD]).verify("GET", "/", &headers).is_err());
        }
    }
}
