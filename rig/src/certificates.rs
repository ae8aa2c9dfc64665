//! Certificates for TLS between the parts of one run: an authority made for it, and one certificate for all its hosts.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

/// Files with certificates and their key, PEM.
#[derive(Debug, Clone)]
pub(crate) struct Certificates {
    pub(crate) authority: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Makes them in `folder`, good for the addresses and for `localhost`.
    pub(crate) fn make(folder: &Path, addresses: &[IpAddr]) -> io::Result<Self> {
        let [authority, certificate, key] =
            ["authority.pem", "certificate.pem", "key.pem"].map(|name| folder.join(name));
        let pem = pem(addresses).map_err(io::Error::other)?;
        for (path, text) in [&authority, &certificate, &key].into_iter().zip(pem) {
            fs::write(path, text)?;
        }
        Ok(Self { authority, certificate, key })
    }
}

/// The authority, the certificate that it signed, and the key to that.
fn pem(addresses: &[IpAddr]) -> Result<[String; 3], rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "chat-rig");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    let authority_key = KeyPair::generate()?;
    let authority = params.self_signed(&authority_key)?;
    let issuer = Issuer::new(params, authority_key);

    let names = addresses.iter().map(ToString::to_string).chain(["localhost".to_owned()]);
    let mut params = CertificateParams::new(names.collect::<Vec<_>>())?;
    // Nodes are servers to clients, and clients to each other.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &issuer)?;
    Ok([authority.pem(), certificate.pem(), key.serialize_pem()])
}
