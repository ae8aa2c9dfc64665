//! An HTTPS client that shows what certificate and what headers a test wants.

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    /// An authority.
    pub(crate) fn authority(name: &str) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        Self { certificate, key: key.serialize_pem() }
    }

    /// A client's certificate that this authority signs.
    pub(crate) fn sign(&self, common_name: &str) -> Self {
        let signer = KeyPair::from_pem(&self.key).expect("a key");
        let issuer = Issuer::from_ca_cert_pem(&self.certificate, signer).expect("an authority");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, common_name);
        let certificate = params.signed_by(&key, &issuer).expect("a certificate").pem();
        Self { certificate, key: key.serialize_pem() }
    }
}

/// Who asks, and how it knows whom it asks.
#[derive(Clone, Debug)]
pub(crate) struct Asker {
    /// Where the API listens.
    pub(crate) at: SocketAddr,
    /// The name that its certificate must bear.
    pub(crate) host: String,
    /// The authorities that it must be of.
    pub(crate) authorities: String,
}

impl Asker {
    fn config(&self, shown: Option<&Pair>) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(self.authorities.as_bytes()) {
            roots.add(authority.expect("PEM")).expect("an authority");
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots);
        match shown {
            Some(pair) => {
                let certificate = CertificateDer::from_pem_slice(pair.certificate.as_bytes()).expect("PEM");
                let key = PrivateKeyDer::from_pem_slice(pair.key.as_bytes()).expect("PEM");
                config.with_client_auth_cert(vec![certificate], key).expect("a certificate")
            }
            None => config.with_no_client_auth(),
        }
    }

    /// Asks once, with this certificate and these headers. Nothing if there is no connection to be had.
    pub(crate) async fn get(&self, shown: Option<&Pair>, path: &str, headers: &[(&str, &str)]) -> Option<(u16, Value)> {
        self.connect(shown).await?.get(path, headers).await
    }

    /// A connection that stays.
    pub(crate) async fn connect(&self, shown: Option<&Pair>) -> Option<Connection> {
        let stream = TcpStream::connect(self.at).await.ok()?;
        let name = ServerName::try_from(self.host.clone()).expect("a name");
        let stream = TlsConnector::from(Arc::new(self.config(shown))).connect(name, stream).await.ok()?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
        tokio::spawn(connection);
        Some(Connection { sender })
    }
}

/// A connection to the API.
pub(crate) struct Connection {
    sender: hyper::client::conn::http1::SendRequest<Empty<bytes::Bytes>>,
}

impl Connection {
    /// Asks once.
    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Option<(u16, Value)> {
        self.sender.ready().await.ok()?;
        let mut request = http::Request::get(path).header("host", "metrics");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.sender.send_request(request.body(Empty::new()).expect("a request")).await.ok()?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&body).expect("JSON")))
    }
}
