//! Who may come in.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

/// Who may come in.
#[derive(KubeSchema, Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.guests || has(self.jwtSecretRef)").message("nobody could come in: with spec.auth.guests false, spec.auth.jwtSecretRef is needed"))]
pub struct Auth {
    /// Whoever gives a name may come in as a guest.
    #[serde(default = "yes")]
    pub guests: bool,
    /// The secret of the application's JSON Web Tokens (HS256), at least 32 bytes, in a Secret of this namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt_secret_ref: Option<SecretKey>,
    /// The key that signs session ids and guest tokens. Without it the operator makes one and keeps it in the Secret `<name>-signing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing_key_ref: Option<SecretKey>,
    /// A second signing key that servers accept and do not sign with: the next one before a change of the key, the former one after it (docs/operations.md).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_signing_key_ref: Option<SecretKey>,
}

impl Default for Auth {
    fn default() -> Self {
        Self { guests: true, jwt_secret_ref: None, signing_key_ref: None, accepted_signing_key_ref: None }
    }
}

/// A key of a Secret in the namespace of the ChatCluster.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

const fn yes() -> bool {
    true
}
