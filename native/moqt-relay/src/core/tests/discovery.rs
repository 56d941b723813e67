//! PUBLISH_NAMESPACE, SUBSCRIBE_NAMESPACE, SUBSCRIBE_TRACKS.

use super::world::*;
use moqt::memory::MemoryConfig;
use moqt::session::{RequestEnd, RequestId};
use moqt::wire::*;
use moqt_net::ConnId;

fn follow(w: &mut World, conn: ConnId, prefix: Namespace) -> RequestId {
    let message = NamespaceRequest {
        namespace: prefix,
        params: Parameters::default(),
    };
    w.request(conn, Request::SubscribeNamespace(message))
}

fn follow_tracks(w: &mut World, conn: ConnId, prefix: &str) -> RequestId {
    let message = NamespaceRequest {
        namespace: ns(prefix),
        params: Parameters::default(),
    };
    w.request(conn, Request::SubscribeTracks(message))
}

fn heard(w: &mut World, conn: ConnId, id: RequestId) -> Vec<String> {
    let mut words: Vec<String> = w
        .responses(conn, id)
        .into_iter()
        .map(|response| match response {
            Response::RequestOk(_) => "ok".into(),
            Response::Namespace(suffix) => format!("+{suffix}"),
            Response::NamespaceDone(suffix) => format!("-{suffix}"),
            Response::PublishBlocked { suffix } => format!("blocked {suffix}"),
            other => format!("{other:?}"),
        })
        .collect();
    words.sort();
    words
}

#[test]
fn namespaces_come_and_go_with_their_publishers() {
    let mut w = World::new();
    let (one, two, watcher) = (w.client(), w.client(), w.client());
    w.announce(one, "match/1");
    let id = follow(&mut w, watcher, ns("match"));
    assert_eq!(heard(&mut w, watcher, id), ["+1", "ok"]);
    let second = w.announce(two, "match/2");
    w.announce(two, "other");
    assert_eq!(heard(&mut w, watcher, id), ["+2"]);
    // The same namespace from another publisher is no news, nor is the first one's leaving.
    w.announce(two, "match/1");
    w.close(one, 0);
    assert!(heard(&mut w, watcher, id).is_empty());
    w.with_client(two, |s, t, _| s.cancel(t, second, stream_codes::CANCELLED));
    assert_eq!(heard(&mut w, watcher, id), ["-2"]);
    w.lose(two);
    assert_eq!(heard(&mut w, watcher, id), ["-1"]);
    assert_eq!(w.stats().namespaces_open, 0);
}

#[test]
fn a_publisher_hears_its_own_namespaces_and_the_empty_prefix_matches_all() {
    let mut w = World::new();
    let conn = w.client();
    let id = follow(&mut w, conn, Namespace::default());
    w.announce(conn, "a/b");
    assert_eq!(heard(&mut w, conn, id), ["+a-b", "ok"]);
}

#[test]
fn overlapping_prefixes_of_one_session_are_refused_by_kind() {
    let mut w = World::new();
    let conn = w.client();
    let first = follow(&mut w, conn, ns("match/1"));
    assert_eq!(heard(&mut w, conn, first), ["ok"]);
    for prefix in ["match", "match/1", "match/1/x"] {
        let id = follow(&mut w, conn, ns(prefix));
        assert_eq!(
            w.error(conn, id).code,
            request_codes::PREFIX_OVERLAP,
            "{prefix}"
        );
    }
    let id = follow(&mut w, conn, ns("match/2"));
    assert_eq!(
        heard(&mut w, conn, id),
        ["ok"],
        "a neighbour does not overlap"
    );
    let id = follow_tracks(&mut w, conn, "match");
    assert_eq!(
        heard(&mut w, conn, id),
        ["ok"],
        "the other kind does not overlap"
    );
    let other = w.client();
    let id = follow(&mut w, other, ns("match"));
    assert_eq!(heard(&mut w, other, id), ["ok"], "nor does another session");
}

#[test]
fn a_prefix_can_be_moved() {
    let mut w = World::new();
    let (publisher, watcher) = (w.client(), w.client());
    w.announce(publisher, "match/1");
    w.announce(publisher, "lobby/9");
    let id = follow(&mut w, watcher, ns("match"));
    assert_eq!(heard(&mut w, watcher, id), ["+1", "ok"]);
    let params = Parameters {
        namespace_prefix: Some(ns("lobby")),
        ..Parameters::default()
    };
    w.with_client(watcher, |s, t, now| s.update(now, t, id, params))
        .expect("an update");
    assert_eq!(heard(&mut w, watcher, id), ["+9"]);
    w.announce(publisher, "lobby/10");
    w.announce(publisher, "match/2");
    assert_eq!(heard(&mut w, watcher, id), ["+10"]);
    let taken = follow(&mut w, watcher, ns("match"));
    assert_eq!(heard(&mut w, watcher, taken).len(), 3);
    let params = Parameters {
        namespace_prefix: Some(ns("match/1")),
        ..Parameters::default()
    };
    w.with_client(watcher, |s, t, now| s.update(now, t, id, params))
        .expect("an update");
    assert!(
        matches!(
            w.ends(watcher)[..],
            [RequestEnd::Rejected | RequestEnd::Finished, ..]
        ),
        "a failed update ends the request"
    );
}

fn publish(w: &mut World, conn: ConnId, track: FullTrackName, alias: u64) -> RequestId {
    let publish = Publish {
        track,
        track_alias: alias,
        params: Parameters::default(),
        properties: Properties::builder().varint(0x38F0, 5).build(),
    };
    w.request(conn, Request::Publish(publish))
}

#[test]
fn published_tracks_are_offered_to_those_who_follow_the_prefix() {
    let mut w = World::new();
    let (publisher, early, late) = (w.client(), w.client(), w.client());
    let id = follow_tracks(&mut w, early, "match");
    assert_eq!(heard(&mut w, early, id), ["ok"]);
    let id = follow_tracks(&mut w, publisher, "match");
    assert_eq!(heard(&mut w, publisher, id), ["ok"]);
    publish(&mut w, publisher, name("match/1", "events"), 7);
    publish(&mut w, publisher, name("other", "events"), 8);
    let id = follow_tracks(&mut w, late, "match");
    assert_eq!(heard(&mut w, late, id), ["ok"]);
    assert!(
        w.requests(publisher).is_empty(),
        "nobody is offered what it publishes"
    );
    for conn in [early, late] {
        let mut offers = w.requests(conn);
        assert_eq!(offers.len(), 1);
        let (offer, Request::Publish(offered)) = offers.remove(0) else {
            panic!("not an offer")
        };
        assert_eq!(offered.track, name("match/1", "events"));
        assert_eq!(offered.properties.varint(0x38F0), Some(5));
        let ok = Response::RequestOk(RequestOk::default());
        w.with_client(conn, |s, t, _| s.respond(t, offer, ok))
            .expect("accepted");
    }
    w.send_group(publisher, 1, &[b"a"]);
    assert_eq!(w.objects(early), ["1.0=a"]);
    assert_eq!(w.objects(late), ["1.0=a"]);
    assert_eq!(w.stats().subscriptions_open, 2);
}

#[test]
fn without_streams_an_offer_becomes_publish_blocked() {
    let mut w = World::new();
    let publisher = w.client();
    let memory = MemoryConfig {
        bi_streams: 1,
        ..MemoryConfig::default()
    };
    let conn = w.client_with(memory, Vec::new());
    let id = follow_tracks(&mut w, conn, "match");
    assert_eq!(heard(&mut w, conn, id), ["ok"]);
    publish(&mut w, publisher, name("match/1", "a"), 7);
    publish(&mut w, publisher, name("match/1", "b"), 8);
    assert_eq!(w.requests(conn).len(), 1, "one stream, one offer");
    let blocked = heard(&mut w, conn, id);
    assert_eq!(blocked, ["blocked 1--b"]);
}

#[test]
fn a_track_that_waits_for_rendezvous_is_not_offered_as_well() {
    let mut w = World::new();
    let (publisher, conn) = (w.client(), w.client());
    let id = follow_tracks(&mut w, conn, "match");
    assert_eq!(heard(&mut w, conn, id), ["ok"]);
    let params = Parameters {
        rendezvous_timeout: Some(5_000),
        ..largest()
    };
    let waiting = w.subscribe(conn, &name("match", "x"), params);
    publish(&mut w, publisher, name("match", "x"), 7);
    assert!(matches!(
        w.response(conn, waiting),
        Response::SubscribeOk(_)
    ));
    assert!(w.requests(conn).is_empty());
}
