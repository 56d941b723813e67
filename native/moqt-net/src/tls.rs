//! Certificates: what a server presents and what a client accepts.

use std::path::{Path, PathBuf};

/// A server's certificate chain and key.
#[derive(Clone, Debug)]
pub struct ServerCertificate {
    sha256: [u8; 32],
}

impl ServerCertificate {
    /// Reads a certificate chain (leaf first) and its private key from PEM files.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path)
                .map_err(|e| TlsError(format!("cannot read {}: {e}", path.display())))
        };
        Self::from_pem(&read(certificate)?, &read(key)?)
    }

    /// Takes a certificate chain (leaf first) and its private key as PEM text.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let _ = (certificate, key);
        Err(TlsError("certificates are not available".into()))
    }

    /// Makes a self-signed development certificate: ECDSA P-256, valid for 10 days, for
    /// `localhost`, `127.0.0.1`, `::1` and `names`. Browsers take it with
    /// `serverCertificateHashes`, clients of this crate with [`Trust::pins`].
    pub fn development(names: &[String]) -> Result<Self, TlsError> {
        let _ = names;
        Err(TlsError("certificates are not available".into()))
    }

    /// [`ServerCertificate::sha256`] in lower-case hex.
    pub fn sha256_hex(&self) -> String {
        self.sha256.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// SHA-256 of the leaf certificate in DER, as browsers want it in `serverCertificateHashes`.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }
}

/// Which server certificates a client accepts.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// PEM files with certificate authorities to accept instead of the system's.
    pub ca_files: Vec<PathBuf>,
    /// SHA-256 of accepted leaf certificates. When not empty they alone decide, together with the
    /// certificate's validity period; chain and name are not looked at.
    pub pins: Vec<[u8; 32]>,
    /// Accept any certificate. For development only; a warning is logged.
    pub insecure: bool,
}

/// A certificate, key or trust option that cannot be used; the text says which and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsError(pub String);

impl std::fmt::Display for TlsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TlsError {}
