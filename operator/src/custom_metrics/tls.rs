//! What a connection needs: our certificate, and whose client certificates are looked at.

use super::certificate::Certificates;
use super::trust::Trust;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use std::sync::Arc;
use x509_parser::parse_x509_certificate;

/// What connections are taken with, until something of it changes.
pub(super) struct Door {
    /// For the handshake.
    pub(super) config: Arc<ServerConfig>,
    /// Whom to believe.
    pub(super) trust: Option<Arc<Trust>>,
}

/// Why no connection can be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoDoor {
    /// Our certificate or key makes no sense.
    #[error("the serving certificate cannot be used")]
    Certificate(#[source] rustls::Error),
    /// It is no PEM.
    #[error("the serving certificate cannot be read")]
    Pem(#[from] rustls::pki_types::pem::Error),
    /// The front proxy's authorities make no sense.
    #[error("the authorities of the front proxy cannot be used")]
    Authorities(#[from] VerifierBuilderError),
}

impl Door {
    /// One that asks for a certificate of the front proxy, and lets those in, too, who have none.
    pub(super) fn new(certificates: &Certificates, trust: Option<Arc<Trust>>) -> Result<Self, NoDoor> {
        let chain = CertificateDer::pem_slice_iter(certificates.serving.as_bytes()).collect::<Result<Vec<_>, _>>()?;
        let key = PrivateKeyDer::from_pem_slice(certificates.serving_key.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(NoDoor::Certificate)?;
        let config = match &trust {
            Some(trust) => {
                let mut roots = RootCertStore::empty();
                for authority in &trust.authorities {
                    roots.add(authority.clone()).map_err(NoDoor::Certificate)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                config.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
            }
            None => config.with_no_client_auth(),
        };
        let mut config = config.with_single_cert(chain, key).map_err(NoDoor::Certificate)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), trust })
    }
}

/// The common name of a certificate that was verified.
pub(super) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, parsed) = parse_x509_certificate(certificate).ok()?;
    let name = parsed.subject().iter_common_name().next()?.as_str().ok()?;
    Some(name.to_owned())
}
