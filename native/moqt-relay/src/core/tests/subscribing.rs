//! SUBSCRIBE, PUBLISH, updates, and how subscriptions end.

use super::world::*;
use bytes::Bytes;
use moqt::delivery::info::TRACK_CLASS;
use moqt::session::{RequestEnd, SessionEvent};
use moqt::wire::*;
use std::time::Duration;

#[test]
fn one_upstream_subscription_feeds_many_subscribers() {
    let mut w = World::new();
    let track = name("match/42", "world");
    let (publisher, first, ..) = w.joined(&track, Properties::empty());
    let others: Vec<_> = (0..5).map(|_| w.client()).collect();
    for &other in &others {
        let id = w.subscribe(other, &track, largest());
        assert!(matches!(w.response(other, id), Response::SubscribeOk(_)));
    }
    assert!(
        w.requests(publisher).is_empty(),
        "no second SUBSCRIBE upstream"
    );
    w.send_group(publisher, 3, &[b"a", b"b", b""]);
    for conn in others.into_iter().chain([first]) {
        assert_eq!(w.objects(conn), ["3.0=a", "3.1=b", "3.2="]);
    }
    let stats = w.stats();
    assert_eq!((stats.objects.received, stats.objects.sent), (3, 18));
    assert_eq!((stats.subscriptions_open, stats.upstreams_open), (6, 1));
}

#[test]
fn properties_and_headers_pass_untouched() {
    let mut w = World::new();
    let track = name("match", "poses");
    // Unknown application properties in an order and form that nobody would rewrite.
    let properties = Properties::builder()
        .varint(0x38F0, 77)
        .bytes(0x38F1, &b"opaque"[..])
        .varint(property::DEFAULT_PUBLISHER_PRIORITY, 9)
        .build();
    let (publisher, subscriber) = (w.client(), w.client());
    w.announce(publisher, "match");
    let id = w.subscribe(subscriber, &track, Parameters::default());
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, Some(at(8, 2)), properties.clone());
    let Response::SubscribeOk(ok) = w.response(subscriber, id) else {
        panic!()
    };
    assert_eq!(ok.properties, properties);
    assert_eq!(ok.params.largest_object, Some(at(8, 2)));
    let object_properties = Properties::builder()
        .bytes(0x38F3, &b"\x00\xff"[..])
        .build();
    let header = SubgroupHeader {
        track_alias: 7,
        group: 9,
        subgroup: SubgroupId::Explicit(4),
        priority: Some(3),
        has_properties: true,
        end_of_group: true,
        first_object: true,
    };
    let object = SubgroupObject {
        object: 5,
        properties: object_properties.clone(),
        payload: Bytes::from_static(b"x"),
        ..SubgroupObject::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        s.write_object(t, stream, &object).expect("room");
        let end = SubgroupObject {
            object: 6,
            status: ObjectStatus::EndOfGroup,
            ..SubgroupObject::default()
        };
        s.write_object(t, stream, &end).expect("room");
        s.finish_stream(t, stream);
    });
    let seen = w.take(subscriber, |event| match event {
        SessionEvent::SubgroupOpened { header: h, .. } => Some(format!(
            "{} {:?} {:?} {} {} {}",
            h.group, h.subgroup, h.priority, h.has_properties, h.end_of_group, h.first_object
        )),
        SessionEvent::Object { object: o, .. } => Some(format!(
            "{} {:?} {}",
            o.object,
            o.status,
            o.status != ObjectStatus::Normal || o.properties == object_properties
        )),
        SessionEvent::StreamEnded { end, .. } => Some(format!("{end:?}")),
        _ => None,
    });
    assert_eq!(
        seen,
        [
            "9 Explicit(4) Some(3) true true true",
            "5 Normal true",
            "6 EndOfGroup true",
            "Fin"
        ]
    );
}

#[test]
fn subscribing_to_nothing_is_refused_with_a_reason() {
    let mut w = World::new();
    let (publisher, subscriber) = (w.client(), w.client());
    let id = w.subscribe(subscriber, &name("none", "x"), largest());
    let error = w.error(subscriber, id);
    assert_eq!(error.code, request_codes::DOES_NOT_EXIST);
    assert!(
        error.reason.contains("nobody publishes"),
        "{}",
        error.reason
    );
    w.announce(publisher, "match");
    let id = w.subscribe(subscriber, &name("match", "x"), largest());
    let upstream = w.upstream(publisher);
    let refusal = RequestError::new(request_codes::DOES_NOT_EXIST, "no such track in this match");
    w.with_client(publisher, |s, t, _| s.reject(t, upstream, refusal))
        .expect("an answer");
    assert_eq!(
        w.error(subscriber, id).reason,
        "no such track in this match"
    );
    assert_eq!(w.stats().tracks_open, 0, "nothing is left behind");
    assert_eq!(w.stats().subscriptions_open, 0);
}

#[test]
fn a_second_subscription_of_a_session_is_a_duplicate() {
    let mut w = World::new();
    let track = name("match", "x");
    let (_, subscriber, ..) = w.joined(&track, Properties::empty());
    let id = w.subscribe(subscriber, &track, largest());
    assert_eq!(
        w.error(subscriber, id).code,
        request_codes::DUPLICATE_SUBSCRIPTION
    );
}

#[test]
fn rendezvous_waits_for_a_publisher_and_times_out_without() {
    let mut w = World::new();
    let track = name("match", "late");
    let wait = |ms| Parameters {
        rendezvous_timeout: Some(ms),
        ..largest()
    };
    let subscriber = w.client();
    let id = w.subscribe(subscriber, &track, wait(1_000));
    w.advance(Duration::from_millis(900));
    assert!(w.responses(subscriber, id).is_empty());
    let publisher = w.client();
    w.announce(publisher, "match");
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, None, Properties::empty());
    assert!(matches!(
        w.response(subscriber, id),
        Response::SubscribeOk(_)
    ));
    w.send_group(publisher, 1, &[b"a"]);
    assert_eq!(w.objects(subscriber), ["1.0=a"]);

    let id = w.subscribe(subscriber, &name("elsewhere", "x"), wait(500));
    w.advance(Duration::from_millis(600));
    assert_eq!(w.error(subscriber, id).code, request_codes::TIMEOUT);

    // A publisher that takes longer to answer than the time given is waited for.
    let id = w.subscribe(subscriber, &name("match", "slow"), wait(50));
    let upstream = w.upstream(publisher);
    w.advance(Duration::from_millis(200));
    assert!(w.responses(subscriber, id).is_empty());
    assert!(w.core.next_timeout() > Some(w.now()), "nothing is overdue");
    let refusal = RequestError::new(request_codes::DOES_NOT_EXIST, "no such track");
    w.with_client(publisher, |s, t, _| s.reject(t, upstream, refusal))
        .expect("an answer");
    assert_eq!(w.error(subscriber, id).code, request_codes::DOES_NOT_EXIST);

    // A publisher without the track yet is asked again while the time runs.
    let id = w.subscribe(subscriber, &name("match", "later"), wait(5_000));
    let upstream = w.upstream(publisher);
    let refusal = RequestError::new(request_codes::DOES_NOT_EXIST, "not yet");
    w.with_client(publisher, |s, t, _| s.reject(t, upstream, refusal))
        .expect("an answer");
    assert!(w.responses(subscriber, id).is_empty());
    w.advance(Duration::from_millis(300));
    let upstream = w.upstream(publisher);
    let ok = SubscribeOk {
        track_alias: 8,
        ..SubscribeOk::default()
    };
    w.with_client(publisher, |s, t, _| {
        s.respond(t, upstream, Response::SubscribeOk(ok))
    })
    .expect("an answer");
    assert!(matches!(
        w.response(subscriber, id),
        Response::SubscribeOk(_)
    ));
}

#[test]
fn published_tracks_fall_silent_while_nobody_reads() {
    let mut w = World::new();
    let (publisher, subscriber) = (w.client(), w.client());
    let track = name("match", "events");
    let publish = |alias| {
        Request::Publish(Publish {
            track: name("match", "events"),
            track_alias: alias,
            params: Parameters {
                largest_object: Some(at(4, 1)),
                ..Parameters::default()
            },
            properties: Properties::empty(),
        })
    };
    let upstream = w.request(publisher, publish(7));
    let Response::RequestOk(ok) = w.response(publisher, upstream) else {
        panic!()
    };
    assert_eq!(
        ok.params.forward,
        Some(true),
        "the first readers find the current group"
    );
    w.send_group(publisher, 5, &[b"a"]);
    let forwards = |w: &mut World| {
        let updates = w.take(publisher, |event| match event {
            SessionEvent::Update { params, .. } => Some(params.forward),
            _ => None,
        });
        for _ in &updates {
            let ok = Ok(RequestOk::default());
            w.with_client(publisher, |s, t, _| s.respond_update(t, upstream, ok))
                .expect("ok");
        }
        updates
    };
    w.advance(Duration::from_secs(4));
    assert_eq!(forwards(&mut w), [Some(false)]);
    let id = w.subscribe(subscriber, &track, largest());
    let Response::SubscribeOk(ok) = w.response(subscriber, id) else {
        panic!()
    };
    assert_eq!(ok.params.largest_object, Some(at(5, 0)));
    assert_eq!(forwards(&mut w), [Some(true)]);
    w.send_group(publisher, 6, &[b"b"]);
    assert_eq!(w.objects(subscriber), ["6.0=b"]);
    // A second PUBLISH of the same track by the same session.
    let again = w.request(publisher, publish(8));
    assert_eq!(
        w.error(publisher, again).code,
        request_codes::DUPLICATE_SUBSCRIPTION
    );
    w.with_client(subscriber, |s, t, _| {
        s.cancel(t, id, stream_codes::CANCELLED)
    });
    w.advance(Duration::from_secs(4));
    assert_eq!(forwards(&mut w), [Some(false)]);
}

#[test]
fn unknown_mandatory_properties_are_refused() {
    let mut w = World::new();
    let (publisher, subscriber) = (w.client(), w.client());
    w.announce(publisher, "match");
    let mandatory = Properties::builder().varint(0x4002, 1).build();
    let id = w.subscribe(subscriber, &name("match", "x"), largest());
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, None, mandatory.clone());
    assert_eq!(
        w.error(subscriber, id).code,
        request_codes::UNSUPPORTED_EXTENSION
    );
    assert!(matches!(w.ends(publisher)[..], [RequestEnd::Cancelled(_)]));
    let publish = Request::Publish(Publish {
        track: name("match", "y"),
        track_alias: 9,
        params: Parameters::default(),
        properties: mandatory,
    });
    let id = w.request(publisher, publish);
    assert_eq!(
        w.error(publisher, id).code,
        request_codes::UNSUPPORTED_EXTENSION
    );
}

#[test]
fn several_publishers_of_one_track_are_merged() {
    let mut w = World::new();
    let track = name("match", "x");
    let (one, two, subscriber) = (w.client(), w.client(), w.client());
    w.announce(one, "match");
    w.announce(two, "match");
    let id = w.subscribe(subscriber, &track, largest());
    let (up_one, up_two) = (w.upstream(one), w.upstream(two));
    w.accept(one, up_one, None, Properties::empty());
    w.accept(two, up_two, None, Properties::empty());
    assert!(matches!(
        w.response(subscriber, id),
        Response::SubscribeOk(_)
    ));
    w.send_group(one, 1, &[b"a", b"b"]);
    w.send_group(two, 1, &[b"a", b"b"]);
    w.close(one, 0);
    assert!(w.dones(subscriber).is_empty(), "the other one goes on");
    w.send_group(two, 2, &[b"c"]);
    assert_eq!(w.objects(subscriber), ["1.0=a", "1.1=b", "2.0=c"]);
    assert_eq!(w.stats().drops.duplicate, 2);
}

#[test]
fn filters_and_forward_state_are_honoured_and_can_be_updated() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 5, &[b"a"]);
    let (ranged, silent) = (w.client(), w.client());
    let filter = SubscriptionFilter::AbsoluteRange {
        start: at(7, 0),
        end_group: 8,
    };
    let params = Parameters {
        filter: Some(filter),
        ..Parameters::default()
    };
    w.subscribe(ranged, &track, params);
    let params = Parameters {
        forward: Some(false),
        ..largest()
    };
    let silent_id = w.subscribe(silent, &track, params);
    for group in 6..=9 {
        w.send_group(publisher, group, &[b"x"]);
    }
    assert_eq!(w.objects(ranged), ["7.0=x", "8.0=x"]);
    assert_eq!(w.dones(ranged)[0].status, done_codes::SUBSCRIPTION_ENDED);
    assert!(w.objects(silent).is_empty());
    let params = Parameters {
        forward: Some(true),
        ..Parameters::default()
    };
    w.with_client(silent, |s, t, now| s.update(now, t, silent_id, params))
        .expect("an update");
    let answers = w.take(silent, |event| match event {
        SessionEvent::UpdateResponse { result, .. } => Some(result.clone()),
        _ => None,
    });
    assert_eq!(
        answers[0].as_ref().expect("accepted").params.largest_object,
        Some(at(9, 0))
    );
    w.send_group(publisher, 10, &[b"y"]);
    assert_eq!(w.objects(silent), ["10.0=y"]);
    // A range that is over.
    let late = w.client();
    let filter = SubscriptionFilter::AbsoluteRange {
        start: at(1, 0),
        end_group: 2,
    };
    let params = Parameters {
        filter: Some(filter),
        ..Parameters::default()
    };
    let id = w.subscribe(late, &track, params);
    assert_eq!(w.error(late, id).code, request_codes::INVALID_RANGE);
}

#[test]
fn new_groups_are_asked_for_once() {
    let mut w = World::new();
    let track = name("match", "x");
    let dynamic = Properties::builder()
        .varint(property::DYNAMIC_GROUPS, 1)
        .build();
    let (publisher, subscriber, upstream, id) = w.joined(&track, dynamic);
    w.send_group(publisher, 5, &[b"a"]);
    let ask = |w: &mut World, group| {
        let params = Parameters {
            new_group_request: Some(group),
            ..Parameters::default()
        };
        w.with_client(subscriber, |s, t, now| s.update(now, t, id, params))
            .expect("an update");
        let asked = w.take(publisher, |event| match event {
            SessionEvent::Update { params, .. } => Some(params.new_group_request),
            _ => None,
        });
        for _ in &asked {
            let ok = Ok(RequestOk::default());
            w.with_client(publisher, |s, t, _| s.respond_update(t, upstream, ok))
                .expect("ok");
        }
        asked
    };
    assert_eq!(ask(&mut w, 5), [], "that group is there already");
    assert_eq!(ask(&mut w, 6), [Some(6)]);
    assert_eq!(ask(&mut w, 6), [], "outstanding");
    w.send_group(publisher, 6, &[b"b"]);
    assert_eq!(ask(&mut w, 0), [Some(0)]);
}

#[test]
fn a_session_may_subscribe_to_what_it_publishes() {
    let mut w = World::new();
    let track = name("match", "x");
    let conn = w.client();
    w.announce(conn, "match");
    let id = w.subscribe(conn, &track, largest());
    let upstream = w.upstream(conn);
    w.accept(conn, upstream, None, Properties::empty());
    assert!(matches!(w.response(conn, id), Response::SubscribeOk(_)));
    w.send_group(conn, 1, &[b"echo"]);
    assert_eq!(w.objects(conn), ["1.0=echo"]);
}

#[test]
fn status_is_answered_or_passed_on() {
    let mut w = World::new();
    let (publisher, asker) = (w.client(), w.client());
    let ask = |w: &mut World, track: &FullTrackName| {
        let message = Subscribe {
            track: track.clone(),
            params: Parameters::default(),
        };
        w.request(asker, Request::TrackStatus(message))
    };
    let id = ask(&mut w, &name("match", "x"));
    assert_eq!(w.error(asker, id).code, request_codes::DOES_NOT_EXIST);
    w.announce(publisher, "match");
    let id = ask(&mut w, &name("match", "x"));
    let asked = w.requests(publisher);
    assert!(matches!(asked[0].1, Request::TrackStatus(_)));
    let ok = RequestOk {
        params: Parameters {
            largest_object: Some(at(3, 3)),
            ..Parameters::default()
        },
        properties: Properties::builder().varint(TRACK_CLASS, 2).build(),
    };
    w.with_client(publisher, |s, t, _| {
        s.respond(t, asked[0].0, Response::RequestOk(ok.clone()))
    })
    .expect("an answer");
    assert_eq!(w.response(asker, id), Response::RequestOk(ok));
}
