//! Sessions and clients against a peer that means no good.

use crate::input::Input;
use crate::peer::{drive, Subject};
use crate::templates::{request, track};
use bytes::Bytes;
use moqt::client::{
    Client, ClientConfig, ClientEvent, LinkId, PublishOptions, SetupAddress, SubscribeOptions,
};
use moqt::delivery::DeliveryClass;
use moqt::memory::{pair, MemoryConfig, MemoryTransport};
use moqt::session::{Limits, RequestId, Role, Session, SessionConfig, SessionEvent};
use moqt::wire::*;
use std::time::Instant;

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
