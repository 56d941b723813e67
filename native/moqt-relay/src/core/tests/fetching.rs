//! FETCH: from the cache, from upstream, joining, and what cannot be had.

use super::world::*;
use bytes::Bytes;
use moqt::memory::MemoryConfig;
use moqt::session::RequestId;
use moqt::wire::*;
use moqt_net::ConnId;
use std::time::Duration;

fn standalone(track: &FullTrackName, start: (u64, u64), end: (u64, u64)) -> FetchRange {
    FetchRange::Standalone {
        track: track.clone(),
        start: at(start.0, start.1),
        end: at(end.0, end.1),
    }
}

/// The one FETCH that has reached a publisher: its id and range in words.
fn asked(w: &mut World, conn: ConnId) -> (RequestId, String) {
    let mut all = w.requests(conn);
    all.retain(|(_, request)| matches!(request, Request::Fetch(_)));
    assert_eq!(all.len(), 1, "one FETCH upstream: {all:?}");
    let (id, Request::Fetch(fetch)) = all.remove(0) else {
        panic!()
    };
    let FetchRange::Standalone { start, end, .. } = fetch.range else {
        panic!("not standalone")
    };
    let words = format!(
        "{}.{}..{}.{}",
        start.group, start.object, end.group, end.object
    );
    (id, words)
}

/// Serves a FETCH as publisher.
fn serve(w: &mut World, conn: ConnId, id: RequestId, objects: &[(u64, u64)], end: Location) {
    w.with_client(conn, |s, t, _| {
        let stream = s.open_fetch(t, id, 0).expect("a stream");
        for &(group, object) in objects {
            let item = FetchItem::Object(FetchObject {
                group,
                object,
                subgroup: Some(0),
                priority: 128,
                payload: Bytes::from(format!("f{group}.{object}")),
                ..FetchObject::default()
            });
            s.write_fetch_item(t, stream, &item).expect("room");
        }
        s.finish_stream(t, stream);
        let ok = FetchOk {
            end,
            ..FetchOk::default()
        };
        s.respond(t, id, Response::FetchOk(ok)).expect("an answer");
    });
}

fn fetch_ok(w: &mut World, conn: ConnId, id: RequestId) -> FetchOk {
    match w.response(conn, id) {
        Response::FetchOk(ok) => ok,
        other => panic!("not FETCH_OK: {other:?}"),
    }
}

#[test]
fn what_is_cached_is_served_without_asking() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 1, &[b"a", b"b", b"c"]);
    let id = w.fetch(
        reader,
        standalone(&track, (1, 1), (1, 0)),
        Parameters::default(),
    );
    let ok = fetch_ok(&mut w, reader, id);
    assert_eq!((ok.end, ok.end_of_track), (at(1, 3), false));
    assert_eq!(w.fetched(reader, id), "1.1=b 1.2=c");
    assert!(w.requests(publisher).is_empty());
    let stats = w.stats();
    assert_eq!(
        (stats.requests.fetch_cached, stats.requests.fetch_upstream),
        (1, 0)
    );
}

#[test]
fn a_joining_fetch_brings_the_current_group_up_to_the_subscription() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 1, &[b"a", b"b"]);
    w.send_group(publisher, 2, &[b"c", b"d"]);
    let late = w.client();
    // Both at once, as clients do.
    let (sub, fetch) = w.with_client(late, |s, t, now| {
        let subscribe = Subscribe {
            track: name("match", "x"),
            params: largest(),
        };
        let sub = s
            .request(now, t, Request::Subscribe(subscribe))
            .expect("a request");
        let range = FetchRange::RelativeJoining {
            request_id: sub.0,
            groups: 0,
        };
        let fetch = Fetch {
            range,
            params: Parameters::default(),
        };
        (
            sub,
            s.request(now, t, Request::Fetch(fetch)).expect("a request"),
        )
    });
    let Response::SubscribeOk(ok) = w.response(late, sub) else {
        panic!()
    };
    assert_eq!(ok.params.largest_object, Some(at(2, 1)));
    assert_eq!(fetch_ok(&mut w, late, fetch).end, at(2, 2));
    assert_eq!(w.fetched(late, fetch), "2.0=c 2.1=d");
    w.send_group(publisher, 3, &[b"e"]);
    assert_eq!(w.objects(late), ["3.0=e"]);
    let range = FetchRange::AbsoluteJoining {
        request_id: sub.0,
        group: 1,
    };
    let params = Parameters {
        group_order: Some(GroupOrder::Descending),
        ..Parameters::default()
    };
    let id = w.fetch(late, range, params);
    assert_eq!(fetch_ok(&mut w, late, id).end, at(2, 2));
    assert_eq!(w.fetched(late, id), "2.0=c 2.1=d 1.0=a 1.1=b");
}

#[test]
fn the_first_subscribers_joining_fetch_goes_upstream_with_its_subscription() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "match");
    let sub = w.subscribe(reader, &track, largest());
    let range = FetchRange::RelativeJoining {
        request_id: sub.0,
        groups: 0,
    };
    let id = w.fetch(reader, range, Parameters::default());
    assert!(
        w.responses(reader, id).is_empty(),
        "it waits for the subscription"
    );
    let mut asked = w.requests(publisher);
    assert_eq!(asked.len(), 2, "both have gone on: {asked:?}");
    let (fill, Request::Fetch(fetch)) = asked.remove(1) else {
        panic!("not a FETCH")
    };
    let upstream = asked.remove(0).0;
    let joins = FetchRange::RelativeJoining {
        request_id: upstream.0,
        groups: 0,
    };
    assert_eq!(fetch.range, joins);
    w.accept(publisher, upstream, Some(at(5, 2)), Properties::empty());
    assert!(matches!(w.response(reader, sub), Response::SubscribeOk(_)));
    w.send_group(publisher, 6, &[b"live"]);
    serve(&mut w, publisher, fill, &[(5, 0), (5, 2)], at(5, 3));
    assert_eq!(fetch_ok(&mut w, reader, id).end, at(5, 3));
    assert_eq!(w.fetched(reader, id), "5.0=f5.0 5.2=f5.2");
    assert_eq!(w.objects(reader), ["6.0=live"]);
    // From then on it is in the cache, for everyone.
    let late = w.client();
    let id = w.fetch(
        late,
        standalone(&track, (5, 0), (5, 3)),
        Parameters::default(),
    );
    assert_eq!(w.fetched(late, id), "5.0=f5.0 5.2=f5.2");
    assert!(w.requests(publisher).is_empty());
}

#[test]
fn a_publisher_without_joining_fetch_is_asked_for_the_range() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "match");
    let sub = w.subscribe(reader, &track, largest());
    let range = FetchRange::RelativeJoining {
        request_id: sub.0,
        groups: 0,
    };
    let id = w.fetch(reader, range, Parameters::default());
    let mut both = w.requests(publisher);
    let (fill, upstream) = (both.remove(1).0, both.remove(0).0);
    w.accept(publisher, upstream, Some(at(5, 2)), Properties::empty());
    let refusal = RequestError::new(request_codes::NOT_SUPPORTED, "no joining");
    w.with_client(publisher, |s, t, _| s.reject(t, fill, refusal))
        .expect("an answer");
    let (fill, words) = asked(&mut w, publisher);
    assert_eq!(words, "5.0..5.3");
    serve(&mut w, publisher, fill, &[(5, 0), (5, 2)], at(5, 3));
    assert_eq!(fetch_ok(&mut w, reader, id).end, at(5, 3));
    assert_eq!(w.fetched(reader, id), "5.0=f5.0 5.2=f5.2");
}

#[test]
fn cached_and_fetched_parts_are_merged() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 4, &[b"a", b"b"]);
    let id = w.fetch(
        reader,
        standalone(&track, (2, 0), (4, 2)),
        Parameters::default(),
    );
    let (fill, words) = asked(&mut w, publisher);
    assert_eq!(words, "2.0..3.0");
    serve(&mut w, publisher, fill, &[(3, 0)], at(3, 0));
    assert_eq!(w.fetched(reader, id), "3.0=f3.0 4.0=a 4.1=b");
}

#[test]
fn without_time_or_publisher_the_rest_is_unknown() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, ..) = w.joined(&track, Properties::empty());
    w.send_group(publisher, 4, &[b"a", b"b"]);
    let none = Parameters {
        fill_timeout: Some(0),
        ..Parameters::default()
    };
    let id = w.fetch(reader, standalone(&track, (4, 0), (4, 2)), none.clone());
    assert_eq!(w.fetched(reader, id), "4.0=a 4.1=b");
    let id = w.fetch(reader, standalone(&track, (3, 5), (4, 2)), none);
    let whole = (1_u64 << 53) - 1;
    assert_eq!(
        w.fetched(reader, id),
        format!("unknown<=3.{whole} 4.0=a 4.1=b")
    );
    assert!(w.requests(publisher).is_empty(), "no time to ask");
    let some = Parameters {
        fill_timeout: Some(300),
        ..Parameters::default()
    };
    let id = w.fetch(reader, standalone(&track, (3, 5), (4, 2)), some);
    asked(&mut w, publisher);
    assert!(w.responses(reader, id).is_empty());
    w.advance(Duration::from_millis(400));
    assert_eq!(
        w.fetched(reader, id),
        format!("unknown<=3.{whole} 4.0=a 4.1=b")
    );
}

#[test]
fn a_refusal_upstream_is_passed_on_when_nothing_is_cached() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader) = (w.client(), w.client());
    let id = w.fetch(
        reader,
        standalone(&track, (1, 0), (2, 0)),
        Parameters::default(),
    );
    assert_eq!(w.error(reader, id).code, request_codes::DOES_NOT_EXIST);
    w.announce(publisher, "match");
    let id = w.fetch(
        reader,
        standalone(&track, (1, 0), (2, 0)),
        Parameters::default(),
    );
    let (fill, _) = asked(&mut w, publisher);
    let refusal = RequestError::new(request_codes::INVALID_RANGE, "long gone");
    w.with_client(publisher, |s, t, _| s.reject(t, fill, refusal))
        .expect("an answer");
    let error = w.error(reader, id);
    assert_eq!(
        (error.code, error.reason.as_str()),
        (request_codes::INVALID_RANGE, "long gone")
    );
    assert_eq!(w.stats().tracks_open, 0);
}

#[test]
fn a_track_nobody_subscribes_to_can_be_fetched() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "match");
    let id = w.fetch(
        reader,
        standalone(&track, (1, 0), (9, 0)),
        Parameters::default(),
    );
    let (fill, words) = asked(&mut w, publisher);
    assert_eq!(words, "1.0..9.0");
    serve(&mut w, publisher, fill, &[(1, 0), (2, 0)], at(2, 1));
    assert_eq!(
        fetch_ok(&mut w, reader, id).end,
        at(2, 1),
        "where the publisher ends"
    );
    assert_eq!(w.fetched(reader, id), "1.0=f1.0 2.0=f2.0");
}

#[test]
fn ranges_that_cannot_be_are_refused() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, _, sub) = w.joined(&track, Properties::empty());
    let range = FetchRange::RelativeJoining {
        request_id: sub.0,
        groups: 0,
    };
    let id = w.fetch(reader, range.clone(), Parameters::default());
    assert_eq!(
        w.error(reader, id).code,
        request_codes::INVALID_RANGE,
        "nothing yet"
    );
    w.send_group(publisher, 4, &[b"a"]);
    let id = w.fetch(
        reader,
        standalone(&track, (5, 0), (6, 0)),
        Parameters::default(),
    );
    assert_eq!(
        w.error(reader, id).code,
        request_codes::INVALID_RANGE,
        "after the largest"
    );
    let range = FetchRange::RelativeJoining {
        request_id: 4_000,
        groups: 0,
    };
    let id = w.fetch(reader, range, Parameters::default());
    assert_eq!(
        w.error(reader, id).code,
        request_codes::INVALID_JOINING_REQUEST_ID
    );
    let silent = w.client();
    let params = Parameters {
        forward: Some(false),
        ..largest()
    };
    let sub = w.subscribe(silent, &track, params);
    let range = FetchRange::RelativeJoining {
        request_id: sub.0,
        groups: 0,
    };
    let id = w.fetch(silent, range, Parameters::default());
    assert_eq!(
        w.error(silent, id).code,
        request_codes::INVALID_RANGE,
        "not forwarding"
    );
}

#[test]
fn a_cancelled_fetch_is_cancelled_upstream() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "match");
    let id = w.fetch(
        reader,
        standalone(&track, (1, 0), (2, 0)),
        Parameters::default(),
    );
    asked(&mut w, publisher);
    w.with_client(reader, |s, t, _| s.cancel(t, id, stream_codes::CANCELLED));
    assert_eq!(w.ends(publisher).len(), 1);
    assert_eq!(w.stats().tracks_open, 0);
}

#[test]
fn the_end_of_a_track_is_told() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, reader, ..) = w.joined(&track, Properties::empty());
    let header = SubgroupHeader {
        track_alias: 7,
        group: 1,
        first_object: true,
        ..SubgroupHeader::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        for (object, status) in [(0, ObjectStatus::Normal), (1, ObjectStatus::EndOfTrack)] {
            let object = SubgroupObject {
                object,
                status,
                ..SubgroupObject::default()
            };
            s.write_object(t, stream, &object).expect("room");
        }
        s.finish_stream(t, stream);
    });
    let id = w.fetch(
        reader,
        standalone(&track, (1, 0), (7, 0)),
        Parameters::default(),
    );
    let ok = fetch_ok(&mut w, reader, id);
    assert_eq!((ok.end, ok.end_of_track), (at(1, 1), true));
    assert_eq!(w.fetched(reader, id), "1.0=");
}

#[test]
fn what_nobody_needs_any_more_is_freed_in_pieces() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, ..) = w.joined(&track, Properties::empty());
    for group in 0..20 {
        w.send_group(publisher, group, &[b"x".as_slice(); 500]);
    }
    let slow = w.client_with(
        MemoryConfig {
            stream_window: 1_024,
            ..MemoryConfig::default()
        },
        Vec::new(),
    );
    w.clients.get_mut(&slow).expect("it is here").reads = false;
    let range = standalone(&track, (0, 0), (19, 0));
    let fetch = w.fetch(slow, range, Parameters::default());
    assert!(w.core.fetches.values().any(|job| !job.store.is_empty()));
    let client = w.clients.get_mut(&slow).expect("it is here");
    client
        .session
        .cancel(&mut client.transport, fetch, stream_codes::CANCELLED);
    while let Some(event) = w.links_poll(slow) {
        w.core_event(slow, event);
    }
    assert!(w.core.fetches.is_empty());
    let mut turns = 0;
    while !w.core.discarded.is_empty() {
        assert!(w.core.next_timeout().is_some_and(|at| at <= w.now()));
        w.core_timeout();
        turns += 1;
    }
    assert!((3..10).contains(&turns), "{turns}");
}
