//! What is written can be read again, cut bytes ask for more, and no bytes cause a panic.

#[path = "common/gen.rs"]
mod gen;

use bytes::{Bytes, BytesMut};
use moqt::wire::*;
use proptest::prelude::*;

fn profile() -> &'static dyn Profile {
    Draft::Draft18.profile()
}

fn subgroup_bytes(header: &SubgroupHeader, objects: &[SubgroupObject]) -> Bytes {
    let mut out = BytesMut::new();
    profile().encode_subgroup_header(header, &mut out);
    let mut state = SubgroupState::new(header);
    for object in objects {
        profile()
            .encode_subgroup_object(&mut state, object, &mut out)
            .unwrap();
        out.extend_from_slice(&object.payload);
    }
    out.freeze()
}

fn fetch_bytes(order: GroupOrder, items: &[FetchItem]) -> Bytes {
    let mut out = BytesMut::new();
    let mut state = FetchState::new(order);
    for item in items {
        profile()
            .encode_fetch_item(&mut state, item, &mut out)
            .unwrap();
        if let FetchItem::Object(object) = item {
            out.extend_from_slice(&object.payload);
        }
    }
    out.freeze()
}

fn with_objects() -> impl Strategy<Value = (SubgroupHeader, Vec<SubgroupObject>)> {
    gen::subgroup_header()
        .prop_flat_map(|header| (Just(header), gen::subgroup_objects(header.has_properties)))
}

fn with_items() -> impl Strategy<Value = (GroupOrder, Vec<FetchItem>)> {
    gen::order().prop_flat_map(|order| (Just(order), gen::fetch_items(order)))
}

proptest! {
    #[test]
    fn varints_round_trip_in_both_codings(value in gen::int()) {
        for coding in [VarintCoding::LeadingOnes, VarintCoding::Quic] {
            let value = value.min(coding.max());
            let mut out = [0; 9];
            let len = coding.encode(value, &mut out);
            prop_assert_eq!(len, coding.len(value));
            prop_assert_eq!(coding.decode(&out[..len]), Ok((value, len)));
            for cut in 0..len {
                prop_assert!(coding.decode(&out[..cut]).is_err());
            }
        }
    }

    #[test]
    fn messages_round_trip_and_wait_when_cut(message in gen::message(), cut: prop::sample::Index) {
        let mut out = BytesMut::new();
        profile().encode_message(&message, &mut out).unwrap();
        let bytes = out.freeze();
        prop_assert_eq!(profile().decode_message(&bytes), Ok((message, bytes.len())));
        let cut = cut.index(bytes.len());
        let result = profile().decode_message(&bytes.slice(..cut));
        let waits = matches!(result, Err(WireError::Truncated { missing }) if missing <= bytes.len() - cut);
        prop_assert!(waits);
    }

    #[test]
    fn subgroup_streams_round_trip_and_wait_when_cut(
        (header, objects) in with_objects(), cut: prop::sample::Index,
    ) {
        let bytes = subgroup_bytes(&header, &objects);
        let (decoded, mut at) = profile().decode_stream_header(&bytes).unwrap();
        prop_assert_eq!(decoded, StreamHeader::Subgroup(header));
        let mut state = SubgroupState::new(&header);
        for object in &objects {
            let start = at;
            let (decoded, used) =
                profile().decode_subgroup_object(&mut state.clone(), &bytes.slice(at..), 1 << 20).unwrap();
            prop_assert_eq!(&decoded, object);
            at += used;
            let cut = start + cut.index(used);
            let before = state;
            let result = profile().decode_subgroup_object(&mut state, &bytes.slice(start..cut), 1 << 20);
            prop_assert!(matches!(result, Err(WireError::Truncated { .. })), "{:?}", result);
            prop_assert_eq!(before, state, "a cut object changes nothing");
            profile().decode_subgroup_object(&mut state, &bytes.slice(start..), 1 << 20).unwrap();
        }
        prop_assert_eq!(at, bytes.len());
    }

    #[test]
    fn fetch_streams_round_trip_and_wait_when_cut(
        (order, items) in with_items(), cut: prop::sample::Index,
    ) {
        let bytes = fetch_bytes(order, &items);
        let (mut at, mut state) = (0, FetchState::new(order));
        for item in &items {
            let rest = bytes.slice(at..);
            let (decoded, used) = profile().decode_fetch_item(&mut state.clone(), &rest, 1 << 20).unwrap();
            prop_assert_eq!(&decoded, item);
            let before = state;
            let result = profile().decode_fetch_item(&mut state, &rest.slice(..cut.index(used)), 1 << 20);
            prop_assert!(matches!(result, Err(WireError::Truncated { .. })), "{:?}", result);
            prop_assert_eq!(before, state, "a cut item changes nothing");
            profile().decode_fetch_item(&mut state, &rest, 1 << 20).unwrap();
            at += used;
        }
        prop_assert_eq!(at, bytes.len());
    }

    #[test]
    fn datagrams_round_trip(datagram in gen::datagram()) {
        let mut out = BytesMut::new();
        profile().encode_datagram(&datagram, &mut out).unwrap();
        prop_assert_eq!(profile().decode_datagram(&out.freeze()), Ok(Datagram::Object(datagram)));
    }

    #[test]
    fn property_lists_round_trip(properties in gen::properties()) {
        let again = Properties::from_wire(properties.as_wire().clone()).unwrap();
        prop_assert_eq!(&again, &properties);
        for item in again.iter() {
            let (key, _) = item.unwrap();
            prop_assert!(again.get(key).is_some());
        }
    }

    #[test]
    fn random_bytes_never_panic(bytes in gen::blob(200), order in gen::order(), flag: bool) {
        survive(&bytes, order, flag);
    }

    #[test]
    fn damaged_messages_never_panic(
        message in gen::message(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut out = BytesMut::new();
        profile().encode_message(&message, &mut out).unwrap();
        for (at, byte) in damage {
            let at = at.index(out.len());
            out[at] = byte;
        }
        let bytes = out.freeze();
        if let Ok((message, _)) = profile().decode_message(&bytes) {
            // What was read can be written, but for what only readers tolerate.
            let _ = profile().encode_message(&message, &mut BytesMut::new());
        }
    }

    #[test]
    fn damaged_fetch_streams_never_panic(
        (order, items) in with_items(), at: prop::sample::Index, byte: u8,
    ) {
        let mut bytes = fetch_bytes(order, &items).to_vec();
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        survive(&bytes.into(), order, true);
    }
}

/// Reads bytes as everything that they could be.
fn survive(bytes: &Bytes, order: GroupOrder, has_properties: bool) {
    let _ = profile().decode_message(bytes);
    let _ = profile().decode_stream_header(bytes);
    let _ = profile().decode_datagram(bytes);
    let mut state = SubgroupState {
        has_properties,
        previous: None,
    };
    let mut rest = bytes.clone();
    while let Ok((_, used)) = profile().decode_subgroup_object(&mut state, &rest, 64) {
        assert!(used > 0);
        rest = rest.slice(used..);
    }
    let mut state = FetchState::new(order);
    let mut rest = bytes.clone();
    while let Ok((_, used)) = profile().decode_fetch_item(&mut state, &rest, 64) {
        assert!(used > 0);
        rest = rest.slice(used..);
    }
    if let Ok(properties) = Properties::from_wire(bytes.clone()) {
        properties.get(property::PRIOR_GROUP_ID_GAP);
        properties.object_fault(1, 1);
        properties.unknown_mandatory(|_| false);
        let _ = properties.check_track();
    }
}

#[test]
fn the_drafts_examples_of_integers() {
    let examples: [(&[u8], u64); 8] = [
        (&[0x25], 37),
        (&[0x80, 0x25], 37),
        (&[0xbb, 0xbd], 15_293),
        (&[0xed, 0x7f, 0x3e, 0x7d], 226_442_877),
        (&[0xfa, 0xa1, 0xa0, 0xe4, 0x03, 0xd8], 2_893_212_287_960),
        (
            &[0xfc, 0x89, 0x98, 0xab, 0xc6, 0x6b, 0xc0],
            151_288_809_941_952,
        ),
        (
            &[0xfe, 0xfa, 0x31, 0x8f, 0xa8, 0xe3, 0xca, 0x11],
            70_423_237_261_249_041,
        ),
        (&[0xff; 9], u64::MAX),
    ];
    for (bytes, value) in examples {
        assert_eq!(
            VarintCoding::LeadingOnes.decode(bytes),
            Ok((value, bytes.len()))
        );
    }
}

#[test]
fn the_drafts_example_of_a_subgroup() {
    let header = SubgroupHeader {
        track_alias: 2,
        subgroup: SubgroupId::Explicit(0),
        priority: Some(0),
        ..Default::default()
    };
    let object = |object, payload: &'static [u8]| SubgroupObject {
        object,
        payload: Bytes::from_static(payload),
        ..Default::default()
    };
    let bytes = subgroup_bytes(&header, &[object(0, b"abcd"), object(1, b"efgh")]);
    assert_eq!(&bytes[..], b"\x14\x02\x00\x00\x00\x00\x04abcd\x00\x04efgh");
}

#[test]
fn properties_are_found_inside_immutable_ones() {
    let inner = Properties::builder()
        .varint(0x3800, 5)
        .bytes(0x3801, "x")
        .build();
    let outer = Properties::builder()
        .varint(0x3804, 6)
        .bytes(property::IMMUTABLE, inner.as_wire().clone())
        .build();
    assert_eq!(outer.varint(0x3800), Some(5));
    assert_eq!(outer.varint(0x3804), Some(6));
    assert_eq!(outer.bytes(0x3801), Some(Bytes::from_static(b"x")));
    assert_eq!(outer.varint(0x3806), None);
    let nested = Properties::builder()
        .bytes(property::IMMUTABLE, outer.as_wire().clone())
        .build();
    assert_eq!(
        nested.object_fault(9, 9),
        Some("nested immutable properties")
    );
    assert_eq!(outer.object_fault(9, 9), None);
}

#[test]
fn objects_above_the_size_limit_are_told_before_they_arrive() {
    let mut state = SubgroupState {
        has_properties: false,
        previous: None,
    };
    let head = Bytes::from_static(&[0, 0x80 | 0x10, 0x00]);
    let result = profile().decode_subgroup_object(&mut state, &head, 4_095);
    assert_eq!(result, Err(WireError::TooLarge { size: 4_096 }));
}

#[test]
fn names_and_codes_have_their_text_form() {
    let namespace = Namespace::new(["example.net", "team2", "project_x"]).unwrap();
    let track = FullTrackName::new(namespace, "report").unwrap();
    assert_eq!(track.to_string(), "example.2enet-team2-project_x--report");
    assert_eq!(session_codes::name(0x6), "KEY_VALUE_FORMATTING_ERROR");
    assert_eq!(request_codes::name(0x9D), "UNKNOWN");
    assert!(error::is_grease(0x9D) && error::is_grease(0x11C) && !error::is_grease(0x9E));
}

#[test]
fn oversized_messages_are_not_written() {
    let value = Bytes::from(vec![0; 40_000]);
    let token = AuthToken::UseValue {
        token_type: 0,
        value,
    };
    let setup = Setup {
        tokens: vec![token.clone(), token],
        ..Default::default()
    };
    let mut out = BytesMut::from(&b"before"[..]);
    assert!(profile()
        .encode_message(&Message::Setup(setup), &mut out)
        .is_err());
    assert_eq!(&out[..], b"before");
}
