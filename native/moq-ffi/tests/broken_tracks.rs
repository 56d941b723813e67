//! T2 and T5 against a publisher under the test's control: groups that arrive out of order, and
//! objects that are cut short.

#[path = "support/ffi.rs"]
mod ffi;
#[path = "support/peer.rs"]
mod peer;

use bytes::{Bytes, BytesMut};
use ffi::Client;
use moq_ffi::record::*;
use moqt::delivery::{DeliveryClass, TrackInfo};
use moqt::session::{RequestId, Session, SessionConfig, SessionEvent};
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt::wire::{
    request_codes, Parameters, Request, RequestError, Response, SubgroupHeader, SubgroupId,
    SubgroupObject, SubgroupState, SubscribeOk,
};
use peer::{Peer, Script};
use std::time::{Duration, Instant};

const ALIAS: u64 = 5;
const SUBSCRIBE: &str = r#"{"namespace":"a","name":"b","start":"next"}"#;

/// How a stream of the test's own ends.
enum End {
    Fin,
    /// Cut after so many bytes, with a reset or, against all rules, with FIN.
    Cut {
        keep: usize,
        reset: bool,
    },
}

/// Accepts one subscription to a reliable track, then sends one stream every 10 ms.
struct Publisher {
    session: Session,
    accepted: Option<u32>,
    /// Group, its objects, the end of its stream.
    streams: Vec<(u64, Vec<&'static str>, End)>,
    reset_later: Option<StreamId>,
}

impl Publisher {
    fn new(mut streams: Vec<(u64, Vec<&'static str>, End)>) -> Self {
        streams.reverse();
        let session = Session::new(SessionConfig::server());
        Self {
            session,
            accepted: None,
            streams,
            reset_later: None,
        }
    }

    fn answer(&mut self, t: &mut dyn Transport, id: RequestId, request: &Request) {
        if !matches!(request, Request::Subscribe(_)) {
            let error = RequestError {
                code: request_codes::NOT_SUPPORTED,
                ..RequestError::default()
            };
            return self.session.reject(t, id, error).expect("it is unanswered");
        }
        let info = TrackInfo::of_class(DeliveryClass::Reliable, 128, Duration::ZERO);
        let info = TrackInfo {
            first_group: Some(0),
            ..info
        };
        let ok = SubscribeOk {
            track_alias: ALIAS,
            params: Parameters::default(),
            properties: info.to_properties(),
        };
        self.session
            .respond(t, id, Response::SubscribeOk(ok))
            .expect("it is unanswered");
        self.accepted = Some(0);
    }

    fn send(&mut self, t: &mut dyn Transport, group: u64, objects: &[&'static str], end: &End) {
        let header = SubgroupHeader {
            track_alias: ALIAS,
            group,
            subgroup: SubgroupId::Zero,
            priority: None,
            has_properties: false,
            end_of_group: true,
            first_object: true,
        };
        let profile = self.session.profile();
        let mut bytes = BytesMut::new();
        profile.encode_subgroup_header(&header, &mut bytes);
        let mut state = SubgroupState::new(&header);
        for (object, text) in (0..).zip(objects) {
            let payload = Bytes::from_static(text.as_bytes());
            let object = SubgroupObject {
                object,
                payload,
                ..SubgroupObject::default()
            };
            profile
                .encode_subgroup_object(&mut state, &object, &mut bytes)
                .expect("a valid object");
            bytes.extend_from_slice(text.as_bytes());
        }
        let stream = t.open(Dir::Uni).expect("stream credit");
        if let End::Cut { keep, .. } = end {
            bytes.truncate(bytes.len() - objects.last().map_or(0, |text| text.len()) + keep);
        }
        t.write(stream, &mut bytes.freeze())
            .expect("the stream is open");
        match end {
            // Not at once: a reset may overtake the bytes before it.
            End::Cut { reset: true, .. } => self.reset_later = Some(stream),
            End::Fin | End::Cut { .. } => t.finish(stream),
        }
    }
}

impl Script for Publisher {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
        self.session.start(now, t);
    }

    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        self.session.handle(now, t, event);
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Request { id, request, .. } = event {
                self.answer(t, id, &request);
            }
        }
    }

    fn tick(&mut self, _: Instant, t: &mut dyn Transport, _: u32) {
        if let Some(stream) = self.reset_later.take() {
            t.reset(stream, 0);
        }
        if self.accepted.is_none() {
            return;
        }
        if let Some((group, objects, end)) = self.streams.pop() {
            self.send(t, group, &objects, &end);
        }
    }
}

fn objects(client: &Client, handle: u64) -> Vec<(u64, u64, String)> {
    let seen = client.of(handle, MOQ_RECORD_OBJECT);
    seen.iter()
        .map(|seen| (seen.header.group, seen.header.object, seen.text()))
        .collect()
}

fn expected(list: &[(u64, u64, &str)]) -> Vec<(u64, u64, String)> {
    list.iter()
        .map(|(group, object, text)| (*group, *object, (*text).to_owned()))
        .collect()
}

#[test]
fn groups_that_arrive_0_2_1_3_are_delivered_in_order() {
    let peer = Peer::start(Publisher::new(vec![
        (0, vec!["a", "b"], End::Fin),
        (2, vec!["e", "f"], End::Fin),
        (1, vec!["c", "d"], End::Fin),
        (3, vec!["g", "h"], End::Fin),
    ]));
    let mut client = Client::open(&peer.client_options());
    let sub = client.subscribe(SUBSCRIBE);
    client.until("8 objects", |client| objects(client, sub).len() >= 8);
    let all = [
        (0, 0, "a"),
        (0, 1, "b"),
        (1, 0, "c"),
        (1, 1, "d"),
        (2, 0, "e"),
        (2, 1, "f"),
        (3, 0, "g"),
        (3, 1, "h"),
    ];
    assert_eq!(objects(&client, sub), expected(&all));
    assert!(client.of(sub, MOQ_RECORD_GAP).is_empty());
    assert!(
        client.of(sub, MOQ_RECORD_END).is_empty(),
        "the subscription stays open"
    );
}

#[test]
fn an_object_that_is_cut_by_a_reset_is_a_gap_and_is_not_delivered() {
    let peer = Peer::start(Publisher::new(vec![
        (0, vec!["whole"], End::Fin),
        (
            1,
            vec!["first", "cut in the middle"],
            End::Cut {
                keep: 5,
                reset: true,
            },
        ),
        (2, vec!["after"], End::Fin),
    ]));
    let mut client = Client::open(&peer.client_options());
    let sub = client.subscribe(SUBSCRIBE);
    client.until("the group after the cut", |client| {
        objects(client, sub)
            .last()
            .is_some_and(|last| last.2 == "after")
    });
    let all = [(0, 0, "whole"), (1, 0, "first"), (2, 0, "after")];
    assert_eq!(objects(&client, sub), expected(&all));
    let gaps = client.of(sub, MOQ_RECORD_GAP);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0].header.group, gaps[0].header.object), (1, 1));
    assert_eq!(gaps[0].header.code, MOQ_GAP_RESET as u32);
    assert!(
        client.of(sub, MOQ_RECORD_END).is_empty(),
        "the subscription stays open"
    );
}

#[test]
fn an_object_that_is_cut_by_the_end_of_its_stream_is_never_delivered() {
    let peer = Peer::start(Publisher::new(vec![
        (0, vec!["whole"], End::Fin),
        (
            1,
            vec!["cut in the middle"],
            End::Cut {
                keep: 5,
                reset: false,
            },
        ),
    ]));
    let mut client = Client::open(&peer.client_options());
    let sub = client.subscribe(SUBSCRIBE);
    // The draft makes this a protocol violation: the session ends, and says so.
    let end = client.end_of(client.handle);
    assert_eq!(
        end.header.code,
        moq_ffi::error::MOQ_ERROR_PROTOCOL_VIOLATION as u32,
        "{}",
        end.text()
    );
    assert_eq!(objects(&client, sub), expected(&[(0, 0, "whole")]));
    assert_eq!(client.of(sub, MOQ_RECORD_END).len(), 1);
}
