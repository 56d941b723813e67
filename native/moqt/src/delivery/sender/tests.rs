//! Senders over a real session: the peer's session says what arrives.

mod announced;
mod waiting;

use super::*;
use crate::delivery::info::TrackInfo;
use crate::delivery::{OutObject, StreamOwners};
use crate::memory::{pair, MemoryConfig, MemoryTransport};
use crate::session::{RequestId, Session, SessionConfig, SessionEvent, StreamEnd};
use crate::wire::message::{Request, Response, Subscribe, SubscribeOk};
use crate::wire::name::{FullTrackName, Namespace};
use crate::wire::object::{ObjectStatus, SubgroupHeader, SubgroupId};
use crate::wire::params::SubscriptionFilter;
use crate::wire::properties::Properties;
use bytes::Bytes;

const MS: Duration = Duration::from_millis(1);

struct Bench {
    now: Instant,
    ours: Session,
    our_end: MemoryTransport,
    theirs: Session,
    their_end: MemoryTransport,
    owners: StreamOwners,
    sender: Sender,
    /// The peer's events are not taken.
    deaf: bool,
    got: Vec<String>,
    headers: Vec<SubgroupHeader>,
    request: RequestId,
}

fn settle(session: &mut Session, t: &mut MemoryTransport, now: Instant) -> bool {
    let mut any = false;
    while let Some(event) = t.poll_event() {
        session.handle(now, t, event);
        any = true;
    }
    any
}

impl Bench {
    fn new(info: TrackInfo, params: Parameters, largest: Option<Location>) -> Self {
        Bench::over(MemoryConfig::default(), info, params, largest)
    }

    fn of(class: DeliveryClass) -> Self {
        let info = TrackInfo::of_class(class, 128, 200 * MS);
        Bench::new(info, Parameters::default(), None)
    }

    fn over(
        memory: MemoryConfig,
        info: TrackInfo,
        params: Parameters,
        largest: Option<Location>,
    ) -> Self {
        let now = Instant::now();
        let (mut our_end, mut their_end) = pair(memory);
        let mut ours = Session::new(SessionConfig::server());
        let mut theirs = Session::new(SessionConfig {
            path: Some("/".into()),
            authority: Some("test".into()),
            ..SessionConfig::client()
        });
        ours.start(now, &mut our_end);
        theirs.start(now, &mut their_end);
        let namespace = Namespace::new([Bytes::from_static(b"n")]).expect("valid");
        let track = FullTrackName::new(namespace, "t").expect("valid");
        let subscribe = Subscribe {
            track,
            params: params.clone(),
        };
        let request = theirs
            .request(now, &mut their_end, Request::Subscribe(subscribe))
            .expect("sends");
        while settle(&mut ours, &mut our_end, now) | settle(&mut theirs, &mut their_end, now) {}
        let mut id = None;
        while let Some(event) = ours.poll_event() {
            if let SessionEvent::Request { id: of, .. } = event {
                id = Some(of);
            }
        }
        let alias = ours.next_alias();
        let ok = SubscribeOk {
            track_alias: alias,
            ..SubscribeOk::default()
        };
        ours.respond(&mut our_end, id.expect("asked"), Response::SubscribeOk(ok))
            .expect("answers");
        let config =
            SenderConfig::from_subscribe(7, alias, info, &params, largest).expect("in range");
        let mut bench = Bench {
            now,
            ours,
            our_end,
            theirs,
            their_end,
            owners: StreamOwners::default(),
            sender: Sender::new(config),
            deaf: false,
            got: Vec::new(),
            headers: Vec::new(),
            request,
        };
        bench.run();
        bench.got.clear();
        bench
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut Sender, Instant, &mut Outlet<'_>) -> R) -> R {
        let mut out = Outlet {
            session: &mut self.ours,
            transport: &mut self.our_end,
            owners: &mut self.owners,
        };
        act(&mut self.sender, self.now, &mut out)
    }

    fn run(&mut self) {
        for _ in 0..10_000 {
            self.with(|sender, now, out| sender.pump(now, out));
            let mut any = settle(&mut self.ours, &mut self.our_end, self.now);
            while let Some(event) = self.ours.poll_event() {
                let (stream, signal) = match event {
                    SessionEvent::Writable { stream } => (stream, StreamSignal::Writable),
                    SessionEvent::Acked { stream } => (stream, StreamSignal::Acked),
                    SessionEvent::Stopped { stream, .. } => (stream, StreamSignal::Stopped),
                    _ => continue,
                };
                assert_eq!(self.owners.get(stream), Some(7));
                self.with(|sender, now, out| sender.on_stream(now, signal, stream, out));
            }
            if !self.deaf {
                any |= settle(&mut self.theirs, &mut self.their_end, self.now);
                self.read();
            }
            if !any {
                return;
            }
        }
        panic!("never quiet");
    }

    /// The peer takes what is there now, and nothing after that.
    fn glimpse(&mut self) {
        self.deaf = true;
        self.run();
        settle(&mut self.theirs, &mut self.their_end, self.now);
        self.read();
    }

    fn read(&mut self) {
        while let Some(event) = self.theirs.poll_event() {
            match event {
                SessionEvent::SubgroupOpened { header, .. } => self.headers.push(header),
                SessionEvent::Object { object, .. } => {
                    let text = match object.status {
                        ObjectStatus::Normal => String::from_utf8_lossy(&object.payload).into(),
                        other => format!("{other:?}"),
                    };
                    self.got.push(text);
                }
                SessionEvent::Datagram { datagram, .. } => {
                    self.got
                        .push(String::from_utf8_lossy(&datagram.payload).into());
                }
                SessionEvent::StreamEnded { end, .. } => self.got.push(match end {
                    StreamEnd::Fin => "fin".into(),
                    StreamEnd::Reset { code, .. } => format!("reset {code}"),
                    StreamEnd::TooLarge => "too large".into(),
                }),
                _ => {}
            }
        }
    }

    fn push(&mut self, object: OutObject) {
        self.sender.push(&SharedObject::new(object));
    }

    fn object(&mut self, group: u64, subgroup: u64, object: u64, payload: &str) {
        let object = object_of(self.now, group, subgroup, object, payload);
        self.push(object);
    }

    fn fin(&mut self, group: u64, subgroup: u64) {
        self.sender
            .end_subgroup(self.now, group, subgroup, SubgroupEnd::Fin);
    }

    fn update(&mut self, group: u64, payload: &str) {
        self.object(group, 0, 0, payload);
        self.fin(group, 0);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.with(|sender, now, out| sender.on_timeout(now, out));
        self.run();
    }
}

fn object_of(now: Instant, group: u64, subgroup: u64, object: u64, payload: &str) -> OutObject {
    OutObject {
        group,
        subgroup,
        object,
        status: ObjectStatus::Normal,
        priority: None,
        properties: Properties::empty(),
        payload: Bytes::copy_from_slice(payload.as_bytes()),
        datagram: false,
        first: object == 0,
        end_of_group: true,
        with_properties: false,
        received: now,
    }
}

#[test]
fn subgroups_of_others_are_forwarded_as_they_came() {
    let mut b = Bench::new(TrackInfo::default(), Parameters::default(), None);
    let mut first = object_of(b.now, 5, 9, 3, "a");
    first.first = false;
    first.end_of_group = false;
    first.priority = Some(4);
    first.with_properties = true;
    b.push(first.clone());
    b.run();
    first.object = 4;
    first.properties = Properties::builder().varint(0x3E, 0).build();
    first.payload = Bytes::from_static(b"b");
    b.push(first.clone());
    first.object = 8;
    first.status = ObjectStatus::EndOfGroup;
    first.properties = Properties::empty();
    first.payload = Bytes::new();
    b.push(first);
    b.fin(5, 9);
    b.run();
    assert_eq!(b.got, ["a", "b", "EndOfGroup", "fin"]);
    let header = b.headers[0];
    assert_eq!(
        (header.group, header.subgroup),
        (5, SubgroupId::Explicit(9))
    );
    assert_eq!(header.priority, Some(4));
    assert!(header.has_properties && !header.first_object && !header.end_of_group);
    assert_eq!(b.sender.stats().streams, 1);
    assert!(b.sender.is_acked());
    assert!(b.owners.is_empty());
}

#[test]
fn the_filter_and_the_forward_state_are_respected() {
    let params = Parameters {
        filter: Some(SubscriptionFilter::AbsoluteRange {
            start: Location::new(2, 1),
            end_group: 3,
        }),
        ..Parameters::default()
    };
    let mut b = Bench::new(TrackInfo::default(), params, Some(Location::new(1, 0)));
    for group in 1..=4 {
        for object in 0..2 {
            b.object(group, 0, object, &format!("{group}.{object}"));
        }
        b.fin(group, 0);
        b.run();
    }
    assert_eq!(b.got, ["2.1", "fin", "3.0", "3.1", "fin"]);
    assert!(!b.headers[0].first_object && b.headers[1].first_object);
    assert!(b.sender.is_past_end() && b.sender.is_drained());

    let mut b = Bench::new(TrackInfo::default(), Parameters::default(), None);
    b.object(1, 0, 0, "a");
    b.run();
    let stop = Parameters {
        forward: Some(false),
        ..Parameters::default()
    };
    b.with(|sender, _, out| sender.update(&stop, None, out))
        .expect("in range");
    b.object(1, 0, 1, "b");
    b.run();
    let go = Parameters {
        forward: Some(true),
        ..Parameters::default()
    };
    b.with(|sender, _, out| sender.update(&go, None, out))
        .expect("in range");
    b.object(1, 0, 2, "c");
    b.run();
    assert_eq!(b.got, ["a", "reset 1", "c"]);
    let over = Parameters {
        filter: Some(SubscriptionFilter::AbsoluteRange {
            start: Location::new(0, 0),
            end_group: 0,
        }),
        ..Parameters::default()
    };
    let largest = Some(Location::new(1, 2));
    assert_eq!(
        b.with(|sender, _, out| sender.update(&over, largest, out)),
        Err(RangeOver)
    );
}

#[test]
fn a_stopped_subgroup_is_not_continued() {
    let mut b = Bench::new(TrackInfo::default(), Parameters::default(), None);
    b.object(1, 0, 0, "a");
    b.run();
    b.theirs
        .cancel(&mut b.their_end, b.request, stream_codes::CANCELLED);
    b.run();
    b.object(1, 0, 1, "b");
    b.run();
    assert_eq!(b.got, ["a"]);
    b.fin(1, 0);
    assert!(b.sender.is_acked());
}

#[test]
fn a_cut_upstream_is_cut_downstream_after_what_came() {
    let mut b = Bench::new(TrackInfo::default(), Parameters::default(), None);
    b.object(1, 0, 0, "a");
    b.run();
    b.sender.end_subgroup(b.now, 1, 0, SubgroupEnd::Reset(9));
    b.run();
    assert_eq!(b.got, ["a", "reset 9"]);
    assert!(b.sender.is_drained());
}

#[test]
fn finishing_sends_what_is_there() {
    let mut b = Bench::of(DeliveryClass::Reliable);
    b.update(1, "a");
    b.sender.finish(b.now);
    b.update(2, "b");
    assert!(!b.sender.is_drained());
    b.run();
    assert_eq!(b.got, ["a", "fin"]);
    assert!(b.sender.is_drained() && b.sender.is_acked());
}

#[test]
fn encodings_are_shared_between_senders_with_one_alias() {
    let object = SharedObject::new(object_of(Instant::now(), 1, 0, 0, "payload"));
    let profile = crate::wire::profile::Draft::default().profile();
    let one = encode::framed(profile, &object, Some(3), None, false).expect("encodes");
    let two = encode::framed(profile, &object, Some(3), None, false).expect("encodes");
    assert_eq!(one.bytes.as_ptr(), two.bytes.as_ptr());
    let other = encode::framed(profile, &object, Some(4), None, false).expect("encodes");
    assert_ne!(one.bytes, other.bytes);
    let one = encode::datagram(profile, &object, 3);
    let two = encode::datagram(profile, &object, 3);
    assert_eq!(one.as_ptr(), two.as_ptr());
    assert_ne!(encode::datagram(profile, &object, 4), one);
}
