//! Bytes that break the draft, with the session termination code it names.

use super::json::hex;
use moqt::wire::session_codes::{self, KEY_VALUE_FORMATTING_ERROR as KV, PROTOCOL_VIOLATION as PV};
use serde_json::{json, Value};

/// `kind`: a whole "control" message, a "stream" that is finished after these bytes, a "datagram",
/// or a "fetch" stream read in ascending order.
fn cases() -> Vec<(&'static str, &'static str, Vec<u8>, u64)> {
    let mut all: Vec<(&str, &str, Vec<u8>, u64)> = Vec::new();
    let mut add = |kind, name, bytes: &[u8], code| all.push((kind, name, bytes.to_vec(), code));

    add("control", "unknown type", &[0x3f, 0, 0], PV);
    add("control", "reserved CLIENT_SETUP", &[0x20, 0, 0], PV);
    add(
        "control",
        "message longer than its fields",
        &[0x08, 0, 2, 0, 0],
        PV,
    );
    add(
        "control",
        "message shorter than its fields",
        &[0x03, 0, 1, 0],
        PV,
    );
    add(
        "control",
        "namespace of 33 fields",
        &namespace_of(33, 1),
        PV,
    );
    add(
        "control",
        "namespace with an empty field",
        &[0x08, 0, 2, 1, 0],
        PV,
    );
    add(
        "control",
        "namespace of 4,097 bytes",
        &namespace_of(1, 4_097),
        PV,
    );
    add(
        "control",
        "unknown parameter",
        &subscribe(&[1, 0x05, 0]),
        PV,
    );
    add(
        "control",
        "parameter of another message",
        &subscribe(&[1, 0x08, 0]),
        PV,
    );
    add(
        "control",
        "repeated parameter",
        &subscribe(&[2, 0x20, 1, 0, 1]),
        PV,
    );
    add(
        "control",
        "parameter type above 2^64 - 1",
        &{
            let mut params = vec![2, 0x20, 1];
            params.extend([0xff; 9]);
            subscribe(&params)
        },
        PV,
    );
    add(
        "control",
        "fewer parameters than counted",
        &subscribe(&[2, 0x20, 1]),
        PV,
    );
    add("control", "forward of 2", &subscribe(&[1, 0x10, 2]), PV);
    add("control", "group order of 0", &subscribe(&[1, 0x22, 0]), PV);
    add(
        "control",
        "unknown filter type",
        &subscribe(&[1, 0x21, 1, 5]),
        PV,
    );
    add(
        "control",
        "filter without its location",
        &subscribe(&[1, 0x21, 1, 3]),
        KV,
    );
    add(
        "control",
        "filter longer than its fields",
        &subscribe(&[1, 0x21, 2, 1, 0]),
        KV,
    );
    add(
        "control",
        "filter that ends above group 2^64 - 1",
        &{
            let mut params = vec![1, 0x21, 12, 4, 1, 0];
            params.extend([0xff; 9]);
            subscribe(&params)
        },
        PV,
    );
    add(
        "control",
        "token of unknown alias type",
        &subscribe(&[1, 0x03, 1, 4]),
        KV,
    );
    add(
        "control",
        "token without its alias",
        &subscribe(&[1, 0x03, 1, 1]),
        KV,
    );
    add(
        "control",
        "token longer than its fields",
        &subscribe(&[1, 0x03, 3, 0, 1, 1]),
        KV,
    );
    add("control", "fetch type 4", &[0x16, 0, 3, 0, 4, 0], PV);
    add(
        "control",
        "FETCH_OK with end of track 2",
        &[0x18, 0, 4, 2, 0, 0, 0],
        PV,
    );
    add(
        "control",
        "reason of 1,025 bytes",
        &{
            let mut body = vec![0x10, 0, 0x84, 0x01];
            body.extend([b'x'; 1_025]);
            framed(0x05, &body)
        },
        PV,
    );
    add(
        "control",
        "GOAWAY URI of 8,193 bytes",
        &{
            let mut body = vec![0xa0, 0x01];
            body.extend([b'x'; 8_193]);
            body.push(0);
            framed(0x10, &body)
        },
        PV,
    );
    add(
        "control",
        "track property value above 65,535 bytes",
        &[0x07, 0, 5, 0, 0x0b, 0xc1, 0, 0],
        PV,
    );
    add(
        "control",
        "track properties that end early",
        &[0x07, 0, 3, 0, 0x0b, 2],
        KV,
    );
    add(
        "control",
        "default priority of 256",
        &[0x07, 0, 4, 0, 0x0e, 0x81, 0],
        KV,
    );
    add(
        "control",
        "default group order of 3",
        &[0x07, 0, 3, 0, 0x22, 3],
        PV,
    );
    add(
        "control",
        "dynamic groups of 2",
        &[0x07, 0, 3, 0, 0x30, 2],
        PV,
    );
    add(
        "control",
        "setup option repeated",
        &[0xaf, 0, 0, 5, 1, 1, b'/', 0, 0],
        PV,
    );
    add(
        "control",
        "setup token that is none",
        &[0xaf, 0, 0, 3, 3, 1, 9],
        KV,
    );

    add("stream", "unknown stream type", &[0x06, 0], PV);
    add("stream", "reserved subgroup id mode", &[0x16, 0, 0, 0], PV);
    add("stream", "subgroup bit 7", &[0x80, 0x90, 0, 0, 0], PV);
    add("stream", "end within the header", &[0x14, 2], PV);
    add(
        "stream",
        "end within an object",
        &[0x30, 2, 0, 0, 4, b'a'],
        PV,
    );
    add(
        "stream",
        "unknown object status",
        &[0x30, 2, 0, 0, 0, 1],
        PV,
    );
    add(
        "stream",
        "properties on an end of group",
        &[0x31, 2, 0, 0, 2, 0x3c, 0, 0, 3],
        PV,
    );
    add(
        "stream",
        "object properties that end early",
        &[0x31, 2, 0, 0, 1, 0x3c, 0, 0],
        KV,
    );
    add(
        "stream",
        "object id above 2^64 - 1",
        &{
            let mut bytes = vec![0x30, 2, 0];
            bytes.extend([0xff; 9]);
            bytes.extend([0, 0, 0, 0, 0]);
            bytes
        },
        PV,
    );

    add("datagram", "unknown datagram type", &[0x10, 0, 0, 0, 0], PV);
    add(
        "datagram",
        "status with end of group",
        &[0x22, 0, 0, 0, 0, 0],
        PV,
    );
    add(
        "datagram",
        "properties of length 0",
        &[0x01, 0, 0, 0, 0, 0],
        PV,
    );
    add(
        "datagram",
        "properties on an end of track",
        &[0x21, 0, 0, 0, 0, 2, 0x3c, 0, 4],
        PV,
    );
    add("datagram", "unknown status", &[0x20, 0, 0, 0, 0, 2], PV);
    add("datagram", "status and more", &[0x20, 0, 0, 0, 0, 0, 1], PV);
    add("datagram", "too short", &[0x00, 1], PV);
    add("datagram", "empty", &[], PV);

    add("fetch", "unknown flags", &[5, 0, 0x80, 0x80], PV);
    add("fetch", "first without group", &[5, 0, 0x14, 0, 128, 0], PV);
    add(
        "fetch",
        "first without object",
        &[5, 0, 0x18, 0, 128, 0],
        PV,
    );
    add(
        "fetch",
        "first without priority",
        &[5, 0, 0x0c, 0, 0, 0],
        PV,
    );
    add(
        "fetch",
        "first with the prior subgroup",
        &[5, 0, 0x1d, 0, 0, 128, 0],
        PV,
    );
    add(
        "fetch",
        "prior priority after a gap only",
        &[5, 0, 0x80, 0x8c, 1, 1, 0, 0x00, 0],
        PV,
    );
    add(
        "fetch",
        "group above 2^64 - 1",
        &{
            let mut bytes = vec![5, 0, 0x1c];
            bytes.extend([0xff; 9]);
            bytes.extend([0, 128, 0, 0x0c, 0, 0, 0]);
            bytes
        },
        PV,
    );
    add(
        "fetch",
        "end within an object",
        &[5, 0, 0x1c, 0, 0, 128, 3, b'a'],
        PV,
    );
    add(
        "fetch",
        "end of range with a payload",
        &[5, 0, 0x80, 0x8c, 1, 1, 1, b'a'],
        PV,
    );
    all
}

fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend((body.len() as u16).to_be_bytes());
    bytes.extend(body);
    bytes
}

/// A NAMESPACE message of so many fields of so many bytes.
fn namespace_of(fields: u8, len: u16) -> Vec<u8> {
    let mut body = vec![fields];
    for _ in 0..fields {
        body.extend((len | 0x8000).to_be_bytes());
        body.extend(vec![b'x'; usize::from(len)]);
    }
    framed(0x08, &body)
}

/// A SUBSCRIBE of the empty track name with these parameter bytes.
fn subscribe(params: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0];
    body.extend(params);
    framed(0x03, &body)
}

pub fn vectors() -> Vec<Value> {
    let vector = |(kind, name, bytes, code): (&str, &str, Vec<u8>, u64)| {
        json!({
            "name": name,
            "kind": kind,
            "hex": hex(&bytes),
            "code": code,
            "codeName": session_codes::name(code),
        })
    };
    cases().into_iter().map(vector).collect()
}
