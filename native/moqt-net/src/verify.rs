//! The client's side of TLS: which server certificate is accepted, and a clear word when not.

use crate::tls::{hex, sha256, ClientCertificate, TlsError, Trust};
use moqt::transport::CertificateReason;
use quinn_proto::crypto::rustls::QuicClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature, CryptoProvider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use x509_parser::certificate::X509CertificateParser;
use x509_parser::nom::Parser;

/// Filled by the verifier when it refuses, so that the connection can tell why.
pub(crate) type Refusal = Arc<Mutex<Option<Refused>>>;

/// Why a certificate was not accepted: to branch on, and in words.
pub(crate) type Refused = (CertificateReason, String);

/// The QUIC client configuration for one connection attempt.
pub(crate) fn client_config(
    trust: &Trust,
    certificate: Option<&ClientCertificate>,
    alpn: Vec<Vec<u8>>,
) -> Result<(QuicClientConfig, Refusal), TlsError> {
    let provider = Arc::new(crate::tls::provider());
    let refusal = Refusal::default();
    let verifier = Arc::new(Verifier {
        policy: policy(trust, &provider)?,
        provider: provider.clone(),
        refusal: refusal.clone(),
    });
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| TlsError(format!("TLS 1.3 is not available: {e}")))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match certificate.map(ClientCertificate::chain_and_key) {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|e| TlsError(format!("the client certificate cannot be used: {e}")))?,
    };
    config.alpn_protocols = alpn;
    let quic = QuicClientConfig::try_from(config)
        .map_err(|e| TlsError(format!("TLS cannot be used for QUIC: {e}")))?;
    Ok((quic, refusal))
}

#[derive(Debug)]
enum Policy {
    Roots(Arc<WebPkiServerVerifier>),
    Pins(Vec<[u8; 32]>),
    Anything,
}

fn policy(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Policy, TlsError> {
    if trust.insecure {
        log::warn!("certificate checks are off (insecure); anyone can pose as the server");
        return Ok(Policy::Anything);
    }
    if !trust.pins.is_empty() {
        return Ok(Policy::Pins(trust.pins.clone()));
    }
    let roots = if trust.ca_files.is_empty() {
        system_roots()?
    } else {
        Arc::new(file_roots(&trust.ca_files)?)
    };
    WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map(Policy::Roots)
        .map_err(|e| TlsError(format!("the accepted authorities cannot be used: {e}")))
}

/// The authorities in PEM files; each must hold one.
pub(crate) fn file_roots(files: &[PathBuf]) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for path in files {
        let wrong =
            |e: &dyn std::fmt::Display| TlsError(format!("CA file {}: {e}", path.display()));
        let pem = std::fs::read(path).map_err(|e| wrong(&e))?;
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|e| wrong(&e))?;
            roots.add(certificate).map_err(|e| wrong(&e))?;
        }
        if roots.len() == before {
            return Err(wrong(&"there is no certificate in it; PEM is expected"));
        }
    }
    Ok(roots)
}

/// Loaded once per process: reading a hundred files takes milliseconds.
fn system_roots() -> Result<Arc<RootCertStore>, TlsError> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let mut roots = RootCertStore::empty();
    let (certificates, problem) = load_system_certificates();
    roots.add_parsable_certificates(certificates);
    if roots.is_empty() {
        return Err(TlsError(format!(
            "no certificate authorities found on this system ({problem}); install \
             ca-certificates, or give a CA file or a certificate hash"
        )));
    }
    Ok(ROOTS.get_or_init(|| Arc::new(roots)).clone())
}

#[cfg(not(target_os = "macos"))]
fn load_system_certificates() -> (Vec<CertificateDer<'static>>, String) {
    let result = rustls_native_certs::load_native_certs();
    let problem = match result.errors.first() {
        Some(e) => e.to_string(),
        None => "the store is empty".to_owned(),
    };
    (result.certs, problem)
}

#[cfg(target_os = "macos")]
fn load_system_certificates() -> (Vec<CertificateDer<'static>>, String) {
    let path = "/etc/ssl/cert.pem";
    match std::fs::read(path) {
        Ok(pem) => (
            CertificateDer::pem_slice_iter(&pem)
                .filter_map(Result::ok)
                .collect(),
            format!("{path} is empty"),
        ),
        Err(e) => (Vec::new(), format!("{path}: {e}")),
    }
}

#[derive(Debug)]
struct Verifier {
    policy: Policy,
    provider: Arc<CryptoProvider>,
    refusal: Refusal,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result = match &self.policy {
            Policy::Anything => Ok(ServerCertVerified::assertion()),
            Policy::Pins(pins) => check_pin(pins, end_entity, now),
            Policy::Roots(webpki) => webpki
                .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
                .map_err(|e| (explain(&e, server_name), e)),
        };
        result.map_err(|((reason, text), error)| {
            let text = format!(
                "the certificate of {} was not accepted: {text}",
                server_name.to_str()
            );
            *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some((reason, text));
            error
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

type Verdict = Result<ServerCertVerified, (Refused, rustls::Error)>;

/// A pin replaces the chain and the name, not the validity period: a leaked development key is
/// of use only until the certificate ends.
fn check_pin(pins: &[[u8; 32]], leaf: &CertificateDer<'_>, now: UnixTime) -> Verdict {
    use CertificateReason as R;
    let no = |reason, text, error: CertificateError| Err(((reason, text), error.into()));
    let actual = sha256(leaf);
    if !pins.contains(&actual) {
        let text = format!(
            "its SHA-256 is {}, which is not among the accepted hashes; if the server made a \
             new certificate, take the new hash from it",
            hex(&actual)
        );
        let error = CertificateError::ApplicationVerificationFailure;
        return no(R::WrongHash, text, error);
    }
    // Extensions are not read here; their parsers would fill a table that no unloading frees.
    let mut parser = X509CertificateParser::new().with_deep_parse_extensions(false);
    let parsed = match parser.parse(leaf) {
        Ok((_, parsed)) => parsed,
        Err(e) => {
            let text = format!("it cannot be read: {e}");
            return no(R::Other, text, CertificateError::BadEncoding);
        }
    };
    let validity = parsed.validity();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > validity.not_after.timestamp() {
        let text = format!(
            "it expired at {}; renew it on the server",
            validity.not_after
        );
        return no(R::Expired, text, CertificateError::Expired);
    }
    if now < validity.not_before.timestamp() {
        let text = format!(
            "it is valid only from {}; check both clocks",
            validity.not_before
        );
        return no(R::NotYetValid, text, CertificateError::NotValidYet);
    }
    Ok(ServerCertVerified::assertion())
}

fn explain(error: &rustls::Error, name: &ServerName<'_>) -> Refused {
    use CertificateError as C;
    use CertificateReason as R;
    let rustls::Error::InvalidCertificate(error) = error else {
        return (R::Other, error.to_string());
    };
    match error {
        C::UnknownIssuer => (
            R::UnknownIssuer,
            "its issuer is unknown; for a development server give its certificate hash \
             (serverCertificateHashes) or its CA file (caFile)"
                .to_owned(),
        ),
        C::Expired | C::ExpiredContext { .. } => (
            R::Expired,
            "it has expired; renew it on the server (or correct this machine's clock)".to_owned(),
        ),
        C::NotValidYet | C::NotValidYetContext { .. } => (
            R::NotYetValid,
            "it is not valid yet; check the clocks of both machines".to_owned(),
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => (
            R::WrongName,
            format!(
                "it is not for the name {}; connect with a name in the certificate ({error})",
                name.to_str()
            ),
        ),
        C::Revoked => (
            R::Revoked,
            "it was revoked; the server needs a new one".to_owned(),
        ),
        C::BadSignature => (R::Other, "its signature is wrong".to_owned()),
        other => {
            let text = format!("{other}; for a self-signed certificate give its hash");
            let own = is_authority(other);
            (if own { R::UnknownIssuer } else { R::Other }, text)
        }
    }
}

/// Whether a server showed an authority's own certificate: a self-signed one, as a rule.
fn is_authority(error: &CertificateError) -> bool {
    let CertificateError::Other(other) = error else {
        return false;
    };
    // Only while both crates mean the same version of webpki; a test of trust fails otherwise.
    let error = other.0.downcast_ref::<webpki::Error>();
    matches!(error, Some(webpki::Error::CaUsedAsEndEntity))
}
