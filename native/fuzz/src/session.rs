//! A peer that does anything in any order: valid messages, broken ones, cut anywhere.
//!
//! The bytes decide what it does. Whole messages come from templates, so that a run gets past
//! SETUP; every piece may then be bent.

use crate::input::Input;
use bytes::{Bytes, BytesMut};
use moqt::client::{
    Client, ClientConfig, ClientEvent, LinkId, PublishOptions, SetupAddress, SubscribeOptions,
};
use moqt::delivery::DeliveryClass;
use moqt::memory::{pair, MemoryConfig, MemoryTransport};
use moqt::session::{Limits, RequestId, Role, Session, SessionConfig, SessionEvent};
use moqt::transport::{Dir, StreamId, Transport};
use moqt::wire::*;
use std::time::{Duration, Instant};

/// Steps of one run.
const MAX_STEPS: usize = 200;

/// What is under test: takes events of its end of a connection.
trait Subject {
    /// Handles what has arrived and everything that follows from it.
    fn turn(&mut self, now: Instant);
    /// When it wants to be told of the time.
    fn due(&self) -> Option<Instant>;
    fn on_timeout(&mut self, now: Instant);
    /// Does something of its own.
    fn act(&mut self, now: Instant, choice: u8);
}

/// The peer's end.
struct Peer {
    link: MemoryTransport,
    streams: Vec<StreamId>,
    /// Its own request ids, and the other side's.
    own: u64,
    theirs: u64,
}

fn drive(subject: &mut dyn Subject, link: MemoryTransport, role: Role, input: &mut Input<'_>) {
    // The subject is the client: its requests are even, the peer's odd.
    let client = role == Role::Client;
    let mut peer = Peer {
        link,
        streams: Vec::new(),
        own: u64::from(client),
        theirs: u64::from(!client),
    };
    let mut now = Instant::now();
    for _ in 0..MAX_STEPS {
        if input.is_empty() {
            break;
        }
        match input.u8() % 16 {
            0..=3 => peer.open(Dir::Uni, input),
            4..=6 => peer.open(Dir::Bi, input),
            7..=8 => peer.go_on(input),
            9 => peer.end(input),
            10 => {
                let bytes = peer.bytes(input);
                let _ = peer.link.send_datagram(bytes);
            }
            11 => {
                now += Duration::from_millis(u64::from(input.u8()) * 100);
                if subject.due().is_some_and(|due| due <= now) {
                    subject.on_timeout(now);
                }
            }
            12..=14 => subject.act(now, input.u8()),
            _ => {
                // Reads, and so makes room.
                while let Some(event) = peer.link.poll_event() {
                    if let moqt::transport::TransportEvent::Data { id, .. } = event {
                        if !peer.streams.contains(&id) {
                            peer.streams.push(id);
                        }
                    }
                }
            }
        }
        subject.turn(now);
    }
    // Everything ends in a while, whatever happened.
    for _ in 0..50 {
        now += Duration::from_secs(100);
        if subject.due().is_some_and(|due| due <= now) {
            subject.on_timeout(now);
            subject.turn(now);
        }
    }
    peer.link.close(0, "");
    subject.turn(now);
}

impl Peer {
    fn open(&mut self, dir: Dir, input: &mut Input<'_>) {
        let mut bytes = self.bytes(input);
        if let Some(stream) = self.link.open(dir) {
            let _ = self.link.write(stream, &mut bytes);
            self.streams.push(stream);
            if input.u8() % 8 == 0 {
                self.link.finish(stream);
            }
        }
    }

    fn pick(&self, input: &mut Input<'_>) -> Option<StreamId> {
        self.streams.get(input.below(self.streams.len())).copied()
    }

    fn go_on(&mut self, input: &mut Input<'_>) {
        let Some(stream) = self.pick(input) else {
            return;
        };
        let mut bytes = self.bytes(input);
        let _ = self.link.write(stream, &mut bytes);
    }

    fn end(&mut self, input: &mut Input<'_>) {
        let Some(stream) = self.pick(input) else {
            return;
        };
        match input.u8() % 3 {
            0 => self.link.finish(stream),
            1 => self.link.reset(stream, u64::from(input.u8())),
            _ => self.link.stop(stream, u64::from(input.u8())),
        }
    }

    /// A message or its like, whole, cut or bent.
    fn bytes(&mut self, input: &mut Input<'_>) -> Bytes {
        let mut bytes = self.template(input);
        match input.u8() % 8 {
            0 => bytes.truncate(input.below(bytes.len() + 1)),
            1 => {
                let at = input.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (input.u8() % 8);
                }
            }
            2 => bytes.extend_from_slice(input.piece()),
            3 => bytes = BytesMut::from(input.piece()),
            _ => {}
        }
        bytes.freeze()
    }

    fn template(&mut self, input: &mut Input<'_>) -> BytesMut {
        let profile = Draft::Draft18.profile();
        let mut out = BytesMut::new();
        let alias = u64::from(input.u8() % 4);
        let message = match input.u8() % 24 {
            0..=3 => Some(Message::Setup(Setup {
                max_auth_token_cache_size: Some(100),
                ..Setup::default()
            })),
            4 => Some(Message::Goaway(Goaway {
                request_id: Some(self.theirs),
                ..Goaway::default()
            })),
            5..=9 => {
                let request = request(alias, input);
                let id = self.own;
                self.own += 2;
                Some(Message::Request { id, request })
            }
            10..=14 => Some(Message::Response {
                id: None,
                response: response(alias, input),
            }),
            15 => {
                let id = self.own;
                self.own += 2;
                Some(Message::Update {
                    id,
                    existing: None,
                    params: Parameters::default(),
                })
            }
            16 => {
                profile.encode_fetch_header(self.theirs + 2 * u64::from(input.u8() % 4), &mut out);
                let item = FetchItem::Object(FetchObject {
                    group: u64::from(input.u8()),
                    subgroup: Some(0),
                    payload: Bytes::copy_from_slice(input.piece()),
                    ..FetchObject::default()
                });
                let coded = profile.encode_fetch_item(&mut FetchState::default(), &item, &mut out);
                debug_assert!(coded.is_ok());
                if let FetchItem::Object(object) = &item {
                    out.extend_from_slice(&object.payload);
                }
                None
            }
            17 => {
                let datagram = ObjectDatagram {
                    track_alias: alias,
                    group: u64::from(input.u8()),
                    payload: Bytes::copy_from_slice(input.piece()),
                    ..ObjectDatagram::default()
                };
                let coded = profile.encode_datagram(&datagram, &mut out);
                debug_assert!(coded.is_ok());
                None
            }
            18 => {
                profile.encode_padding(input.flag(), &mut out);
                None
            }
            _ => {
                subgroup(alias, input, &mut out);
                None
            }
        };
        if let Some(message) = message {
            let before = out.len();
            // One that cannot be written, for example because it is too long, is not sent.
            if profile.encode_message(&message, &mut out).is_err() {
                out.truncate(before);
            }
        }
        out
    }
}

fn subgroup(alias: u64, input: &mut Input<'_>, out: &mut BytesMut) {
    let profile = Draft::Draft18.profile();
    let header = SubgroupHeader {
        track_alias: alias,
        group: u64::from(input.u8()),
        end_of_group: input.flag(),
        first_object: input.flag(),
        ..SubgroupHeader::default()
    };
    profile.encode_subgroup_header(&header, out);
    let mut state = SubgroupState::new(&header);
    for object in 0..input.below(4) as u64 {
        let object = SubgroupObject {
            object,
            payload: Bytes::copy_from_slice(input.piece()),
            ..SubgroupObject::default()
        };
        let coded = profile.encode_subgroup_object(&mut state, &object, out);
        debug_assert!(coded.is_ok());
        out.extend_from_slice(&object.payload);
    }
}

fn track(input: &mut Input<'_>) -> FullTrackName {
    let name = [b'a' + input.u8() % 3];
    let namespace = Namespace::new([Bytes::from_static(b"game")]).unwrap_or_default();
    FullTrackName::new(namespace, Bytes::copy_from_slice(&name)).unwrap_or_default()
}

fn class(input: &mut Input<'_>) -> Properties {
    match input.u8() % 6 {
        0 => Properties::empty(),
        class => Properties::builder()
            .varint(0x3800, u64::from(class))
            .build(),
    }
}

fn in_namespace(input: &mut Input<'_>) -> NamespaceRequest {
    NamespaceRequest {
        namespace: track(input).namespace().clone(),
        params: Parameters::default(),
    }
}

fn request(alias: u64, input: &mut Input<'_>) -> Request {
    let params = Parameters::default();
    match input.u8() % 8 {
        0 | 1 => Request::Subscribe(Subscribe {
            track: track(input),
            params,
        }),
        2 => Request::Publish(Publish {
            track: track(input),
            track_alias: alias,
            params,
            properties: class(input),
        }),
        3 => Request::Fetch(Fetch {
            range: FetchRange::Standalone {
                track: track(input),
                start: Location::default(),
                end: Location {
                    group: u64::from(input.u8()),
                    object: 0,
                },
            },
            params,
        }),
        4 => Request::TrackStatus(Subscribe {
            track: track(input),
            params,
        }),
        5 => Request::PublishNamespace(in_namespace(input)),
        6 => Request::SubscribeNamespace(in_namespace(input)),
        _ => Request::SubscribeTracks(in_namespace(input)),
    }
}

fn response(alias: u64, input: &mut Input<'_>) -> Response {
    let largest = input.flag().then(|| Location {
        group: u64::from(input.u8()),
        object: 0,
    });
    match input.u8() % 8 {
        0..=2 => Response::SubscribeOk(SubscribeOk {
            track_alias: alias,
            params: Parameters {
                largest_object: largest,
                ..Parameters::default()
            },
            properties: class(input),
        }),
        3 => Response::RequestOk(RequestOk::default()),
        4 => Response::RequestError(RequestError::new(u64::from(input.u8()), "no")),
        5 => Response::FetchOk(FetchOk {
            end: largest.unwrap_or_default(),
            ..FetchOk::default()
        }),
        6 => Response::PublishDone(PublishDone {
            status: u64::from(input.u8()),
            stream_count: u64::from(input.u8() % 4),
            ..PublishDone::default()
        }),
        _ => Response::Namespace(track(input).namespace().clone()),
    }
}

struct SessionSubject {
    session: Session,
    link: MemoryTransport,
    requests: Vec<RequestId>,
    over: bool,
}

impl Subject for SessionSubject {
    fn turn(&mut self, now: Instant) {
        while let Some(event) = self.link.poll_event() {
            self.session.handle(now, &mut self.link, event);
            while let Some(event) = self.session.poll_event() {
                assert!(!self.over, "nothing after the end: {event:?}");
                match event {
                    SessionEvent::Request { id, .. } => self.requests.push(id),
                    SessionEvent::Closed { .. } => self.over = true,
                    _ => {}
                }
            }
        }
        assert_eq!(self.session.is_closed(), self.over);
    }

    fn due(&self) -> Option<Instant> {
        assert!(!self.over || self.session.poll_timeout().is_none());
        self.session.poll_timeout()
    }

    fn on_timeout(&mut self, now: Instant) {
        self.session.on_timeout(now, &mut self.link);
        while let Some(event) = self.session.poll_event() {
            assert!(!self.over, "nothing after the end");
            self.over |= matches!(event, SessionEvent::Closed { .. });
        }
    }

    fn act(&mut self, now: Instant, choice: u8) {
        let (session, t) = (&mut self.session, &mut self.link);
        let bytes = [choice, choice / 3, choice / 7];
        let input = &mut Input::new(&bytes);
        if choice % 3 == 0 {
            let request = request(session.next_alias(), input);
            if let Ok(id) = session.request(now, t, request) {
                self.requests.push(id);
            }
            return;
        }
        let Some(id) = self
            .requests
            .get(usize::from(choice) % self.requests.len().max(1))
            .copied()
        else {
            return;
        };
        // Answers that do not fit are refused without a trace.
        match choice % 5 {
            0 => session.cancel(t, id, 1),
            1 => drop(session.respond(t, id, Response::RequestOk(RequestOk::default()))),
            2 => drop(session.reject(t, id, RequestError::new(1, "no"))),
            3 => drop(session.update(now, t, id, Parameters::default())),
            _ => {
                let ok = SubscribeOk {
                    track_alias: session.next_alias(),
                    ..SubscribeOk::default()
                };
                drop(session.respond(t, id, Response::SubscribeOk(ok)));
            }
        }
    }
}

fn small_limits() -> Limits {
    Limits {
        max_requests: 8,
        max_streams: 8,
        max_object_size: 600,
        max_receive_buffer: 1_000,
        max_early_streams: 4,
        max_held_streams: 4,
        max_held_datagrams: 4,
        ..Limits::default()
    }
}

/// The only connection of a client.
const LINK: LinkId = LinkId(1);

/// A session of either side.
pub fn session(data: &[u8]) {
    let input = &mut Input::new(data);
    let config = match input.flag() {
        true => SessionConfig::client(),
        false => SessionConfig::server(),
    };
    let role = config.role;
    let (a, b) = pair(MemoryConfig {
        stream_window: 1 << (6 + input.below(8)),
        uni_streams: 16,
        bi_streams: 16,
        ..MemoryConfig::default()
    });
    let mut subject = SessionSubject {
        session: Session::new(SessionConfig {
            limits: small_limits(),
            ..config
        }),
        link: a,
        requests: Vec::new(),
        over: false,
    };
    subject.session.start(Instant::now(), &mut subject.link);
    drive(&mut subject, b, role, input);
    assert!(subject.over, "the connection is gone");
}

struct ClientSubject {
    client: Client,
    link: MemoryTransport,
    over: bool,
}

impl ClientSubject {
    fn take(&mut self, now: Instant) {
        loop {
            while let Some(event) = self.client.poll_event(now) {
                assert!(!self.over, "nothing after the end: {event:?}");
                self.over |= matches!(event, ClientEvent::Closed(_));
            }
            if !self.client.needs_pump() {
                return;
            }
            self.client.pump(now, &mut self.link);
        }
    }
}

impl Subject for ClientSubject {
    fn turn(&mut self, now: Instant) {
        while let Some(event) = self.link.poll_event() {
            self.client.handle(now, LINK, &mut self.link, event);
            self.take(now);
        }
        self.take(now);
    }

    fn due(&self) -> Option<Instant> {
        self.client.poll_timeout()
    }

    fn on_timeout(&mut self, now: Instant) {
        self.client.on_timeout(now, Some(&mut self.link));
        self.take(now);
    }

    fn act(&mut self, now: Instant, choice: u8) {
        let bytes = [choice / 8];
        let track = track(&mut Input::new(&bytes));
        let client = &mut self.client;
        let delivery = match choice / 8 % 4 {
            0 => DeliveryClass::Reliable,
            1 => DeliveryClass::Latest,
            2 => DeliveryClass::Deadline,
            _ => DeliveryClass::Datagram,
        };
        match choice % 8 {
            0..=3 => {
                let options = SubscribeOptions {
                    delivery,
                    queue_bytes: 1_000,
                    ..SubscribeOptions::default()
                };
                let _ = client.subscribe(track, options);
            }
            4 => {
                let options = PublishOptions {
                    delivery,
                    queue_bytes: 1_000,
                    ..PublishOptions::default()
                };
                if let Ok(handle) = client.publish(track, options) {
                    let _ = client.send(now, handle, Bytes::from_static(b"an update"));
                }
            }
            5 => drop(client.discover(track.namespace().clone())),
            6 => drop(client.status(track)),
            _ => {
                let handle = moqt::client::Handle(u64::from(choice / 8));
                client.cancel(now, handle);
            }
        }
    }
}

/// A client against a relay that means no good.
pub fn client(data: &[u8]) {
    let input = &mut Input::new(data);
    let (a, b) = pair(MemoryConfig {
        stream_window: 1 << (6 + input.below(8)),
        uni_streams: 16,
        bi_streams: 16,
        ..MemoryConfig::default()
    });
    let mut subject = ClientSubject {
        client: Client::new(ClientConfig {
            max_object_size: 600,
            max_publications: 4,
            max_requests: 8,
            ..ClientConfig::default()
        }),
        link: a,
        over: false,
    };
    let now = Instant::now();
    let address = SetupAddress::default();
    subject
        .client
        .attach(now, LINK, &address, &mut subject.link);
    drive(&mut subject, b, Role::Client, input);
    assert!(subject.over, "the connection is gone");
}
