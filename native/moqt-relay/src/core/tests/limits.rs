//! Every limit has its error and its counter.

use super::world::*;
use crate::config::{Limits, RelayConfig};
use moqt::memory::MemoryConfig;
use moqt::transport::Dir;
use moqt::wire::*;

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut config = RelayConfig::default();
    change(&mut config.limits);
    World::with(config)
}

#[test]
fn sessions() {
    let mut w = limited(|l| l.sessions = 2);
    let (one, two, three) = (w.client(), w.client(), w.client());
    assert!(w.is_open(one) && w.is_open(two) && !w.is_open(three));
    assert_eq!(w.stats().limits.sessions, 1);
    w.close(one, 0);
    let four = w.client();
    assert!(w.is_open(four));
}

#[test]
fn requests_of_one_session() {
    let mut w = limited(|l| l.requests_per_session = 2);
    let conn = w.client();
    w.announce(conn, "a");
    w.announce(conn, "b");
    let message = NamespaceRequest {
        namespace: ns("c"),
        params: Parameters::default(),
    };
    let id = w.request(conn, Request::PublishNamespace(message));
    assert_eq!(w.error(conn, id).code, request_codes::EXCESSIVE_LOAD);
    assert_eq!(w.stats().limits.requests, 1);
}

#[test]
fn namespaces_tracks_and_subscriptions() {
    let mut w = limited(|l| {
        l.namespaces = 1;
        l.tracks = 1;
        l.subscriptions = 1;
    });
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "a");
    let message = NamespaceRequest {
        namespace: ns("b"),
        params: Parameters::default(),
    };
    let id = w.request(publisher, Request::PublishNamespace(message));
    let error = w.error(publisher, id);
    assert_eq!(error.code, request_codes::EXCESSIVE_LOAD);
    assert!(error.retry_after.is_some());
    let id = w.subscribe(reader, &name("a", "x"), largest());
    let upstream = w.upstream(publisher);
    w.accept(publisher, upstream, Some(at(1, 0)), Properties::empty());
    assert!(matches!(w.response(reader, id), Response::SubscribeOk(_)));
    let other = w.client();
    let id = w.subscribe(other, &name("a", "x"), largest());
    assert!(w.error(other, id).reason.contains("subscriptions"));
    let range = FetchRange::Standalone {
        track: name("a", "y"),
        start: at(0, 0),
        end: at(1, 0),
    };
    let id = w.fetch(other, range, Parameters::default());
    assert!(w.error(other, id).reason.contains("tracks"));
    let limits = w.stats().limits;
    assert_eq!(
        (limits.namespaces, limits.subscriptions, limits.tracks),
        (1, 1, 1)
    );
}

#[test]
fn bytes_that_all_sessions_hold() {
    let mut w = limited(|l| l.session_bytes = 10_000);
    let (small, large, last) = (w.client(), w.client(), w.client());
    // Requests that never end; SUBSCRIBE, 65,535 bytes long.
    let begun = |length: usize| [&[3, 0xFF, 0xFF][..], &vec![0; length]].concat();
    w.raw_stream(small, Dir::Bi, &begun(2_000), false);
    w.raw_stream(large, Dir::Bi, &begun(6_000), false);
    w.run();
    assert!(w.stats().queues.sessions > 8_000);
    assert!(w.is_open(small) && w.is_open(large));
    w.raw_stream(last, Dir::Bi, &begun(3_000), false);
    w.run();
    assert!(w.is_open(small) && !w.is_open(large) && w.is_open(last));
    let stats = w.stats();
    assert_eq!(stats.limits.session_bytes, 1);
    assert!(stats.queues.sessions < 6_000, "{}", stats.queues.sessions);
    assert_eq!(stats.sessions.closed_by_code["INTERNAL_ERROR"], 1);
    w.close(small, 0);
    w.close(last, 0);
    assert_eq!(w.stats().queues.sessions, 0);
}

#[test]
fn matches_of_a_prefix() {
    let mut w = limited(|l| l.matches_per_prefix = 2);
    let (publisher, watcher) = (w.client(), w.client());
    for namespace in ["m/1", "m/2", "m/3"] {
        w.announce(publisher, namespace);
    }
    let message = NamespaceRequest {
        namespace: ns("m"),
        params: Parameters::default(),
    };
    let id = w.request(watcher, Request::SubscribeNamespace(message));
    assert_eq!(
        w.error(watcher, id).code,
        request_codes::NAMESPACE_TOO_LARGE
    );
    assert_eq!(w.stats().limits.matches, 1);
}

#[test]
fn fetches_of_one_session() {
    let mut w = limited(|l| l.fetches_per_session = 1);
    let (publisher, reader) = (w.client(), w.client());
    w.announce(publisher, "a");
    let range = FetchRange::Standalone {
        track: name("a", "x"),
        start: at(0, 0),
        end: at(1, 0),
    };
    w.fetch(reader, range.clone(), Parameters::default());
    let id = w.fetch(reader, range, Parameters::default());
    assert_eq!(w.error(reader, id).code, request_codes::EXCESSIVE_LOAD);
    assert_eq!(w.stats().limits.fetches, 1);
}

#[test]
fn the_cache_of_all_tracks() {
    let mut w = limited(|l| {
        l.cache_bytes = 64 << 10;
        l.cache_bytes_per_track = 48 << 10;
    });
    static KILOBYTE: [u8; 1_024] = [b'x'; 1_024];
    let mut publishers = Vec::new();
    for namespace in ["a", "b", "c"] {
        publishers.push(w.joined(&name(namespace, "x"), Properties::empty()).0);
    }
    for group in 1..=60 {
        for &publisher in &publishers {
            w.send_group(publisher, group, &[&KILOBYTE]);
        }
        assert!(w.stats().cache.bytes <= 64 << 10);
    }
    let stats = w.stats();
    assert!(stats.cache.bytes > 32 << 10);
    assert!(stats.cache.evicted_bytes > 0);
    let sum: u64 = stats.tracks.iter().map(|t| t.cache_bytes).sum();
    assert_eq!(sum, stats.cache.bytes, "the total is exact");
}

#[test]
fn bytes_waiting_for_all_subscribers() {
    let mut w = limited(|l| l.queue_bytes = 40 << 10);
    static KILOBYTE: [u8; 1_024] = [b'x'; 1_024];
    let track = name("a", "x");
    let (publisher, ..) = w.joined(&track, Properties::empty());
    let memory = MemoryConfig {
        stream_window: 1_024,
        uni_streams: 4,
        ..MemoryConfig::default()
    };
    for _ in 0..4 {
        let slow = w.client_with(memory, Vec::new());
        w.subscribe(slow, &track, largest());
        w.clients.get_mut(&slow).expect("it is here").reads = false;
    }
    for group in 1..=40 {
        w.send_group(publisher, group, &[&KILOBYTE]);
        assert!(w.stats().queues.bytes <= 44 << 10);
    }
    assert!(w.stats().requests.too_far_behind >= 3);
}
