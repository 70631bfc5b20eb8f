//! The gateway's certificate, which a reload replaces while connections are open: a renewed file needs no restart.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::cli::fail::Fail;

/// Certificate and key that new connections get.
#[derive(Debug)]
pub struct Certificate(ArcSwap<CertifiedKey>);

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

impl Certificate {
    pub fn new(pair: Arc<CertifiedKey>) -> Certificate {
        Certificate(ArcSwap::new(pair))
    }

    pub fn replace(&self, pair: Arc<CertifiedKey>) {
        self.0.store(pair);
    }
}

/// Reads both files and checks that they belong together.
pub fn read(cert: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Fail> {
    let bad = |path: &Path, e: &dyn std::fmt::Display| Fail::new("E0104", format!("cannot use {}: {e}", path.display()));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(cert).map_err(|e| bad(cert, &e))?.collect();
    let key_der = PrivateKeyDer::from_pem_file(key).map_err(|e| bad(key, &e))?;
    let chain = chain.map_err(|e| bad(cert, &e))?;
    if chain.is_empty() {
        return Err(bad(cert, &"no certificate in it").fix("a PEM file with the certificate and those above it"));
    }
    let pair = CertifiedKey::from_der(chain, key_der, &rustls::crypto::ring::default_provider());
    pair.map(Arc::new).map_err(|e| bad(cert, &e))
}

/// A server's side of TLS with that certificate.
pub fn config(certificate: Arc<Certificate>) -> Result<rustls::ServerConfig, Fail> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Fail::new("E0104", e.to_string()))?;
    Ok(builder.with_no_client_auth().with_cert_resolver(certificate))
}
