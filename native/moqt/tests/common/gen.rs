//! Random messages, headers and objects.
#![allow(dead_code)]

use bytes::Bytes;
use moqt::wire::*;
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

/// Integers of every encoded length.
pub fn int() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0u32..64).prop_map(|(value, shift)| value >> shift)
}

pub fn blob(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..=max).prop_map(Bytes::from)
}

fn text() -> impl Strategy<Value = Bytes> {
    "[a-z/:.?=é]{0,40}".prop_map(Bytes::from)
}

pub fn namespace() -> BoxedStrategy<Namespace> {
    vec(vec(any::<u8>(), 1..20), 0..=32)
        .prop_map(|fields| Namespace::new(fields).unwrap())
        .boxed()
}

pub fn track() -> BoxedStrategy<FullTrackName> {
    (namespace(), blob(40))
        .prop_map(|(ns, name)| FullTrackName::new(ns, name).unwrap())
        .boxed()
}

pub fn location() -> impl Strategy<Value = Location> {
    (int(), int()).prop_map(|(group, object)| Location { group, object })
}

pub fn order() -> impl Strategy<Value = GroupOrder> {
    prop_oneof![Just(GroupOrder::Ascending), Just(GroupOrder::Descending)]
}

fn filter() -> BoxedStrategy<SubscriptionFilter> {
    prop_oneof![
        Just(SubscriptionFilter::NextGroupStart),
        Just(SubscriptionFilter::LargestObject),
        location().prop_map(SubscriptionFilter::AbsoluteStart),
        (location(), int()).prop_map(|(start, more)| SubscriptionFilter::AbsoluteRange {
            start,
            end_group: start.group.saturating_add(more),
        }),
    ]
    .boxed()
}

fn token() -> BoxedStrategy<AuthToken> {
    prop_oneof![
        int().prop_map(|alias| AuthToken::Delete { alias }),
        (int(), int(), blob(30)).prop_map(|(alias, token_type, value)| AuthToken::Register {
            alias,
            token_type,
            value
        }),
        int().prop_map(|alias| AuthToken::UseAlias { alias }),
        (int(), blob(30)).prop_map(|(token_type, value)| AuthToken::UseValue { token_type, value }),
    ]
    .boxed()
}

fn tokens() -> impl Strategy<Value = Vec<AuthToken>> {
    vec(token(), 0..4)
}

prop_compose! {
    /// All parameters; `only` keeps those that a message may have.
    fn every_param()(
        a in of(int()), tokens in tokens(), b in of(int()), c in of(int()), d in of(int()),
        largest_object in of(location()), e in of(int()), forward in of(any::<bool>()),
        subscriber_priority in of(any::<u8>()), filter in of(filter()), group_order in of(order()),
        f in of(int()), namespace_prefix in of(namespace()),
    ) -> Parameters {
        Parameters {
            object_delivery_timeout: a, tokens, rendezvous_timeout: b,
            subgroup_delivery_timeout: c, expires: d, largest_object, fill_timeout: e, forward,
            subscriber_priority, filter, group_order, new_group_request: f, namespace_prefix,
        }
    }
}

/// Random parameters that are legal in `scope`, found by leaving out what is not.
pub fn params(scope: Scope) -> BoxedStrategy<Parameters> {
    every_param()
        .boxed()
        .prop_map(move |all| {
            let mut kept = Parameters::default();
            macro_rules! keep {
            ($($field:ident),+) => {$(
                let mut one = Parameters::default();
                one.$field = all.$field.clone();
                if one.check(scope).is_ok() {
                    kept.$field = one.$field;
                }
            )+};
        }
            keep!(
                object_delivery_timeout,
                tokens,
                rendezvous_timeout,
                subgroup_delivery_timeout,
                expires,
                largest_object,
                fill_timeout,
                forward,
                subscriber_priority,
                filter,
                group_order,
                new_group_request,
                namespace_prefix
            );
            kept
        })
        .boxed()
}

pub fn properties() -> BoxedStrategy<Properties> {
    let numbers = vec((int().prop_map(|key| key & !1), int()), 0..4);
    let strings = vec((int().prop_map(|key| key | 1), blob(20)), 0..3);
    (numbers, strings)
        .prop_map(|(numbers, strings)| {
            let mut builder = Properties::builder();
            for (key, value) in numbers {
                // The range that objects may not have, and the values that tracks bound.
                let bounded = [0x0e, 0x22, 0x30].contains(&key) || (0x4000..0x8000).contains(&key);
                builder = builder.varint(if bounded { 0x3800 } else { key }, value);
            }
            for (key, value) in strings {
                let special = key == property::IMMUTABLE || (0x4000..0x8000).contains(&key);
                builder = builder.bytes(if special { 0x3801 } else { key }, value);
            }
            builder.build()
        })
        .boxed()
}

fn request() -> BoxedStrategy<Request> {
    use RequestKind as Kind;
    let scope = |kind| params(Scope::Request(kind));
    let on_namespace = |kind| {
        (namespace(), scope(kind))
            .prop_map(|(namespace, params)| NamespaceRequest { namespace, params })
    };
    prop_oneof![
        (track(), scope(Kind::Subscribe))
            .prop_map(|(track, params)| Request::Subscribe(Subscribe { track, params })),
        (track(), scope(Kind::TrackStatus))
            .prop_map(|(track, params)| Request::TrackStatus(Subscribe { track, params })),
        (track(), int(), scope(Kind::Publish), properties()).prop_map(
            |(track, track_alias, params, properties)| Request::Publish(Publish {
                track,
                track_alias,
                params,
                properties
            })
        ),
        (fetch_range(), scope(Kind::Fetch))
            .prop_map(|(range, params)| Request::Fetch(Fetch { range, params })),
        on_namespace(Kind::PublishNamespace).prop_map(Request::PublishNamespace),
        on_namespace(Kind::SubscribeNamespace).prop_map(Request::SubscribeNamespace),
        on_namespace(Kind::SubscribeTracks).prop_map(Request::SubscribeTracks),
    ]
    .boxed()
}

fn fetch_range() -> BoxedStrategy<FetchRange> {
    prop_oneof![
        (track(), location(), location()).prop_map(|(track, a, b)| FetchRange::Standalone {
            track,
            start: a.min(b),
            end: Location::new(a.max(b).group, 0),
        }),
        (int(), int())
            .prop_map(|(request_id, groups)| FetchRange::RelativeJoining { request_id, groups }),
        (int(), int())
            .prop_map(|(request_id, group)| FetchRange::AbsoluteJoining { request_id, group }),
    ]
    .boxed()
}

fn response() -> BoxedStrategy<Response> {
    prop_oneof![
        (int(), params(Scope::SubscribeOk), properties()).prop_map(
            |(track_alias, params, properties)| Response::SubscribeOk(SubscribeOk {
                track_alias,
                params,
                properties
            })
        ),
        (params(Scope::AnyRequestOk), properties())
            .prop_map(|(params, properties)| Response::RequestOk(RequestOk { params, properties })),
        (any::<bool>(), location(), properties()).prop_map(|(end_of_track, end, properties)| {
            Response::FetchOk(FetchOk {
                end_of_track,
                end,
                params: Parameters::default(),
                properties,
            })
        }),
        (int(), of(0..u64::MAX), "[a-zé]{0,30}", text(), track()).prop_map(
            |(code, retry_after, reason, uri, track)| {
                let redirect = (code % 3 == 0).then_some(Redirect { uri, track });
                let code = match (&redirect, code) {
                    (Some(_), _) => request_codes::REDIRECT,
                    (None, request_codes::REDIRECT) => request_codes::INTERNAL_ERROR,
                    (None, code) => code,
                };
                Response::RequestError(RequestError {
                    code,
                    retry_after,
                    reason,
                    redirect,
                })
            }
        ),
        (int(), int(), "[a-zé]{0,30}").prop_map(|(status, stream_count, reason)| {
            Response::PublishDone(PublishDone {
                status,
                stream_count,
                reason,
            })
        }),
        namespace().prop_map(Response::Namespace),
        namespace().prop_map(Response::NamespaceDone),
        track().prop_map(|suffix| Response::PublishBlocked { suffix }),
    ]
    .boxed()
}

pub fn message() -> BoxedStrategy<Message> {
    prop_oneof![
        1 => (of(text()), of(text()), tokens(), of(int()), of(blob(20))).prop_map(
            |(path, authority, tokens, max_auth_token_cache_size, implementation)| {
                Message::Setup(Setup {
                    path, authority, tokens, max_auth_token_cache_size, implementation
                })
            }
        ),
        1 => (text(), int(), of(int())).prop_map(|(uri, timeout, request_id)| {
            Message::Goaway(Goaway { uri, timeout, request_id })
        }),
        6 => (int(), request()).prop_map(|(id, request)| Message::Request { id, request }),
        1 => (int(), params(Scope::AnyUpdate))
            .prop_map(|(id, params)| Message::Update { id, existing: None, params }),
        6 => response().prop_map(|response| Message::Response { id: None, response }),
    ]
    .boxed()
}

prop_compose! {
    pub fn subgroup_header()(
        track_alias in int(), group in int(), mode in 0..3, id in int(),
        priority in of(any::<u8>()), has_properties: bool, end_of_group: bool, first_object: bool,
    ) -> SubgroupHeader {
        let subgroup = match mode {
            0 => SubgroupId::Zero,
            1 => SubgroupId::FirstObject,
            _ => SubgroupId::Explicit(id),
        };
        SubgroupHeader {
            track_alias, group, subgroup, priority, has_properties, end_of_group, first_object
        }
    }
}

fn status() -> impl Strategy<Value = ObjectStatus> {
    prop_oneof![
        4 => Just(ObjectStatus::Normal),
        1 => Just(ObjectStatus::EndOfGroup),
        1 => Just(ObjectStatus::EndOfTrack),
    ]
}

/// Objects of one stream, ascending, with ids below 2^62.
pub fn subgroup_objects(with_properties: bool) -> impl Strategy<Value = Vec<SubgroupObject>> {
    vec((0u64..1 << 40, status(), properties(), blob(300)), 0..8).prop_map(move |list| {
        let mut next = 0;
        let object = |(gap, status, properties, payload): (u64, _, Properties, Bytes)| {
            let object = next + gap;
            next = object + 1;
            let normal = status == ObjectStatus::Normal;
            SubgroupObject {
                object,
                status,
                properties: if normal && with_properties {
                    properties
                } else {
                    Properties::empty()
                },
                payload: if normal { payload } else { Bytes::new() },
            }
        };
        list.into_iter().map(object).collect()
    })
}

prop_compose! {
    pub fn datagram()(
        track_alias in int(), group in int(), object in int(), zero: bool,
        priority in of(any::<u8>()), end_of_group: bool, status in status(),
        properties in properties(), payload in blob(100),
    ) -> ObjectDatagram {
        let normal = status == ObjectStatus::Normal;
        ObjectDatagram {
            track_alias, group, priority, status,
            object: if zero { 0 } else { object },
            end_of_group: normal && end_of_group,
            properties: if normal { properties } else { Properties::empty() },
            payload: if normal { payload } else { Bytes::new() },
        }
    }
}

/// Items of one fetch stream in the given order, with ids below 2^62.
pub fn fetch_items(order: GroupOrder) -> impl Strategy<Value = Vec<FetchItem>> {
    let item = (
        0u64..4,
        0u64..1 << 30,
        of(0u64..5),
        any::<u8>(),
        properties(),
        blob(100),
        0..6,
    );
    vec(item, 0..10).prop_map(move |list| {
        let mut at = Location::new(1 << 50, 0);
        let mut first = true;
        let mut items = Vec::new();
        for (groups, gap, subgroup, priority, properties, payload, kind) in list {
            if groups > 1 && !first {
                at.group = match order {
                    GroupOrder::Ascending => at.group + (groups << (gap % 30)),
                    GroupOrder::Descending => at.group - (groups << (gap % 30)),
                };
                at.object = gap;
            } else {
                at.object += if groups == 0 && !first {
                    1
                } else {
                    gap + u64::from(!first)
                };
            }
            first = false;
            items.push(if kind == 0 {
                FetchItem::EndOfRange {
                    location: at,
                    unknown: priority % 2 == 0,
                }
            } else {
                FetchItem::Object(FetchObject {
                    group: at.group,
                    subgroup,
                    object: at.object,
                    priority: priority % 3,
                    properties,
                    payload,
                })
            });
        }
        items
    })
}
