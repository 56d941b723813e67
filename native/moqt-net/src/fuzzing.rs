//! What the fuzz targets in `native/fuzz` reach of this crate.

use crate::link::h3::{body_text, prefix, ConnectReader, Prefix};
use moqt::transport::Dir;
use web_transport_proto::{ConnectRequest, ConnectResponse, Settings};

/// What a peer sends on the streams of the WebTransport exchange; the first byte says which.
pub fn webtransport(data: &[u8]) {
    let Some((which, data)) = data.split_first() else {
        return;
    };
    match which % 6 {
        0 => drop(Settings::decode(&mut &*data)),
        1 => connect_stream(data),
        2 => stream_prefix(data),
        3 => drop(ConnectRequest::decode(&mut &*data)),
        4 => drop(ConnectResponse::decode(&mut &*data)),
        _ => assert!(body_text(data).len() <= 3 * 500),
    }
}

/// The end of the session is found wherever the bytes are cut.
fn connect_stream(data: &[u8]) {
    let whole = ConnectReader::default().feed(data);
    let mut reader = ConnectReader::default();
    let mut found = Ok(None);
    for byte in data {
        found = reader.feed(std::slice::from_ref(byte));
        if !matches!(found, Ok(None)) {
            break;
        }
    }
    assert_eq!(found.is_err(), whole.is_err());
    if let (Ok(found), Ok(whole)) = (found, whole) {
        assert_eq!(found, whole);
    }
}

fn stream_prefix(data: &[u8]) {
    for dir in [Dir::Uni, Dir::Bi] {
        match prefix(dir, data) {
            Prefix::Session { length, .. } => {
                assert!(length <= data.len());
                let cut = prefix(dir, data.get(..length - 1).unwrap_or_default());
                assert_eq!(cut, Prefix::More);
            }
            Prefix::More => assert!(data.len() < 16),
            Prefix::Uni(_) | Prefix::Request => {}
        }
    }
}
