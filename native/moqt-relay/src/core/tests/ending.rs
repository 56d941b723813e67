//! How subscriptions, tracks, publishers and the relay itself end.

use super::world::*;
use crate::config::RelayConfig;
use bytes::Bytes;
use moqt::delivery::{DeliveryClass, TrackInfo};
use moqt::memory::MemoryConfig;
use moqt::session::{RequestEnd, SessionEvent, StreamEnd};
use moqt::transport::TransportEvent;
use moqt::wire::*;
use moqt_net::ConnId;
use std::time::Duration;

#[test]
fn the_end_of_a_track_reaches_subscribers_with_the_exact_stream_count() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, upstream, _) = w.joined(&track, Properties::empty());
    for group in 1..=3 {
        w.send_group(publisher, group, &[b"a"]);
    }
    let done = PublishDone {
        status: done_codes::TRACK_ENDED,
        reason: "the match is over".into(),
        ..PublishDone::default()
    };
    w.with_client(publisher, |s, t, _| s.publish_done(t, upstream, done))
        .expect("an end");
    assert_eq!(w.objects(subscriber).len(), 3);
    let dones = w.dones(subscriber);
    assert_eq!(dones.len(), 1);
    assert_eq!(
        (dones[0].status, dones[0].stream_count),
        (done_codes::TRACK_ENDED, 3)
    );
    assert_eq!(dones[0].reason, "the match is over");
    w.advance(Duration::from_secs(4));
    assert_eq!(w.stats().tracks_open, 0);
}

#[test]
fn a_publisher_that_leaves_ends_its_tracks_and_a_lost_one_may_come_back() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, ..) = w.joined(&track, Properties::empty());
    w.close(publisher, 0);
    assert_eq!(w.dones(subscriber)[0].status, done_codes::TRACK_ENDED);

    let track = name("match", "y");
    let (publisher, subscriber, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 1, &[b"a"]);
    w.lose(publisher);
    assert!(w.dones(subscriber).is_empty(), "it may come back");
    let publisher = w.client();
    w.announce(publisher, "match");
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, None, Properties::empty());
    // What it sends again is not sent again.
    w.send_group(publisher, 1, &[b"a"]);
    w.send_group(publisher, 2, &[b"b"]);
    assert_eq!(w.objects(subscriber), ["1.0=a", "2.0=b"]);
    w.lose(publisher);
    w.advance(Duration::from_secs(11));
    assert_eq!(w.dones(subscriber)[0].status, done_codes::INTERNAL_ERROR);
}

fn reliable() -> Properties {
    let class = TrackInfo {
        class: Some(DeliveryClass::Reliable),
        ..TrackInfo::default()
    };
    class.to_properties()
}

/// A publisher that was lost connects again, and is asked for its track; `largest` is what it has.
fn comes_back(w: &mut World, largest: Option<Location>) -> ConnId {
    let publisher = w.client();
    w.announce(publisher, "match");
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, largest, reliable());
    publisher
}

/// A publisher of a `reliable` track with one object of an open group, and its subscriber.
fn with_an_open_group(w: &mut World) -> (ConnId, ConnId) {
    let (publisher, subscriber, ..) = w.joined(&name("match", "x"), reliable());
    let header = SubgroupHeader {
        track_alias: 7,
        group: 1,
        end_of_group: true,
        first_object: true,
        ..SubgroupHeader::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        let object = SubgroupObject {
            payload: "a".into(),
            ..SubgroupObject::default()
        };
        s.write_object(t, stream, &object).expect("room");
    });
    assert_eq!(w.objects(subscriber), ["1.0=a"]);
    (publisher, subscriber)
}

fn resets(w: &mut World, conn: ConnId) -> Vec<StreamEnd> {
    w.take(conn, |event| match event {
        SessionEvent::StreamEnded { end, .. } if *end != StreamEnd::Fin => Some(*end),
        _ => None,
    })
}

#[test]
fn a_lost_publisher_goes_on_with_its_open_group_when_it_is_back() {
    let mut w = World::new();
    let (publisher, subscriber) = with_an_open_group(&mut w);
    w.lose(publisher);
    assert_eq!(resets(&mut w, subscriber), []);
    let publisher = comes_back(&mut w, None);
    w.send_group(publisher, 1, &[b"a", b"b", b"c"]);
    let came = w.take(subscriber, |event| match event {
        SessionEvent::Object { object, .. } => Some(object.object),
        _ => None,
    });
    assert_eq!(
        came,
        [1, 2],
        "what was missing, on the stream that was open"
    );
    assert_eq!(resets(&mut w, subscriber), []);
    w.send_group(publisher, 2, &[b"d"]);
    assert_eq!(w.objects(subscriber), ["2.0=d"]);
}

#[test]
fn what_follows_a_hole_comes_on_another_stream() {
    let mut w = World::new();
    let (publisher, subscriber) = with_an_open_group(&mut w);
    w.lose(publisher);
    let publisher = comes_back(&mut w, Some(at(1, 1)));
    // Whoever comes now begins behind what the publisher has.
    let late = w.client();
    w.subscribe(late, &name("match", "x"), largest());
    let header = SubgroupHeader {
        track_alias: 7,
        group: 1,
        end_of_group: true,
        ..SubgroupHeader::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 2).expect("a stream");
        for object in [2, 3] {
            let object = SubgroupObject {
                object,
                payload: "later".into(),
                ..SubgroupObject::default()
            };
            s.write_object(t, stream, &object).expect("room");
        }
    });
    assert_eq!(resets(&mut w, subscriber).len(), 1);
    assert_eq!(w.objects(subscriber), ["1.2=later", "1.3=later"]);
    assert_eq!(w.objects(late), ["1.2=later", "1.3=later"]);
    assert_eq!(resets(&mut w, late), []);
}

#[test]
fn an_open_group_is_cut_when_its_publisher_is_not_back_or_begins_another() {
    let mut w = World::new();
    let (publisher, subscriber) = with_an_open_group(&mut w);
    w.lose(publisher);
    let publisher = comes_back(&mut w, None);
    w.send_group(publisher, 2, &[b"b"]);
    assert_eq!(resets(&mut w, subscriber).len(), 1);
    assert_eq!(w.objects(subscriber), ["2.0=b"]);

    let mut w = World::new();
    let (publisher, subscriber) = with_an_open_group(&mut w);
    w.lose(publisher);
    w.advance(Duration::from_secs(11));
    assert_eq!(resets(&mut w, subscriber).len(), 1);
    assert_eq!(w.dones(subscriber)[0].status, done_codes::INTERNAL_ERROR);

    // Whoever leaves does not come back.
    let mut w = World::new();
    let (publisher, subscriber) = with_an_open_group(&mut w);
    w.close(publisher, 0);
    assert_eq!(resets(&mut w, subscriber).len(), 1);
}

#[test]
fn the_upstream_subscription_lingers_after_the_last_subscriber() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, _, id) = w.joined(&track, Properties::empty());
    w.with_client(subscriber, |s, t, _| {
        s.cancel(t, id, stream_codes::CANCELLED)
    });
    w.advance(Duration::from_secs(2));
    let id = w.subscribe(subscriber, &track, largest());
    assert!(matches!(
        w.response(subscriber, id),
        Response::SubscribeOk(_)
    ));
    assert!(w.requests(publisher).is_empty(), "it was still subscribed");
    w.with_client(subscriber, |s, t, _| {
        s.cancel(t, id, stream_codes::CANCELLED)
    });
    w.advance(Duration::from_secs(4));
    assert!(matches!(w.ends(publisher)[..], [RequestEnd::Cancelled(_)]));
    assert_eq!(w.stats().tracks_open, 0);
}

#[test]
fn a_malformed_track_ends_for_everyone_and_is_not_cached() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 1, &[b"a"]);
    w.send_group(publisher, 1, &[b"different"]);
    let dones = w.dones(subscriber);
    assert_eq!(dones[0].status, done_codes::MALFORMED_TRACK);
    assert!(w.is_open(publisher) && w.is_open(subscriber));
    assert!(
        matches!(w.ends(publisher)[..], [RequestEnd::Cancelled(code)] if code == stream_codes::MALFORMED_TRACK)
    );
    assert_eq!(w.stats().cache.bytes, 0);
}

#[test]
fn shutdown_says_goaway_and_refuses_new_requests() {
    let mut w = World::with(RelayConfig {
        goaway_uri: "https://other.example".into(),
        ..RelayConfig::default()
    });
    let conn = w.client();
    w.core.start_drain(&mut w.links, Duration::from_secs(2));
    w.run();
    let goaways = w.take(conn, |event| match event {
        SessionEvent::Goaway { uri, timeout, .. } => Some((uri.clone(), *timeout)),
        _ => None,
    });
    assert_eq!(
        goaways,
        [(Bytes::from_static(b"https://other.example"), 2_000)]
    );
    assert!(!w.core.is_drained());
    w.advance(Duration::from_secs(3));
    assert!(w.core.is_drained());
    w.core.close_all(&mut w.links);
    w.run();
    assert!(!w.is_open(conn));
}

#[test]
fn a_publisher_that_was_told_to_go_has_not_ended_its_tracks() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, ..) = w.joined(&track, Properties::empty());
    w.core.start_drain(&mut w.links, Duration::from_secs(5));
    w.close(publisher, 0);
    assert!(w.dones(subscriber).is_empty(), "it goes on elsewhere");
}

#[test]
fn what_a_peer_sent_before_it_dropped_its_session_is_not_lost() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, upstream, _) = w.joined(&track, Properties::empty());
    // In one packet: the control stream stopped first, then the end of the track.
    let control = w.core.control_stream(publisher).expect("a control stream");
    w.core_event(
        publisher,
        TransportEvent::Stopped {
            id: control,
            code: 0,
        },
    );
    let done = PublishDone {
        status: done_codes::TRACK_ENDED,
        ..PublishDone::default()
    };
    w.send_group(publisher, 1, &[b"last words"]);
    w.with_client(publisher, |s, t, _| s.publish_done(t, upstream, done))
        .expect("an end");
    assert_eq!(w.objects(subscriber), ["1.0=last words"]);
    assert_eq!(w.dones(subscriber)[0].status, done_codes::TRACK_ENDED);
    assert!(w.is_open(publisher));
    w.advance(Duration::from_millis(150));
    assert!(!w.is_open(publisher), "closed all the same");
    assert_eq!(w.stats().sessions.violations, 0);
}

#[test]
fn an_offer_that_is_not_answered_ends_with_its_track() {
    let mut w = World::new();
    let (publisher, follower) = (w.client(), w.client());
    let message = NamespaceRequest {
        namespace: ns("match"),
        params: Parameters::default(),
    };
    w.request(follower, Request::SubscribeTracks(message));
    let publish = Request::Publish(Publish {
        track: name("match", "x"),
        track_alias: 7,
        params: Parameters::default(),
        properties: Properties::empty(),
    });
    w.request(publisher, publish);
    assert_eq!(w.requests(follower).len(), 1);
    w.close(publisher, 0);
    w.advance(Duration::from_secs(4));
    assert_eq!(w.stats().tracks_open, 0);
    assert!(!w.ends(follower).is_empty() || !w.dones(follower).is_empty());
}

#[test]
fn a_deadline_of_a_connection_that_is_over_holds_nobody_up() {
    let mut w = World::new();
    let silent = w.connect_raw(MemoryConfig::default());
    w.cut(silent);
    w.advance(Duration::from_secs(60));
    let other = w.client();
    assert!(w.is_open(other));
}
