//! Whole messages and streams, filled from the input.

use crate::input::Input;
use bytes::{Bytes, BytesMut};
use moqt::wire::*;

pub(crate) fn subgroup(alias: u64, input: &mut Input<'_>, out: &mut BytesMut) {
    let profile = Draft::Draft18.profile();
    let header = SubgroupHeader {
        track_alias: alias,
        group: u64::from(input.u8()),
        end_of_group: input.flag(),
        first_object: input.flag(),
        ..SubgroupHeader::default()
    };
    profile.encode_subgroup_header(&header, out);
    let mut state = SubgroupState::new(&header);
    for object in 0..input.below(4) as u64 {
        let object = SubgroupObject {
            object,
            payload: Bytes::copy_from_slice(input.piece()),
            ..SubgroupObject::default()
        };
        let coded = profile.encode_subgroup_object(&mut state, &object, out);
        debug_assert!(coded.is_ok());
        out.extend_from_slice(&object.payload);
    }
}

pub(crate) fn track(input: &mut Input<'_>) -> FullTrackName {
    let name = [b'a' + input.u8() % 3];
    let namespace = Namespace::new([Bytes::from_static(b"game")]).unwrap_or_default();
    FullTrackName::new(namespace, Bytes::copy_from_slice(&name)).unwrap_or_default()
}

fn class(input: &mut Input<'_>) -> Properties {
    match input.u8() % 6 {
        0 => Properties::empty(),
        class => Properties::builder()
            .varint(0x3800, u64::from(class))
            .build(),
    }
}

fn in_namespace(input: &mut Input<'_>) -> NamespaceRequest {
    NamespaceRequest {
        namespace: track(input).namespace().clone(),
        params: Parameters::default(),
    }
}

pub(crate) fn request(alias: u64, input: &mut Input<'_>) -> Request {
    let params = Parameters::default();
    match input.u8() % 8 {
        0 | 1 => Request::Subscribe(Subscribe {
            track: track(input),
            params,
        }),
        2 => Request::Publish(Publish {
            track: track(input),
            track_alias: alias,
            params,
            properties: class(input),
        }),
        3 => Request::Fetch(Fetch {
            range: FetchRange::Standalone {
                track: track(input),
                start: Location::default(),
                end: Location {
                    group: u64::from(input.u8()),
                    object: 0,
                },
            },
            params,
        }),
        4 => Request::TrackStatus(Subscribe {
            track: track(input),
            params,
        }),
        5 => Request::PublishNamespace(in_namespace(input)),
        6 => Request::SubscribeNamespace(in_namespace(input)),
        _ => Request::SubscribeTracks(in_namespace(input)),
    }
}

pub(crate) fn response(alias: u64, input: &mut Input<'_>) -> Response {
    let largest = input.flag().then(|| Location {
        group: u64::from(input.u8()),
        object: 0,
    });
    match input.u8() % 8 {
        0..=2 => Response::SubscribeOk(SubscribeOk {
            track_alias: alias,
            params: Parameters {
                largest_object: largest,
                ..Parameters::default()
            },
            properties: class(input),
        }),
        3 => Response::RequestOk(RequestOk::default()),
        4 => Response::RequestError(RequestError::new(u64::from(input.u8()), "no")),
        5 => Response::FetchOk(FetchOk {
            end: largest.unwrap_or_default(),
            ..FetchOk::default()
        }),
        6 => Response::PublishDone(PublishDone {
            status: u64::from(input.u8()),
            stream_count: u64::from(input.u8() % 4),
            ..PublishDone::default()
        }),
        _ => Response::Namespace(track(input).namespace().clone()),
    }
}
