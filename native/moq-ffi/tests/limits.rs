//! Each limit of a client that the header lists really limits, and its error names it.

#[path = "support/ffi.rs"]
mod ffi;

use ffi::library::*;
use ffi::{last_error, Client};
use moq_ffi::error::*;
use moq_ffi::record::*;
use serde_json::{json, Value};

/// A relay of this process, stopped when dropped.
struct Relay(u64);

impl Relay {
    fn start() -> Self {
        let (text, mut relay) = ("{}", 0);
        // SAFETY: pointers of live values, and their lengths.
        let code = unsafe { moq_relay_start(text.as_ptr().cast(), text.len(), &mut relay) };
        assert_eq!(code, MOQ_OK, "{}", last_error());
        Self(relay)
    }

    fn client(&self, more: Value) -> Client {
        let (mut text, mut needed) = (vec![0_u8; 4_096], 0);
        // SAFETY: as above.
        let code =
            unsafe { moq_relay_info(self.0, text.as_mut_ptr().cast(), text.len(), &mut needed) };
        assert_eq!(code, MOQ_OK, "{}", last_error());
        let info: Value = serde_json::from_slice(&text[..needed]).expect("JSON");
        let mut options = json!({
            "url": info["quicUrl"],
            "serverCertificateHashes": [info["certificateHash"]],
        });
        let fields = more.as_object().expect("an object").clone();
        options.as_object_mut().expect("an object").extend(fields);
        let mut client = Client::open(&options.to_string());
        client.until("it opens", |c| !c.of(c.handle, MOQ_RECORD_STATE).is_empty());
        client
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // SAFETY: takes no pointers.
        assert_eq!(unsafe { moq_relay_stop(self.0, 0) }, MOQ_OK);
    }
}

fn publish(client: &mut Client, options: Value) -> u64 {
    let (code, handle) = client.request(moq_publication_open, &options.to_string());
    assert_eq!(code, MOQ_OK, "{}", last_error());
    client.until("it is published", |c| {
        !c.of(handle, MOQ_RECORD_READY).is_empty()
    });
    handle
}

fn send(publication: u64, size: usize) -> MoqResultCode {
    let bytes = vec![7_u8; size];
    // SAFETY: pointers of live values, and their lengths.
    unsafe { moq_publish(publication, 0, bytes.as_ptr(), bytes.len()) }
}

#[test]
fn sizes_of_updates_and_of_what_waits() {
    let relay = Relay::start();
    let mut client = relay.client(json!({ "maxObjectSize": 1_000 }));
    let track = publish(&mut client, json!({ "namespace": "a", "name": "b" }));
    assert_eq!(send(track, 1_000), MOQ_OK);
    assert_eq!(send(track, 1_001), MOQ_ERROR_TOO_LARGE);
    let text = last_error();
    assert!(
        text.contains("1000 bytes") && text.contains("maxObjectSize"),
        "{text}"
    );
    let options = json!({
        "namespace": "a", "name": "c", "delivery": "datagram", "maxDatagramSize": 200,
    });
    let datagrams = publish(&mut client, options);
    assert_eq!(send(datagrams, 100), MOQ_OK);
    assert_eq!(send(datagrams, 200), MOQ_ERROR_TOO_LARGE);
    assert!(last_error().contains("190 bytes"), "{}", last_error());
    // Far more than goes to the I/O thread meanwhile.
    let options = json!({ "namespace": "a", "name": "d", "queueBytes": 4_000 });
    let queued = publish(&mut client, options);
    let codes: Vec<MoqResultCode> = (0..10_000).map(|_| send(queued, 900)).collect();
    assert!(codes.contains(&MOQ_ERROR_WOULD_BLOCK));
    assert!(codes
        .iter()
        .all(|code| [MOQ_OK, MOQ_ERROR_WOULD_BLOCK].contains(code)));
}

#[test]
fn names_tokens_and_texts() {
    let refused = |options: String| {
        let mut client = 0;
        // SAFETY: pointers of live values, and their lengths.
        let code = unsafe { moq_client_open(options.as_ptr().cast(), options.len(), &mut client) };
        assert_eq!(code, MOQ_ERROR_INVALID_ARGUMENT);
        last_error()
    };
    let url = "moqt://127.0.0.1:9";
    let text = refused(json!({ "url": url, "token": "t".repeat(16_385) }).to_string());
    assert!(text.contains("16384"), "{text}");
    let text = refused(format!("{{\"url\":\"{url}\"{}}}", " ".repeat(1 << 20)));
    assert!(text.contains("1048576"), "{text}");
    let client = Client::open(&json!({ "url": url, "connectTimeout": 300_000 }).to_string());
    let fields = vec!["f"; 33];
    let (code, _) = client.request(
        moq_subscription_open,
        &json!({ "namespace": fields, "name": "n" }).to_string(),
    );
    assert_eq!(code, MOQ_ERROR_INVALID_ARGUMENT);
    assert!(last_error().contains("32"), "{}", last_error());
    let (code, _) = client.request(
        moq_subscription_open,
        &json!({ "namespace": "f", "name": "n".repeat(4_096) }).to_string(),
    );
    assert_eq!(code, MOQ_ERROR_INVALID_ARGUMENT);
    assert!(last_error().contains("4096"), "{}", last_error());
}

#[test]
fn open_handles() {
    let relay = Relay::start();
    let client = relay.client(json!({}));
    let options = json!({ "namespace": "f", "name": "n" }).to_string();
    let mut opened = 0;
    let code = loop {
        let (code, _) = client.request(moq_status_open, &options);
        if code != MOQ_OK {
            break code;
        }
        opened += 1;
    };
    assert_eq!((opened, code), (16_384, MOQ_ERROR_LIMIT_EXCEEDED));
    assert!(
        last_error().contains("16384 open handles"),
        "{}",
        last_error()
    );
}
