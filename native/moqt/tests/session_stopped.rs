//! Peers that stop our direction of a request ahead of what they say last on theirs.

mod common;

use common::*;
use moqt::session::*;
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt::wire::*;
use std::time::Duration;

const CODE: u64 = 9;

/// A server that has accepted the peer's PUBLISH.
fn published() -> (Raw, StreamId, RequestId) {
    let mut raw = Raw::ready(SessionConfig::server());
    let stream = raw.bi(&request_bytes(0, publish("a", 7)), false);
    raw.turn();
    let (id, _) = raw.peer.request_event().unwrap();
    let ok = Response::RequestOk(RequestOk::default());
    let (session, link) = (&mut raw.peer.session, &mut raw.peer.link);
    session.respond(link, id, ok).unwrap();
    raw.turn();
    raw.peer.take();
    (raw, stream, id)
}

fn closed(id: RequestId, end: RequestEnd) -> SessionEvent {
    SessionEvent::RequestClosed { id, end }
}

#[test]
fn a_publisher_may_stop_our_direction_before_its_publish_done() {
    let (mut raw, stream, id) = published();
    raw.wire.stop(stream, CODE);
    raw.turn();
    assert_eq!(raw.peer.take(), [], "it has not said how it ends");
    let done = Response::PublishDone(PublishDone {
        status: done_codes::TRACK_ENDED,
        ..PublishDone::default()
    });
    raw.write(stream, &response_bytes(done.clone()), true);
    raw.turn();
    let told = SessionEvent::Response { id, response: done };
    assert_eq!(raw.peer.take(), [told, closed(id, RequestEnd::Done)]);
    raw.advance(Duration::from_secs(10));
    assert_eq!(raw.peer.take(), []);
    assert!(raw.peer.session.is_ready());
}

#[test]
fn a_publisher_that_stops_our_direction_and_says_nothing_has_cancelled() {
    let (mut raw, stream, id) = published();
    raw.wire.stop(stream, CODE);
    raw.turn();
    raw.advance(Duration::from_millis(500));
    assert_eq!(raw.peer.take(), []);
    raw.advance(Duration::from_millis(600));
    assert_eq!(raw.peer.take(), [closed(id, RequestEnd::Cancelled(CODE))]);
    assert!(!raw.peer.session.is_live(id));
    assert_eq!(raw.peer.session.stats().requests_timed_out, 0);
}

#[test]
fn a_reset_after_the_stop_cancels_at_once() {
    let (mut raw, stream, id) = published();
    raw.wire.stop(stream, 1);
    raw.wire.reset(stream, CODE);
    raw.turn();
    assert_eq!(raw.peer.take(), [closed(id, RequestEnd::Cancelled(CODE))]);
}

#[test]
fn an_answer_may_follow_the_stop() {
    let mut raw = Raw::ready(SessionConfig::client());
    let (session, link) = (&mut raw.peer.session, &mut raw.peer.link);
    let id = session.request(raw.now, link, subscribe("a")).unwrap();
    raw.turn();
    let stream = raw.received().into_iter().find_map(|event| match event {
        TransportEvent::Data {
            id, dir: Dir::Bi, ..
        } => Some(id),
        _ => None,
    });
    let stream = stream.unwrap();
    raw.wire.stop(stream, CODE);
    raw.turn();
    assert_eq!(raw.peer.take(), []);
    let error = RequestError::new(request_codes::DOES_NOT_EXIST, "no");
    let response = Response::RequestError(error);
    raw.write(stream, &response_bytes(response.clone()), true);
    raw.turn();
    let told = SessionEvent::Response { id, response };
    assert_eq!(raw.peer.take(), [told, closed(id, RequestEnd::Rejected)]);
}

#[test]
fn a_subscriber_that_stops_our_answers_has_cancelled() {
    let mut raw = Raw::ready(SessionConfig::server());
    let stream = raw.bi(&request_bytes(0, subscribe("a")), false);
    raw.turn();
    let (id, _) = raw.peer.request_event().unwrap();
    raw.peer.take();
    raw.wire.stop(stream, CODE);
    raw.turn();
    assert_eq!(raw.peer.take(), [closed(id, RequestEnd::Cancelled(CODE))]);
}
