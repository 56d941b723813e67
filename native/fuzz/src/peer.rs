//! A peer that does anything in any order: valid messages, broken ones, cut anywhere.
//!
//! The bytes decide what it does. Whole messages come from templates, so that a run gets past
//! SETUP; every piece may then be bent.

use crate::input::Input;
use crate::templates::{request, response, subgroup};
use bytes::{Bytes, BytesMut};
use moqt::memory::MemoryTransport;
use moqt::session::Role;
use moqt::transport::{Dir, StreamId, Transport};
use moqt::wire::*;
use std::time::{Duration, Instant};

/// Steps of one run.
const MAX_STEPS: usize = 200;

/// What is under test: takes events of its end of a connection.
pub(crate) trait Subject {
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

/// Lets the peer do what `input` says to a subject at the other end of `link`.
pub(crate) fn drive(
    subject: &mut dyn Subject,
    link: MemoryTransport,
    role: Role,
    input: &mut Input<'_>,
) {
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
