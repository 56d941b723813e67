//! The streams and datagrams that the vectors cover.

use super::cases::text;
use bytes::Bytes;
use moqt::wire::*;

fn object_properties() -> Properties {
    Properties::builder()
        .varint(property::PRIOR_GROUP_ID_GAP, 1)
        .varint(0x3804, 1_790_000_000_000)
        .bytes(77, text("traceID:123456"))
        .build()
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
