//! T15: certificates of a private authority are accepted by its CA file, and refused otherwise, each
//! cause with its own text; and clients show certificates of theirs. (Pins: see also tls_test.cc.)

#[path = "support/ffi.rs"]
mod ffi;

use ffi::library::*;
use ffi::{last_error, Client};
use moq_ffi::error::*;
use moq_ffi::record::*;
use serde_json::{json, Value};
use std::path::PathBuf;

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("moq-ffi-trust-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// PEM of an authority, and of a certificate and key that it issued for 127.0.0.1.
fn issue() -> (String, String, String) {
    issue_for("127.0.0.1", -1, 10)
}

/// The same for another name, valid for these days from now.
fn issue_for(name: &str, from: i64, to: i64) -> (String, String, String) {
    let now = std::time::SystemTime::now();
    let day = |days: i64| {
        let time = std::time::Duration::from_secs(days.unsigned_abs() * 86_400);
        match days < 0 {
            true => now - time,
            false => now + time,
        }
    };
    let ca_key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(Vec::<String>::new()).expect("parameters");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "an authority");
    let ca = params.self_signed(&ca_key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(params, ca_key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).expect("parameters");
    (params.not_before, params.not_after) = (day(from).into(), day(to).into());
    let leaf = params.signed_by(&key, &issuer).expect("signed").pem();
    (ca, leaf, key.serialize_pem())
}

fn start(options: &Value) -> u64 {
    let (text, mut relay) = (options.to_string(), 0);
    // SAFETY: pointers of live values, and their lengths.
    let code = unsafe { moq_relay_start(text.as_ptr().cast(), text.len(), &mut relay) };
    assert_eq!(code, MOQ_OK, "{}", last_error());
    relay
}

/// Over QUIC, then over WebTransport.
fn urls(relay: u64) -> [String; 2] {
    let quic = quic_url(relay);
    let webtransport = quic.replacen("moqt:", "https:", 1);
    [quic, webtransport]
}

/// The text of a refusal for its certificate, and why, in both forms.
fn refusal(options: &Value, why: MoqCertificateReason, name: &str) -> String {
    let mut client = Client::open(&options.to_string());
    let end = client.end_of(client.handle);
    let text = end.text();
    assert_eq!(end.header.code, MOQ_ERROR_CERTIFICATE as u32, "{text}");
    assert!(text.contains("\"retryable\":false"), "{text}");
    assert_eq!(end.header.extra, why as u64, "{text}");
    let reason = format!("\"reason\":\"{name}\"");
    assert!(text.contains(&reason), "{text}");
    assert!(client.of(client.handle, MOQ_RECORD_STATE).is_empty());
    text
}

fn accepted(options: &Value) {
    let mut client = Client::open(&options.to_string());
    client.until("it opens", |c| {
        assert!(c.of(c.handle, MOQ_RECORD_END).is_empty(), "{:?}", c.seen);
        !c.of(c.handle, MOQ_RECORD_STATE).is_empty()
    });
}

fn stop(relay: u64) {
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_relay_stop(relay, 0) }, MOQ_OK);
}

fn quic_url(relay: u64) -> String {
    let (mut text, mut needed) = (vec![0_u8; 4_096], 0);
    // SAFETY: as above.
    let code = unsafe { moq_relay_info(relay, text.as_mut_ptr().cast(), text.len(), &mut needed) };
    assert_eq!(code, MOQ_OK, "{}", last_error());
    let info: Value = serde_json::from_slice(&text[..needed]).expect("JSON");
    info["quicUrl"].as_str().expect("a URL").to_owned()
}

#[test]
fn a_ca_file_decides_who_is_trusted() {
    let folder = Folder::new();
    let (ca, leaf, key) = issue();
    let (other_ca, _, _) = issue();
    let certificate = folder.write("leaf.pem", &leaf);
    let relay = start(&json!({ "certificate": certificate, "key": folder.write("key.pem", &key) }));
    let url = quic_url(relay);
    let good = folder.write("ca.pem", &ca);
    let other = folder.write("other-ca.pem", &other_ca);

    for files in [json!(good), json!([other, good])] {
        let mut client = Client::open(&json!({ "url": url, "caFile": files }).to_string());
        client.until("it opens", |c| !c.of(c.handle, MOQ_RECORD_STATE).is_empty());
    }
    for options in [
        json!({ "url": url, "caFile": other }),
        json!({ "url": url }),
    ] {
        let mut client = Client::open(&options.to_string());
        let end = client.end_of(client.handle);
        assert_eq!(
            end.header.code,
            MOQ_ERROR_CERTIFICATE as u32,
            "{}",
            end.text()
        );
    }
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_relay_stop(relay, 0) }, MOQ_OK);
}

#[test]
fn each_cause_has_its_own_text_and_advice() {
    let folder = Folder::new();
    let cases = [
        (
            ("127.0.0.1", -10, -1),
            (MOQ_CERTIFICATE_EXPIRED, "expired"),
            ("has expired", "renew it"),
        ),
        (
            ("127.0.0.1", 5, 10),
            (MOQ_CERTIFICATE_NOT_YET_VALID, "not_yet_valid"),
            ("not valid yet", "clocks"),
        ),
        (
            ("relay.example", -1, 10),
            (MOQ_CERTIFICATE_WRONG_NAME, "wrong_name"),
            ("not for the name 127.0.0.1", "connect with a name"),
        ),
    ];
    for (number, ((name, from, to), (why, reason), (cause, advice))) in
        cases.into_iter().enumerate()
    {
        let (ca, leaf, key) = issue_for(name, from, to);
        let relay = start(&json!({
            "certificate": folder.write(&format!("{number}.pem"), &leaf),
            "key": folder.write(&format!("{number}-key.pem"), &key),
        }));
        let ca = folder.write(&format!("{number}-ca.pem"), &ca);
        for url in urls(relay) {
            let text = refusal(&json!({ "url": url, "caFile": ca }), why, reason);
            assert!(
                text.contains(cause) && text.contains(advice),
                "{cause}: {text}"
            );
            // What is only refused for its name or dates is accepted insecurely.
            accepted(&json!({ "url": url, "insecure": true }));
        }
        stop(relay);
    }
    let relay = start(&json!({}));
    for url in urls(relay) {
        let (why, reason) = (MOQ_CERTIFICATE_UNKNOWN_ISSUER, "unknown_issuer");
        let text = refusal(&json!({ "url": url }), why, reason);
        assert!(
            text.contains("serverCertificateHashes") || text.contains("self-signed"),
            "{text}"
        );
        let pinned = json!({ "url": url, "serverCertificateHashes": ["ab".repeat(32)] });
        let text = refusal(&pinned, MOQ_CERTIFICATE_WRONG_HASH, "wrong_hash");
        assert!(text.contains("not among the accepted hashes"), "{text}");
        assert!(text.contains("take the new hash"), "{text}");
    }
    stop(relay);
}

#[test]
fn a_relay_can_ask_who_its_clients_are() {
    let folder = Folder::new();
    let (ca, leaf, key) = issue();
    let (_, stranger, stranger_key) = issue();
    let ca = folder.write("clients.pem", &ca);
    let hash_of = |relay: u64| {
        let (mut text, mut needed) = (vec![0_u8; 4_096], 0);
        // SAFETY: pointers of live values, and their lengths.
        let code =
            unsafe { moq_relay_info(relay, text.as_mut_ptr().cast(), text.len(), &mut needed) };
        assert_eq!(code, MOQ_OK, "{}", last_error());
        let info: Value = serde_json::from_slice(&text[..needed]).expect("JSON");
        info["certificateHash"].clone()
    };
    for required in [true, false] {
        let relay = start(&json!({ "clientCaFile": ca, "requireClientCertificate": required }));
        let hash = hash_of(relay);
        for url in urls(relay) {
            let base = json!({ "url": url, "serverCertificateHashes": [hash] });
            let with = |certificate: &str, key: &str| {
                let mut options = base.clone();
                options["clientCertificate"] = json!(certificate);
                options["clientKey"] = json!(key);
                options
            };
            // As text and as files.
            accepted(&with(&leaf, &key));
            let files = (folder.write("c.pem", &leaf), folder.write("k.pem", &key));
            accepted(&with(&files.0, &files.1));
            let (why, reason) = (MOQ_CERTIFICATE_CLIENT_REFUSED, "client_refused");
            let text = refusal(&with(&stranger, &stranger_key), why, reason);
            assert!(text.contains("this client's certificate"), "{text}");
            match required {
                true => {
                    let (why, reason) = (MOQ_CERTIFICATE_CLIENT_MISSING, "client_missing");
                    let text = refusal(&base, why, reason);
                    assert!(
                        text.contains("set clientCertificate and clientKey"),
                        "{text}"
                    );
                }
                false => accepted(&base),
            }
        }
        stop(relay);
    }
}

#[test]
fn a_client_certificate_that_cannot_be_used_is_refused_at_once() {
    let (_, leaf, key) = issue();
    let (_, _, other_key) = issue();
    let open = |more: Value| {
        let mut options = json!({ "url": "moqt://127.0.0.1:9" });
        let fields = more.as_object().expect("an object").clone();
        options.as_object_mut().expect("an object").extend(fields);
        let (text, mut client) = (options.to_string(), 0);
        // SAFETY: pointers of live values, and their lengths.
        let code = unsafe { moq_client_open(text.as_ptr().cast(), text.len(), &mut client) };
        assert_eq!(client, 0, "no handle on failure");
        (code, last_error())
    };
    let (code, text) = open(json!({ "clientCertificate": leaf }));
    assert!(
        code == MOQ_ERROR_INVALID_ARGUMENT && text.contains("belong together"),
        "{text}"
    );
    for (certificate, key) in [
        (leaf.as_str(), other_key.as_str()),
        (leaf.as_str(), leaf.as_str()),
        ("/no/such/file.pem", key.as_str()),
    ] {
        let (code, text) = open(json!({ "clientCertificate": certificate, "clientKey": key }));
        assert_eq!(code, MOQ_ERROR_CERTIFICATE, "{text}");
        assert!(
            text.contains("clientKey") && !text.contains("BEGIN"),
            "{text}"
        );
    }
}
