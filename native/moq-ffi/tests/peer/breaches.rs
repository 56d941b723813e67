//! One broken rule each: what the peer sends, so that a test can say what the client must close with.

use crate::peer::Script;
use crate::say;
use bytes::{Bytes, BytesMut};
use moqt::transport::{CloseReason, Dir, StreamId, Transport, TransportEvent};
use moqt::wire::{
    Draft, FullTrackName, Goaway, Message, Namespace, NamespaceRequest, Parameters, Request,
    Response, Setup, Subscribe, SubscribeOk,
};
use std::time::Instant;

/// What is written, on which stream.
enum Send {
    /// Instead of SETUP.
    First(Vec<u8>),
    /// On the control stream, behind SETUP; with its end or not.
    Control(Vec<u8>, bool),
    /// On another unidirectional stream.
    Uni(Vec<u8>),
    /// On a request stream.
    Bi(Vec<u8>),
    /// As an answer to the client's first request.
    Answer(Vec<u8>),
    /// As a datagram.
    Datagram(Vec<u8>),
}

/// The server sends requests with odd ids.
const REQUEST: u64 = 1;

fn breaches() -> Vec<(&'static str, Send)> {
    use Send::*;
    let namespace = || NamespaceRequest {
        namespace: Namespace::new(["game"]).expect("a namespace"),
        params: Parameters::default(),
    };
    let subscribe = || Request::Subscribe(subscribe());
    let goaway = |id| {
        message(&Message::Goaway(Goaway {
            request_id: id,
            ..Goaway::default()
        }))
    };
    let setup = |path: Option<&'static str>, authority: Option<&'static str>| {
        message(&Message::Setup(Setup {
            path: path.map(Bytes::from),
            authority: authority.map(Bytes::from),
            ..Setup::default()
        }))
    };
    let ok = message(&Message::Response {
        id: None,
        response: Response::SubscribeOk(SubscribeOk::default()),
    });
    vec![
        ("setup-names-a-path", First(setup(Some("/a"), None))),
        ("setup-names-an-authority", First(setup(None, Some("a")))),
        (
            "request-instead-of-setup",
            First(request(REQUEST, subscribe())),
        ),
        ("control-unknown-type", Control(vec![0x3f, 0, 0], false)),
        ("control-second-setup", Control(setup(None, None), false)),
        (
            "control-request",
            Control(request(REQUEST, subscribe()), false),
        ),
        ("control-goaway-without-id", Control(goaway(None), false)),
        ("control-goaway-foreign-id", Control(goaway(Some(1)), false)),
        ("control-ends", Control(Vec::new(), true)),
        ("second-control-stream", Uni(setup(None, None))),
        ("unknown-stream-type", Uni(vec![0x3f, 1, 2, 3])),
        ("unknown-request-type", Bi(vec![0x3f, 0, 0])),
        ("request-with-the-clients-id", Bi(request(0, subscribe()))),
        ("response-as-a-request", Bi(ok)),
        ("answer-of-unknown-type", Answer(vec![0x3f, 0, 0])),
        ("answer-is-a-request", Answer(request(REQUEST, subscribe()))),
        ("datagram-of-unknown-type", Datagram(vec![0x3f, 1, 2, 3])),
        ("datagram-cut-short", Datagram(vec![0x00])),
        // Not against any rule, but nothing that this client does: it is answered, and all goes on.
        (
            "unimplemented-request",
            Bi(request(REQUEST, Request::SubscribeTracks(namespace()))),
        ),
    ]
}

fn subscribe() -> Subscribe {
    let namespace = Namespace::new(["game"]).expect("a namespace");
    Subscribe {
        track: FullTrackName::new(namespace, "nobody's").expect("a name"),
        params: Parameters::default(),
    }
}

fn message(message: &Message) -> Vec<u8> {
    let mut out = BytesMut::new();
    let profile = Draft::Draft18.profile();
    profile.encode_message(message, &mut out).expect("encodes");
    out.to_vec()
}

fn request(id: u64, request: Request) -> Vec<u8> {
    message(&Message::Request { id, request })
}

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    breaches().into_iter().map(|(name, _)| name)
}

/// The script of this name.
pub fn named(name: &str) -> Option<Breach> {
    let found = breaches().into_iter().find(|(known, _)| *known == name);
    found.map(|(_, send)| Breach {
        send: Some(send),
        request: None,
    })
}

/// See the module.
pub struct Breach {
    send: Option<Send>,
    /// The stream on which an answer of the client is expected.
    request: Option<StreamId>,
}

fn write(t: &mut dyn Transport, stream: StreamId, bytes: Vec<u8>) {
    t.write(stream, &mut Bytes::from(bytes))
        .expect("the stream is open");
}

impl Script for Breach {
    fn connected(&mut self, _: Instant, t: &mut dyn Transport) {
        let control = t.open(Dir::Uni).expect("stream credit");
        match self.send.take() {
            Some(Send::First(bytes)) => write(t, control, bytes),
            Some(Send::Control(bytes, end)) => {
                write(t, control, message(&Message::Setup(Setup::default())));
                write(t, control, bytes);
                if end {
                    t.finish(control);
                }
            }
            later => {
                write(t, control, message(&Message::Setup(Setup::default())));
                self.send = later;
            }
        }
    }

    fn event(&mut self, _: Instant, t: &mut dyn Transport, event: TransportEvent) {
        match event {
            TransportEvent::Data {
                id, dir: Dir::Bi, ..
            } if self.request == Some(id) => say("answered"),
            TransportEvent::Data {
                id, dir: Dir::Bi, ..
            } => match self.send.take() {
                Some(Send::Answer(bytes)) => write(t, id, bytes),
                other => self.send = other,
            },
            TransportEvent::Stopped { id, .. } | TransportEvent::Reset { id, .. }
                if self.request == Some(id) =>
            {
                say("refused");
            }
            _ => {}
        }
    }

    fn closed(&mut self, reason: &CloseReason) {
        match reason {
            CloseReason::Peer { code, .. } => say(&format!("closed {code}")),
            other => say(&format!("lost {other:?}")),
        }
    }

    fn tick(&mut self, _: Instant, t: &mut dyn Transport, count: u32) {
        // The client's SETUP has come long since.
        if count < 10 {
            return;
        }
        match self.send.take() {
            Some(Send::Uni(bytes)) => {
                let stream = t.open(Dir::Uni).expect("stream credit");
                write(t, stream, bytes);
            }
            Some(Send::Bi(bytes)) => {
                let stream = t.open(Dir::Bi).expect("stream credit");
                write(t, stream, bytes);
                self.request = Some(stream);
            }
            Some(Send::Datagram(bytes)) => {
                t.send_datagram(Bytes::from(bytes))
                    .expect("the client takes datagrams");
            }
            other => self.send = other,
        }
    }
}
