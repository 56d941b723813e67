//! Against an independent codec: what we write it reads as the same thing and writes back the same
//! way, and both accept and refuse the same bytes.
//!
//! Where the two differ on purpose the text of draft-18 decides; each place says so.

#[path = "common/gen.rs"]
mod gen;

use bytes::{Bytes, BytesMut};
use moqt::wire::*;
use moqtap_codec::draft18::data_stream as theirs;
use moqtap_codec::draft18::message::{self as oracle, ControlMessage, FetchPayload, FetchType};
use moqtap_codec::draft18::types::ObjectStatus as TheirStatus;
use moqtap_codec::kvp::{KeyValuePair, KvpValue};
use moqtap_codec::types::TrackNamespace;
use moqtap_codec::varint::VarInt;
use proptest::prelude::*;

fn profile() -> &'static dyn Profile {
    Draft::Draft18.profile()
}

fn encode(message: &Message) -> Bytes {
    let mut out = BytesMut::new();
    profile().encode_message(message, &mut out).unwrap();
    out.freeze()
}

fn vi(value: u64) -> VarInt {
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

fn convert(message: &Message) -> ControlMessage {
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

fn their_status(status: ObjectStatus) -> TheirStatus {
    TheirStatus::from_u64(status.value()).unwrap()
}

/// A message that only one side refuses, for a reason of its own.
fn is_known_difference(bytes: &[u8], ours: &Result<(Message, usize), WireError>) -> bool {
    match ours {
        // The oracle refuses a standalone FETCH whose end is before its start; the draft gives
        // that no session error, so that here the publisher answers INVALID_RANGE.
        Ok((
            Message::Request {
                request: Request::Fetch(m),
                ..
            },
            _,
        )) => {
            matches!(&m.range, FetchRange::Standalone { start, end, .. } if end < start)
        }
        // PUBLISH_OK is in the draft's table with a type of its own; the oracle does not know it.
        Ok(_) => VarintCoding::LeadingOnes
            .decode(bytes)
            .is_ok_and(|(kind, _)| kind == 0x1E),
        Err(_) => false,
    }
}

proptest! {
    #[test]
    fn control_messages_are_the_same(message in gen::message()) {
        let bytes = encode(&message);
        let expected = convert(&message);
        let read = ControlMessage::decode(&mut &bytes[..]);
        prop_assert_eq!(read.as_ref().ok(), Some(&expected), "{:?}", read);
        let mut written = Vec::new();
        expected.encode(&mut written).unwrap();
        prop_assert_eq!(&written[..], &bytes[..]);
    }

    #[test]
    fn damaged_messages_are_judged_the_same(
        message in gen::message(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = encode(&message).to_vec();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let bytes = Bytes::from(bytes);
        let ours = profile().decode_message(&bytes);
        let mut rest = &bytes[..];
        let read = ControlMessage::decode(&mut rest);
        if !is_known_difference(&bytes, &ours) {
            prop_assert_eq!(
                ours.is_ok(), read.is_ok(), "ours {:?} theirs {:?} of {:02x?}", ours, read, &bytes[..]
            );
        }
    }

    #[test]
    fn subgroup_streams_are_the_same(
        (header, objects) in gen::subgroup_header().prop_flat_map(|header| {
            (Just(header), gen::subgroup_objects(header.has_properties))
        }),
    ) {
        let mut bytes = BytesMut::new();
        profile().encode_subgroup_header(&header, &mut bytes);
        let mut rest = &bytes[..];
        let read = theirs::SubgroupHeader::decode(&mut rest).unwrap();
        prop_assert!(rest.is_empty());
        prop_assert_eq!(read.track_alias, vi(header.track_alias));
        prop_assert_eq!(read.group_id, vi(header.group));
        prop_assert_eq!(read.publisher_priority, header.priority);
        prop_assert_eq!(read.has_properties(), header.has_properties);
        prop_assert_eq!(read.is_end_of_group(), header.end_of_group);
        prop_assert_eq!(read.is_first_object(), header.first_object);
        match header.subgroup {
            SubgroupId::Zero => prop_assert_eq!(read.subgroup_id_mode(), 0),
            SubgroupId::FirstObject => prop_assert_eq!(read.subgroup_id_mode(), 1),
            SubgroupId::Explicit(id) => prop_assert_eq!(read.subgroup_id, vi(id)),
        }
        let mut written = Vec::new();
        read.encode_checked(&mut written).unwrap();
        prop_assert_eq!(&written[..], &bytes[..]);

        let mut state = SubgroupState::new(&header);
        let (mut reader, mut writer) =
            (theirs::SubgroupObjectReader::new(&read), theirs::SubgroupObjectReader::new(&read));
        for object in &objects {
            let mut bytes = BytesMut::new();
            profile().encode_subgroup_object(&mut state, object, &mut bytes).unwrap();
            bytes.extend_from_slice(&object.payload);
            let read = reader.read_object(&mut &bytes[..]).unwrap();
            prop_assert_eq!(read.object_id, vi(object.object));
            prop_assert_eq!(&read.extension_headers[..], &object.properties.as_wire()[..]);
            prop_assert_eq!(read.status(), their_status(object.status));
            prop_assert_eq!(&read.payload[..], &object.payload[..]);
            let mut written = Vec::new();
            writer.write_object(&read, &mut written).unwrap();
            prop_assert_eq!(&written[..], &bytes[..]);
        }
    }

    #[test]
    fn datagrams_are_the_same(datagram in gen::datagram()) {
        let mut bytes = BytesMut::new();
        profile().encode_datagram(&datagram, &mut bytes).unwrap();
        let (read, payload) = theirs::DatagramHeader::decode_object(&mut &bytes[..]).unwrap();
        prop_assert_eq!(read.track_alias, vi(datagram.track_alias));
        prop_assert_eq!(read.group_id, vi(datagram.group));
        prop_assert_eq!(read.object_id, vi(datagram.object));
        prop_assert_eq!(read.publisher_priority, datagram.priority);
        prop_assert_eq!(read.is_end_of_group(), datagram.end_of_group);
        prop_assert_eq!(read.status(), their_status(datagram.status));
        prop_assert_eq!(&read.properties[..], &datagram.properties.as_wire()[..]);
        prop_assert_eq!(&payload[..], &datagram.payload[..]);
        let mut written = Vec::new();
        read.encode_checked(&mut written).unwrap();
        written.extend(payload);
        prop_assert_eq!(&written[..], &bytes[..]);
    }

    #[test]
    fn random_datagrams_are_judged_the_same(bytes in gen::blob(24)) {
        let ours = profile().decode_datagram(&bytes);
        let read = theirs::DatagramHeader::decode_object(&mut &bytes[..]);
        // The oracle takes a type in one byte only and leaves what follows a status to its caller.
        let long_type = bytes.first().is_some_and(|first| first & 0x80 != 0);
        let after_status = ours == Err(WireError::violation("message longer than its fields"));
        if !long_type && !after_status && ours != Ok(Datagram::Padding) {
            prop_assert_eq!(ours.is_ok(), read.is_ok(), "ours {:?} theirs {:?}", ours, read);
        }
    }

    #[test]
    fn fetch_streams_are_the_same(
        (order, items) in gen::order().prop_flat_map(|order| (Just(order), gen::fetch_items(order))),
    ) {
        let their_order = match order {
            GroupOrder::Ascending => theirs::GroupOrder::Ascending,
            GroupOrder::Descending => theirs::GroupOrder::Descending,
        };
        let mut state = FetchState::new(order);
        let mut reader = theirs::FetchObjectReader::new(their_order);
        let mut writer = theirs::FetchObjectWriter::new(their_order);
        for item in &items {
            let mut bytes = BytesMut::new();
            profile().encode_fetch_item(&mut state, item, &mut bytes).unwrap();
            let mut rest = &bytes[..];
            let read = reader.read_object_header(&mut rest).unwrap();
            prop_assert!(rest.is_empty());
            match item {
                FetchItem::Object(object) => {
                    prop_assert_eq!((read.group_id, read.object_id), (object.group, object.object));
                    prop_assert_eq!(read.subgroup_id, object.subgroup);
                    prop_assert_eq!(read.publisher_priority, Some(object.priority));
                    prop_assert_eq!(&read.header.properties[..], &object.properties.as_wire()[..]);
                    prop_assert_eq!(read.header.payload_length, vi(object.payload.len() as u64));
                }
                FetchItem::EndOfRange { location, unknown } => {
                    prop_assert_eq!((read.group_id, read.object_id), (location.group, location.object));
                    let kind = read.header.end_of_range().unwrap();
                    prop_assert_eq!(kind == theirs::EndOfRange::Unknown, *unknown);
                }
            }
            let mut written = Vec::new();
            writer.write_object_header(&read, &mut written).unwrap();
            prop_assert_eq!(&written[..], &bytes[..]);
        }
    }
}

#[test]
fn error_codes_have_the_same_numbers() {
    use moqtap_codec::draft18::error_codes as codes;
    for (code, _) in session_codes::ALL {
        assert_eq!(
            codes::SessionErrorCode::from_u64(*code).map(|c| c.as_u64()),
            Some(*code)
        );
    }
    for (code, _) in request_codes::ALL {
        assert_eq!(
            codes::RequestErrorCode::from_u64(*code).map(|c| c.as_u64()),
            Some(*code)
        );
    }
    for (code, _) in done_codes::ALL {
        assert_eq!(
            codes::PublishDoneStatusCode::from_u64(*code).map(|c| c.as_u64()),
            Some(*code)
        );
    }
    for (code, _) in stream_codes::ALL {
        assert_eq!(
            codes::StreamResetErrorCode::from_u64(*code).map(|c| c.as_u64()),
            Some(*code)
        );
    }
}
