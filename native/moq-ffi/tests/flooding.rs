//! Relays that flood a client, or starve it: its memory stays bounded, it ends with a clear code or goes
//! on, and it can be closed in the middle of it.

#[path = "support/ffi.rs"]
mod ffi;
#[path = "support/peer.rs"]
mod peer;

use bytes::{Bytes, BytesMut};
use ffi::Client;
use moq_ffi::error::*;
use moq_ffi::record::*;
use moqt::session::{Session, SessionConfig, SessionEvent};
use moqt::transport::{Dir, Transport, TransportEvent};
use moqt::wire::cursor::Writer;
use moqt::wire::{
    Draft, FullTrackName, Namespace, ObjectDatagram, Parameters, Request, Response, SubgroupHeader,
    SubgroupObject, SubgroupState, Subscribe, SubscribeOk, VarintCoding,
};
use peer::{Peer, Script};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The alias under which the subscription of the test was accepted, and one that nobody knows.
const ALIAS: u64 = 5;
const UNKNOWN: u64 = 9;
/// What both ends of a connection in this process may grow by: less than what the flood would fill.
const CEILING: u64 = 160 << 20;

/// [`CEILING`], for tools that keep up to three times as much beside what they watch (ThreadSanitizer):
/// those under which the tests are told to be patient.
fn ceiling() -> u64 {
    if std::env::var_os("MOQ_TEST_PATIENCE").is_some() {
        4 * CEILING
    } else {
        CEILING
    }
}

/// Memory is measured for the whole process.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(Clone, Copy, Debug)]
enum Flood {
    Streams,
    Datagrams,
    Requests,
    HugeObjects,
    PartialObjects,
    PartialRequests,
    WantedDatagrams,
}

/// Behaves until the subscription is there, and floods from then on.
struct Flooder {
    session: Session,
    flood: Flood,
    accepted: bool,
    number: u64,
    done: Arc<AtomicU64>,
}

impl Flooder {
    fn take(&mut self, t: &mut dyn Transport) {
        while let Some(event) = self.session.poll_event() {
            if let SessionEvent::Request {
                id,
                request: Request::Subscribe(_),
                ..
            } = event
            {
                let ok = SubscribeOk {
                    track_alias: ALIAS,
                    ..SubscribeOk::default()
                };
                self.accepted = self
                    .session
                    .respond(t, id, Response::SubscribeOk(ok))
                    .is_ok();
            }
        }
    }

    /// Whether there was room for it.
    fn act(&mut self, now: Instant, t: &mut dyn Transport) -> bool {
        self.number += 1;
        let number = self.number;
        match self.flood {
            Flood::Streams => open(t, Dir::Uni, object(UNKNOWN, number), true),
            Flood::Datagrams => t.send_datagram(datagram(UNKNOWN + number)).is_ok(),
            Flood::WantedDatagrams => t.send_datagram(datagram(ALIAS)).is_ok(),
            Flood::Requests => {
                let namespace = Namespace::new([Bytes::from(format!("{number}"))]);
                let track = FullTrackName::new(namespace.unwrap_or_default(), "x");
                let request = Request::Subscribe(Subscribe {
                    track: track.unwrap_or_default(),
                    params: Parameters::default(),
                });
                self.session.request(now, t, request).is_ok()
            }
            Flood::HugeObjects => open(t, Dir::Uni, begun(number, u64::MAX >> 2), false),
            Flood::PartialObjects => open(t, Dir::Uni, begun(number, 1 << 20), false),
            // SUBSCRIBE, 65,535 bytes long, of which four come.
            Flood::PartialRequests => open(
                t,
                Dir::Bi,
                Bytes::from_static(&[3, 0xFF, 0xFF, 1, 0, 1, 1]),
                false,
            ),
        }
    }
}

impl Script for Flooder {
    fn connected(&mut self, now: Instant, t: &mut dyn Transport) {
        self.session.start(now, t);
    }

    fn event(&mut self, now: Instant, t: &mut dyn Transport, event: TransportEvent) {
        self.session.handle(now, t, event);
        self.take(t);
    }

    fn tick(&mut self, now: Instant, t: &mut dyn Transport, _: u32) {
        for _ in 0..500 {
            if !self.accepted || !self.act(now, t) {
                return;
            }
            self.done.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn open(t: &mut dyn Transport, dir: Dir, mut bytes: Bytes, fin: bool) -> bool {
    let Some(stream) = t.open(dir) else {
        return false;
    };
    let _ = t.write(stream, &mut bytes);
    if fin && bytes.is_empty() {
        t.finish(stream);
    }
    bytes.is_empty()
}

fn header(alias: u64, group: u64) -> (SubgroupHeader, BytesMut) {
    let header = SubgroupHeader {
        track_alias: alias,
        group,
        first_object: true,
        ..SubgroupHeader::default()
    };
    let mut out = BytesMut::new();
    let profile = Draft::Draft18.profile();
    profile.encode_subgroup_header(&header, &mut out);
    (header, out)
}

fn object(alias: u64, group: u64) -> Bytes {
    let (header, mut out) = header(alias, group);
    let object = SubgroupObject {
        payload: Bytes::from_static(&[b'x'; 64]),
        ..SubgroupObject::default()
    };
    Draft::Draft18
        .profile()
        .encode_subgroup_object(&mut SubgroupState::new(&header), &object, &mut out)
        .expect("a first object");
    out.extend_from_slice(&object.payload);
    out.freeze()
}

/// An object that says how long it is, and its first 32 KiB.
fn begun(group: u64, length: u64) -> Bytes {
    let (_, mut out) = header(ALIAS, group);
    let mut w = Writer::new(&mut out, VarintCoding::LeadingOnes);
    w.varint(0);
    w.varint(length);
    w.bytes(&[b'x'; 32 << 10]);
    out.freeze()
}

fn datagram(alias: u64) -> Bytes {
    let datagram = ObjectDatagram {
        track_alias: alias,
        group: 1,
        payload: Bytes::from_static(&[b'x'; 500]),
        ..ObjectDatagram::default()
    };
    let mut out = BytesMut::new();
    Draft::Draft18
        .profile()
        .encode_datagram(&datagram, &mut out)
        .expect("a datagram");
    out.freeze()
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.and_then(|k| k.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

/// Floods a client that subscribes and does not read, for a second.
fn flood(flood: Flood) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = Arc::new(AtomicU64::new(0));
    let peer = Peer::start(Flooder {
        session: Session::new(SessionConfig::server()),
        flood,
        accepted: false,
        number: 0,
        done: done.clone(),
    });
    let before = resident();
    let mut client = Client::open(&peer.client_options());
    let subscription = client.subscribe(r#"{"namespace":"a","name":"b","delivery":"datagram"}"#);
    client.until("it is accepted", |c| {
        !c.of(subscription, MOQ_RECORD_READY).is_empty()
            || !c.of(c.handle, MOQ_RECORD_END).is_empty()
    });
    let (begun, mut grown) = (Instant::now(), 0);
    // Longer where a slow machine has not sent enough of them by then.
    let enough = || done.load(Ordering::Relaxed) > 20 || begun.elapsed() > Duration::from_secs(20);
    while begun.elapsed() < Duration::from_secs(1) || !enough() {
        grown = grown.max(resident().saturating_sub(before));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(grown < ceiling(), "{flood:?}: grew by {grown} bytes");
    let sent = done.load(Ordering::Relaxed);
    assert!(sent > 20, "{flood:?}: only {sent} of them were sent");
    client.poll();
    let ends = client.of(client.handle, MOQ_RECORD_END);
    assert!(ends.len() <= 1);
    for end in ends {
        let clear = [MOQ_ERROR_PROTOCOL_VIOLATION, MOQ_ERROR_LIMIT_EXCEEDED];
        let code = end.header.code;
        assert!(
            clear.iter().any(|wanted| *wanted as u32 == code),
            "{flood:?}: {code} {}",
            end.text()
        );
    }
    // Closing in the middle of it ends everything, once.
    drop(client);
}

macro_rules! floods {
    ($($name:ident => $flood:ident;)+) => {$(
        #[test]
        fn $name() {
            flood(Flood::$flood);
        }
    )+};
}

floods! {
    streams_that_nobody_asked_for => Streams;
    datagrams_that_nobody_asked_for => Datagrams;
    more_datagrams_than_are_read => WantedDatagrams;
    requests_without_end => Requests;
    objects_that_say_they_are_huge => HugeObjects;
    objects_that_never_end => PartialObjects;
    requests_that_never_end => PartialRequests;
}

/// Says nothing at all.
struct Silent;

impl Script for Silent {
    fn connected(&mut self, _: Instant, _: &mut dyn Transport) {}
    fn event(&mut self, _: Instant, _: &mut dyn Transport, _: TransportEvent) {}
    fn tick(&mut self, _: Instant, _: &mut dyn Transport, _: u32) {}
}

#[test]
fn a_relay_that_never_says_setup_is_given_up() {
    let peer = Peer::start(Silent);
    let options = peer
        .client_options()
        .replace('}', r#","connectTimeout":1000}"#);
    let mut client = Client::open(&options);
    let end = client.end_of(client.handle);
    assert_eq!(end.header.code, MOQ_ERROR_TIMEOUT as u32, "{}", end.text());
}
