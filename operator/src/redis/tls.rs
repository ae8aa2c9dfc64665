//! TLS to a Redis that somebody else runs.

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Whose certificates are believed.
#[derive(Clone)]
pub struct Tls(TlsConnector);

/// Why nobody's are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoAuthorities {
    /// What was given is none.
    #[error("it holds no PEM certificate")]
    Nonsense,
    /// Nothing was given, and the operator's image brings none.
    #[error("the operator has no authorities of its own")]
    None,
}

impl Tls {
    /// Believes these authorities (PEM), or else those of the system.
    pub fn new(authorities: Option<&[u8]>) -> Result<Self, NoAuthorities> {
        let roots = match authorities {
            Some(pem) => roots(pem)?,
            None => system()?,
        };
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    pub(super) async fn connect(&self, host: &str, plain: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.0.connect(name, plain).await
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The authorities in a PEM file.
pub fn roots(pem: &[u8]) -> Result<RootCertStore, NoAuthorities> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| NoAuthorities::Nonsense)?;
        roots.add(certificate).map_err(|_| NoAuthorities::Nonsense)?;
    }
    if roots.is_empty() { Err(NoAuthorities::Nonsense) } else { Ok(roots) }
}

/// Those of the image, read once.
fn system() -> Result<RootCertStore, NoAuthorities> {
    static SYSTEM: OnceLock<RootCertStore> = OnceLock::new();
    let roots = SYSTEM.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    });
    if roots.is_empty() { Err(NoAuthorities::None) } else { Ok(roots.clone()) }
}
