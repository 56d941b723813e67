//! Which certificates a client accepts, and what it says of the others.

mod common;

use common::certificate;
use common::pair::{pair, pinned, SCHEMES};
use moqt::transport::{CertificateReason, CertificateReason as R, CloseReason};
use moqt_net::{parse_sha256, ServerCertificate, Trust};
use std::path::PathBuf;
use std::time::Duration;

/// A CA and a certificate of it for 127.0.0.1, both PEM; with the days relative to now.
fn issued(not_before: i64, not_after: i64, names: &[&str]) -> (String, ServerCertificate) {
    let now = std::time::SystemTime::now();
    let day = |days: i64| match u64::try_from(days) {
        Ok(days) => now + Duration::from_secs(days * 86_400),
        Err(_) => now - Duration::from_secs(days.unsigned_abs() * 86_400),
    };
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_pem = params.self_signed(&ca_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names: Vec<String> = names.iter().map(|n| n.to_string()).collect();
    let mut params = rcgen::CertificateParams::new(names).unwrap();
    params.not_before = day(not_before).into();
    params.not_after = day(not_after).into();
    let leaf = params.signed_by(&key, &issuer).unwrap();
    let certificate =
        ServerCertificate::from_pem(leaf.pem().as_bytes(), key.serialize_pem().as_bytes());
    (ca_pem, certificate.unwrap())
}

struct File(PathBuf);

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn file(name: &str, content: &str) -> File {
    let path = std::env::temp_dir().join(format!("moqt-net-{}-{name}", std::process::id()));
    std::fs::write(&path, content).unwrap();
    File(path)
}

fn text_of_certificate(reason: CloseReason, wanted: CertificateReason) -> String {
    match reason {
        CloseReason::Certificate { reason, text } => {
            assert_eq!(reason, wanted, "{text}");
            text
        }
        other => panic!("not a certificate problem: {other:?}"),
    }
}

#[test]
fn pins_decide() {
    let certificate = certificate();
    let hash = certificate.sha256();
    assert_eq!(certificate.sha256_hex().len(), 64);
    let mut pair = pair(certificate, |_| {});
    for scheme in SCHEMES {
        pair.accepted(scheme, pinned(hash));
        let text = text_of_certificate(pair.refused(scheme, pinned([7; 32])), R::WrongHash);
        assert!(text.contains("not among the accepted hashes"), "{text}");
        assert!(text.contains("127.0.0.1"), "{text}");
    }
}

#[test]
fn a_pin_does_not_excuse_an_expired_certificate() {
    let (_, certificate) = issued(-10, -1, &["127.0.0.1"]);
    let trust = pinned(certificate.sha256());
    let text = text_of_certificate(pair(certificate, |_| {}).refused("moqt", trust), R::Expired);
    assert!(text.contains("expired"), "{text}");
    let (_, certificate) = issued(1, 10, &["127.0.0.1"]);
    let trust = pinned(certificate.sha256());
    let text = text_of_certificate(
        pair(certificate, |_| {}).refused("moqt", trust),
        R::NotYetValid,
    );
    assert!(text.contains("valid only from"), "{text}");
}

#[test]
fn a_ca_file_decides() {
    let (ca, certificate) = issued(-1, 10, &["127.0.0.1"]);
    let ca = file("ca.pem", &ca);
    let trust = Trust {
        ca_files: vec![ca.0.clone()],
        ..Trust::default()
    };
    let mut good = pair(certificate, |_| {});
    for scheme in SCHEMES {
        good.accepted(scheme, trust.clone());
    }
    // Another certificate, not of this authority.
    let text = text_of_certificate(
        pair(common::certificate(), |_| {}).refused("moqt", trust),
        R::UnknownIssuer,
    );
    assert!(
        text.contains("issuer is unknown") || text.contains("self-signed"),
        "{text}"
    );
}

/// The certificate that many tools make: signed with its own key, and marked as an authority.
#[test]
fn a_self_signed_authority_is_an_unknown_issuer() {
    let (other, _) = issued(-1, 10, &["127.0.0.1"]);
    let other = file("other.pem", &other);
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let own = params.self_signed(&key).unwrap().pem();
    let own = ServerCertificate::from_pem(own.as_bytes(), key.serialize_pem().as_bytes());
    let trust = Trust {
        ca_files: vec![other.0.clone()],
        ..Trust::default()
    };
    let mut pair = pair(own.unwrap(), |_| {});
    for scheme in SCHEMES {
        let text = text_of_certificate(pair.refused(scheme, trust.clone()), R::UnknownIssuer);
        assert!(
            text.contains("CaUsedAsEndEntity") && text.contains("give its hash"),
            "it is told by what rustls says of it: {text}"
        );
    }
}

#[test]
fn names_and_dates_are_told_apart() {
    let (ca, certificate) = issued(-1, 10, &["relay.example"]);
    let ca = file("name.pem", &ca);
    let trust = Trust {
        ca_files: vec![ca.0.clone()],
        ..Trust::default()
    };
    let text = text_of_certificate(
        pair(certificate, |_| {}).refused("moqt", trust),
        R::WrongName,
    );
    assert!(text.contains("not for the name 127.0.0.1"), "{text}");
    let (ca, certificate) = issued(-10, -1, &["127.0.0.1"]);
    let ca = file("date.pem", &ca);
    let trust = Trust {
        ca_files: vec![ca.0.clone()],
        ..Trust::default()
    };
    let text = text_of_certificate(pair(certificate, |_| {}).refused("moqt", trust), R::Expired);
    assert!(text.contains("has expired"), "{text}");
}

#[test]
fn unknown_authorities_are_refused_and_insecure_is_not_asked() {
    let mut pair = pair(certificate(), |_| {});
    for scheme in SCHEMES {
        let text = text_of_certificate(pair.refused(scheme, Trust::default()), R::UnknownIssuer);
        assert!(text.contains("certificate hash"), "{text}");
        pair.accepted(
            scheme,
            Trust {
                insecure: true,
                ..Trust::default()
            },
        );
    }
}

#[test]
fn fingerprints_are_read_in_the_usual_forms() {
    let hash = certificate().sha256();
    let plain: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let colons: Vec<String> = hash.iter().map(|b| format!("{b:02X}")).collect();
    assert_eq!(parse_sha256(&plain), Ok(hash));
    assert_eq!(parse_sha256(&colons.join(":")), Ok(hash));
    assert_eq!(Trust::pinned(&[plain]).unwrap().pins, vec![hash]);
    for wrong in ["", "ab", &"g".repeat(64), &"a".repeat(65), "ä"] {
        assert!(parse_sha256(wrong).unwrap_err().0.contains("64 hex digits"));
    }
}

#[test]
fn a_development_certificate_suits_browsers() {
    let certificate = ServerCertificate::development(&["game.local".into()]).unwrap();
    let der = certificate.chain_der().next().unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(der).unwrap();
    let validity = parsed.validity();
    let days = (validity.not_after.timestamp() - validity.not_before.timestamp()) / 86_400;
    assert!((9..14).contains(&days), "{days} days");
    // id-ecPublicKey with prime256v1.
    let key = &parsed.public_key().algorithm;
    assert_eq!(key.algorithm.to_id_string(), "1.2.840.10045.2.1");
    let curve = key.parameters.as_ref().unwrap().as_oid().unwrap();
    assert_eq!(curve.to_id_string(), "1.2.840.10045.3.1.7");
    let names = parsed.subject_alternative_name().unwrap().unwrap();
    let names = format!("{:?}", names.value.general_names);
    for name in ["localhost", "game.local", "[127, 0, 0, 1]"] {
        assert!(names.contains(name), "{name} in {names}");
    }
}
