//! Rates that a client is held to: by its own options, and by the relay.

#[path = "support/ffi.rs"]
mod ffi;

use ffi::library::*;
use ffi::{last_error, Client};
use moq_ffi::error::*;
use moq_ffi::record::*;
use serde_json::{json, Value};
use std::ffi::c_char;

const TRACK: &str = r#"{"namespace":"a","name":"b"}"#;

fn relay(options: &Value) -> (u64, Value) {
    let (text, mut relay) = (options.to_string(), 0);
    // SAFETY: pointers of live values, and their lengths.
    let code = unsafe { moq_relay_start(text.as_ptr().cast(), text.len(), &mut relay) };
    assert_eq!(code, MOQ_OK, "{}", last_error());
    (
        relay,
        json_of(|b, c, n| unsafe { moq_relay_info(relay, b, c, n) }),
    )
}

fn json_of(call: impl Fn(*mut c_char, usize, *mut usize) -> MoqResultCode) -> Value {
    let (mut text, mut needed) = (vec![0_u8; 65_536], 0);
    let code = call(text.as_mut_ptr().cast(), text.len(), &mut needed);
    assert_eq!(code, MOQ_OK, "{}", last_error());
    serde_json::from_slice(&text[..needed]).expect("JSON")
}

fn open(info: &Value, more: Value) -> Client {
    let mut options =
        json!({ "url": info["quicUrl"], "serverCertificateHashes": [info["certificateHash"]] });
    let fields = more.as_object().expect("an object").clone();
    options.as_object_mut().expect("an object").extend(fields);
    let mut client = Client::open(&options.to_string());
    client.until("it opens", |c| !c.of(c.handle, MOQ_RECORD_STATE).is_empty());
    client
}

#[test]
fn a_client_is_held_to_its_own() {
    let (relay, info) = relay(&json!({}));
    let limits = json!({ "requestsPerSecond": 1, "requestBurst": 2, "publishesPerSecond": 2, "publishBurst": 3 });
    let mut client = open(&info, limits);
    let (code, publication) = client.request(moq_publication_open, TRACK);
    assert_eq!(code, MOQ_OK);
    client.until("it is published", |c| {
        !c.of(publication, MOQ_RECORD_READY).is_empty()
    });
    let codes: Vec<MoqResultCode> = (0..8)
        // SAFETY: takes no bytes.
        .map(|_| unsafe { moq_publish(publication, 0, std::ptr::null(), 0) })
        .collect();
    assert_eq!(codes[..3], [MOQ_OK; 3]);
    assert!(codes.contains(&MOQ_ERROR_RATE_LIMITED), "{codes:?}");
    assert!(
        last_error().contains("\"publishesPerSecond\""),
        "{}",
        last_error()
    );
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(client.request(moq_status_open, TRACK).0);
    }
    assert!(codes.contains(&MOQ_ERROR_RATE_LIMITED), "{codes:?}");
    let refused = codes.iter().filter(|code| **code != MOQ_OK).count();
    let stats = json_of(|b, c, n| unsafe { moq_client_stats(client.handle, b, c, n) });
    assert_eq!(stats["rateLimited"]["requests"], refused, "{stats}");
    assert!(
        stats["rateLimited"]["publishes"].as_u64() > Some(0),
        "{stats}"
    );
    // It lasts no longer than the message says.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(client.request(moq_status_open, TRACK).0, MOQ_OK);
    drop(client);
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_relay_stop(relay, 0) }, MOQ_OK);
}

#[test]
fn a_relay_holds_a_session_to_its_rates() {
    let limits = json!({ "requestsPerSecond": 1, "requestBurst": 2, "publishesPerSecond": 1, "publishBurst": 1 });
    let (relay, info) = relay(&json!({ "limits": limits }));
    let mut client = open(&info, json!({}));
    let mut ends = Vec::new();
    // As many as are too many even for a machine that takes some seconds for them.
    for name in 'a'..='l' {
        let options = format!(r#"{{"namespace":"{name}","name":"x"}}"#);
        let (code, handle) = client.request(moq_publication_open, &options);
        assert_eq!(code, MOQ_OK);
        ends.push(handle);
    }
    client.until("three are refused", |c| {
        c.seen
            .iter()
            .filter(|r| r.header.kind == MOQ_RECORD_END as u16)
            .count()
            >= 3
    });
    let refused: Vec<String> = ends
        .iter()
        .flat_map(|handle| client.of(*handle, MOQ_RECORD_END))
        .map(|end| {
            assert_eq!(
                end.header.code,
                MOQ_ERROR_LIMIT_EXCEEDED as u32,
                "{}",
                end.text()
            );
            end.text()
        })
        .collect();
    assert!(
        refused.iter().all(|text| text.contains("slow down")),
        "{refused:?}"
    );
    let stats = json_of(|b, c, n| unsafe { moq_relay_stats(relay, b, c, n) });
    let count = |name: &str| stats["limits"][name].as_u64().unwrap_or(0);
    assert!(
        count("request_rate") + count("publish_rate") >= 3,
        "{stats}"
    );
    drop(client);
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_relay_stop(relay, 0) }, MOQ_OK);
}
