//! What one session may do in a second, and what it may hold up.

use super::world::*;
use crate::config::{Limits, RelayConfig};
use moqt::bucket::Rate;
use moqt::wire::*;
use std::time::Duration;

fn limited(change: impl FnOnce(&mut Limits)) -> World {
    let mut config = RelayConfig::default();
    change(&mut config.limits);
    World::with(config)
}

fn rate(per_second: u64, burst: u64) -> Rate {
    Rate { per_second, burst }
}

/// Everything of the track `a/x`.
fn everything() -> FetchRange {
    FetchRange::Standalone {
        track: name("a", "x"),
        start: at(1, 0),
        end: at(1_000, 0),
    }
}

#[test]
fn requests_of_every_kind() {
    let mut w = limited(|l| l.request_rate = rate(10, 3));
    let (conn, other) = (w.client(), w.client());
    w.announce(conn, "a");
    let status = Subscribe {
        track: name("a", "x"),
        params: Parameters::default(),
    };
    w.request(conn, Request::TrackStatus(status));
    w.fetch(conn, everything(), Parameters::default());
    let id = w.subscribe(conn, &name("b", "x"), largest());
    let next = w.subscribe(conn, &name("c", "x"), largest());
    // The refusals keep to the rate as well.
    assert!(w.responses(conn, id).is_empty());
    w.advance(Duration::from_millis(100));
    let error = w.error(conn, id);
    assert_eq!(error.code, request_codes::EXCESSIVE_LOAD);
    // One more is owed, and one is to be there.
    assert_eq!(error.retry_after, Some(201), "ms until there is one more");
    assert!(error.reason.contains("slow down"), "{}", error.reason);
    assert!(w.responses(conn, next).is_empty());
    w.announce(other, "c");
    w.advance(Duration::from_millis(100));
    assert_eq!(w.error(conn, next).retry_after, Some(101));
    assert_eq!(w.stats().limits.request_rate, 2);
    w.advance(Duration::from_millis(101));
    w.announce(conn, "d");
    // Waiting ones go with their session.
    for _ in 0..4 {
        w.subscribe(conn, &name("b", "x"), largest());
    }
    w.close(conn, 0);
    w.advance(Duration::from_secs(9));
    assert_eq!(w.stats().sessions.open, 1);
}

#[test]
fn what_publishes() {
    let mut w = limited(|l| l.publish_rate = rate(1, 2));
    let conn = w.client();
    for namespace in ["a", "b"] {
        w.announce(conn, namespace);
    }
    let message = NamespaceRequest {
        namespace: ns("c"),
        params: Parameters::default(),
    };
    let id = w.request(conn, Request::PublishNamespace(message));
    // Other requests go on.
    let range = everything();
    let fetch = w.fetch(conn, range, Parameters::default());
    assert!(w.responses(conn, id).is_empty());
    w.advance(Duration::from_secs(1));
    let error = w.error(conn, id);
    assert_eq!(error.code, request_codes::EXCESSIVE_LOAD);
    assert_eq!(error.retry_after, Some(1_001));
    assert_eq!(w.stats().limits.publish_rate, 1);
    w.advance(Duration::from_secs(10));
    assert_ne!(w.error(conn, fetch).code, request_codes::EXCESSIVE_LOAD);
}

#[test]
fn fetches_wait_for_their_rate_and_are_whole() {
    // One fetch costs 16 KiB and its objects: after two, about one a second.
    let mut w = limited(|l| l.fetch_bytes_rate = rate(20_000, 40_000));
    let (publisher, _, _, _) = w.joined(&name("a", "x"), Properties::empty());
    w.send_group(publisher, 1, &[b"one", b"two"]);
    let (greedy, other) = (w.client(), w.client());
    let ids: Vec<_> = (0..6)
        .map(|_| w.fetch(greedy, everything(), Parameters::default()))
        .collect();
    let done = |w: &mut World, conn, ids: &[_]| {
        let texts = ids.iter().map(|id| w.fetched(conn, *id));
        texts
            .filter(|text| text.starts_with("1.0=one 1.1=two"))
            .count()
    };
    assert_eq!(done(&mut w, greedy, &ids), 2);
    assert!(w.stats().limits.fetch_rate > 0);
    let id = w.fetch(other, everything(), Parameters::default());
    assert_eq!(done(&mut w, other, &[id]), 1, "its own rate");
    let mut rest = 0;
    for _ in 0..60 {
        w.advance(Duration::from_millis(100));
        rest += done(&mut w, greedy, &ids);
    }
    assert_eq!(rest, 4);
    // What waits is forgotten with its session.
    for _ in 0..6 {
        w.fetch(other, everything(), Parameters::default());
    }
    w.close(other, 0);
    w.advance(Duration::from_secs(5));
    assert_eq!(w.stats().sessions.open, 3);
}

#[test]
fn a_large_fetch_lets_others_through_between_its_pieces() {
    static LARGE: [u8; 60_000] = [b'x'; 60_000];
    let mut w = limited(|l| l.fetch_bytes_rate = Rate::UNLIMITED);
    let (publisher, _, _, _) = w.joined(&name("a", "x"), Properties::empty());
    for group in 1..=20 {
        w.send_group(publisher, group, &[&LARGE]);
    }
    let (greedy, other) = (w.client(), w.client());
    let large = w.fetch(greedy, everything(), Parameters::default());
    let small = FetchRange::Standalone {
        track: name("a", "x"),
        start: at(20, 0),
        end: at(20, 1),
    };
    let small = w.fetch(other, small, Parameters::default());
    let count = |text: String| text.matches('=').count();
    assert_eq!(count(w.fetched(other, small)), 1);
    assert_eq!(count(w.fetched(greedy, large)), 20);
}
