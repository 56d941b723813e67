//! The integers and messages that the vectors cover.

use bytes::Bytes;
use moqt::wire::*;

pub fn ns(fields: &[&'static str]) -> Namespace {
    Namespace::new(fields.iter().copied()).unwrap()
}

fn track(fields: &[&'static str], name: &'static str) -> FullTrackName {
    FullTrackName::new(ns(fields), name).unwrap()
}

pub fn text(s: &'static str) -> Bytes {
    Bytes::from_static(s.as_bytes())
}

pub fn track_properties() -> Properties {
    Properties::builder()
        .varint(property::OBJECT_DELIVERY_TIMEOUT, 100)
        .varint(property::SUBGROUP_DELIVERY_TIMEOUT, 250)
        .bytes(property::IMMUTABLE, text("\u{2}\u{7}"))
        .varint(property::DEFAULT_PUBLISHER_PRIORITY, 64)
        .varint(property::DEFAULT_PUBLISHER_GROUP_ORDER, 2)
        .varint(property::DYNAMIC_GROUPS, 1)
        .varint(0x3800, 2)
        .build()
}

fn every_subscribe_param() -> Parameters {
    Parameters {
        object_delivery_timeout: Some(50),
        tokens: vec![
            AuthToken::Register {
                alias: 1,
                token_type: 0,
                value: text("secret"),
            },
            AuthToken::UseAlias { alias: 1 },
            AuthToken::UseValue {
                token_type: 300,
                value: text(""),
            },
            AuthToken::Delete { alias: 1 },
        ],
        rendezvous_timeout: Some(2_000),
        subgroup_delivery_timeout: Some(1 << 40),
        forward: Some(false),
        subscriber_priority: Some(200),
        filter: Some(SubscriptionFilter::AbsoluteRange {
            start: Location::new(5, 2),
            end_group: 9,
        }),
        group_order: Some(GroupOrder::Descending),
        new_group_request: Some(0),
        ..Default::default()
    }
}

fn filtered(filter: SubscriptionFilter) -> Parameters {
    Parameters {
        filter: Some(filter),
        ..Default::default()
    }
}

fn request(id: u64, request: Request) -> Message {
    Message::Request { id, request }
}

fn answer(response: Response) -> Message {
    Message::Response { id: None, response }
}

pub fn control() -> Vec<(&'static str, Message)> {
    let mut all = setup_and_goaway();
    all.extend(requests());
    all.extend(responses());
    all
}

fn setup_and_goaway() -> Vec<(&'static str, Message)> {
    vec![
        ("setup empty", Message::Setup(Setup::default())),
        (
            "setup with every option",
            Message::Setup(Setup {
                path: Some(text("/game?room=1")),
                authority: Some(text("relay.example:4443")),
                tokens: vec![
                    AuthToken::UseValue {
                        token_type: 0,
                        value: text("key"),
                    },
                    AuthToken::Register {
                        alias: 3,
                        token_type: 1,
                        value: text("k2"),
                    },
                ],
                max_auth_token_cache_size: Some(16_384),
                implementation: Some(text("moq-game/0.1.0")),
            }),
        ),
        (
            "goaway on the control stream",
            Message::Goaway(Goaway {
                uri: text("moqt://other.example/x"),
                timeout: 5_000,
                request_id: Some(6),
            }),
        ),
        (
            "goaway on a request stream",
            Message::Goaway(Goaway {
                uri: Bytes::new(),
                timeout: 0,
                request_id: None,
            }),
        ),
    ]
}

fn requests() -> Vec<(&'static str, Message)> {
    let plain = || Subscribe {
        track: track(&["game", "1"], "state"),
        params: Parameters::default(),
    };
    let fetch = |range| {
        Request::Fetch(Fetch {
            range,
            params: Parameters::default(),
        })
    };
    vec![
        ("subscribe", request(0, Request::Subscribe(plain()))),
        (
            "subscribe with every parameter",
            request(
                2,
                Request::Subscribe(Subscribe {
                    params: every_subscribe_param(),
                    ..plain()
                }),
            ),
        ),
        (
            "subscribe from the next group",
            request(
                4,
                Request::Subscribe(Subscribe {
                    params: filtered(SubscriptionFilter::NextGroupStart),
                    ..plain()
                }),
            ),
        ),
        (
            "subscribe from the largest object",
            request(
                6,
                Request::Subscribe(Subscribe {
                    params: filtered(SubscriptionFilter::LargestObject),
                    ..plain()
                }),
            ),
        ),
        (
            "subscribe from a location, empty track name, binary namespace",
            request(
                u64::MAX,
                Request::Subscribe(Subscribe {
                    track: FullTrackName::new(
                        Namespace::new([Bytes::from_static(&[0, 255]), text("é")]).unwrap(),
                        "",
                    )
                    .unwrap(),
                    params: filtered(SubscriptionFilter::AbsoluteStart(Location::new(
                        u64::MAX,
                        1 << 53,
                    ))),
                }),
            ),
        ),
        ("track status", request(1, Request::TrackStatus(plain()))),
        (
            "publish",
            request(
                3,
                Request::Publish(Publish {
                    track: track(&["game"], "chat"),
                    track_alias: 77,
                    params: Parameters {
                        expires: Some(60_000),
                        largest_object: Some(Location::new(1_790_000_000_000, 3)),
                        forward: Some(true),
                        ..Default::default()
                    },
                    properties: track_properties(),
                }),
            ),
        ),
        (
            "fetch standalone",
            request(
                5,
                Request::Fetch(Fetch {
                    range: FetchRange::Standalone {
                        track: track(&["game"], "chat"),
                        start: Location::new(1, 0),
                        end: Location::new(2, 0),
                    },
                    params: Parameters {
                        fill_timeout: Some(0),
                        subscriber_priority: Some(0),
                        group_order: Some(GroupOrder::Ascending),
                        ..Default::default()
                    },
                }),
            ),
        ),
        (
            "fetch relative joining",
            request(
                8,
                fetch(FetchRange::RelativeJoining {
                    request_id: 0,
                    groups: 0,
                }),
            ),
        ),
        (
            "fetch absolute joining",
            request(
                10,
                fetch(FetchRange::AbsoluteJoining {
                    request_id: 2,
                    group: 300,
                }),
            ),
        ),
        (
            "publish namespace",
            request(
                12,
                Request::PublishNamespace(NamespaceRequest {
                    namespace: ns(&["game", "1"]),
                    params: Parameters::default(),
                }),
            ),
        ),
        (
            "subscribe namespace with the empty prefix",
            request(
                14,
                Request::SubscribeNamespace(NamespaceRequest {
                    namespace: ns(&[]),
                    params: Parameters::default(),
                }),
            ),
        ),
        (
            "subscribe tracks",
            request(
                16,
                Request::SubscribeTracks(NamespaceRequest {
                    namespace: ns(&["game"]),
                    params: Parameters {
                        forward: Some(false),
                        ..Default::default()
                    },
                }),
            ),
        ),
        (
            "request update",
            Message::Update {
                id: 18,
                existing: None,
                params: Parameters {
                    forward: Some(true),
                    ..Default::default()
                },
            },
        ),
        (
            "request update of a prefix",
            Message::Update {
                id: 20,
                existing: None,
                params: Parameters {
                    namespace_prefix: Some(ns(&["game", "2"])),
                    ..Default::default()
                },
            },
        ),
    ]
}

fn responses() -> Vec<(&'static str, Message)> {
    vec![
        (
            "subscribe ok",
            answer(Response::SubscribeOk(SubscribeOk {
                track_alias: 7,
                params: Parameters {
                    expires: Some(0),
                    largest_object: Some(Location::new(4, 1)),
                    ..Default::default()
                },
                properties: track_properties(),
            })),
        ),
        (
            "request ok",
            answer(Response::RequestOk(RequestOk::default())),
        ),
        (
            "request ok to track status",
            answer(Response::RequestOk(RequestOk {
                params: Parameters {
                    largest_object: Some(Location::new(4, 1)),
                    ..Default::default()
                },
                properties: track_properties(),
            })),
        ),
        (
            "request ok to publish",
            answer(Response::RequestOk(RequestOk {
                params: Parameters {
                    forward: Some(false),
                    subscriber_priority: Some(1),
                    filter: Some(SubscriptionFilter::LargestObject),
                    group_order: Some(GroupOrder::Descending),
                    ..Default::default()
                },
                properties: Properties::empty(),
            })),
        ),
        (
            "request error",
            answer(Response::RequestError(RequestError::new(
                request_codes::DOES_NOT_EXIST,
                "no such track",
            ))),
        ),
        (
            "request error to be retried at once",
            answer(Response::RequestError(RequestError {
                code: request_codes::EXCESSIVE_LOAD,
                retry_after: Some(0),
                ..Default::default()
            })),
        ),
        (
            "request error with an unknown code",
            answer(Response::RequestError(RequestError::new(0x11C, "grease"))),
        ),
        (
            "redirect",
            answer(Response::RequestError(RequestError {
                code: request_codes::REDIRECT,
                retry_after: Some(1_000),
                reason: "moved".into(),
                redirect: Some(Redirect {
                    uri: text("moqt://other.example"),
                    track: track(&["game", "2"], "state"),
                }),
            })),
        ),
        (
            "fetch ok",
            answer(Response::FetchOk(FetchOk {
                end_of_track: true,
                end: Location::new(9, 0),
                params: Parameters::default(),
                properties: track_properties(),
            })),
        ),
        (
            "publish done",
            answer(Response::PublishDone(PublishDone {
                status: done_codes::TRACK_ENDED,
                stream_count: STREAM_COUNT_UNKNOWN,
                reason: "ended".into(),
            })),
        ),
        ("namespace", answer(Response::Namespace(ns(&["1"])))),
        ("namespace done", answer(Response::NamespaceDone(ns(&[])))),
        (
            "publish blocked",
            answer(Response::PublishBlocked {
                suffix: track(&["1"], "state"),
            }),
        ),
    ]
}

pub const VARINTS: &[(u64, &[u8])] = &[
    (37, &[0x25]),
    (37, &[0x80, 0x25]),
    (15_293, &[0xbb, 0xbd]),
    (226_442_877, &[0xed, 0x7f, 0x3e, 0x7d]),
    (2_893_212_287_960, &[0xfa, 0xa1, 0xa0, 0xe4, 0x03, 0xd8]),
    (
        151_288_809_941_952,
        &[0xfc, 0x89, 0x98, 0xab, 0xc6, 0x6b, 0xc0],
    ),
    (
        70_423_237_261_249_041,
        &[0xfe, 0xfa, 0x31, 0x8f, 0xa8, 0xe3, 0xca, 0x11],
    ),
    (u64::MAX, &[0xff; 9]),
];
