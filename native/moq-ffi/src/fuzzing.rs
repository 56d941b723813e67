//! What the fuzz targets in `native/fuzz` reach of this crate.

use crate::options;

/// Every reader of JSON options.
pub fn options(data: &[u8]) {
    let errors = [
        options::client(data).err(),
        options::publish(data).err(),
        options::subscribe(data).err(),
        options::fetch(data).err(),
        options::discover(data).err(),
        options::status(data).err(),
        options::update(data).err(),
        options::relay(data).err(),
    ];
    for error in errors.into_iter().flatten() {
        assert!(!error.message.is_empty());
    }
}
