//! What is read outside of MOQT itself.

use moqt_net::Address;
use moqt_relay::StaticTokens;

/// The WebTransport exchange of either side, in the pieces that the first byte says.
pub fn webtransport(data: &[u8]) {
    moqt_net::fuzzing::webtransport(data);
}

pub fn url(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Address::parse(&text) {
        Ok(address) => {
            assert!(!address.host.is_empty() && address.port > 0);
            assert!(address.path.starts_with('/'), "{:?}", address.path);
            // What it says of itself leads to the same place.
            let again = format!("moqt://{}{}", address.authority, address.path);
            let again = Address::parse(&again).expect("its own words");
            assert_eq!(again.host, address.host);
            assert_eq!(again.path, address.path);
        }
        Err(e) => assert!(!e.to_string().is_empty()),
    }
}

/// JSON options of every function of the C ABI.
pub fn options(data: &[u8]) {
    moq_ffi::fuzzing::options(data);
}

/// Objects of a catalog track, one a line.
pub fn catalog(data: &[u8]) {
    moq_ffi::fuzzing::catalog(data);
}

pub fn token_file(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(e) = StaticTokens::from_json(&text) {
        assert!(!e.to_string().is_empty());
    }
}

/// Arguments of the relay's command, one a line.
pub fn arguments(data: &[u8]) {
    moqt_relay::cli::fuzzing::arguments(&String::from_utf8_lossy(data));
}
