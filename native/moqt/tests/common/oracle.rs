//! Our messages as the independent codec has them.

use moqt::wire::*;
use moqtap_codec::draft18::message::{self as oracle, ControlMessage, FetchPayload, FetchType};
use moqtap_codec::kvp::{KeyValuePair, KvpValue};
use moqtap_codec::types::TrackNamespace;
use moqtap_codec::varint::VarInt;

pub fn vi(value: u64) -> VarInt {
    VarInt::from_u64_moqt(value)
}

fn ns(namespace: &Namespace) -> TrackNamespace {
    TrackNamespace(
        namespace
            .fields()
            .iter()
            .map(|field| field.to_vec())
            .collect(),
    )
}

fn pairs(properties: &Properties) -> Vec<KeyValuePair> {
    let pair = |item: Result<(u64, PropertyValue), WireError>| {
        let (key, value) = item.unwrap();
        let value = match value {
            PropertyValue::Varint(value) => KvpValue::Varint(vi(value)),
            PropertyValue::Bytes(value) => KvpValue::Bytes(value.to_vec()),
        };
        KeyValuePair {
            key: vi(key),
            value,
        }
    };
    properties.iter().map(pair).collect()
}

fn number(list: &mut Vec<KeyValuePair>, key: u64, value: Option<u64>) {
    if let Some(value) = value {
        list.push(KeyValuePair {
            key: vi(key),
            value: KvpValue::Varint(vi(value)),
        });
    }
}

fn blob(list: &mut Vec<KeyValuePair>, key: u64, value: Option<Vec<u8>>) {
    if let Some(value) = value {
        list.push(KeyValuePair {
            key: vi(key),
            value: KvpValue::Bytes(value),
        });
    }
}

fn ints(values: &[u64]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        vi(*value).encode_moqt::<moqtap_codec::varint::Moqt18>(&mut out);
    }
    out
}

fn token(token: &AuthToken) -> Vec<u8> {
    match token {
        AuthToken::Delete { alias } => ints(&[0, *alias]),
        AuthToken::Register {
            alias,
            token_type,
            value,
        } => [ints(&[1, *alias, *token_type]), value.to_vec()].concat(),
        AuthToken::UseAlias { alias } => ints(&[2, *alias]),
        AuthToken::UseValue { token_type, value } => {
            [ints(&[3, *token_type]), value.to_vec()].concat()
        }
    }
}

fn filter(filter: SubscriptionFilter) -> Vec<u8> {
    match filter {
        SubscriptionFilter::NextGroupStart => ints(&[1]),
        SubscriptionFilter::LargestObject => ints(&[2]),
        SubscriptionFilter::AbsoluteStart(start) => ints(&[3, start.group, start.object]),
        SubscriptionFilter::AbsoluteRange { start, end_group } => {
            ints(&[4, start.group, start.object, end_group - start.group])
        }
    }
}

fn params(p: &Parameters) -> Vec<KeyValuePair> {
    let mut list = Vec::new();
    number(&mut list, 0x02, p.object_delivery_timeout);
    for value in &p.tokens {
        blob(&mut list, 0x03, Some(token(value)));
    }
    number(&mut list, 0x04, p.rendezvous_timeout);
    number(&mut list, 0x06, p.subgroup_delivery_timeout);
    number(&mut list, 0x08, p.expires);
    blob(
        &mut list,
        0x09,
        p.largest_object.map(|l| ints(&[l.group, l.object])),
    );
    number(&mut list, 0x0a, p.fill_timeout);
    number(&mut list, 0x10, p.forward.map(u64::from));
    number(&mut list, 0x20, p.subscriber_priority.map(u64::from));
    blob(&mut list, 0x21, p.filter.map(filter));
    number(
        &mut list,
        0x22,
        p.group_order.map(|order| u64::from(order.value())),
    );
    number(&mut list, 0x32, p.new_group_request);
    let prefix = p.namespace_prefix.as_ref().map(|prefix| {
        let mut out = ints(&[prefix.len() as u64]);
        for field in prefix.fields() {
            out.extend(ints(&[field.len() as u64]));
            out.extend_from_slice(field);
        }
        out
    });
    blob(&mut list, 0x34, prefix);
    list
}

pub fn convert(message: &Message) -> ControlMessage {
    match message {
        Message::Setup(m) => {
            let mut options = Vec::new();
            blob(&mut options, 1, m.path.as_ref().map(|b| b.to_vec()));
            for value in &m.tokens {
                blob(&mut options, 3, Some(token(value)));
            }
            number(&mut options, 4, m.max_auth_token_cache_size);
            blob(&mut options, 5, m.authority.as_ref().map(|b| b.to_vec()));
            blob(
                &mut options,
                7,
                m.implementation.as_ref().map(|b| b.to_vec()),
            );
            ControlMessage::Setup(oracle::Setup { options })
        }
        Message::Goaway(m) => ControlMessage::GoAway(oracle::GoAway {
            new_session_uri: m.uri.to_vec(),
            timeout: vi(m.timeout),
            request_id: m.request_id.map(vi),
        }),
        Message::Update { id, params: p, .. } => {
            ControlMessage::RequestUpdate(oracle::RequestUpdate {
                request_id: vi(*id),
                parameters: params(p),
            })
        }
        Message::Request { id, request } => convert_request(vi(*id), request),
        Message::Response { response, .. } => convert_response(response),
    }
}

fn convert_request(request_id: VarInt, request: &Request) -> ControlMessage {
    let parameters = params(request.params());
    match request {
        Request::Subscribe(m) => ControlMessage::Subscribe(oracle::Subscribe {
            request_id,
            track_namespace: ns(m.track.namespace()),
            track_name: m.track.name().to_vec(),
            parameters,
        }),
        Request::TrackStatus(m) => ControlMessage::TrackStatus(oracle::TrackStatus {
            request_id,
            track_namespace: ns(m.track.namespace()),
            track_name: m.track.name().to_vec(),
            parameters,
        }),
        Request::Publish(m) => ControlMessage::Publish(oracle::Publish {
            request_id,
            track_namespace: ns(m.track.namespace()),
            track_name: m.track.name().to_vec(),
            track_alias: vi(m.track_alias),
            parameters,
            track_properties: pairs(&m.properties),
        }),
        Request::Fetch(m) => {
            let (fetch_type, fetch_payload) = match &m.range {
                FetchRange::Standalone { track, start, end } => (
                    FetchType::Standalone,
                    FetchPayload::Standalone {
                        track_namespace: ns(track.namespace()),
                        track_name: track.name().to_vec(),
                        start_group: vi(start.group),
                        start_object: vi(start.object),
                        end_group: vi(end.group),
                        end_object: vi(end.object),
                    },
                ),
                FetchRange::RelativeJoining {
                    request_id,
                    groups: start,
                } => (
                    FetchType::RelativeJoining,
                    FetchPayload::Joining {
                        joining_request_id: vi(*request_id),
                        joining_start: vi(*start),
                    },
                ),
                FetchRange::AbsoluteJoining {
                    request_id,
                    group: start,
                } => (
                    FetchType::AbsoluteJoining,
                    FetchPayload::Joining {
                        joining_request_id: vi(*request_id),
                        joining_start: vi(*start),
                    },
                ),
            };
            ControlMessage::Fetch(oracle::Fetch {
                request_id,
                fetch_type,
                fetch_payload,
                parameters,
            })
        }
        Request::PublishNamespace(m) => {
            ControlMessage::PublishNamespace(oracle::PublishNamespace {
                request_id,
                track_namespace: ns(&m.namespace),
                parameters,
            })
        }
        Request::SubscribeNamespace(m) => {
            ControlMessage::SubscribeNamespace(oracle::SubscribeNamespace {
                request_id,
                namespace_prefix: ns(&m.namespace),
                parameters,
            })
        }
        Request::SubscribeTracks(m) => ControlMessage::SubscribeTracks(oracle::SubscribeTracks {
            request_id,
            namespace_prefix: ns(&m.namespace),
            parameters,
        }),
    }
}

fn convert_response(response: &Response) -> ControlMessage {
    match response {
        Response::SubscribeOk(m) => ControlMessage::SubscribeOk(oracle::SubscribeOk {
            track_alias: vi(m.track_alias),
            parameters: params(&m.params),
            track_properties: pairs(&m.properties),
        }),
        Response::RequestOk(m) => ControlMessage::RequestOk(oracle::RequestOk {
            parameters: params(&m.params),
            track_properties: pairs(&m.properties),
        }),
        Response::RequestError(m) => ControlMessage::RequestError(oracle::RequestError {
            error_code: vi(m.code),
            retry_interval: vi(m.retry_after.map_or(0, |after| after + 1)),
            reason_phrase: m.reason.clone().into_bytes(),
            redirect: m.redirect.as_ref().map(|redirect| oracle::Redirect {
                connect_uri: redirect.uri.to_vec(),
                track_namespace: ns(redirect.track.namespace()),
                track_name: redirect.track.name().to_vec(),
            }),
        }),
        Response::FetchOk(m) => ControlMessage::FetchOk(oracle::FetchOk {
            end_of_track: u8::from(m.end_of_track),
            end_group: vi(m.end.group),
            end_object: vi(m.end.object),
            parameters: params(&m.params),
            track_properties: pairs(&m.properties),
        }),
        Response::PublishDone(m) => ControlMessage::PublishDone(oracle::PublishDone {
            status_code: vi(m.status),
            stream_count: vi(m.stream_count),
            reason_phrase: m.reason.clone().into_bytes(),
        }),
        Response::Namespace(suffix) => ControlMessage::Namespace(oracle::Namespace {
            namespace_suffix: ns(suffix),
        }),
        Response::NamespaceDone(suffix) => ControlMessage::NamespaceDone(oracle::NamespaceDone {
            namespace_suffix: ns(suffix),
        }),
        Response::PublishBlocked { suffix } => {
            ControlMessage::PublishBlocked(oracle::PublishBlocked {
                namespace_suffix: ns(suffix.namespace()),
                track_name: suffix.name().to_vec(),
            })
        }
    }
}
