//! Slow subscribers, datagrams, priorities: what one session's troubles do to others.

use super::world::*;
use crate::config::{Limits, RelayConfig};
use bytes::Bytes;
use moqt::delivery::info::TRACK_CLASS;
use moqt::delivery::DeliveryClass;
use moqt::memory::MemoryConfig;
use moqt::session::{SessionEvent, StreamEnd};
use moqt::transport::StreamId;
use moqt::wire::*;
use moqt_net::ConnId;

fn class(class: DeliveryClass) -> Properties {
    Properties::builder()
        .varint(TRACK_CLASS, class.value())
        .build()
}

fn small() -> RelayConfig {
    RelayConfig {
        limits: Limits {
            queue_bytes_per_subscriber: 64 << 10,
            ..Limits::default()
        },
        ..RelayConfig::default()
    }
}

/// Room for little on its way to the client.
fn narrow() -> MemoryConfig {
    MemoryConfig {
        stream_window: 2_048,
        uni_streams: 8,
        ..MemoryConfig::default()
    }
}

static KILOBYTE: [u8; 1_024] = [b'x'; 1_024];

#[test]
fn a_slow_reader_of_a_reliable_track_is_given_up_and_nobody_else_notices() {
    let mut w = World::with(small());
    let track = name("match", "world");
    let (publisher, fast, ..) = w.joined(&track, class(DeliveryClass::Reliable));
    let slow = w.client_with(narrow(), Vec::new());
    let id = w.subscribe(slow, &track, largest());
    assert!(matches!(w.response(slow, id), Response::SubscribeOk(_)));
    w.clients.get_mut(&slow).expect("it is here").reads = false;
    let mut received = 0;
    for group in 1..=40 {
        w.send_group(
            publisher,
            group,
            &[&KILOBYTE, &KILOBYTE, &KILOBYTE, &KILOBYTE],
        );
        received += w.objects(fast).len();
    }
    assert_eq!(received, 160, "the fast one has everything");
    let stats = w.stats();
    assert_eq!(stats.requests.too_far_behind, 1);
    assert_eq!(stats.subscriptions_open, 1);
    assert_eq!(stats.queues.bytes, 0);
    assert!(stats.drops.ended > 0, "what waited is counted");
    assert!(stats.limits.queue_bytes > 0);
    w.clients.get_mut(&slow).expect("it is here").reads = true;
    w.run();
    assert_eq!(w.dones(slow)[0].status, done_codes::TOO_FAR_BEHIND);
    assert!(w.is_open(slow), "only the subscription ends");
    // It goes on at the latest group.
    let id = w.subscribe(slow, &track, largest());
    assert!(matches!(w.response(slow, id), Response::SubscribeOk(_)));
    w.send_group(publisher, 41, &[b"again"]);
    assert_eq!(
        w.objects(slow).last().map(String::as_str),
        Some("41.0=again")
    );
}

#[test]
fn a_slow_reader_of_a_latest_track_skips_and_gets_the_newest() {
    let mut w = World::with(small());
    let track = name("match", "poses");
    let (publisher, ..) = w.joined(&track, class(DeliveryClass::Latest));
    let slow = w.client_with(narrow(), Vec::new());
    let id = w.subscribe(slow, &track, largest());
    assert!(matches!(w.response(slow, id), Response::SubscribeOk(_)));
    w.clients.get_mut(&slow).expect("it is here").reads = false;
    for group in 1..=200 {
        w.send_group(publisher, group, &[&KILOBYTE]);
    }
    let stats = w.stats();
    assert_eq!(stats.requests.too_far_behind, 0);
    assert!(stats.drops.replaced > 100, "{:?}", stats.drops);
    w.clients.get_mut(&slow).expect("it is here").reads = true;
    w.run();
    let groups = w.take(slow, |event| match event {
        SessionEvent::SubgroupOpened { header, .. } => Some(header.group),
        _ => None,
    });
    assert_eq!(groups.iter().max(), Some(&200), "the newest always arrives");
    assert!(groups.len() < 50, "it skips: {}", groups.len());
}

#[test]
fn datagrams_pass_with_all_fields_and_a_full_queue_drops_the_oldest() {
    let mut w = World::new();
    let track = name("match", "input");
    let (publisher, fast, ..) = w.joined(&track, class(DeliveryClass::Datagram));
    let memory = MemoryConfig {
        datagram_queue: 4,
        ..MemoryConfig::default()
    };
    let slow = w.client_with(memory, Vec::new());
    w.subscribe(slow, &track, largest());
    w.clients.get_mut(&slow).expect("it is here").reads = false;
    let sent = ObjectDatagram {
        track_alias: 7,
        group: 1,
        object: 3,
        priority: Some(5),
        end_of_group: true,
        properties: Properties::builder().varint(0x38F2, 1).build(),
        payload: Bytes::from_static(b"left"),
        ..ObjectDatagram::default()
    };
    let first = sent.clone();
    w.with_client(publisher, |s, t, _| s.send_datagram(t, &first))
        .expect("sent");
    let got = w.take(fast, |event| match event {
        SessionEvent::Datagram { datagram, .. } => Some(datagram.clone()),
        _ => None,
    });
    let expected = ObjectDatagram {
        track_alias: got[0].track_alias,
        ..sent
    };
    assert_eq!(got, [expected]);
    for group in 2..=600 {
        let datagram = ObjectDatagram {
            track_alias: 7,
            group,
            payload: Bytes::from_static(b"x"),
            ..ObjectDatagram::default()
        };
        w.with_client(publisher, |s, t, _| s.send_datagram(t, &datagram))
            .expect("sent");
    }
    let stats = w.stats();
    assert!(stats.drops.datagram_queue > 0, "{:?}", stats.drops);
    assert_eq!(stats.requests.too_far_behind, 0);
    w.clients.get_mut(&slow).expect("it is here").reads = true;
    w.run();
    let groups = w.take(slow, |event| match event {
        SessionEvent::Datagram { datagram, .. } => Some(datagram.group),
        _ => None,
    });
    assert_eq!(groups.last(), Some(&600));
    assert!(groups.len() < 599);
}

#[test]
fn late_joiners_get_the_rest_of_the_group_on_a_stream_that_says_so() {
    let mut w = World::new();
    let track = name("match", "world");
    let (publisher, ..) = w.joined(&track, class(DeliveryClass::Reliable));
    let header = SubgroupHeader {
        track_alias: 7,
        group: 1,
        end_of_group: true,
        first_object: true,
        ..SubgroupHeader::default()
    };
    let object = |object, payload: &'static [u8]| SubgroupObject {
        object,
        payload: Bytes::from_static(payload),
        ..SubgroupObject::default()
    };
    let stream = w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        s.write_object(t, stream, &object(0, b"key")).expect("room");
        stream
    });
    let late = w.client();
    let id = w.subscribe(late, &track, largest());
    let Response::SubscribeOk(ok) = w.response(late, id) else {
        panic!()
    };
    assert_eq!(ok.params.largest_object, Some(at(1, 0)));
    w.with_client(publisher, |s, t, _| {
        s.write_object(t, stream, &object(1, b"delta"))
            .expect("room");
        s.finish_stream(t, stream);
    });
    let headers = w.take(late, |event| match event {
        SessionEvent::SubgroupOpened { header, .. } => Some(header.first_object),
        _ => None,
    });
    assert_eq!(headers, [false]);
    let ids = w.take(late, |event| match event {
        SessionEvent::Object { object, .. } => Some(object.object),
        _ => None,
    });
    assert_eq!(ids, [1]);
    // What it missed is in the cache.
    let range = FetchRange::RelativeJoining {
        request_id: id.0,
        groups: 0,
    };
    let fetch = w.fetch(late, range, Parameters::default());
    assert_eq!(w.fetched(late, fetch), "1.0=key");
}

#[test]
fn a_reset_upstream_is_a_reset_downstream() {
    let mut w = World::new();
    let track = name("match", "x");
    let (publisher, subscriber, ..) = w.joined(&track, Properties::empty());
    let header = SubgroupHeader {
        track_alias: 7,
        group: 1,
        ..SubgroupHeader::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        let object = SubgroupObject {
            payload: "a".into(),
            ..SubgroupObject::default()
        };
        s.write_object(t, stream, &object).expect("room");
        stream
    });
    let stream = w.with_client(publisher, |s, t, _| {
        let header = SubgroupHeader { group: 2, ..header };
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        let object = SubgroupObject {
            payload: "b".into(),
            ..SubgroupObject::default()
        };
        s.write_object(t, stream, &object).expect("room");
        stream
    });
    w.with_client(publisher, |s, t, _| {
        s.reset_stream(t, stream, stream_codes::DELIVERY_TIMEOUT)
    });
    let ends = w.take(subscriber, |event| match event {
        SessionEvent::StreamEnded { end, .. } => Some(format!("{end:?}")),
        _ => None,
    });
    assert_eq!(ends, ["Reset { code: 2, truncated: false }"]);
    w.lose(publisher);
    let ends = w.take(subscriber, |event| match event {
        SessionEvent::StreamEnded { end, .. } => Some(format!("{end:?}")),
        _ => None,
    });
    assert_eq!(
        ends,
        ["Reset { code: 1, truncated: false }"],
        "cut with the connection"
    );
}

/// Opens a group of one object as publisher with alias 7; the object is still to come.
fn begin_group(w: &mut World, publisher: ConnId, group: u64) -> StreamId {
    let header = SubgroupHeader {
        track_alias: 7,
        group,
        end_of_group: true,
        first_object: true,
        ..SubgroupHeader::default()
    };
    w.with_client(publisher, |s, t, _| {
        let stream = s.open_subgroup(t, &header, 0).expect("a stream");
        s.send_header(t, stream);
        stream
    })
}

fn end_group(w: &mut World, publisher: ConnId, stream: StreamId, payload: &'static [u8]) {
    let object = SubgroupObject {
        payload: Bytes::from_static(payload),
        ..SubgroupObject::default()
    };
    w.with_client(publisher, |s, t, _| {
        s.write_object(t, stream, &object).expect("room");
        s.finish_stream(t, stream);
    });
}

fn opened(w: &World, conn: ConnId) -> Vec<u64> {
    let group = |event: &SessionEvent| match event {
        SessionEvent::SubgroupOpened { header, .. } => Some(header.group),
        _ => None,
    };
    w.clients[&conn].events.iter().filter_map(group).collect()
}

#[test]
fn a_group_is_known_downstream_before_its_first_object_is_whole() {
    for properties in [class(DeliveryClass::Reliable), Properties::empty()] {
        let mut w = World::new();
        let track = name("match", "world");
        let (publisher, early, ..) = w.joined(&track, properties);
        w.send_group(publisher, 1, &[b"a"]);
        let large = begin_group(&mut w, publisher, 2);
        let late = w.client();
        w.subscribe(late, &track, largest());
        w.run();
        w.send_group(publisher, 3, &[b"c"]);
        assert_eq!(opened(&w, early), [1, 2, 3]);
        assert_eq!(opened(&w, late), [2, 3]);
        end_group(&mut w, publisher, large, b"b");
        assert_eq!(w.objects(early), ["1.0=a", "3.0=c", "2.0=b"]);
        assert_eq!(w.objects(late), ["3.0=c", "2.0=b"]);
        assert_eq!(w.stats().queues.bytes, 0);
    }
}

#[test]
fn a_group_that_was_announced_and_is_cut_is_cut_downstream() {
    let mut w = World::new();
    let track = name("match", "world");
    let (publisher, reader, ..) = w.joined(&track, class(DeliveryClass::Reliable));
    let cut = begin_group(&mut w, publisher, 1);
    assert_eq!(opened(&w, reader), [1]);
    w.with_client(publisher, |s, t, _| {
        s.reset_stream(t, cut, stream_codes::CANCELLED);
    });
    let ends = w.take(reader, |event| match event {
        SessionEvent::StreamEnded { end, .. } => Some(*end),
        _ => None,
    });
    assert!(matches!(ends[..], [StreamEnd::Reset { .. }]), "{ends:?}");
    // Another stream brings it after all.
    w.send_group(publisher, 1, &[b"a"]);
    assert_eq!(w.objects(reader), ["1.0=a"]);
}

#[test]
fn updates_that_may_be_skipped_are_not_announced() {
    for of in [DeliveryClass::Latest, DeliveryClass::Deadline] {
        let mut w = World::new();
        let track = name("match", "poses");
        let (publisher, reader, ..) = w.joined(&track, class(of));
        let large = begin_group(&mut w, publisher, 1);
        assert!(opened(&w, reader).is_empty(), "{of:?}");
        end_group(&mut w, publisher, large, b"a");
        assert_eq!(w.objects(reader), ["1.0=a"], "{of:?}");
    }
}
