//! What no honest session would write.

use bytes::{BufMut, Bytes, BytesMut};
use moqt::transport::Dir;
use moqt::wire::cursor::Writer;
use moqt::wire::{
    Draft, FullTrackName, Message, ObjectDatagram, Parameters, Request, Response, SubgroupHeader,
    SubgroupObject, SubgroupState, Subscribe, VarintCoding,
};

const SUBSCRIBE: u64 = 0x3;
const PUBLISH_NAMESPACE: u64 = 0x6;
/// Above all aliases that the attacker publishes under.
const NOBODYS: u64 = 1 << 60;

/// A declared length that the sender does not mean to fill.
pub enum Huge {
    Datagram(Bytes),
    Stream(Dir, Bytes),
    /// On a stream of a track that the attacker publishes.
    OfTrack(Bytes),
}

fn written(write: impl FnOnce(&mut Writer<'_>)) -> Bytes {
    let mut out = BytesMut::new();
    write(&mut Writer::new(&mut out, VarintCoding::LeadingOnes));
    out.freeze()
}

/// A pseudo-random sequence, the same on every run.
pub fn noise(state: &mut u64, length: usize) -> Bytes {
    let mut next = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (*state >> 40) as u8
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

fn header(alias: u64, group: u64, has_properties: bool) -> (SubgroupHeader, BytesMut) {
    let header = SubgroupHeader {
        track_alias: alias,
        group,
        has_properties,
        first_object: true,
        ..SubgroupHeader::default()
    };
    let mut out = BytesMut::new();
    let profile = Draft::Draft18.profile();
    profile.encode_subgroup_header(&header, &mut out);
    (header, out)
}

/// A whole stream of a track that nobody has asked for.
pub fn object_stream(number: u64) -> Bytes {
    let (header, mut out) = header(NOBODYS + number % 1_000, number, false);
    let object = SubgroupObject {
        payload: Bytes::from_static(&[b'x'; 64]),
        ..SubgroupObject::default()
    };
    let coded = Draft::Draft18.profile().encode_subgroup_object(
        &mut SubgroupState::new(&header),
        &object,
        &mut out,
    );
    debug_assert!(coded.is_ok());
    out.put_slice(&object.payload);
    out.freeze()
}

/// A type that is none: neither known nor greased.
pub fn unknown_stream(number: u64) -> Bytes {
    written(|w| {
        w.varint(0x100 + number % 3);
        w.bytes(b"what is this?");
    })
}

pub fn object_datagram(number: u64) -> Bytes {
    let datagram = ObjectDatagram {
        track_alias: NOBODYS + number % 1_000,
        group: number,
        payload: Bytes::from_static(&[b'x'; 100]),
        ..ObjectDatagram::default()
    };
    let mut out = BytesMut::new();
    let coded = Draft::Draft18
        .profile()
        .encode_datagram(&datagram, &mut out);
    debug_assert!(coded.is_ok());
    out.freeze()
}

/// Payload that comes at a time.
pub const PIECE: usize = 64 << 10;
/// Pieces in an object: less than a megabyte, far below the usual limit.
pub const PIECES: usize = 15;

/// An object and its first piece.
pub fn partial_object(alias: u64) -> Bytes {
    let (_, mut out) = header(alias, 1, false);
    let mut w = Writer::new(&mut out, VarintCoding::LeadingOnes);
    w.varint(0);
    // One more than ever comes.
    w.varint(((PIECES + 1) * PIECE) as u64);
    w.bytes(&[b'x'; PIECE]);
    out.freeze()
}

/// A SUBSCRIBE with the longest name that there can be.
pub fn long_request(number: u64) -> Bytes {
    let name = Bytes::from(vec![b'n'; 4_000]);
    let request = Request::Subscribe(Subscribe {
        track: FullTrackName::new(Default::default(), name).unwrap_or_default(),
        params: Parameters::default(),
    });
    let mut out = BytesMut::new();
    let message = Message::Request {
        // Ids of the attacker's own session are lower.
        id: (1 << 40) + 2 * number,
        request,
    };
    let coded = Draft::Draft18.profile().encode_message(&message, &mut out);
    debug_assert!(coded.is_ok());
    out.freeze()
}

const HUGE: u64 = u64::MAX >> 2;

/// A control message whose body is `body`, truly or allegedly `length` bytes long.
fn message(kind: u64, length: Option<u16>, body: impl FnOnce(&mut Writer<'_>)) -> Bytes {
    let body = written(body);
    written(|w| {
        w.varint(kind);
        w.u16(length.unwrap_or(body.len() as u16));
        w.bytes(&body);
    })
}

/// Each number another place where a length is declared.
pub fn huge_length(number: u64, alias: u64) -> Huge {
    let track = |has_properties: bool, write: &dyn Fn(&mut Writer<'_>)| {
        let (_, mut out) = header(alias, 1, has_properties);
        write(&mut Writer::new(&mut out, VarintCoding::LeadingOnes));
        Huge::OfTrack(out.freeze())
    };
    match number % 9 {
        // The longest message, of which little comes.
        0 => Huge::Stream(
            Dir::Bi,
            message(SUBSCRIBE, Some(u16::MAX), |w| w.bytes(&[0; 16])),
        ),
        1 => track(false, &|w| {
            w.varint(0);
            w.varint(HUGE);
            w.bytes(&[0; 16]);
        }),
        2 => track(true, &|w| {
            w.varint(0);
            w.varint(HUGE);
            w.bytes(&[0; 16]);
        }),
        // Fields of a namespace, a field, a name, parameters.
        3 => Huge::Stream(
            Dir::Bi,
            message(PUBLISH_NAMESPACE, None, |w| {
                w.varint(1 << 40);
                w.varint(0);
                w.varint(HUGE);
            }),
        ),
        4 => Huge::Stream(
            Dir::Bi,
            message(PUBLISH_NAMESPACE, None, |w| {
                w.varint(1 << 40);
                w.varint(0);
                w.varint(1);
                w.varint(HUGE);
            }),
        ),
        5 => Huge::Stream(
            Dir::Bi,
            message(SUBSCRIBE, None, |w| {
                w.varint(1 << 40);
                w.varint(0);
                w.varint(1);
                w.length_prefixed(b"a");
                w.varint(HUGE);
            }),
        ),
        6 => Huge::Stream(
            Dir::Bi,
            message(SUBSCRIBE, None, |w| {
                w.varint(1 << 40);
                w.varint(0);
                w.varint(1);
                w.length_prefixed(b"a");
                w.length_prefixed(b"b");
                w.varint(HUGE);
            }),
        ),
        // Properties of a datagram.
        7 => Huge::Datagram(written(|w| {
            w.varint(0x01);
            w.varint(alias);
            w.varint(1);
            w.varint(1);
            w.u8(128);
            w.varint(HUGE);
        })),
        // An object within the limit whose properties fill the whole of it.
        _ => track(true, &|w| {
            w.varint(0);
            w.varint(15 << 20);
            w.bytes(&[0; 16]);
        }),
    }
}

/// The code of a REQUEST_ERROR at the front of an answer.
pub fn refusal(data: &Bytes) -> Option<u64> {
    match Draft::Draft18.profile().decode_message(data) {
        Ok((
            Message::Response {
                response: Response::RequestError(error),
                ..
            },
            _,
        )) => Some(error.code),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use moqt::wire::WireError;

    #[test]
    fn what_is_sent_means_what_it_should() {
        let profile = Draft::Draft18.profile();
        assert!(profile.decode_stream_header(&object_stream(7)).is_ok());
        assert!(profile.decode_stream_header(&unknown_stream(7)).is_err());
        assert!(profile.decode_datagram(&object_datagram(7)).is_ok());
        let whole = long_request(3);
        assert!(profile.decode_message(&whole).is_ok());
        let cut = whole.slice(..whole.len() - 1);
        assert!(matches!(
            profile.decode_message(&cut),
            Err(WireError::Truncated { .. })
        ));
        for number in 3..7 {
            let Huge::Stream(_, bytes) = huge_length(number, 1) else {
                panic!("{number}")
            };
            let error = profile.decode_message(&bytes).expect_err("no message");
            assert!(!matches!(error, WireError::Truncated { .. }), "{number}");
        }
    }
}
