//! Certificates: what each side presents and what it accepts of the other.

use quinn_proto::crypto::rustls::QuicServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::WebPkiClientVerifier;
use rustls::CipherSuite;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// How long a development certificate is valid. Browsers refuse more than 14 days for
/// certificates that are accepted by hash.
pub const DEVELOPMENT_VALIDITY: Duration = Duration::from_secs(10 * 24 * 60 * 60);

/// The cryptography of both sides: ring's, with AES-128 before AES-256, as browsers prefer it. The
/// cheaper cipher is what a packet of 100 bytes and a handshake are mostly made of.
pub(crate) fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let suites = &mut provider.cipher_suites;
    suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    provider
}

/// A server's certificate chain and key.
#[derive(Clone)]
pub struct ServerCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
    sha256: [u8; 32],
}

impl std::fmt::Debug for ServerCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        write!(f, "ServerCertificate({})", self.sha256_hex())
    }
}

impl ServerCertificate {
    /// Reads a certificate chain (leaf first) and its private key from PEM files.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let (chain, key_pem) = (read(certificate)?, read(key)?);
        Self::from_pem(&chain, &key_pem).map_err(|e| {
            TlsError(format!(
                "{} / {}: {e}",
                certificate.display(),
                key.display()
            ))
        })
    }

    /// Takes a certificate chain (leaf first) and its private key as PEM text.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let (chain, key) = chain_and_key(certificate, key)?;
        Self::new(chain, key)
    }

    /// Makes a self-signed development certificate: ECDSA P-256, valid for
    /// [`DEVELOPMENT_VALIDITY`], for `localhost`, `127.0.0.1`, `::1` and `names`. Browsers take it
    /// with `serverCertificateHashes`, clients of this crate with [`Trust::pins`].
    pub fn development(names: &[String]) -> Result<Self, TlsError> {
        let mut subjects: Vec<String> = ["localhost", "127.0.0.1", "::1"]
            .map(str::to_owned)
            .to_vec();
        for name in names {
            if !subjects.contains(name) {
                subjects.push(name.clone());
            }
        }
        let failed =
            |e: rcgen::Error| TlsError(format!("cannot make a development certificate: {e}"));
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = rcgen::CertificateParams::new(subjects).map_err(failed)?;
        let mut name = rcgen::DistinguishedName::new();
        name.push(rcgen::DnType::CommonName, "moq-game development");
        params.distinguished_name = name;
        // One hour back, so that a peer whose clock is a little behind accepts it; the whole
        // period stays below the browsers' limit.
        let now = SystemTime::now();
        params.not_before = (now - Duration::from_secs(3600)).into();
        params.not_after = (now + DEVELOPMENT_VALIDITY).into();
        let certificate = params.self_signed(&key).map_err(failed)?;
        let key = PrivateKeyDer::try_from(key.serialize_der())
            .map_err(|e| TlsError(format!("cannot use the development key: {e}")))?;
        Self::new(vec![certificate.der().clone()], key)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let Some(leaf) = chain.first() else {
            return Err(TlsError("there is no certificate in the PEM text".into()));
        };
        let certificate = ServerCertificate {
            sha256: sha256(leaf),
            chain,
            key: Arc::new(key),
        };
        // Finds a key that does not belong to the certificate now and not at the first client.
        certificate.rustls_config(&[], None)?;
        Ok(certificate)
    }

    /// SHA-256 of the leaf certificate in DER, as browsers want it in `serverCertificateHashes`.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// [`ServerCertificate::sha256`] in lower-case hex.
    pub fn sha256_hex(&self) -> String {
        hex(&self.sha256)
    }

    /// The chain in DER, leaf first.
    pub fn chain_der(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(|c| c.as_ref())
    }

    fn rustls_config(
        &self,
        alpn: &[Vec<u8>],
        clients: Option<&ClientTrust>,
    ) -> Result<rustls::ServerConfig, TlsError> {
        let provider = Arc::new(provider());
        let verifier = match clients {
            Some(clients) => clients.verifier(&provider)?,
            None => WebPkiClientVerifier::no_client_auth(),
        };
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|b| {
                b.with_client_cert_verifier(verifier)
                    .with_single_cert(self.chain.clone(), self.key.clone_key())
            })
            .map_err(|e| TlsError(format!("certificate and key cannot be used: {e}")))?;
        config.alpn_protocols = alpn.to_vec();
        Ok(config)
    }

    pub(crate) fn quic_config(
        &self,
        alpn: &[Vec<u8>],
        clients: Option<&ClientTrust>,
    ) -> Result<QuicServerConfig, TlsError> {
        QuicServerConfig::try_from(self.rustls_config(alpn, clients)?)
            .map_err(|e| TlsError(format!("certificate and key cannot be used for QUIC: {e}")))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|e| TlsError(format!("cannot read {}: {e}", path.display())))
}

type ChainAndKey = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn chain_and_key(certificate: &[u8], key: &[u8]) -> Result<ChainAndKey, TlsError> {
    let chain = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| TlsError(format!("the certificate is not valid PEM: {e}")))?;
    if chain.is_empty() {
        return Err(TlsError("there is no certificate in the PEM text".into()));
    }
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|e| TlsError(format!("no usable private key in PEM form: {e}")))?;
    Ok((chain, key))
}

/// What a client shows a server that asks who it is.
#[derive(Clone)]
pub struct ClientCertificate {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl std::fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the key.
        f.write_str("ClientCertificate")
    }
}

impl ClientCertificate {
    /// Takes a certificate chain (leaf first) and its private key, each as PEM text or as the path
    /// of a PEM file.
    pub fn new(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let (chain, key) = chain_and_key(&pem(certificate)?, &pem(key)?)?;
        let certificate = ClientCertificate {
            chain,
            key: Arc::new(key),
        };
        // Finds a key that does not belong to the certificate now and not in a handshake.
        let provider = provider();
        let key = certificate.key.clone_key();
        rustls::sign::CertifiedKey::from_der(certificate.chain.clone(), key, &provider)
            .map_err(|e| TlsError(format!("certificate and key cannot be used: {e}")))?;
        Ok(certificate)
    }

    pub(crate) fn chain_and_key(&self) -> ChainAndKey {
        (self.chain.clone(), self.key.clone_key())
    }
}

/// PEM text as it is, or what the file of that name holds.
fn pem(text: &str) -> Result<Vec<u8>, TlsError> {
    match text.contains("-----BEGIN ") {
        true => Ok(text.as_bytes().to_vec()),
        false => read(Path::new(text)),
    }
}

/// Which client certificates a server accepts.
#[derive(Clone, Debug)]
pub struct ClientTrust {
    /// PEM files with the certificate authorities of clients; at least one.
    pub ca_files: Vec<PathBuf>,
    /// Whether clients without a certificate are refused. A certificate that is not accepted
    /// always is.
    pub required: bool,
}

impl ClientTrust {
    fn verifier(
        &self,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let roots = Arc::new(crate::verify::file_roots(&self.ca_files)?);
        let builder = WebPkiClientVerifier::builder_with_provider(roots, provider.clone());
        let builder = match self.required {
            true => builder,
            false => builder.allow_unauthenticated(),
        };
        builder
            .build()
            .map_err(|e| TlsError(format!("the authorities of clients cannot be used: {e}")))
    }
}

/// Which server certificates a client accepts. The default is the system's roots.
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

impl Trust {
    /// Accepts only the certificates with these SHA-256 fingerprints, given in hex (colons and
    /// upper case are fine).
    pub fn pinned<S: AsRef<str>>(hashes: &[S]) -> Result<Self, TlsError> {
        let pins = hashes
            .iter()
            .map(|h| parse_sha256(h.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Trust {
            pins,
            ..Trust::default()
        })
    }
}

/// Reads a SHA-256 fingerprint in hex; colons between bytes and upper case are accepted.
pub fn parse_sha256(text: &str) -> Result<[u8; 32], TlsError> {
    let wrong = || {
        TlsError(format!(
            "\"{}\" is not a SHA-256 fingerprint; give 64 hex digits",
            text.chars().take(100).collect::<String>()
        ))
    };
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b':').collect();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return Err(wrong());
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(hash)
}

pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, data).as_ref());
    out
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
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
