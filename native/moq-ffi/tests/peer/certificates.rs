//! A private authority and a certificate that it issued, for the tests of trust.

use std::path::Path;

/// PEM of an authority, and of a certificate and key that it issued for 127.0.0.1.
fn issue() -> (String, String, String) {
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca = params.self_signed(&ca_key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    let leaf = params.signed_by(&key, &issuer).expect("signed").pem();
    (ca, leaf, key.serialize_pem())
}

/// Writes `ca.pem`, `leaf.pem`, `leaf.key` and, of another authority, `other-ca.pem`.
pub fn write(folder: &Path) {
    let (ca, leaf, key) = issue();
    let (other, _, _) = issue();
    let files = [
        ("ca.pem", ca),
        ("leaf.pem", leaf),
        ("leaf.key", key),
        ("other-ca.pem", other),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).expect("the folder can be written to");
    }
}
