//! One connection that means harm.

use super::bytes as wire;
use super::kind::Kind;
use super::options::AttackOptions;
use super::tally::Tally;
use crate::peer::setup_options;
use bytes::Bytes;
use moqt::session::{
    Link, RequestId, Session, SessionClose, SessionConfig, SessionError, SessionEvent,
};
use moqt::transport::{CloseReason, DatagramError, Dir, StreamId, Transport, TransportEvent};
use moqt::wire::{
    request_codes, session_codes, stream_codes, AuthToken, Fetch, FetchRange, FullTrackName,
    Location, Namespace, NamespaceRequest, Parameters, Properties, Publish, Request, Response,
    Subscribe, SubscriptionFilter,
};
use std::collections::{HashSet, VecDeque};
use std::time::Instant;

/// Streams of one connection that are fed byte by byte.
const MAX_TRICKLES: usize = 4_096;

/// What became of an action.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    Done,
    /// Streams, flow control or a queue do not allow it now.
    Blocked,
    /// It wants to be closed by us.
    Leave,
}

/// A stream that is fed bit by bit.
struct Trickle {
    stream: StreamId,
    /// What flow control has not taken yet, or what is left of a message.
    rest: Bytes,
    /// Pieces of its object so far.
    pieces: usize,
}

impl Trickle {
    /// Whether anything was taken.
    fn write(&mut self, t: &mut dyn Transport, most: usize) -> bool {
        let mut piece = self.rest.slice(..most.min(self.rest.len()));
        let offered = piece.len();
        let _ = t.write(self.stream, &mut piece);
        let taken = offered - piece.len();
        self.rest = self.rest.slice(taken..);
        taken > 0
    }
}

pub struct Hostile {
    pub kind: Kind,
    /// None for a connection that never says anything.
    session: Option<Session>,
    ready: bool,
    /// Streams that bypass the session.
    raw: HashSet<StreamId>,
    /// Those that are fed bit by bit.
    trickles: VecDeque<Trickle>,
    /// Requests that are withdrawn once accepted.
    announced: VecDeque<RequestId>,
    number: u64,
    noise: u64,
}

impl Hostile {
    pub fn new(kind: Kind, options: &AttackOptions, number: u64) -> Self {
        let session = (kind != Kind::HalfOpen).then(|| {
            let (path, authority) = setup_options(&options.url);
            let tokens = options.token.iter().map(|token| AuthToken::UseValue {
                token_type: 0,
                value: Bytes::from(token.clone()),
            });
            Session::new(SessionConfig {
                link: match path {
                    Some(_) => Link::Quic,
                    None => Link::WebTransport,
                },
                path,
                authority,
                tokens: tokens.collect(),
                ..SessionConfig::client()
            })
        });
        Hostile {
            kind,
            session,
            ready: false,
            raw: HashSet::new(),
            trickles: VecDeque::new(),
            announced: VecDeque::new(),
            number: number << 32,
            noise: number + 1,
        }
    }

    pub fn start(&mut self, now: Instant, t: &mut dyn Transport) {
        if let Some(session) = &mut self.session {
            session.start(now, t);
        }
    }

    pub fn is_ready(&self) -> bool {
        self.ready || self.kind == Kind::HalfOpen
    }

    pub fn event(
        &mut self,
        now: Instant,
        t: Option<&mut dyn Transport>,
        event: TransportEvent,
        tally: &mut Tally,
    ) {
        match &event {
            TransportEvent::Closed(CloseReason::Peer { code, reason }) => {
                let name = session_codes::name(*code);
                tally.last_reason = Some(reason.clone());
                Tally::count(&mut tally.closed_by_relay, name);
            }
            TransportEvent::Closed(CloseReason::TimedOut) => {
                Tally::count(&mut tally.closed_by_relay, "(idle)");
            }
            TransportEvent::Stopped { id, code } | TransportEvent::Reset { id, code } => {
                let name = stream_codes::name(*code);
                Tally::count(&mut tally.streams_refused, name);
                if self.raw.contains(id) {
                    self.raw.remove(id);
                    self.trickles.retain(|one| one.stream != *id);
                    return;
                }
            }
            TransportEvent::Data { id, data, .. } => {
                if self.raw.contains(id) {
                    self.read_refusal(data, tally);
                    return;
                }
                if self.kind == Kind::SlowRead && self.ready {
                    if let Some(t) = t {
                        t.pause(*id, true);
                    }
                    return;
                }
            }
            TransportEvent::Acked { id } if self.raw.remove(id) => return,
            _ => {}
        }
        let (Some(session), Some(t)) = (&mut self.session, t) else {
            return;
        };
        session.handle(now, t, event);
        while let Some(event) = session.poll_event() {
            match event {
                SessionEvent::Ready { .. } => self.ready = true,
                SessionEvent::Response { id, response } => match response {
                    Response::RequestError(error) => {
                        Tally::count(&mut tally.rejected, request_codes::name(error.code));
                    }
                    Response::RequestOk(_) | Response::SubscribeOk(_) | Response::FetchOk(_) => {
                        tally.accepted += 1;
                        if self.kind == Kind::Announcements {
                            self.announced.push_back(id);
                        }
                    }
                    _ => {}
                },
                SessionEvent::Closed {
                    reason: SessionClose::Local { code, reason },
                } => eprintln!("moqt-bench: the attacker itself closed: {code} ({reason})"),
                _ => {}
            }
        }
    }

    /// The relay's answer on a request stream that the session does not know.
    fn read_refusal(&mut self, data: &Bytes, tally: &mut Tally) {
        if let Some(code) = wire::refusal(data) {
            Tally::count(&mut tally.rejected, request_codes::name(code));
        }
    }

    /// Does the next thing of its kind.
    pub fn act(&mut self, now: Instant, t: &mut dyn Transport, options: &AttackOptions) -> Outcome {
        self.number += 1;
        match self.kind {
            Kind::Streams => self.send_stream(t, wire::object_stream(self.number), true),
            Kind::UnknownStreams => self.send_stream(t, wire::unknown_stream(self.number), false),
            Kind::Datagrams => send(t, wire::object_datagram(self.number)),
            Kind::HugeLengths => self.huge_length(now, t),
            Kind::PartialObjects => self.partial_object(now, t),
            Kind::Trickle => self.trickle(t),
            Kind::Garbage => self.garbage(t),
            Kind::HalfOpen => Outcome::Blocked,
            Kind::Reconnect => Outcome::Leave,
            Kind::Announcements => self.announce(now, t),
            Kind::Subscribe
            | Kind::Fetch
            | Kind::Namespaces
            | Kind::Prefixes
            | Kind::Tracks
            | Kind::SlowRead => {
                let request = self.next_request(options);
                self.request(now, t, request)
            }
            // Neither is what a connection does.
            Kind::Handshakes | Kind::Mixed => Outcome::Blocked,
        }
    }

    fn send_stream(&mut self, t: &mut dyn Transport, bytes: Bytes, fin: bool) -> Outcome {
        match self.open(t, Dir::Uni, bytes) {
            Some((stream, true)) if fin => t.finish(stream),
            Some(_) => {}
            None => return Outcome::Blocked,
        }
        Outcome::Done
    }

    /// Also whether flow control took all of it.
    fn open(
        &mut self,
        t: &mut dyn Transport,
        dir: Dir,
        mut bytes: Bytes,
    ) -> Option<(StreamId, bool)> {
        let stream = t.open(dir)?;
        self.raw.insert(stream);
        let _ = t.write(stream, &mut bytes);
        Some((stream, bytes.is_empty()))
    }

    fn request(&mut self, now: Instant, t: &mut dyn Transport, request: Request) -> Outcome {
        let Some(session) = &mut self.session else {
            return Outcome::Blocked;
        };
        match session.request(now, t, request) {
            Ok(_) => Outcome::Done,
            Err(SessionError::Closed | SessionError::GoingAway) => Outcome::Leave,
            Err(_) => Outcome::Blocked,
        }
    }

    fn announce(&mut self, now: Instant, t: &mut dyn Transport) -> Outcome {
        if let (Some(id), Some(session)) = (self.announced.pop_front(), &mut self.session) {
            session.withdraw(t, id);
        }
        let request = Request::PublishNamespace(in_namespace(self.own_namespace()));
        self.request(now, t, request)
    }

    fn own_namespace(&self) -> Namespace {
        namespace([
            Bytes::from_static(b"attack"),
            Bytes::from(format!("{:x}", self.number)),
        ])
    }

    fn next_request(&self, options: &AttackOptions) -> Request {
        let target = || {
            let fields = options.namespace.iter().cloned().map(Bytes::from);
            track(namespace(fields), &options.name)
        };
        let own = || track(self.own_namespace(), "x");
        let subscribe = |track: FullTrackName, rendezvous| {
            Request::Subscribe(Subscribe {
                track,
                params: Parameters {
                    rendezvous_timeout: rendezvous,
                    filter: Some(SubscriptionFilter::LargestObject),
                    ..Parameters::default()
                },
            })
        };
        let fetch = || {
            Request::Fetch(Fetch {
                range: FetchRange::Standalone {
                    track: target(),
                    start: Location::default(),
                    end: Location {
                        group: u64::MAX >> 2,
                        object: 0,
                    },
                },
                params: Parameters::default(),
            })
        };
        match self.kind {
            Kind::Fetch => fetch(),
            Kind::SlowRead if self.number % 2 == 0 => fetch(),
            Kind::SlowRead => subscribe(target(), None),
            Kind::Namespaces => Request::PublishNamespace(in_namespace(self.own_namespace())),
            Kind::Prefixes => Request::SubscribeNamespace(in_namespace(self.own_namespace())),
            Kind::Tracks => self.publish(own()),
            _ => subscribe(own(), Some(60_000)),
        }
    }

    fn publish(&self, track: FullTrackName) -> Request {
        Request::Publish(Publish {
            track,
            track_alias: self.number,
            params: Parameters::default(),
            properties: Properties::empty(),
        })
    }

    /// A length without its bytes, each time another one.
    fn huge_length(&mut self, now: Instant, t: &mut dyn Transport) -> Outcome {
        let alias = self.number;
        match wire::huge_length(self.number, alias) {
            wire::Huge::Datagram(bytes) => send(t, bytes),
            wire::Huge::Stream(dir, bytes) => match self.open(t, dir, bytes) {
                Some(_) => Outcome::Done,
                None => Outcome::Blocked,
            },
            wire::Huge::OfTrack(bytes) => {
                let own = self.publish(track(self.own_namespace(), "x"));
                match self.request(now, t, own) {
                    Outcome::Done => self.send_stream(t, bytes, false),
                    other => other,
                }
            }
        }
    }

    /// All streams of a connection carry the same track.
    fn partial_object(&mut self, now: Instant, t: &mut dyn Transport) -> Outcome {
        let first = (self.number >> 32 << 32) + 1;
        if self.number == first {
            let own = self.publish(track(self.own_namespace(), "x"));
            return self.request(now, t, own);
        }
        match self.trickles.pop_front() {
            Some(mut one)
                if self.number % 4 != 0 && (!one.rest.is_empty() || one.pieces < wire::PIECES) =>
            {
                if one.rest.is_empty() {
                    one.rest = wire::noise(&mut self.noise, wire::PIECE);
                    one.pieces += 1;
                }
                let most = one.rest.len();
                let taken = one.write(t, most);
                self.trickles.push_back(one);
                match taken {
                    true => Outcome::Done,
                    false => Outcome::Blocked,
                }
            }
            kept => {
                self.trickles.extend(kept);
                let whole = wire::partial_object(first);
                let length = whole.len();
                self.begin(t, Dir::Uni, whole, length)
            }
        }
    }

    /// Opens a stream and writes the first `most` bytes of what it is fed with.
    fn begin(&mut self, t: &mut dyn Transport, dir: Dir, rest: Bytes, most: usize) -> Outcome {
        let Some(stream) = t.open(dir) else {
            return Outcome::Blocked;
        };
        self.raw.insert(stream);
        let mut one = Trickle {
            stream,
            rest,
            pieces: 1,
        };
        one.write(t, most);
        self.trickles.push_back(one);
        Outcome::Done
    }

    fn trickle(&mut self, t: &mut dyn Transport) -> Outcome {
        let message = wire::long_request(self.number);
        if self.trickles.len() < MAX_TRICKLES {
            let outcome = self.begin(t, Dir::Bi, message, 8);
            if outcome == Outcome::Done {
                return outcome;
            }
        }
        let Some(mut one) = self.trickles.pop_front() else {
            return Outcome::Blocked;
        };
        // Never the last byte.
        if one.rest.len() > 1 {
            one.write(t, 1);
        }
        self.trickles.push_back(one);
        Outcome::Done
    }

    fn garbage(&mut self, t: &mut dyn Transport) -> Outcome {
        let length = 1 + (self.number % 200) as usize;
        let dir = match self.number % 2 {
            0 => Dir::Uni,
            _ => Dir::Bi,
        };
        let bytes = wire::noise(&mut self.noise, length);
        let opened = self.open(t, dir, bytes);
        let bytes = wire::noise(&mut self.noise, length);
        let sent = send(t, bytes);
        if opened.is_some() {
            return Outcome::Done;
        }
        sent
    }
}

fn send(t: &mut dyn Transport, bytes: Bytes) -> Outcome {
    match t.send_datagram(bytes) {
        Ok(()) => Outcome::Done,
        Err(DatagramError::Blocked | DatagramError::Unsupported) => Outcome::Blocked,
        Err(DatagramError::TooLarge { .. }) => Outcome::Done,
    }
}

fn namespace(fields: impl IntoIterator<Item = Bytes>) -> Namespace {
    // Our own names are short; what the command line gave may not be a name.
    Namespace::new(fields).unwrap_or_default()
}

fn track(namespace: Namespace, name: &str) -> FullTrackName {
    FullTrackName::new(namespace, Bytes::copy_from_slice(name.as_bytes())).unwrap_or_default()
}

fn in_namespace(namespace: Namespace) -> NamespaceRequest {
    NamespaceRequest {
        namespace,
        params: Parameters::default(),
    }
}
