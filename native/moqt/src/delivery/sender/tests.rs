//! Senders over a real session: the peer's session says what arrives.

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
fn what_waits_over_the_bound_is_too_far_behind() {
    for info in [
        TrackInfo::default(),
        TrackInfo::of_class(DeliveryClass::Reliable, 1, MS),
    ] {
        let memory = MemoryConfig {
            stream_window: 1_000,
            ..MemoryConfig::default()
        };
        let mut b = Bench::over(memory, info, Parameters::default(), None);
        b.sender.config.limits.queue_bytes = 10_000;
        b.object(0, 0, 0, &"x".repeat(2_000));
        b.glimpse();
        for n in 0..20 {
            assert!(!b.sender.is_too_far_behind(), "{n}");
            b.object(1, 0, n, &"x".repeat(900));
            b.run();
            if b.sender.is_too_far_behind() {
                break;
            }
        }
        assert!(b.sender.is_too_far_behind());
        b.with(|sender, _, out| sender.close(stream_codes::TOO_FAR_BEHIND, out));
        b.deaf = false;
        b.run();
        assert_eq!(b.got.last().map(String::as_str), Some("reset 5"));
        assert_eq!(b.sender.queued_bytes(), 0);
    }
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
fn exhausted_stream_credit_waits_by_class() {
    let memory = MemoryConfig {
        uni_streams: 3,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Reliable, 128, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.deaf = true;
    for group in 0..6 {
        b.update(group, &group.to_string());
        b.run();
    }
    assert_eq!(b.sender.stats().streams, 2);
    b.deaf = false;
    b.run();
    let objects: Vec<&String> = b.got.iter().filter(|text| *text != "fin").collect();
    assert_eq!(objects, ["0", "1", "2", "3", "4", "5"]);

    let info = TrackInfo::of_class(DeliveryClass::Latest, 128, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.deaf = true;
    for group in 0..6 {
        b.update(group, &group.to_string());
        b.run();
    }
    assert_eq!(b.sender.queued_objects(), 1);
    b.deaf = false;
    b.run();
    let objects: Vec<&String> = b.got.iter().filter(|text| *text != "fin").collect();
    assert_eq!(objects, ["0", "1", "5"]);
    assert_eq!(b.sender.stats().dropped, 3);
}

#[test]
fn deadline_gives_up_what_is_too_old_whether_begun_or_not() {
    let memory = MemoryConfig {
        stream_window: 100,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Deadline, 128, 200 * MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.update(1, &"x".repeat(1_000));
    b.glimpse();
    b.now += 100 * MS;
    b.update(2, "two");
    b.pass(150 * MS);
    assert_eq!(b.sender.stats().reset, 1);
    b.deaf = false;
    b.run();
    assert!(b.got.contains(&"two".to_owned()), "{:?}", b.got);
    assert!(b.got.contains(&"reset 2".to_owned()), "{:?}", b.got);
    assert!(!b.got.contains(&"x".repeat(1_000)));
    assert!(b.sender.is_acked());
}

#[test]
fn delivery_timeouts_of_others_are_honoured() {
    let info = TrackInfo {
        object_timeout: Some(100 * MS),
        ..TrackInfo::default()
    };
    let memory = MemoryConfig {
        stream_window: 100,
        ..MemoryConfig::default()
    };
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.object(1, 0, 0, &"x".repeat(300));
    b.glimpse();
    b.object(1, 0, 1, "late");
    b.run();
    b.pass(150 * MS);
    assert_eq!(b.sender.stats().expired, 1);
    b.object(1, 0, 2, "after");
    b.deaf = false;
    b.run();
    assert_eq!(b.got, ["reset 2"], "the subgroup is not continued");

    let params = Parameters {
        subgroup_delivery_timeout: Some(100),
        ..Parameters::default()
    };
    let mut b = Bench::over(memory, TrackInfo::default(), params, None);
    b.deaf = true;
    b.object(1, 0, 0, &"x".repeat(300));
    b.run();
    b.pass(500 * MS);
    assert_eq!(
        b.sender.stats().reset,
        0,
        "the timer starts at the subgroup's end"
    );
    b.fin(1, 0);
    b.pass(100 * MS);
    assert_eq!(b.sender.stats().reset, 1);
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

fn header(group: u64) -> SubgroupHeader {
    SubgroupHeader {
        group,
        end_of_group: true,
        first_object: true,
        ..SubgroupHeader::default()
    }
}

#[test]
fn an_announced_subgroup_is_known_before_its_first_object() {
    for info in [
        TrackInfo::default(),
        TrackInfo::of_class(DeliveryClass::Reliable, 1, MS),
    ] {
        let mut b = Bench::new(info, Parameters::default(), None);
        let mut large = object_of(b.now, 5, 3, 0, "large");
        large.priority = Some(4);
        let announced = SubgroupHeader {
            priority: Some(4),
            ..header(5)
        };
        b.sender.announce(b.now, &announced, 3);
        b.run();
        assert_eq!(b.headers.len(), 1);
        b.update(6, "small");
        b.run();
        b.push(large.clone());
        large.object = 1;
        large.payload = Bytes::from_static(b"next");
        b.push(large);
        b.fin(5, 3);
        b.run();
        assert_eq!(b.got, ["small", "fin", "large", "next", "fin"]);
        assert_eq!(b.headers.len(), 2, "one stream for each");
        let told = b.headers[0];
        assert_eq!(
            (told.group, told.subgroup, told.priority),
            (5, SubgroupId::Explicit(3), Some(4))
        );
        assert!(told.end_of_group && told.first_object);
        assert!(b.sender.is_acked() && b.owners.is_empty());
    }
}

#[test]
fn an_announced_subgroup_without_an_object_ends_as_it_ended_upstream() {
    let mut b = Bench::of(DeliveryClass::Reliable);
    b.sender.announce(b.now, &header(5), 0);
    b.run();
    b.sender
        .end_subgroup(b.now, 5, 0, SubgroupEnd::Reset(stream_codes::CANCELLED));
    b.run();
    b.sender.announce(b.now, &header(6), 0);
    b.fin(6, 0);
    b.run();
    assert_eq!(
        b.got,
        ["reset 1"],
        "what is over before it began is not told"
    );
    b.sender.announce(b.now, &header(7), 0);
    b.run();
    b.fin(7, 0);
    b.run();
    assert_eq!(b.got, ["reset 1", "fin"]);
    assert!(b.sender.is_acked() && b.owners.is_empty());
}

#[test]
fn only_who_gets_a_group_whole_and_in_order_hears_of_it_early() {
    for class in [
        DeliveryClass::Latest,
        DeliveryClass::Deadline,
        DeliveryClass::Datagram,
    ] {
        let mut b = Bench::of(class);
        b.sender.announce(b.now, &header(5), 0);
        b.run();
        assert_eq!(b.headers, [], "{class:?}");
    }
    let params = Parameters {
        filter: Some(SubscriptionFilter::AbsoluteRange {
            start: Location::new(2, 1),
            end_group: 3,
        }),
        ..Parameters::default()
    };
    let mut b = Bench::new(TrackInfo::default(), params, None);
    for group in 1..5 {
        b.sender.announce(b.now, &header(group), 0);
    }
    b.run();
    let groups: Vec<u64> = b.headers.iter().map(|header| header.group).collect();
    assert_eq!(groups, [3]);
    assert!(
        !b.sender.is_past_end(),
        "the last group may still be coming"
    );
}

#[test]
fn one_object_may_be_larger_than_all_that_may_wait() {
    let memory = MemoryConfig {
        stream_window: 1_000,
        ..MemoryConfig::default()
    };
    let info = TrackInfo::of_class(DeliveryClass::Reliable, 1, MS);
    let mut b = Bench::over(memory, info, Parameters::default(), None);
    b.sender.config.limits.queue_bytes = 10_000;
    let large = "x".repeat(20_000);
    b.update(0, "a");
    b.update(1, &large);
    b.glimpse();
    b.update(2, "b");
    b.glimpse();
    assert!(!b.sender.is_too_far_behind());
    assert!(b.sender.queued_bytes() >= 20_000, "until it is all taken");
    b.deaf = false;
    b.run();
    assert_eq!(b.got.len(), 6);
    assert_eq!(b.sender.queued_bytes(), 0);
    // Others count, whether streams hold them or the sender.
    b.deaf = true;
    for group in 3..7 {
        assert!(!b.sender.is_too_far_behind(), "{group}");
        b.update(group, &large[..3_000]);
        b.run();
    }
    assert!(b.sender.is_too_far_behind());
}
