//! What the fuzz targets in `native/fuzz` reach of this crate.

use crate::inherited::catalog::document::{Catalog, MAX_BYTES};
use crate::inherited::catalog::tracks::MAX_TRACKS;
use crate::options;

/// Every reader of JSON options.
pub fn options(data: &[u8]) {
    let errors = [
        options::client(data).err(),
        options::publish(data).err(),
        options::subscribe(data).err(),
        options::fetch(data).err(),
        options::discover(data).err(),
        options::announce(data).err(),
        options::configure(data, 30_000).err(),
        options::status(data).err(),
        options::update(data).err(),
        options::relay(data).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(!error.message.is_empty());
    }
}

/// Objects of a catalog track, one a line.
pub fn catalog(data: &[u8]) {
    let mut catalog = Catalog::default();
    let mut before = None;
    for object in data.split(|byte| *byte == b'\n') {
        match catalog.apply("live/1", object) {
            Ok(tracks) => {
                assert!(object.len() <= MAX_BYTES && tracks.len() <= MAX_TRACKS);
                let texts = |t: &crate::inherited::catalog::tracks::Track| {
                    assert!(!t.name.is_empty());
                    [&t.name, &t.codec, &t.mime_type, &t.language].map(|text| text.contains('\0'))
                };
                assert!(!tracks.iter().flat_map(texts).any(|nul| nul));
                before = Some(tracks);
            }
            Err(error) => {
                assert!(!error.is_empty());
                // What stood before stands: an update that changes nothing tells it again.
                assert_eq!(catalog.apply("live/1", b"[]").ok(), before);
            }
        }
    }
}
