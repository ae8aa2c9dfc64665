//! Who a client is: a token of the application, a guest's token of ours, or a guest's name.

use crate::refusal::{Code, Refusal};
use chat_settings::{Limit, Limits, Secret, Settings};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What the CONNECT packet carries. Keys that are not ours are the application's.
#[derive(Debug, Default, Deserialize)]
pub struct Credentials {
    /// A JSON Web Token, the application's or a guest's.
    pub token: Option<String>,
    /// A guest's name.
    pub name: Option<String>,
    /// `false`: no recovery, and events without the offset.
    pub recovery: Option<bool>,
    /// The session to go on with; set by the client library.
    pub pid: Option<String>,
    /// What the client saw last; set by the client library.
    pub offset: Option<String>,
}

/// Who a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A user of the application.
    User {
        /// The token's `sub`.
        id: String,
        /// The name that is shown.
        name: String,
    },
    /// A guest with a token of ours.
    Guest {
        /// The id that we gave.
        id: String,
        /// The name that is shown.
        name: String,
    },
    /// A guest without one, who may be the guest of the session that it presents.
    Stranger {
        /// The name that is shown.
        name: String,
    },
}

/// The claims of a token.
#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    name: Option<String>,
    exp: u64,
    /// Set in our own, so that no token of one kind passes for the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aud: Option<Audience>,
}

/// Whom a token is for: one, or several (RFC 7519, section 4.1.3).
#[derive(PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn is_guests(&self) -> bool {
        match self {
            Self::One(one) => one == GUESTS,
            Self::Many(many) => many.iter().any(|one| one == GUESTS),
        }
    }
}

/// The audience of guest tokens.
const GUESTS: &str = "chatcluster-guest";

/// How long a user's id may be, in bytes.
const ID_BYTES_MAX: usize = 128;

/// The keys and rules of authentication.
pub struct Auth {
    jwt: Option<DecodingKey>,
    sign: EncodingKey,
    accept: Vec<DecodingKey>,
}

impl Auth {
    /// `signing` are the keys of guest tokens; the first one signs. `jwt` is the application's secret.
    pub fn new(signing: &[Secret], jwt: Option<&Secret>) -> Self {
        let made_up: [u8; 32] = rand::random();
        let sign = signing.first().map_or(&made_up[..], Secret::expose);
        let accept = if signing.is_empty() {
            vec![DecodingKey::from_secret(&made_up)]
        } else {
            signing.iter().map(|key| DecodingKey::from_secret(key.expose())).collect()
        };
        Self {
            jwt: jwt.map(|secret| DecodingKey::from_secret(secret.expose())),
            sign: EncodingKey::from_secret(sign),
            accept,
        }
    }

    /// Finds out who presents these.
    pub fn identify(&self, credentials: &Credentials, settings: &Settings) -> Result<Identity, Refusal> {
        let (guests, limits) = (settings.access.guests, &settings.limits);
        match (&credentials.token, &credentials.name) {
            (Some(token), _) => self.by_token(token, guests, limits),
            (None, Some(_)) if !guests => {
                Err(Refusal::new(Code::Unauthenticated, "guests are not allowed here: present a token"))
            }
            (None, Some(name)) => Ok(Identity::Stranger { name: shown(name, limits)? }),
            (None, None) => {
                Err(Refusal::new(Code::Unauthenticated, "present `auth: {token}`, or `auth: {name}` as a guest"))
            }
        }
    }

    fn by_token(&self, token: &str, guests: bool, limits: &Limits) -> Result<Identity, Refusal> {
        let mut own = Validation::new(Algorithm::HS256);
        own.set_audience(&[GUESTS]);
        own.leeway = 0;
        if guests {
            for key in &self.accept {
                if let Ok(token) = decode::<Claims>(token, key, &own) {
                    let name = token.claims.name.unwrap_or_default();
                    return Ok(Identity::Guest { id: token.claims.sub, name: shown(&name, limits)? });
                }
            }
        }
        let mut users = Validation::new(Algorithm::HS256);
        users.validate_aud = false;
        let claims =
            self.jwt.as_ref().and_then(|key| decode::<Claims>(token, key, &users).ok()).map(|token| token.claims);
        match claims {
            Some(claims) if !claims.aud.as_ref().is_some_and(Audience::is_guests) => {
                if claims.sub.is_empty() || claims.sub.len() > ID_BYTES_MAX {
                    return Err(Refusal::invalid(format!("`sub` of the token must have 1 to {ID_BYTES_MAX} bytes")));
                }
                let name = shown(claims.name.as_deref().unwrap_or(&claims.sub), limits)?;
                Ok(Identity::User { id: claims.sub, name })
            }
            Some(_) | None => {
                Err(Refusal::new(Code::Unauthenticated, "the token is not valid or has expired: get a new one"))
            }
        }
    }

    /// A guest's token, good for so long.
    pub fn guest_token(&self, id: &str, name: &str, age: Duration) -> Option<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let claims = Claims {
            sub: id.to_owned(),
            name: Some(name.to_owned()),
            exp: (now + age).as_secs(),
            aud: Some(Audience::One(GUESTS.to_owned())),
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.sign).ok()
    }
}

/// A name as it may be shown: some characters, none of them a control, no space at its ends.
pub fn shown(name: &str, limits: &Limits) -> Result<String, Refusal> {
    let name = name.trim();
    if name.chars().count() > limits.name_chars {
        return Err(Refusal::limit(Code::TooLarge, Limit::UserName, limits));
    }
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(Refusal::invalid("a name needs at least one character, and no control characters"));
    }
    Ok(name.to_owned())
}
