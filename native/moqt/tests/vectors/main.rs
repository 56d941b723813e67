//! The vectors that the Rust and the TypeScript implementation share (`test/vectors/draft18`).
//!
//! The files are written by this test with `MOQ_WRITE_VECTORS=1` and compared with what this
//! library writes otherwise, so that they cannot become stale. Each entry has `name`, `kind`, `hex`
//! and `value` (see `json.rs`), and `canonical: false` where the bytes are only to be read, not
//! written so. Entries of `malformed.json` have the session termination `code` instead of a value.

mod cases;
mod data_cases;
mod json;
mod malformed;

use bytes::{Bytes, BytesMut};
use json::hex;
use moqt::wire::*;
use serde_json::{json, Value};
use std::path::PathBuf;

fn profile() -> &'static dyn Profile {
    Draft::Draft18.profile()
}

fn unhex(text: &str) -> Bytes {
    let byte = |i| u8::from_str_radix(&text[i..i + 2], 16).unwrap();
    (0..text.len())
        .step_by(2)
        .map(byte)
        .collect::<Vec<u8>>()
        .into()
}

fn varints() -> Vec<Value> {
    let form = |value: u64, bytes: &[u8], minimal: bool| {
        let mut entry = json!({
            "name": format!("{value} in {} bytes", bytes.len()),
            "kind": "varint", "hex": hex(bytes), "value": json::int(value),
        });
        if !minimal {
            entry["canonical"] = json!(false);
        }
        entry
    };
    let coding = VarintCoding::LeadingOnes;
    let mut all: Vec<Value> = cases::VARINTS
        .iter()
        .map(|(value, bytes)| form(*value, bytes, coding.len(*value) == bytes.len()))
        .collect();
    for shift in 0..=64u32 {
        let edge = if shift == 64 { u64::MAX } else { 1 << shift };
        for value in [edge - 1, edge] {
            let mut out = [0; 9];
            let len = coding.encode(value, &mut out);
            all.push(form(value, &out[..len], true));
        }
    }
    all.dedup();
    all
}

fn control() -> Vec<Value> {
    let mut all = Vec::new();
    for (name, message) in cases::control() {
        let mut out = BytesMut::new();
        profile().encode_message(&message, &mut out).unwrap();
        let bytes = out.freeze();
        let decoded = profile().decode_message(&bytes).unwrap();
        assert_eq!(decoded, (message.clone(), bytes.len()), "{name}");
        all.push(json!({
            "name": name, "kind": "control", "hex": hex(&bytes), "value": json::message(&message)
        }));
    }
    // Only to be read: the type that the table still lists, unknown options, long integers.
    for (name, text) in [
        ("publish ok of the message table", "1e000100"),
        // Grease 0x9D (odd: bytes) twice, then 0x11C (even: an integer).
        ("setup with unknown options", "af00000a809d0201020000807f05"),
        ("request ok with long integers", "800700068000800e8005"),
    ] {
        let bytes = unhex(text);
        let (message, used) = profile().decode_message(&bytes).unwrap();
        assert_eq!(used, bytes.len(), "{name}");
        all.push(json!({
            "name": name, "kind": "control", "hex": text, "value": json::message(&message),
            "canonical": false,
        }));
    }
    all
}

fn subgroups() -> Vec<Value> {
    let mut all = Vec::new();
    for (name, header, objects) in data_cases::subgroups() {
        let mut out = BytesMut::new();
        profile().encode_subgroup_header(&header, &mut out);
        let mut state = SubgroupState::new(&header);
        for object in &objects {
            profile()
                .encode_subgroup_object(&mut state, object, &mut out)
                .unwrap();
            out.extend_from_slice(&object.payload);
        }
        let objects: Vec<Value> = objects.iter().map(json::subgroup_object).collect();
        all.push(json!({
            "name": name, "kind": "subgroup", "hex": hex(&out),
            "value": { "header": json::subgroup_header(&header), "objects": objects },
        }));
    }
    all
}

fn datagrams() -> Vec<Value> {
    let mut all = Vec::new();
    for (name, datagram) in data_cases::datagrams() {
        let mut out = BytesMut::new();
        profile().encode_datagram(&datagram, &mut out).unwrap();
        let decoded = profile().decode_datagram(&out.clone().freeze()).unwrap();
        assert_eq!(decoded, Datagram::Object(datagram.clone()), "{name}");
        all.push(json!({
            "name": name, "kind": "datagram", "hex": hex(&out), "value": json::datagram(&datagram)
        }));
    }
    let mut padding = BytesMut::new();
    profile().encode_padding(true, &mut padding);
    padding.extend_from_slice(&[0; 3]);
    assert_eq!(
        profile().decode_datagram(&padding.clone().freeze()),
        Ok(Datagram::Padding)
    );
    all.push(json!({
        "name": "padding", "kind": "datagram", "hex": hex(&padding), "value": "padding",
        "canonical": false,
    }));
    all
}

fn fetches() -> Vec<Value> {
    let mut all = Vec::new();
    for (name, request_id, order, items) in data_cases::fetches() {
        let mut out = BytesMut::new();
        profile().encode_fetch_header(request_id, &mut out);
        let mut state = FetchState::new(order);
        for item in &items {
            profile()
                .encode_fetch_item(&mut state, item, &mut out)
                .unwrap();
            if let FetchItem::Object(object) = item {
                out.extend_from_slice(&object.payload);
            }
        }
        let items: Vec<Value> = items.iter().map(json::fetch_item).collect();
        all.push(json!({
            "name": name, "kind": "fetch", "hex": hex(&out),
            "value": { "requestId": request_id, "order": json::order(order), "items": items },
        }));
    }
    all
}

/// One entry a line.
fn pretty(entries: &[Value]) -> String {
    let lines: Vec<String> = entries.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}

#[test]
fn vectors_are_up_to_date() {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../test/vectors/draft18");
    let write = std::env::var_os("MOQ_WRITE_VECTORS").is_some();
    for (name, entries) in [
        ("varint", varints()),
        ("control", control()),
        ("subgroup", subgroups()),
        ("datagram", datagrams()),
        ("fetch", fetches()),
        ("malformed", malformed::vectors()),
    ] {
        let path = dir.join(name).with_extension("json");
        let text = pretty(&entries);
        if write {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{name}.json is stale: run this test with MOQ_WRITE_VECTORS=1"
        );
    }
}

#[test]
fn varint_vectors_decode() {
    for entry in varints() {
        let bytes = unhex(entry["hex"].as_str().unwrap());
        let (value, used) = VarintCoding::LeadingOnes.decode(&bytes).unwrap();
        assert_eq!(
            (json::int(value), used),
            (entry["value"].clone(), bytes.len())
        );
    }
}

/// Reads a whole stream that is finished after `data`.
fn read_stream(mut data: Bytes, order: GroupOrder) -> Result<Vec<Value>, WireError> {
    let (header, used) = profile()
        .decode_stream_header(&data)
        .map_err(WireError::at_end)?;
    data = data.slice(used..);
    let mut items = Vec::new();
    match header {
        StreamHeader::Subgroup(header) => {
            let mut state = SubgroupState::new(&header);
            while !data.is_empty() {
                let (object, used) = profile()
                    .decode_subgroup_object(&mut state, &data, usize::MAX)
                    .map_err(WireError::at_end)?;
                data = data.slice(used..);
                items.push(json::subgroup_object(&object));
            }
        }
        StreamHeader::Fetch { .. } => {
            let mut state = FetchState::new(order);
            while !data.is_empty() {
                let (item, used) = profile()
                    .decode_fetch_item(&mut state, &data, usize::MAX)
                    .map_err(WireError::at_end)?;
                data = data.slice(used..);
                items.push(json::fetch_item(&item));
            }
        }
        StreamHeader::Control | StreamHeader::Padding => {}
    }
    Ok(items)
}

#[test]
fn stream_vectors_decode() {
    for (entries, field) in [(subgroups(), "objects"), (fetches(), "items")] {
        for entry in entries {
            let order = match entry["value"]["order"].as_str() {
                Some("descending") => GroupOrder::Descending,
                _ => GroupOrder::Ascending,
            };
            let items = read_stream(unhex(entry["hex"].as_str().unwrap()), order).unwrap();
            assert_eq!(json!(items), entry["value"][field], "{}", entry["name"]);
        }
    }
}

#[test]
fn malformed_vectors_are_refused_with_their_code() {
    for entry in malformed::vectors() {
        let bytes = unhex(entry["hex"].as_str().unwrap());
        let result = match entry["kind"].as_str().unwrap() {
            "control" => profile().decode_message(&bytes).map(|_| ()),
            "datagram" => profile().decode_datagram(&bytes).map(|_| ()),
            _ => read_stream(bytes, GroupOrder::Ascending).map(|_| ()),
        };
        let code = result
            .expect_err(entry["name"].as_str().unwrap())
            .at_end()
            .code();
        assert_eq!(json!(code), entry["code"], "{}", entry["name"]);
    }
}
