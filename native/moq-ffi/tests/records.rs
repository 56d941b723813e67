//! The golden vectors that pin the record layout for Rust, C++ and TypeScript. After a deliberate
//! change (raise `MOQ_ABI_VERSION`): `MOQ_BLESS=1 cargo test -p moq-ffi --test records`.

use bytes::Bytes;
use moq_ffi::abi::library::MOQ_ABI_VERSION;
use moq_ffi::record::*;
use serde_json::{json, Value};
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test/vectors/records")
}

/// One of each kind, with fields that differ in every byte where they can.
fn samples() -> Vec<(&'static str, Record)> {
    let base = |kind| Record::new(kind, 0x0011_2233_4455_6677 >> 2);
    let text = |value: Value| Bytes::from(value.to_string());
    let object = |payload: &'static [u8]| Record {
        flags: MOQ_FLAG_KEYFRAME | MOQ_FLAG_PUBLISHED_AT,
        group: 1_767_225_600_123,
        object: (1 << 53) - 1,
        subgroup: 4_294_967_296,
        received_us: 123_456_789_012,
        extra: 1_767_225_600_456,
        payload: Bytes::from_static(payload),
        ..base(MOQ_RECORD_OBJECT)
    };
    vec![
        (
            "state-open",
            Record {
                code: MOQ_CLIENT_OPEN as u32,
                payload: text(json!({
                    "draft": 18,
                    "transport": "quic",
                    "peer": "moq-game/0.1.0",
                    "capabilities": {
                        "fetch": true, "discover": true, "datagrams": true, "subscribeUpdate": true,
                    },
                })),
                ..base(MOQ_RECORD_STATE)
            },
        ),
        (
            "ready",
            Record {
                payload: text(json!({"delivery": "latest"})),
                ..base(MOQ_RECORD_READY)
            },
        ),
        ("end", base(MOQ_RECORD_END)),
        (
            "end-error",
            Record {
                code: 16,
                payload: text(
                    json!({"message": "no such track: ünïcödé", "retryable": false, "peerCode": 16}),
                ),
                ..base(MOQ_RECORD_END)
            },
        ),
        ("object-empty", object(b"")),
        ("object-1", object(b"a")),
        ("object-8", object(b"12345678")),
        ("object-13", object(b"hello, world!")),
        (
            "gap",
            Record {
                flags: MOQ_FLAG_COUNT_KNOWN,
                group: 7,
                object: 9,
                extra: 30,
                code: MOQ_GAP_TOO_FAR_BEHIND as u32,
                ..base(MOQ_RECORD_GAP)
            },
        ),
        (
            "gap-unknown-count",
            Record {
                group: 7,
                object: 7,
                code: MOQ_GAP_RESET as u32,
                ..base(MOQ_RECORD_GAP)
            },
        ),
        (
            "namespace-removed",
            Record {
                flags: MOQ_FLAG_REMOVED,
                payload: text(json!(["match", "42"])),
                ..base(MOQ_RECORD_NAMESPACE)
            },
        ),
        (
            "subscribers",
            Record {
                extra: 3,
                ..base(MOQ_RECORD_SUBSCRIBERS)
            },
        ),
        ("writable", base(MOQ_RECORD_WRITABLE)),
        ("keyframe-wanted", base(MOQ_RECORD_KEYFRAME_WANTED)),
        (
            "status",
            Record {
                flags: MOQ_FLAG_HAS_LARGEST,
                group: 12,
                object: 34,
                payload: text(json!({"delivery": "datagram"})),
                ..base(MOQ_RECORD_STATUS)
            },
        ),
        (
            "state-reconnecting",
            Record {
                code: MOQ_CLIENT_RECONNECTING as u32,
                extra: 4,
                payload: text(json!({"message": "nothing was heard", "retryable": true})),
                ..base(MOQ_RECORD_STATE)
            },
        ),
        (
            "gap-reconnected",
            Record {
                group: 1_767_225_600_123,
                object: 1_767_225_600_125,
                code: MOQ_GAP_RECONNECTED as u32,
                ..base(MOQ_RECORD_GAP)
            },
        ),
        (
            "token-wanted",
            Record {
                extra: 4_294_967_298,
                ..base(MOQ_RECORD_TOKEN_WANTED)
            },
        ),
    ]
}

fn encode(record: &Record) -> Vec<u8> {
    let mut out = vec![0xee; record.encoded_len()];
    assert!(record.encode(&mut out));
    out
}

/// What a reader must find; 64-bit numbers as text, since JSON readers may round them.
fn expected(name: &str, record: &Record, offset: usize) -> Value {
    json!({
        "name": name,
        "offset": offset,
        "length": record.encoded_len(),
        "kind": record.kind as u16,
        "flags": record.flags,
        "handle": record.handle.to_string(),
        "group": record.group.to_string(),
        "object": record.object.to_string(),
        "subgroup": record.subgroup.to_string(),
        "receivedUs": record.received_us.to_string(),
        "extra": record.extra.to_string(),
        "code": record.code,
        "payloadLength": record.payload.len(),
        "payload": record.payload.iter().map(|b| format!("{b:02x}")).collect::<String>(),
    })
}

#[test]
fn the_layout_is_what_the_vectors_say() {
    let (mut bytes, mut fields) = (Vec::new(), Vec::new());
    for (name, record) in samples() {
        fields.push(expected(name, &record, bytes.len()));
        bytes.extend(encode(&record));
    }
    let json = json!({ "abiVersion": MOQ_ABI_VERSION, "records": fields });
    let text = serde_json::to_string_pretty(&json).expect("JSON") + "\n";
    if std::env::var_os("MOQ_BLESS").is_some() {
        std::fs::create_dir_all(folder()).expect("the folder can be made");
        std::fs::write(folder().join("records.bin"), &bytes).expect("written");
        std::fs::write(folder().join("records.json"), &text).expect("written");
    }
    let golden = std::fs::read(folder().join("records.bin")).expect("the vectors are committed");
    assert!(
        golden == bytes,
        "the record layout changed; see the top of this file"
    );
    let described = std::fs::read_to_string(folder().join("records.json")).expect("committed");
    assert!(
        described == text,
        "the description of the vectors changed; see the top of this file"
    );
}

#[test]
fn the_header_struct_and_the_encoding_agree() {
    assert_eq!(size_of::<MoqRecordHeader>(), MOQ_RECORD_HEADER_SIZE);
    for (name, record) in samples() {
        let bytes = encode(&record);
        // SAFETY: the struct is plain integers, and the bytes are at least as many.
        let header: MoqRecordHeader =
            unsafe { bytes.as_ptr().cast::<MoqRecordHeader>().read_unaligned() };
        let wanted = MoqRecordHeader {
            length: bytes.len() as u32,
            kind: record.kind as u16,
            flags: record.flags,
            handle: record.handle,
            group: record.group,
            object: record.object,
            subgroup: record.subgroup,
            received_us: record.received_us,
            extra: record.extra,
            payload_length: record.payload.len() as u32,
            code: record.code,
        };
        assert_eq!(header, wanted, "{name}");
        assert_eq!(bytes.len() % 8, 0, "{name}");
    }
}

#[test]
fn a_record_that_does_not_fit_writes_nothing() {
    for (name, record) in samples() {
        let mut out = vec![0xee; record.encoded_len() - 1];
        assert!(!record.encode(&mut out), "{name}");
        assert!(out.iter().all(|byte| *byte == 0xee), "{name}");
    }
}
