//! T15: certificates of a private authority are accepted by its CA file, and refused otherwise. (Pins:
//! see tls_test.cc.)

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
        let path = std::env::temp_dir().join(format!("moq-ffi-trust-{}", std::process::id()));
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

fn start(options: &Value) -> u64 {
    let (text, mut relay) = (options.to_string(), 0);
    // SAFETY: pointers of live values, and their lengths.
    let code = unsafe { moq_relay_start(text.as_ptr().cast(), text.len(), &mut relay) };
    assert_eq!(code, MOQ_OK, "{}", last_error());
    relay
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
