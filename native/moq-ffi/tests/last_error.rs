//! Every function that can fail says what happened and what to do next in `moq_last_error`.

#[path = "support/ffi.rs"]
mod ffi;

use ffi::last_error;
use ffi::library::*;
use moq_ffi::error::*;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::mpsc::{channel, Sender};
use std::time::Duration;

/// A number that never was a handle.
const NONE: u64 = 1 << 60;

type Call = fn() -> MoqResultCode;

/// A failing call of every function, by its name.
fn failing_calls() -> BTreeMap<&'static str, Call> {
    // SAFETY of all: NULL and wrong handles are what these functions refuse.
    let calls: [(&'static str, Call); 26] = [
        ("moq_set_log", || unsafe {
            moq_set_log(None, null_mut(), 6)
        }),
        ("moq_shutdown", || {
            in_a_callback(|| unsafe { moq_shutdown() })
        }),
        ("moq_client_open", || unsafe {
            moq_client_open(null(), 5, null_mut())
        }),
        ("moq_client_close", || unsafe { moq_client_close(NONE, 0) }),
        ("moq_client_supply_token", || unsafe {
            moq_client_supply_token(NONE, 1, null(), 0)
        }),
        ("moq_client_refuse_token", || unsafe {
            moq_client_refuse_token(NONE, 1, null(), 0)
        }),
        ("moq_set_waker", || unsafe {
            moq_set_waker(NONE, None, null_mut())
        }),
        ("moq_client_stats", || unsafe {
            moq_client_stats(NONE, null_mut(), 0, null_mut())
        }),
        ("moq_publication_open", || unsafe {
            moq_publication_open(NONE, null(), 0, null_mut())
        }),
        ("moq_publish", || unsafe { moq_publish(NONE, 0, null(), 0) }),
        ("moq_publish_flush", || unsafe { moq_publish_flush(NONE) }),
        ("moq_publish_batch", || unsafe {
            moq_publish_batch(null_mut(), 1)
        }),
        ("moq_publish_packed", || unsafe {
            moq_publish_packed(null(), 8, null_mut(), 0, null_mut())
        }),
        ("moq_publication_end", || unsafe {
            moq_publication_end(NONE, 0)
        }),
        ("moq_subscription_open", || unsafe {
            moq_subscription_open(NONE, null(), 0, null_mut())
        }),
        ("moq_fetch_open", || unsafe {
            moq_fetch_open(NONE, null(), 0, null_mut())
        }),
        ("moq_discovery_open", || unsafe {
            moq_discovery_open(NONE, null(), 0, null_mut())
        }),
        ("moq_status_open", || unsafe {
            moq_status_open(NONE, null(), 0, null_mut())
        }),
        ("moq_subscription_update", || unsafe {
            moq_subscription_update(NONE, null(), 0)
        }),
        ("moq_handle_close", || unsafe { moq_handle_close(NONE) }),
        ("moq_poll", || unsafe {
            moq_poll(NONE, null_mut(), 0, null_mut())
        }),
        ("moq_handle_hold", || unsafe { moq_handle_hold(NONE, 1) }),
        ("moq_relay_start", || unsafe {
            moq_relay_start(null(), 5, null_mut())
        }),
        ("moq_relay_info", || unsafe {
            moq_relay_info(NONE, null_mut(), 0, null_mut())
        }),
        ("moq_relay_stats", || unsafe {
            moq_relay_stats(NONE, null_mut(), 0, null_mut())
        }),
        ("moq_relay_stop", || unsafe { moq_relay_stop(NONE, 0) }),
    ];
    calls.into_iter().collect()
}

/// Runs a call inside a waker, on whichever thread that is, and gives its result; the text of its
/// error becomes the last one here.
fn in_a_callback(call: Call) -> MoqResultCode {
    struct Inside(Call, Sender<(MoqResultCode, String)>);
    unsafe extern "C" fn waker(data: *mut c_void) {
        // SAFETY: the box outlives the client, whose waker this is.
        let inside = unsafe { &*data.cast::<Inside>() };
        let code = (inside.0)();
        // Called again later: nobody listens then.
        let _ = inside.1.send((code, last_error()));
    }
    let (told, hear) = channel();
    let inside = Box::new(Inside(call, told));
    let client = ffi::Client::open(r#"{"url":"moqt://127.0.0.1:9","connectTimeout":50}"#);
    let data: *const Inside = &*inside;
    // SAFETY: the pointer is good until the client is closed, below.
    let code = unsafe { moq_set_waker(client.handle, Some(waker), data.cast_mut().cast()) };
    assert_eq!(code, MOQ_OK);
    let (code, text) = hear.recv_timeout(Duration::from_secs(10)).expect("a wake");
    drop(client);
    assert!(text.contains("another thread"), "{text}");
    code
}

/// Functions of the header that give a code, of the new API.
fn declared() -> Vec<String> {
    let header = concat!(env!("CARGO_MANIFEST_DIR"), "/include/moq_ffi.h");
    let header = std::fs::read_to_string(header).expect("the header is committed");
    header
        .lines()
        .filter_map(|line| line.strip_prefix("enum MoqResultCode "))
        .filter_map(|line| line.split_once('(').map(|(name, _)| name.to_owned()))
        .collect()
}

#[test]
fn every_failing_call_sets_it() {
    let calls = failing_calls();
    let declared = declared();
    assert!(declared.len() >= 26, "{declared:?}");
    for name in &declared {
        let Some(call) = calls.get(name.as_str()) else {
            panic!("{name} is not tried here: add a failing call of it");
        };
        // A thread of its own: the text of the call before it cannot pass for this one's.
        let name = name.clone();
        let call = *call;
        std::thread::spawn(move || {
            assert_eq!(last_error(), "");
            let code = call();
            assert_ne!(code, MOQ_OK, "{name}");
            let text = last_error();
            let inside = code == MOQ_ERROR_BUSY;
            assert!(inside || text.len() > 15, "{name}: {code:?} {text:?}");
        })
        .join()
        .expect("no panic");
    }
}
