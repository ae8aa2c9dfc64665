//! Whom to believe that it speaks for somebody else: the API server, which bears a certificate that this cluster's front proxy authority signed, and
//! names the caller in headers. From anybody else those headers are worth nothing, and are not looked at.

use http::{HeaderMap, HeaderName, header};
use percent_encoding::percent_decode_str;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;

/// The ConfigMap that says it, in the namespace `kube-system`.
pub const CONFIG_MAP: &str = "extension-apiserver-authentication";

/// Groups of a caller that are believed.
const GROUPS_MAX: usize = 256;

/// Whom this cluster's API server has itself known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// The authorities of its client certificate.
    pub authorities: Vec<CertificateDer<'static>>,
    /// Whose certificate of theirs counts, by common name; any if none is named.
    allowed_names: Vec<String>,
    users: Vec<HeaderName>,
    uids: Vec<HeaderName>,
    groups: Vec<HeaderName>,
    /// In lower case, as header names are here.
    extra_prefixes: Vec<String>,
}

/// Why nobody can be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTrust {
    /// The API server was started without a front proxy.
    #[error("{0} is missing: the API server runs without a front proxy (--requestheader-client-ca-file)")]
    Missing(&'static str),
    /// A value makes no sense.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
}

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Identity {
    /// The name.
    pub user: String,
    /// Which of that name, where the API server says it.
    pub uid: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// What a caller has to show for itself.
#[derive(Clone, PartialEq, Eq)]
pub enum Claim {
    /// The API server says who it is.
    Proxied(Identity),
    /// A token, which the API server can say more of.
    Bearer(String),
    /// Nothing.
    Nothing,
}

impl Trust {
    /// Reads the ConfigMap.
    pub fn read(data: &BTreeMap<String, String>) -> Result<Self, NoTrust> {
        const AUTHORITIES: &str = "requestheader-client-ca-file";
        let pem = data.get(AUTHORITIES).ok_or(NoTrust::Missing(AUTHORITIES))?;
        let authorities: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
        let authorities = authorities.map_err(|_| NoTrust::Unreadable(AUTHORITIES))?;
        if authorities.is_empty() {
            return Err(NoTrust::Missing(AUTHORITIES));
        }
        let list = |key: &'static str| match data.get(key) {
            Some(text) => serde_json::from_str::<Vec<String>>(text).map_err(|_| NoTrust::Unreadable(key)),
            None => Ok(Vec::new()),
        };
        let headers = |key: &'static str| -> Result<Vec<HeaderName>, NoTrust> {
            list(key)?.iter().map(|name| name.parse().map_err(|_| NoTrust::Unreadable(key))).collect()
        };
        let users = headers("requestheader-username-headers")?;
        if users.is_empty() {
            return Err(NoTrust::Missing("requestheader-username-headers"));
        }
        let prefixes = list("requestheader-extra-headers-prefix")?;
        Ok(Self {
            authorities,
            allowed_names: list("requestheader-allowed-names")?,
            users,
            uids: headers("requestheader-uid-headers")?,
            groups: headers("requestheader-group-headers")?,
            extra_prefixes: prefixes.into_iter().map(|prefix| prefix.to_ascii_lowercase()).collect(),
        })
    }

    /// Whether a certificate of one of the authorities is one of those that count.
    pub fn allows(&self, common_name: &str) -> bool {
        self.allowed_names.is_empty() || self.allowed_names.iter().any(|allowed| allowed == common_name)
    }

    /// Who the API server says is calling.
    fn named(&self, headers: &HeaderMap) -> Option<Identity> {
        let values = |names: &[HeaderName]| -> Vec<String> {
            let all = names.iter().flat_map(|name| headers.get_all(name));
            all.filter_map(|value| value.to_str().ok()).filter(|value| !value.is_empty()).map(str::to_owned).collect()
        };
        let user = values(&self.users).into_iter().next()?;
        let mut groups = values(&self.groups);
        groups.truncate(GROUPS_MAX);
        let mut extra: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            let key = self.extra_prefixes.iter().find_map(|prefix| name.as_str().strip_prefix(prefix.as_str()));
            if let (Some(key), Ok(value)) = (key, value.to_str()) {
                let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
                extra.entry(key).or_default().push(value.to_owned());
            }
        }
        Some(Identity { user, uid: values(&self.uids).into_iter().next(), groups, extra })
    }
}

/// What a request shows. `common_name` is that of a client certificate that one of the authorities signed, if there is one.
pub fn claim(trust: Option<&Trust>, common_name: Option<&str>, headers: &HeaderMap) -> Claim {
    if let (Some(trust), Some(common_name)) = (trust, common_name)
        && trust.allows(common_name)
        && let Some(identity) = trust.named(headers)
    {
        return Claim::Proxied(identity);
    }
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = authorization
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty());
    token.map_or(Claim::Nothing, |token| Claim::Bearer(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn data(names: &str) -> BTreeMap<String, String> {
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate = rcgen::CertificateParams::default().self_signed(&key).expect("a certificate");
        let data = [
            ("client-ca-file", "not looked at".to_owned()),
            ("requestheader-client-ca-file", certificate.pem()),
            ("requestheader-allowed-names", names.to_owned()),
            ("requestheader-username-headers", r#"["X-Remote-User"]"#.to_owned()),
            ("requestheader-uid-headers", r#"["X-Remote-Uid"]"#.to_owned()),
            ("requestheader-group-headers", r#"["X-Remote-Group"]"#.to_owned()),
            ("requestheader-extra-headers-prefix", r#"["X-Remote-Extra-"]"#.to_owned()),
        ];
        data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_bytes(name.as_bytes()).expect("a name"), HeaderValue::from_static(value));
        }
        headers
    }

    fn who(claim: Claim) -> Option<Identity> {
        match claim {
            Claim::Proxied(identity) => Some(identity),
            Claim::Bearer(_) | Claim::Nothing => None,
        }
    }

    #[test]
    fn the_front_proxy_is_believed() {
        let trust = Trust::read(&data(r#"["front-proxy-client"]"#)).expect("trust");
        let headers = headers(&[
            ("x-remote-user", "anna"),
            ("x-remote-user", "berta"),
            ("x-remote-uid", "7"),
            ("x-remote-group", "team"),
            ("x-remote-group", "system:authenticated"),
            ("x-remote-extra-scopes", "read"),
            ("x-remote-extra-scopes", "write"),
            ("x-remote-extra-example.com%2fkind", "human"),
        ]);
        let identity = who(claim(Some(&trust), Some("front-proxy-client"), &headers)).expect("somebody");
        assert_eq!((identity.user.as_str(), identity.uid.as_deref()), ("anna", Some("7")));
        assert_eq!(identity.groups, ["team", "system:authenticated"]);
        assert_eq!(identity.extra["scopes"], ["read", "write"]);
        assert_eq!(identity.extra["example.com/kind"], ["human"]);
    }

    #[test]
    fn nobody_else_is() {
        let trust = Trust::read(&data(r#"["front-proxy-client"]"#)).expect("trust");
        let headers = headers(&[("x-remote-user", "admin"), ("x-remote-group", "system:masters")]);
        assert!(claim(Some(&trust), None, &headers) == Claim::Nothing, "no certificate");
        assert!(claim(Some(&trust), Some("kubelet"), &headers) == Claim::Nothing, "another name");
        assert!(claim(None, Some("front-proxy-client"), &headers) == Claim::Nothing, "no front proxy");
        assert!(claim(Some(&trust), Some("front-proxy-client"), &HeaderMap::new()) == Claim::Nothing, "no user");
    }

    #[test]
    fn where_no_names_are_given_every_certificate_of_the_authority_counts() {
        let trust = Trust::read(&data("[]")).expect("trust");
        let headers = headers(&[("x-remote-user", "anna")]);
        assert!(who(claim(Some(&trust), Some("whoever"), &headers)).is_some());
        assert!(who(claim(Some(&trust), None, &headers)).is_none());
    }

    #[test]
    fn a_token_is_a_claim_of_its_own() {
        let trust = Trust::read(&data("[]")).expect("trust");
        let with = |value| claim(Some(&trust), None, &headers(&[("x-remote-user", "admin"), ("authorization", value)]));
        assert!(with("Bearer abc") == Claim::Bearer("abc".to_owned()));
        assert!(with("bearer  abc ") == Claim::Bearer("abc".to_owned()));
        assert!(with("Bearer ") == Claim::Nothing);
        assert!(with("Basic abc") == Claim::Nothing);
    }

    #[test]
    fn a_config_map_without_a_front_proxy_gives_no_trust() {
        let without = |key: &str| {
            let mut data = data("[]");
            data.remove(key);
            Trust::read(&data)
        };
        assert!(matches!(without("requestheader-client-ca-file"), Err(NoTrust::Missing(_))));
        assert!(matches!(without("requestheader-username-headers"), Err(NoTrust::Missing(_))));
        assert!(without("requestheader-uid-headers").is_ok());
        let mut odd = data("[]");
        odd.insert("requestheader-client-ca-file".to_owned(), "-----BEGIN CERTIFICATE-----\n%%\n".to_owned());
        assert!(Trust::read(&odd).is_err());
        let mut odd = data("names");
        odd.insert("requestheader-allowed-names".to_owned(), "names".to_owned());
        assert_eq!(Trust::read(&odd), Err(NoTrust::Unreadable("requestheader-allowed-names")));
    }
}
