//! Whatever a peer ends a request or the session with, each code of the draft's registries becomes
//! one of the library's codes, with the peer's own code, its name, its words and what to do next.

#[path = "support/ffi.rs"]
mod ffi;
#[path = "support/peer.rs"]
mod peer;

use ffi::library::*;
use ffi::Client;
use moq_ffi::error::MoqResultCode::{self, *};
use moq_ffi::record::*;
use moqt::delivery::{DeliveryClass, TrackInfo};
use moqt::session::{RequestId, Session, SessionConfig, SessionEvent};
use moqt::transport::{Transport, TransportEvent};
use moqt::wire::{
    done_codes, request_codes, session_codes, stream_codes, FullTrackName, Parameters, PublishDone,
    Redirect, Request, RequestError, Response, SubscribeOk,
};
use peer::{Peer, Script};
use serde_json::Value;
use std::time::{Duration, Instant};

const WORDS: &str = "the test says so";

/// Answers each subscription as its track is named: `refuse-16`, `later-9` (to be tried again), `done-9`, `reset-1`,
/// `close-3`.
struct Refusing(Session);

impl Refusing {
    fn answer(&mut self, t: &mut dyn Transport, id: RequestId, track: &FullTrackName) {
        let name = String::from_utf8_lossy(track.name()).into_owned();
        let (how, code) = name.split_once('-').expect("how and code");
        let code = code.parse().expect("a number");
        let session = &mut self.0;
        match how {
            "refuse" | "later" => {
                let redirect = (code == request_codes::REDIRECT).then(|| Redirect {
                    uri: "moqt://127.0.0.1:1".into(),
                    track: track.clone(),
                });
                let error = RequestError {
                    redirect,
                    retry_after: (how == "later").then_some(1_000),
                    ..RequestError::new(code, WORDS)
                };
                session.reject(t, id, error).expect("it is unanswered");
            }
            "close" => session.close(t, code, WORDS),
            _ => {
                let info = TrackInfo::of_class(DeliveryClass::Reliable, 128, Duration::ZERO);
                let ok = SubscribeOk {
                    track_alias: id.0,
                    params: Parameters::default(),
                    properties: info.to_properties(),
                };
                session
                    .respond(t, id, Response::SubscribeOk(ok))
                    .expect("it is unanswered");
                if how == "reset" {
                    return session.cancel(t, id, code);
                }
                let done = PublishDone {
                    status: code,
                    stream_count: 0,
                    reason: WORDS.to_owned(),
                };
                session.publish_done(t, id, done).expect("it is live");
            }
        }
    }
}

impl Script for Refusing {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
        self.0 = Session::new(SessionConfig::server());
        self.0.start(now, t);
    }

    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        self.0.handle(now, t, event);
        while let Some(event) = self.0.poll_event() {
            let SessionEvent::Request { id, request, .. } = event else {
                continue;
            };
            if let Request::Subscribe(subscribe) = &request {
                self.answer(t, id, &subscribe.track);
            }
        }
    }

    fn tick(&mut self, _: Instant, _: &mut dyn Transport, _: u32) {}
}

fn connect(peer: &Peer) -> Client {
    let mut client = Client::open(&peer.client_options_with(r#","reconnect":false"#));
    client.until("it opens", |c| !c.of(c.handle, MOQ_RECORD_STATE).is_empty());
    client
}

fn subscribe(client: &Client, how: &str, code: u64) -> u64 {
    client.subscribe(&format!(r#"{{"namespace":"a","name":"{how}-{code}"}}"#))
}

/// The end says everything that a program or a person needs.
fn check(end: &ffi::Seen, wanted: MoqResultCode, code: u64, name: &str, words: bool) {
    let text = end.text();
    assert_eq!(end.header.code, wanted as u32, "{name}: {text}");
    let json: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["peerCode"], code, "{name}: {text}");
    let message = json["message"].as_str().expect("a message");
    assert!(!words || message.contains(WORDS), "{name}: {message}");
    let advice = message.split_once(&format!("({name}): "));
    let advice = advice.map(|(_, advice)| advice.split('.').next().unwrap_or_default());
    assert!(
        advice.is_some_and(|advice| advice.len() > 10),
        "{name}: the message must say what to do next: {message}"
    );
}

#[test]
fn every_code_that_a_request_is_refused_with() {
    use request_codes as codes;
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    let mut client = connect(&peer);
    for &(code, name) in codes::ALL {
        let wanted = match code {
            codes::UNAUTHORIZED | codes::MALFORMED_AUTH_TOKEN | codes::EXPIRED_AUTH_TOKEN => {
                MOQ_ERROR_UNAUTHORIZED
            }
            codes::TIMEOUT => MOQ_ERROR_TIMEOUT,
            codes::NOT_SUPPORTED | codes::UNSUPPORTED_EXTENSION | codes::UNINTERESTED => {
                MOQ_ERROR_UNSUPPORTED
            }
            codes::GOING_AWAY | codes::REDIRECT => MOQ_ERROR_GOING_AWAY,
            codes::EXCESSIVE_LOAD | codes::NAMESPACE_TOO_LARGE => MOQ_ERROR_LIMIT_EXCEEDED,
            codes::DOES_NOT_EXIST | codes::INVALID_RANGE => MOQ_ERROR_NOT_FOUND,
            codes::MALFORMED_TRACK => MOQ_ERROR_MALFORMED_TRACK,
            codes::DUPLICATE_SUBSCRIPTION | codes::PREFIX_OVERLAP => MOQ_ERROR_DUPLICATE,
            codes::INTERNAL_ERROR | codes::INVALID_JOINING_REQUEST_ID => MOQ_ERROR_INTERNAL,
            _ => panic!("{name} ({code:#x}) is new: say here what it becomes"),
        };
        let subscription = subscribe(&client, "refuse", code);
        check(&client.end_of(subscription), wanted, code, name, true);
    }
    // The session goes on.
    assert!(client.of(client.handle, MOQ_RECORD_END).is_empty());
}

#[test]
fn whether_a_refused_request_may_be_tried_again_is_what_the_peer_says() {
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    let mut client = connect(&peer);
    for (how, again) in [("refuse", false), ("later", true)] {
        let subscription = subscribe(&client, how, request_codes::EXCESSIVE_LOAD);
        let text = client.end_of(subscription).text();
        let json: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(json["retryable"], again, "{how}: {text}");
    }
}

#[test]
fn every_code_that_a_publisher_ends_a_subscription_with() {
    use done_codes as codes;
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    let mut client = connect(&peer);
    for &(code, name) in codes::ALL {
        let wanted = match code {
            codes::UNAUTHORIZED => MOQ_ERROR_UNAUTHORIZED,
            // The track is over, and nothing is wrong.
            codes::TRACK_ENDED | codes::SUBSCRIPTION_ENDED => MOQ_OK,
            codes::GOING_AWAY => MOQ_ERROR_GOING_AWAY,
            // No end: the subscription goes on at the newest group (tested with a real relay).
            codes::TOO_FAR_BEHIND => continue,
            codes::EXPIRED => MOQ_ERROR_TIMEOUT,
            codes::UPDATE_FAILED => MOQ_ERROR_UNSUPPORTED,
            codes::EXCESSIVE_LOAD => MOQ_ERROR_LIMIT_EXCEEDED,
            codes::MALFORMED_TRACK => MOQ_ERROR_MALFORMED_TRACK,
            codes::INTERNAL_ERROR => MOQ_ERROR_INTERNAL,
            _ => panic!("{name} ({code:#x}) is new: say here what it becomes"),
        };
        let subscription = subscribe(&client, "done", code);
        let end = client.end_of(subscription);
        match wanted {
            MOQ_OK => assert_eq!(end.header.code, MOQ_OK as u32, "{name}: {}", end.text()),
            wanted => check(&end, wanted, code, name, true),
        }
    }
    assert!(client.of(client.handle, MOQ_RECORD_END).is_empty());
}

#[test]
fn every_code_that_a_request_is_cancelled_with() {
    use stream_codes as codes;
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    let mut client = connect(&peer);
    for &(code, name) in codes::ALL {
        let wanted = match code {
            codes::CANCELLED => MOQ_ERROR_CANCELLED,
            codes::DELIVERY_TIMEOUT => MOQ_ERROR_TIMEOUT,
            codes::SESSION_CLOSED => MOQ_ERROR_CLOSED,
            codes::GOING_AWAY => MOQ_ERROR_GOING_AWAY,
            codes::TOO_FAR_BEHIND => MOQ_ERROR_TOO_FAR_BEHIND,
            codes::UNKNOWN_OBJECT_STATUS => MOQ_ERROR_NOT_FOUND,
            codes::EXPIRED_AUTH_TOKEN => MOQ_ERROR_UNAUTHORIZED,
            codes::EXCESSIVE_LOAD => MOQ_ERROR_LIMIT_EXCEEDED,
            codes::MALFORMED_TRACK => MOQ_ERROR_MALFORMED_TRACK,
            codes::INTERNAL_ERROR => MOQ_ERROR_INTERNAL,
            _ => panic!("{name} ({code:#x}) is new: say here what it becomes"),
        };
        let subscription = subscribe(&client, "reset", code);
        check(&client.end_of(subscription), wanted, code, name, false);
    }
    assert!(client.of(client.handle, MOQ_RECORD_END).is_empty());
}

#[test]
fn every_code_that_the_session_is_closed_with() {
    use session_codes as codes;
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    for &(code, name) in codes::ALL {
        let wanted = match code {
            codes::NO_ERROR => MOQ_ERROR_CONNECTION_FAILED,
            codes::UNAUTHORIZED
            | codes::MALFORMED_AUTH_TOKEN
            | codes::UNKNOWN_AUTH_TOKEN_ALIAS
            | codes::EXPIRED_AUTH_TOKEN => MOQ_ERROR_UNAUTHORIZED,
            codes::GOAWAY_TIMEOUT => MOQ_ERROR_GOING_AWAY,
            codes::VERSION_NEGOTIATION_FAILED => MOQ_ERROR_PROTOCOL_MISMATCH,
            codes::INVALID_PATH | codes::MALFORMED_PATH => MOQ_ERROR_INVALID_ARGUMENT,
            codes::INTERNAL_ERROR => MOQ_ERROR_INTERNAL,
            _ => MOQ_ERROR_PROTOCOL_VIOLATION,
        };
        let mut client = connect(&peer);
        let subscription = subscribe(&client, "close", code);
        let handle = client.handle;
        check(&client.end_of(handle), wanted, code, name, true);
        // What hung on it has ended too, once.
        client.end_of(subscription);
        assert_eq!(client.of(subscription, MOQ_RECORD_END).len(), 1, "{name}");
    }
}

#[test]
fn a_track_that_this_client_publishes_already() {
    let peer = Peer::start(Refusing(Session::new(SessionConfig::server())));
    let mut client = connect(&peer);
    let options = r#"{"namespace":"a","name":"b"}"#;
    let (code, first) = client.request(moq_publication_open, options);
    assert_eq!(code, MOQ_OK, "{}", ffi::last_error());
    let (code, second) = client.request(moq_publication_open, options);
    assert_eq!(code, MOQ_OK, "{}", ffi::last_error());
    let end = client.end_of(second);
    assert_eq!(end.header.code, MOQ_ERROR_DUPLICATE as u32);
    assert!(end.text().contains("end it first"), "{}", end.text());
    // The one that was there goes on.
    assert!(client.of(first, MOQ_RECORD_END).is_empty());
}
