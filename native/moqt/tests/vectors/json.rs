//! The message model as JSON: camelCase fields, byte strings as hex, integers above 2^53 - 1 as
//! decimal strings, absent optional fields left out.

use bytes::Bytes;
use moqt::wire::*;
use serde_json::{json, Map, Value};

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn int(value: u64) -> Value {
    if value < 1 << 53 {
        json!(value)
    } else {
        json!(value.to_string())
    }
}

/// An object without the fields that are null.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(
        fields
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

fn text(bytes: &Bytes) -> Value {
    json!(std::str::from_utf8(bytes).expect("vectors have UTF-8 text"))
}

fn opt<T>(value: Option<T>, f: impl FnOnce(T) -> Value) -> Value {
    value.map_or(Value::Null, f)
}

pub fn location(l: Location) -> Value {
    json!({ "group": int(l.group), "object": int(l.object) })
}

fn namespace(n: &Namespace) -> Value {
    json!(n
        .fields()
        .iter()
        .map(|field| hex(field))
        .collect::<Vec<_>>())
}

fn track(t: &FullTrackName) -> Value {
    json!({ "namespace": namespace(t.namespace()), "name": hex(t.name()) })
}

pub fn order(order: GroupOrder) -> Value {
    json!(match order {
        GroupOrder::Ascending => "ascending",
        GroupOrder::Descending => "descending",
    })
}

fn token(token: &AuthToken) -> Value {
    match token {
        AuthToken::Delete { alias } => json!({ "kind": "delete", "alias": int(*alias) }),
        AuthToken::Register {
            alias,
            token_type,
            value,
        } => json!({
            "kind": "register", "alias": int(*alias), "tokenType": int(*token_type), "value": hex(value)
        }),
        AuthToken::UseAlias { alias } => json!({ "kind": "use_alias", "alias": int(*alias) }),
        AuthToken::UseValue { token_type, value } => {
            json!({ "kind": "use_value", "tokenType": int(*token_type), "value": hex(value) })
        }
    }
}

fn tokens(tokens: &[AuthToken]) -> Value {
    if tokens.is_empty() {
        Value::Null
    } else {
        tokens.iter().map(token).collect()
    }
}

fn filter(filter: SubscriptionFilter) -> Value {
    match filter {
        SubscriptionFilter::NextGroupStart => json!({ "kind": "next_group_start" }),
        SubscriptionFilter::LargestObject => json!({ "kind": "largest_object" }),
        SubscriptionFilter::AbsoluteStart(start) => {
            json!({ "kind": "absolute_start", "start": location(start) })
        }
        SubscriptionFilter::AbsoluteRange { start, end_group } => json!({
            "kind": "absolute_range", "start": location(start), "endGroup": int(end_group)
        }),
    }
}

fn params(p: &Parameters) -> Value {
    object([
        ("objectDeliveryTimeout", opt(p.object_delivery_timeout, int)),
        ("tokens", tokens(&p.tokens)),
        ("rendezvousTimeout", opt(p.rendezvous_timeout, int)),
        (
            "subgroupDeliveryTimeout",
            opt(p.subgroup_delivery_timeout, int),
        ),
        ("expires", opt(p.expires, int)),
        ("largestObject", opt(p.largest_object, location)),
        ("fillTimeout", opt(p.fill_timeout, int)),
        ("forward", opt(p.forward, Value::from)),
        (
            "subscriberPriority",
            opt(p.subscriber_priority, Value::from),
        ),
        ("filter", opt(p.filter, filter)),
        ("groupOrder", opt(p.group_order, order)),
        ("newGroupRequest", opt(p.new_group_request, int)),
        (
            "namespacePrefix",
            opt(p.namespace_prefix.as_ref(), namespace),
        ),
    ])
}

fn properties(p: &Properties) -> Value {
    json!(hex(p.as_wire()))
}

pub fn message(message: &Message) -> Value {
    match message {
        Message::Setup(m) => object([
            ("type", json!("setup")),
            ("path", opt(m.path.as_ref(), text)),
            ("authority", opt(m.authority.as_ref(), text)),
            ("tokens", tokens(&m.tokens)),
            (
                "maxAuthTokenCacheSize",
                opt(m.max_auth_token_cache_size, int),
            ),
            ("implementation", opt(m.implementation.as_ref(), text)),
        ]),
        Message::Goaway(m) => object([
            ("type", json!("goaway")),
            ("uri", text(&m.uri)),
            ("timeout", int(m.timeout)),
            ("requestId", opt(m.request_id, int)),
        ]),
        Message::Update { id, params: p, .. } => {
            json!({ "type": "request_update", "requestId": int(*id), "params": params(p) })
        }
        Message::Request { id, request: r } => request(*id, r),
        Message::Response { response: r, .. } => response(r),
    }
}

fn request(id: u64, request: &Request) -> Value {
    let about_track = |kind: &str, m: &Subscribe| {
        json!({
            "type": kind, "requestId": int(id), "track": track(&m.track), "params": params(&m.params)
        })
    };
    let about_namespace = |kind: &str, m: &NamespaceRequest| {
        json!({
            "type": kind,
            "requestId": int(id),
            "namespace": namespace(&m.namespace),
            "params": params(&m.params)
        })
    };
    match request {
        Request::Subscribe(m) => about_track("subscribe", m),
        Request::TrackStatus(m) => about_track("track_status", m),
        Request::Publish(m) => json!({
            "type": "publish",
            "requestId": int(id),
            "track": track(&m.track),
            "trackAlias": int(m.track_alias),
            "params": params(&m.params),
            "properties": properties(&m.properties),
        }),
        Request::Fetch(m) => {
            let range = match &m.range {
                FetchRange::Standalone {
                    track: name,
                    start,
                    end,
                } => json!({
                    "kind": "standalone",
                    "track": track(name),
                    "start": location(*start),
                    "end": location(*end),
                }),
                FetchRange::RelativeJoining { request_id, groups } => json!({
                    "kind": "relative_joining", "requestId": int(*request_id), "groups": int(*groups)
                }),
                FetchRange::AbsoluteJoining { request_id, group } => json!({
                    "kind": "absolute_joining", "requestId": int(*request_id), "group": int(*group)
                }),
            };
            json!({
                "type": "fetch", "requestId": int(id), "range": range, "params": params(&m.params)
            })
        }
        Request::PublishNamespace(m) => about_namespace("publish_namespace", m),
        Request::SubscribeNamespace(m) => about_namespace("subscribe_namespace", m),
        Request::SubscribeTracks(m) => about_namespace("subscribe_tracks", m),
    }
}

fn response(response: &Response) -> Value {
    match response {
        Response::SubscribeOk(m) => json!({
            "type": "subscribe_ok",
            "trackAlias": int(m.track_alias),
            "params": params(&m.params),
            "properties": properties(&m.properties),
        }),
        Response::RequestOk(m) => json!({
            "type": "request_ok",
            "params": params(&m.params),
            "properties": properties(&m.properties),
        }),
        Response::RequestError(m) => object([
            ("type", json!("request_error")),
            ("code", int(m.code)),
            ("retryAfter", opt(m.retry_after, int)),
            ("reason", json!(m.reason)),
            (
                "redirect",
                opt(
                    m.redirect.as_ref(),
                    |r| json!({ "uri": text(&r.uri), "track": track(&r.track) }),
                ),
            ),
        ]),
        Response::FetchOk(m) => json!({
            "type": "fetch_ok",
            "endOfTrack": m.end_of_track,
            "end": location(m.end),
            "params": params(&m.params),
            "properties": properties(&m.properties),
        }),
        Response::PublishDone(m) => json!({
            "type": "publish_done",
            "status": int(m.status),
            "streamCount": int(m.stream_count),
            "reason": m.reason,
        }),
        Response::Namespace(suffix) => {
            json!({ "type": "namespace", "suffix": namespace(suffix) })
        }
        Response::NamespaceDone(suffix) => {
            json!({ "type": "namespace_done", "suffix": namespace(suffix) })
        }
        Response::PublishBlocked { suffix } => json!({
            "type": "publish_blocked",
            "suffix": namespace(suffix.namespace()),
            "name": hex(suffix.name()),
        }),
    }
}

pub fn subgroup_header(h: &SubgroupHeader) -> Value {
    object([
        ("trackAlias", int(h.track_alias)),
        ("group", int(h.group)),
        (
            "subgroup",
            match h.subgroup {
                SubgroupId::Zero => json!(0),
                SubgroupId::FirstObject => json!("first_object"),
                SubgroupId::Explicit(id) => int(id),
            },
        ),
        ("priority", opt(h.priority, Value::from)),
        ("hasProperties", json!(h.has_properties)),
        ("endOfGroup", json!(h.end_of_group)),
        ("firstObject", json!(h.first_object)),
    ])
}

pub fn subgroup_object(o: &SubgroupObject) -> Value {
    json!({
        "object": int(o.object),
        "status": o.status.value(),
        "properties": properties(&o.properties),
        "payload": hex(&o.payload),
    })
}

pub fn datagram(d: &ObjectDatagram) -> Value {
    object([
        ("trackAlias", int(d.track_alias)),
        ("group", int(d.group)),
        ("object", int(d.object)),
        ("priority", opt(d.priority, Value::from)),
        ("endOfGroup", json!(d.end_of_group)),
        ("status", json!(d.status.value())),
        ("properties", properties(&d.properties)),
        ("payload", json!(hex(&d.payload))),
    ])
}

pub fn fetch_item(item: &FetchItem) -> Value {
    match item {
        FetchItem::Object(o) => object([
            ("kind", json!("object")),
            ("group", int(o.group)),
            ("subgroup", opt(o.subgroup, int)),
            ("object", int(o.object)),
            ("priority", json!(o.priority)),
            ("properties", properties(&o.properties)),
            ("payload", json!(hex(&o.payload))),
        ]),
        FetchItem::EndOfRange {
            location: l,
            unknown,
        } => {
            json!({ "kind": "end_of_range", "location": location(*l), "unknown": unknown })
        }
    }
}
