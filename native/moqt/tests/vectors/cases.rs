//! The messages, streams and datagrams that the vectors cover.

use bytes::Bytes;
use moqt::wire::*;

pub fn ns(fields: &[&'static str]) -> Namespace {
    Namespace::new(fields.iter().copied()).unwrap()
}

fn track(fields: &[&'static str], name: &'static str) -> FullTrackName {
    FullTrackName::new(ns(fields), name).unwrap()
}

fn text(s: &'static str) -> Bytes {
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

fn object_properties() -> Properties {
    Properties::builder()
        .varint(property::PRIOR_GROUP_ID_GAP, 1)
        .varint(0x3804, 1_790_000_000_000)
        .bytes(77, text("traceID:123456"))
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

/// Every form of the header, each with objects.
pub fn subgroups() -> Vec<(String, SubgroupHeader, Vec<SubgroupObject>)> {
    let mut all = Vec::new();
    for form in 0..48u64 {
        let header = SubgroupHeader {
            track_alias: 2,
            group: if form % 5 == 0 {
                u64::MAX
            } else {
                form * 1_000
            },
            subgroup: match form % 3 {
                0 => SubgroupId::Zero,
                1 => SubgroupId::FirstObject,
                _ => SubgroupId::Explicit(form),
            },
            priority: (form / 3 % 2 == 0).then_some(form as u8),
            has_properties: form / 6 % 2 == 0,
            end_of_group: form / 12 % 2 == 0,
            first_object: form / 24 % 2 == 0,
        };
        let properties = if header.has_properties {
            object_properties()
        } else {
            Properties::empty()
        };
        let objects = vec![
            SubgroupObject {
                object: form % 4,
                properties,
                payload: text("abcd"),
                ..Default::default()
            },
            SubgroupObject {
                object: form % 4 + 1,
                ..Default::default()
            },
            SubgroupObject {
                object: form % 4 + 300,
                payload: text("efgh"),
                ..Default::default()
            },
            SubgroupObject {
                object: u64::MAX,
                status: if form % 2 == 0 {
                    ObjectStatus::EndOfGroup
                } else {
                    ObjectStatus::EndOfTrack
                },
                ..Default::default()
            },
        ];
        all.push((format!("subgroup form {form}"), header, objects));
    }
    all
}

pub fn datagrams() -> Vec<(String, ObjectDatagram)> {
    let mut all = Vec::new();
    for form in 0..16u64 {
        let datagram = ObjectDatagram {
            track_alias: 9,
            group: 1 << form,
            object: if form % 2 == 0 { 0 } else { form },
            priority: (form / 2 % 2 == 0).then_some(255 - form as u8),
            end_of_group: form / 4 % 2 == 0,
            status: ObjectStatus::Normal,
            properties: if form / 8 % 2 == 0 {
                object_properties()
            } else {
                Properties::empty()
            },
            payload: text("position"),
        };
        all.push((format!("datagram form {form}"), datagram));
    }
    for status in [
        ObjectStatus::Normal,
        ObjectStatus::EndOfGroup,
        ObjectStatus::EndOfTrack,
    ] {
        let datagram = ObjectDatagram {
            track_alias: 9,
            group: 7,
            object: 3,
            status,
            ..Default::default()
        };
        all.push((format!("datagram with status {}", status.value()), datagram));
    }
    let end = ObjectDatagram {
        track_alias: 9,
        group: 7,
        end_of_group: true,
        ..Default::default()
    };
    all.push((
        "datagram without payload at the end of its group".into(),
        end,
    ));
    all
}

fn fetched(group: u64, subgroup: Option<u64>, object: u64, priority: u8) -> FetchItem {
    let properties = if object % 2 == 1 {
        object_properties()
    } else {
        Properties::empty()
    };
    FetchItem::Object(FetchObject {
        group,
        subgroup,
        object,
        priority,
        properties,
        payload: if object == 5 {
            Bytes::new()
        } else {
            text("payload")
        },
    })
}

pub fn fetches() -> Vec<(&'static str, u64, GroupOrder, Vec<FetchItem>)> {
    let gap = |group, object, unknown| FetchItem::EndOfRange {
        location: Location::new(group, object),
        unknown,
    };
    let up = vec![
        fetched(10, Some(0), 0, 128),
        fetched(10, Some(1), 1, 128),
        fetched(10, Some(1), 5, 3),
        fetched(10, Some(2), 6, 3),
        fetched(10, None, 7, 3),
        fetched(11, Some(2), 8, 3),
        fetched(20, Some(900), 0, 4),
        gap(20, 30, false),
        fetched(20, Some(900), 31, 4),
        gap(30, 2, true),
        fetched(31, Some(0), 0, 4),
    ];
    let down = vec![
        fetched(u64::MAX, Some(0), 0, 0),
        fetched(u64::MAX, Some(0), 1, 0),
        fetched(8, Some(4), 0, 0),
        gap(5, 9, false),
        fetched(0, Some(4), 2, 0),
    ];
    vec![
        ("fetch ascending", 4, GroupOrder::Ascending, up),
        ("fetch descending", 6, GroupOrder::Descending, down),
        (
            "fetch that begins with a gap",
            8,
            GroupOrder::Ascending,
            vec![gap(3, 4, true), fetched(3, Some(0), 5, 1)],
        ),
        ("fetch of nothing", 1, GroupOrder::Ascending, vec![]),
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
