//! The API's own certificates: an authority of its own, and what it signs for the Service. Pure but for the random keys.
//!
//! Both are renewed long before they end, and never at once: while the serving certificate is of the older authority, both authorities stand in the
//! bundle that the API server is given, so that there is no moment at which it takes the one for a stranger.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How long an authority lives, in days, and when a new one comes beside it: while every serving certificate of the old one still ends before it does.
const AUTHORITY_DAYS: i32 = 3650;
const AUTHORITY_REST_DAYS: i32 = 365;

/// How long a serving certificate lives, in days, and with how much left it is renewed.
const SERVING_DAYS: i32 = 90;
const SERVING_REST_DAYS: i32 = 30;

/// What the Secret holds, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificates {
    /// The authorities that the API server is to take, the newest first.
    pub authorities: String,
    /// The key of the newest one.
    pub authority_key: String,
    /// The serving certificate.
    pub serving: String,
    /// Its key.
    pub serving_key: String,
}

/// Why no certificate can be made, or none be read.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The name of the Service cannot stand in one, or there is no randomness.
    #[error("a certificate cannot be made")]
    Made(#[from] rcgen::Error),
    /// What is there is no certificate.
    #[error("the certificates in the Secret cannot be read")]
    Unreadable,
}

/// What has to be done about certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// A new serving certificate.
    Serving,
    /// A new authority beside the old one.
    Authority,
}

impl Certificates {
    /// A new authority and what it signs for this host.
    pub fn new(host: &str, now: Timestamp) -> Result<Self, CertificateError> {
        let (authority, authority_key) = authority(now)?;
        let (serving, serving_key) = signed(&authority, &authority_key, host, now)?;
        Ok(Self { authorities: authority, authority_key, serving, serving_key })
    }

    /// What has to be done.
    pub fn due(&self, host: &str, now: Timestamp) -> Result<Due, CertificateError> {
        let rest = |end: Timestamp| end.duration_since(now);
        let newest = ders(&self.authorities)?.into_iter().next().ok_or(CertificateError::Unreadable)?;
        if rest(end(&newest)?) < DAY * AUTHORITY_REST_DAYS {
            return Ok(Due::Authority);
        }
        let serving = ders(&self.serving)?.into_iter().next().ok_or(CertificateError::Unreadable)?;
        let stale = rest(end(&serving)?) < DAY * SERVING_REST_DAYS || !is_for(&serving, host)?;
        Ok(if stale { Due::Serving } else { Due::Nothing })
    }

    /// With what was due.
    pub fn renewed(&self, due: Due, host: &str, now: Timestamp) -> Result<Self, CertificateError> {
        match due {
            Due::Nothing => Ok(self.clone()),
            Due::Serving => {
                let newest = newest(&self.authorities)?;
                let (serving, serving_key) = signed(&newest, &self.authority_key, host, now)?;
                Ok(Self { authorities: living(&self.authorities, now)?, serving, serving_key, ..self.clone() })
            }
            Due::Authority => {
                let (newest, authority_key) = authority(now)?;
                let authorities = format!("{newest}{}", living(&self.authorities, now)?);
                Ok(Self { authorities, authority_key, ..self.clone() })
            }
        }
    }
}

fn authority(now: Timestamp) -> Result<(String, String), CertificateError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    // Two authorities of one name could not be told apart.
    params.distinguished_name = name(&format!("chat-operator metrics authority {}", now.as_second()));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    valid(&mut params, now, AUTHORITY_DAYS);
    Ok((params.self_signed(&key)?.pem(), key.serialize_pem()))
}

fn signed(
    authority: &str,
    authority_key: &str,
    host: &str,
    now: Timestamp,
) -> Result<(String, String), CertificateError> {
    let issuer = Issuer::from_ca_cert_pem(authority, KeyPair::from_pem(authority_key)?)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new([host.to_owned()])?;
    // A name in full can be too long for this field; what counts is the alternative name.
    params.distinguished_name = name("chat-operator metrics");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now, SERVING_DAYS);
    Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
}

fn name(common: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name
}

/// From yesterday, since clocks differ, for so many days: no certificate here needs an hour.
fn valid(params: &mut CertificateParams, now: Timestamp, days: i32) {
    let day = |at: Timestamp| {
        let date = at.to_zoned(TimeZone::UTC).date();
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (day(now - DAY), day(now + DAY * days));
}

fn ders(pem: &str) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    all.map_err(|_| CertificateError::Unreadable)
}

fn end(certificate: &CertificateDer<'_>) -> Result<Timestamp, CertificateError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| CertificateError::Unreadable)?;
    Timestamp::from_second(parsed.validity().not_after.timestamp()).map_err(|_| CertificateError::Unreadable)
}

fn is_for(certificate: &CertificateDer<'_>, host: &str) -> Result<bool, CertificateError> {
    let (_, parsed) = parse_x509_certificate(certificate).map_err(|_| CertificateError::Unreadable)?;
    let names = parsed.subject_alternative_name().map_err(|_| CertificateError::Unreadable)?;
    let names = names.iter().flat_map(|names| &names.value.general_names);
    Ok(names.into_iter().any(|name| matches!(name, GeneralName::DNSName(name) if *name == host)))
}

/// A bundle's certificates, each as text.
fn texts(bundle: &str) -> Vec<String> {
    const END: &str = "-----END CERTIFICATE-----";
    bundle
        .split_inclusive(END)
        .map(str::trim)
        .filter(|text| text.ends_with(END))
        .map(|text| format!("{text}\n"))
        .collect()
}

fn newest(bundle: &str) -> Result<String, CertificateError> {
    texts(bundle).into_iter().next().ok_or(CertificateError::Unreadable)
}

/// The authorities that have not ended.
fn living(bundle: &str, now: Timestamp) -> Result<String, CertificateError> {
    let mut living = String::new();
    for text in texts(bundle) {
        let lives = ders(&text)?.first().map(end).transpose()?.is_some_and(|end| end > now);
        if lives {
            living.push_str(&text);
        }
    }
    Ok(living)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls::pki_types::{ServerName, UnixTime};
    use std::sync::Arc;
    use std::time::Duration;

    const HOST: &str = "chat-metrics.chatcluster-system.svc";

    fn begin() -> Timestamp {
        "2026-03-01T12:00:00Z".parse().expect("a time")
    }

    fn after(days: i32) -> Timestamp {
        begin() + DAY * days
    }

    /// Whether who is given these authorities takes this certificate, at that time.
    fn takes(authorities: &str, serving: &str, host: &str, at: Timestamp) -> bool {
        let mut roots = RootCertStore::empty();
        for authority in ders(authorities).expect("authorities") {
            roots.add(authority).expect("an authority");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("a verifier");
        let serving = ders(serving).expect("a certificate");
        let name = ServerName::try_from(host.to_owned()).expect("a name");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(at.as_second().unsigned_abs()));
        verifier.verify_server_cert(&serving[0], &[], &name, &[], now).is_ok()
    }

    #[test]
    fn an_authority_signs_for_the_service_and_for_nobody_else() {
        let made = Certificates::new(HOST, begin()).expect("certificates");
        assert_eq!(made.due(HOST, begin()).expect("readable"), Due::Nothing);
        assert!(takes(&made.authorities, &made.serving, HOST, begin()));
        assert!(takes(&made.authorities, &made.serving, HOST, after(80)));
        assert!(!takes(&made.authorities, &made.serving, "other.chatcluster-system.svc", begin()));
        assert!(!takes(&made.authorities, &made.serving, HOST, after(SERVING_DAYS + 1)), "it ends");
        let other = Certificates::new(HOST, begin()).expect("certificates");
        assert!(!takes(&other.authorities, &made.serving, HOST, begin()), "another authority");
    }

    #[test]
    fn a_serving_certificate_is_renewed_before_its_end_and_for_another_name() {
        let made = Certificates::new(HOST, begin()).expect("certificates");
        assert_eq!(made.due(HOST, after(59)).expect("readable"), Due::Nothing);
        assert_eq!(made.due(HOST, after(62)).expect("readable"), Due::Serving);
        assert_eq!(made.due("other.svc", begin()).expect("readable"), Due::Serving);
        let renewed = made.renewed(Due::Serving, HOST, after(62)).expect("renewed");
        assert_eq!(renewed.authorities, made.authorities, "the API server needs to know of nothing");
        assert!(takes(&made.authorities, &renewed.serving, HOST, after(120)));
    }

    #[test]
    fn an_authority_is_renewed_without_a_moment_of_strangeness() {
        let mut certificates = Certificates::new(HOST, begin()).expect("certificates");
        let mut bundles = 0;
        for day in (0..12_000).step_by(7) {
            let now = after(day);
            assert!(takes(&certificates.authorities, &certificates.serving, HOST, now), "day {day}");
            let due = certificates.due(HOST, now).expect("readable");
            let renewed = certificates.renewed(due, HOST, now).expect("renewed");
            // The API server may still know what it was given before, and may know already what it is given now.
            assert!(takes(&certificates.authorities, &renewed.serving, HOST, now), "day {day}: {due:?}");
            assert!(takes(&renewed.authorities, &certificates.serving, HOST, now), "day {day}: {due:?}");
            bundles += usize::from(renewed.authorities != certificates.authorities);
            assert!(texts(&renewed.authorities).len() <= 2);
            certificates = renewed;
        }
        assert!(bundles >= 4, "authorities came and went: {bundles}");
    }

    #[test]
    fn nonsense_is_not_taken_for_certificates() {
        let made = Certificates::new(HOST, begin()).expect("certificates");
        let nothing = Certificates { authorities: String::new(), ..made.clone() };
        assert!(nothing.due(HOST, begin()).is_err());
        let nonsense = Certificates { serving: made.serving_key.clone(), ..made };
        assert!(nonsense.due(HOST, begin()).is_err());
    }
}
