//! Against a peer that never answers every call ends in its time, and a call that is closed from
//! another thread says nothing more.

#[path = "support/ffi.rs"]
mod ffi;
#[path = "support/peer.rs"]
mod peer;

use ffi::library::*;
use ffi::{Client, Open};
use moq_ffi::error::*;
use moq_ffi::record::*;
use moqt::session::{Session, SessionConfig};
use moqt::transport::{Transport, TransportEvent};
use peer::{Peer, Script};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// Exchanges SETUP, or not even that, and then only listens.
struct Silent(Option<Session>);

impl Script for Silent {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
        if let Some(session) = &mut self.0 {
            session.start(now, t);
        }
    }

    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        if let Some(session) = &mut self.0 {
            session.handle(now, t, event);
            while session.poll_event().is_some() {}
        }
    }

    fn tick(&mut self, _: Instant, _: &mut dyn Transport, _: u32) {}
}

fn silent() -> Peer {
    Peer::start(Silent(Some(Session::new(SessionConfig::server()))))
}

const TRACK: &str = r#"{"namespace":"a","name":"b""#;

/// Every call that waits for the peer, with its options.
fn calls() -> [(&'static str, Open, String); 5] {
    let track = |more: &str| format!("{TRACK}{more}}}");
    [
        ("publish", moq_publication_open as Open, track("")),
        ("subscribe", moq_subscription_open, track("")),
        (
            "fetch",
            moq_fetch_open,
            track(r#","fromGroup":0,"toGroup":9"#),
        ),
        ("status", moq_status_open, track("")),
        (
            "discover",
            moq_discovery_open,
            r#"{"prefix":"a"}"#.to_owned(),
        ),
    ]
}

fn with(options: &str, more: &str) -> String {
    format!("{}{more}}}", options.trim_end_matches('}'))
}

fn opened(client: &mut Client) {
    client.until("it opens", |c| !c.of(c.handle, MOQ_RECORD_STATE).is_empty());
}

fn assert_timeout(what: &str, client: &mut Client, handle: u64) -> String {
    let end = client.end_of(handle);
    let text = end.text();
    assert_eq!(end.header.code, MOQ_ERROR_TIMEOUT as u32, "{what}: {text}");
    assert!(text.contains("\"retryable\":true"), "{what}: {text}");
    text
}

#[test]
fn connecting_to_nobody_to_silence_and_without_setup() {
    // A port that takes packets and says nothing.
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let port = socket.local_addr().expect("bound").port();
    let mut client = Client::open(&format!(
        r#"{{"url":"moqt://127.0.0.1:{port}","connectTimeout":300}}"#
    ));
    let handle = client.handle;
    assert_timeout("silence", &mut client, handle);
    // A peer that takes the connection and sends no SETUP.
    let peer = Peer::start(Silent(None));
    let mut client = Client::open(&peer.client_options_with(r#","connectTimeout":300"#));
    let handle = client.handle;
    assert_timeout("no SETUP", &mut client, handle);
}

#[test]
fn every_call_ends_within_the_time_of_the_client() {
    let peer = silent();
    let mut client = Client::open(&peer.client_options_with(r#","requestTimeout":300"#));
    opened(&mut client);
    for (what, open, options) in calls() {
        let (code, handle) = client.request(open, &options);
        assert_eq!(code, MOQ_OK, "{what}");
        assert_timeout(what, &mut client, handle);
    }
    // The session goes on.
    assert!(client.of(client.handle, MOQ_RECORD_END).is_empty());
}

#[test]
fn a_call_can_have_a_time_of_its_own() {
    let peer = silent();
    let mut client = Client::open(&peer.client_options());
    opened(&mut client);
    for (what, open, options) in calls() {
        let (code, handle) = client.request(open, &with(&options, r#","timeout":200"#));
        assert_eq!(code, MOQ_OK, "{what}: {}", ffi::last_error());
        let text = assert_timeout(what, &mut client, handle);
        assert!(text.contains("200 ms"), "{what}: {text}");
    }
}

#[test]
fn a_discovery_that_was_accepted_has_all_the_time_there_is() {
    let mut relay = 0;
    // SAFETY: pointers of live values, and their lengths.
    assert_eq!(
        unsafe { moq_relay_start(c"{}".as_ptr(), 2, &mut relay) },
        MOQ_OK
    );
    let mut text = vec![0_u8; 4_096];
    let mut needed = 0;
    // SAFETY: as above.
    let code = unsafe { moq_relay_info(relay, text.as_mut_ptr().cast(), text.len(), &mut needed) };
    assert_eq!(code, MOQ_OK);
    let info: serde_json::Value = serde_json::from_slice(&text[..needed]).expect("JSON");
    let options = serde_json::json!({
        "url": info["quicUrl"],
        "serverCertificateHashes": [info["certificateHash"]],
    });
    let mut client = Client::open(&options.to_string());
    opened(&mut client);
    // The second one is covered by the request of the first one, which stands.
    let open = |prefix: &str| {
        let options = format!(r#"{{"prefix":"{prefix}","timeout":1500}}"#);
        let (code, handle) = client.request(moq_discovery_open, &options);
        assert_eq!(code, MOQ_OK, "{}", ffi::last_error());
        std::thread::sleep(Duration::from_millis(300));
        handle
    };
    let handles = [open(""), open("a")];
    std::thread::sleep(Duration::from_millis(1_500));
    client.poll();
    for handle in handles {
        let ends = client.of(handle, MOQ_RECORD_END);
        assert!(ends.is_empty(), "{ends:?}");
    }
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_relay_stop(relay, 0) }, MOQ_OK);
}

#[test]
fn closing_waits_no_longer_than_it_is_told() {
    let peer = silent();
    let mut client = Client::open(&peer.client_options());
    opened(&mut client);
    let (_, publication) = client.request(moq_publication_open, &format!("{TRACK}}}"));
    // SAFETY: one byte is there.
    assert_eq!(
        unsafe { moq_publish(publication, 0, [1_u8].as_ptr(), 1) },
        MOQ_OK
    );
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { moq_client_close(client.handle, 300) }, MOQ_OK);
    let end = client.end_of(client.handle);
    assert_eq!(end.header.code, MOQ_OK as u32, "{}", end.text());
    assert_eq!(client.of(publication, MOQ_RECORD_END).len(), 1);
}

#[test]
fn what_another_thread_closes_says_nothing_more() {
    let peer = silent();
    let mut client = Client::open(&peer.client_options_with(r#","requestTimeout":2000"#));
    opened(&mut client);
    for (what, open, options) in calls() {
        let (code, handle) = client.request(open, &options);
        assert_eq!(code, MOQ_OK, "{what}");
        let closer = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            // SAFETY: takes no pointers.
            unsafe { moq_handle_close(handle) }
        });
        // Records are taken meanwhile.
        while !closer.is_finished() {
            client.poll();
            std::thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(closer.join().expect("no panic"), MOQ_OK, "{what}");
        let before = client.seen.len();
        client.poll();
        let late = client.seen[before..]
            .iter()
            .find(|r| r.header.handle == handle);
        assert!(late.is_none(), "{what}: {late:?}");
        // SAFETY: as above.
        assert_eq!(
            unsafe { moq_handle_close(handle) },
            MOQ_ERROR_CLOSED,
            "{what}"
        );
    }
    // Nor when their time would have been over.
    std::thread::sleep(Duration::from_millis(2_200));
    client.poll();
    let ends = client
        .seen
        .iter()
        .filter(|r| r.header.kind == MOQ_RECORD_END as u16);
    assert_eq!(ends.count(), 0, "{:?}", client.seen);
}
