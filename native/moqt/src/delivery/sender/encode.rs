//! Objects in their wire form, coded once for all subscribers where they agree.

use crate::delivery::object::{FrameKey, Framed, OutObject, SharedObject};
use crate::wire::object::{ObjectDatagram, SubgroupObject, SubgroupState};
use crate::wire::profile::Profile;
use bytes::{Bytes, BytesMut};

/// Payloads up to this size are copied behind their header once, so that each subscriber's write
/// is one buffer; larger ones are shared as they are.
const FUSE_LIMIT: usize = 4_096;

/// Most bytes of a stream's header and an object's fields before properties and payload.
const FIELDS: usize = 64;

/// The object as it goes on a subgroup stream after object `previous`, or after the stream's header
/// with the alias `head`. `None`: it cannot follow.
pub(super) fn framed(
    profile: &'static dyn Profile,
    object: &SharedObject,
    head: Option<u64>,
    previous: Option<u64>,
    with_properties: bool,
) -> Option<Framed> {
    if previous.is_some_and(|id| id >= object.object) {
        return None;
    }
    let key = FrameKey {
        draft: profile.draft(),
        head,
        previous,
        with_properties,
    };
    let framed = object.framed(key, |object| encode_framed(profile, object, key));
    (!framed.bytes.is_empty()).then_some(framed)
}

fn encode_framed(profile: &dyn Profile, object: &OutObject, key: FrameKey) -> Framed {
    let mut state = SubgroupState {
        has_properties: key.with_properties,
        previous: key.previous,
    };
    let wire = SubgroupObject {
        object: object.object,
        status: object.status,
        properties: object.properties.clone(),
        payload: object.payload.clone(),
    };
    let fuse = object.payload.len() <= FUSE_LIMIT;
    let capacity =
        FIELDS + object.properties.as_wire().len() + if fuse { object.payload.len() } else { 0 };
    let mut out = BytesMut::with_capacity(capacity);
    if let Some(alias) = key.head {
        profile.encode_subgroup_header(&object.header(alias), &mut out);
    }
    if profile
        .encode_subgroup_object(&mut state, &wire, &mut out)
        .is_err()
    {
        return Framed {
            bytes: Bytes::new(),
            payload: Bytes::new(),
        };
    }
    if fuse {
        out.extend_from_slice(&object.payload);
        Framed {
            bytes: out.freeze(),
            payload: Bytes::new(),
        }
    } else {
        Framed {
            bytes: out.freeze(),
            payload: object.payload.clone(),
        }
    }
}

/// The object as a datagram; empty when it cannot be one.
pub(super) fn datagram(profile: &'static dyn Profile, object: &SharedObject, alias: u64) -> Bytes {
    object.datagram((profile.draft(), alias), |object| {
        let wire = ObjectDatagram {
            track_alias: alias,
            group: object.group,
            object: object.object,
            priority: object.priority,
            end_of_group: object.end_of_group,
            status: object.status,
            properties: object.properties.clone(),
            payload: object.payload.clone(),
        };
        let capacity = FIELDS + object.properties.as_wire().len() + object.payload.len();
        let mut out = BytesMut::with_capacity(capacity);
        match profile.encode_datagram(&wire, &mut out) {
            Ok(()) => out.freeze(),
            Err(_) => Bytes::new(),
        }
    })
}
