//! Publishers under the test's control: groups that arrive out of order, and objects that are cut short.

use crate::peer::Script;
use bytes::{Bytes, BytesMut};
use moqt::delivery::{DeliveryClass, TrackInfo};
use moqt::session::{RequestId, Session, SessionConfig, SessionEvent};
use moqt::transport::{Dir, StreamId, Transport, TransportEvent};
use moqt::wire::{
    request_codes, Parameters, Request, RequestError, Response, SubgroupHeader, SubgroupId,
    SubgroupObject, SubgroupState, SubscribeOk,
};
use std::time::{Duration, Instant};

const ALIAS: u64 = 5;

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
pub struct Publisher {
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

/// The script of this name.
pub fn named(name: &str) -> Option<Publisher> {
    let cut = |reset| End::Cut { keep: 5, reset };
    Some(Publisher::new(match name {
        "groups-0-2-1-3" => vec![
            (0, vec!["a", "b"], End::Fin),
            (2, vec!["e", "f"], End::Fin),
            (1, vec!["c", "d"], End::Fin),
            (3, vec!["g", "h"], End::Fin),
        ],
        "object-cut-by-reset" => vec![
            (0, vec!["whole"], End::Fin),
            (1, vec!["first", "cut in the middle"], cut(true)),
            (2, vec!["after"], End::Fin),
        ],
        "object-cut-by-fin" => vec![
            (0, vec!["whole"], End::Fin),
            (1, vec!["cut in the middle"], cut(false)),
        ],
        _ => return None,
    }))
}
