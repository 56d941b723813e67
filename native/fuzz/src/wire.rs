//! Decoders: what they accept they write again and read as the same; what is cut they ask more of.

use bytes::{Bytes, BytesMut};
use moqt::wire::cursor::{Reader, Writer};
use moqt::wire::*;

/// Objects above this are refused in the targets.
const MAX_SIZE: usize = 4_096;
const CODING: VarintCoding = VarintCoding::LeadingOnes;

fn profile() -> &'static dyn Profile {
    Draft::Draft18.profile()
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out, CODING));
    out.freeze()
}

pub fn varint(data: &[u8]) {
    for coding in [VarintCoding::LeadingOnes, VarintCoding::Quic] {
        match coding.decode(data) {
            Ok((value, used)) => {
                assert!(used <= data.len() && value <= coding.max());
                let mut out = [0; varint::MAX_VARINT_LEN];
                let length = coding.encode(value, &mut out);
                assert!(length <= used, "the shortest form is not longer");
                assert_eq!(coding.decode(&out[..length]), Ok((value, length)));
            }
            Err(missing) => assert!(missing > 0 && data.len() < varint::MAX_VARINT_LEN),
        }
    }
}

pub fn name(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let mut r = Reader::new(&data, CODING);
    if let Ok(track) = FullTrackName::decode(&mut r) {
        let again = written(|w| track.encode(w));
        let read = FullTrackName::decode(&mut Reader::new(&again, CODING));
        assert_eq!(read.as_ref(), Ok(&track));
        let namespace = track.namespace();
        assert!(namespace.is_prefix_of(namespace));
        assert_eq!(
            namespace.suffix_after(namespace),
            Some(Namespace::default())
        );
        assert!(!track.to_string().is_empty());
    }
}

pub fn token(data: &[u8]) {
    if let Ok(token) = AuthToken::decode(&Bytes::copy_from_slice(data), CODING) {
        let again = token.to_bytes(CODING);
        assert_eq!(AuthToken::decode(&again, CODING), Ok(token));
    }
}

pub fn properties(data: &[u8]) {
    let Ok(properties) = Properties::from_wire(Bytes::copy_from_slice(data)) else {
        return;
    };
    let mut builder = Properties::builder();
    for item in properties.iter() {
        let (key, value) = item.expect("it was checked");
        builder = match value {
            PropertyValue::Varint(value) => builder.varint(key, value),
            PropertyValue::Bytes(value) => builder.bytes(key, value),
        };
        let _ = properties.get(key);
    }
    let again = builder.build();
    let items = |p: &Properties| {
        p.iter()
            .map(|item| item.expect("valid"))
            .collect::<Vec<_>>()
    };
    assert_eq!(items(&again), items(&properties));
    let _ = properties.check_track();
    let _ = properties.object_fault(7, 7);
    let _ = properties.unknown_mandatory(|key| key % 3 == 0);
}

pub fn params(data: &[u8]) {
    let (Some(&which), data) = (data.first(), data.get(1..).unwrap_or_default()) else {
        return;
    };
    use RequestKind::*;
    let kinds = [
        Subscribe,
        Publish,
        Fetch,
        TrackStatus,
        PublishNamespace,
        SubscribeNamespace,
        SubscribeTracks,
    ];
    let kind = kinds[usize::from(which) % kinds.len()];
    let scope = match which / 64 {
        0 => Scope::Request(kind),
        1 => Scope::Update(kind),
        2 => Scope::RequestOk(kind),
        _ => Scope::UpdateOk(kind),
    };
    let data = Bytes::copy_from_slice(data);
    if let Ok(params) = Parameters::decode(&mut Reader::new(&data, CODING), scope) {
        assert_eq!(params.check(scope), Ok(()));
        let again = written(|w| params.encode(w));
        let read = Parameters::decode(&mut Reader::new(&again, CODING), scope);
        assert_eq!(read, Ok(params));
    }
}

pub fn control(data: &[u8]) {
    let mut rest = Bytes::copy_from_slice(data);
    loop {
        match profile().decode_message(&rest) {
            Ok((message, used)) => {
                assert!(used > 0 && used <= rest.len());
                let cut = profile().decode_message(&rest.slice(..used - 1));
                assert!(matches!(cut, Err(WireError::Truncated { .. })), "{cut:?}");
                let mut out = BytesMut::new();
                if profile().encode_message(&message, &mut out).is_ok() {
                    let again = profile().decode_message(&out.clone().freeze());
                    assert_eq!(again, Ok((message, out.len())));
                }
                rest = rest.slice(used..);
            }
            Err(e) => return missing_is_real(&e, &rest),
        }
    }
}

fn missing_is_real(error: &WireError, _: &Bytes) {
    if let WireError::Truncated { missing } = error {
        assert!(*missing > 0, "it would be asked again with the same bytes");
    }
}

pub fn subgroup(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let (header, used) = match profile().decode_stream_header(&data) {
        Ok((StreamHeader::Subgroup(header), used)) => (header, used),
        Ok(_) => return,
        Err(e) => return missing_is_real(&e, &data),
    };
    let mut out = BytesMut::new();
    profile().encode_subgroup_header(&header, &mut out);
    let again = profile().decode_stream_header(&out.freeze());
    assert_eq!(
        again.map(|(header, _)| header),
        Ok(StreamHeader::Subgroup(header))
    );
    let mut rest = data.slice(used..);
    let mut read = SubgroupState::new(&header);
    let (mut write, mut check) = (SubgroupState::new(&header), SubgroupState::new(&header));
    loop {
        match profile().decode_subgroup_object(&mut read, &rest, MAX_SIZE) {
            Ok((object, used)) => {
                assert!(used > 0 && object.payload.len() <= MAX_SIZE);
                let mut out = BytesMut::new();
                let coded = profile().encode_subgroup_object(&mut write, &object, &mut out);
                assert_eq!(coded, Ok(()));
                out.extend_from_slice(&object.payload);
                let length = out.len();
                let again = profile().decode_subgroup_object(&mut check, &out.freeze(), MAX_SIZE);
                assert_eq!(again, Ok((object, length)));
                rest = rest.slice(used..);
            }
            Err(e) => return missing_is_real(&e, &rest),
        }
    }
}

pub fn fetch(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    let used = match profile().decode_stream_header(&data) {
        Ok((StreamHeader::Fetch { .. }, used)) => used,
        Ok(_) => return,
        Err(e) => return missing_is_real(&e, &data),
    };
    for order in [GroupOrder::Ascending, GroupOrder::Descending] {
        let mut rest = data.slice(used..);
        let mut read = FetchState::new(order);
        let (mut write, mut check) = (FetchState::new(order), FetchState::new(order));
        loop {
            match profile().decode_fetch_item(&mut read, &rest, MAX_SIZE) {
                Ok((item, used)) => {
                    assert!(used > 0);
                    let mut out = BytesMut::new();
                    // What is out of order is read, for the session to judge, and never written.
                    if profile()
                        .encode_fetch_item(&mut write, &item, &mut out)
                        .is_err()
                    {
                        break;
                    }
                    if let FetchItem::Object(object) = &item {
                        out.extend_from_slice(&object.payload);
                    }
                    let length = out.len();
                    let again = profile().decode_fetch_item(&mut check, &out.freeze(), MAX_SIZE);
                    assert_eq!(again, Ok((item, length)));
                    rest = rest.slice(used..);
                }
                Err(e) => {
                    missing_is_real(&e, &rest);
                    break;
                }
            }
        }
    }
}

pub fn datagram(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    match profile().decode_datagram(&data) {
        Ok(Datagram::Object(object)) => {
            let mut out = BytesMut::new();
            assert_eq!(profile().encode_datagram(&object, &mut out), Ok(()));
            let again = profile().decode_datagram(&out.freeze());
            assert_eq!(again, Ok(Datagram::Object(object)));
        }
        Ok(Datagram::Padding) => {}
        Err(e) => assert!(
            !matches!(e, WireError::Truncated { .. }),
            "a datagram is whole"
        ),
    }
}
