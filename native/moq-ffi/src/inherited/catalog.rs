//! Subscribers of catalogs.

pub mod delta;
pub mod document;
pub mod tracks;

use super::calls::value;
use super::objects;
use super::subscribe::{create, Sink};
use super::types::*;
use crate::gate::Gate;
use document::Catalog;
use std::ffi::{c_char, c_void, CString};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use tracks::Track;

/// Reads the objects of a catalog track and tells what it lists.
pub struct CatalogReader {
    gate: Gate<Call<CatalogFn>>,
    catalog: Mutex<Catalog>,
    refused: AtomicU64,
}

impl CatalogReader {
    fn new(call: Option<Call<CatalogFn>>) -> Self {
        let gate = Gate::new();
        gate.set(call);
        CatalogReader {
            gate,
            catalog: Mutex::default(),
            refused: AtomicU64::new(0),
        }
    }

    /// One object of the track.
    pub(super) fn object(&self, name: &str, namespace: &str, payload: &[u8]) {
        let applied = self
            .catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .apply(namespace, payload);
        match applied {
            Ok(tracks) => self.tell(&tracks),
            Err(error) => {
                let count = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
                log::warn!("{name}: a catalog was refused ({count} so far): {error}");
            }
        }
    }

    /// Objects are missing: updates do not apply any more.
    pub(super) fn gap(&self) {
        self.catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .forget();
    }

    pub(super) fn silence(&self) {
        self.gate.set(None);
    }

    fn tell(&self, tracks: &[Track]) {
        // What holds a NUL was refused.
        let text = |text: &str| CString::new(text).unwrap_or_default();
        let texts: Vec<[CString; 4]> = tracks
            .iter()
            .map(|t| {
                [
                    text(&t.name),
                    text(&t.codec),
                    text(&t.mime_type),
                    text(&t.language),
                ]
            })
            .collect();
        let infos: Vec<MoqTrackInfo> = tracks
            .iter()
            .zip(&texts)
            .map(|(track, [name, codec, mime_type, language])| MoqTrackInfo {
                name: name.as_ptr(),
                codec: codec.as_ptr(),
                mime_type: mime_type.as_ptr(),
                width: track.width,
                height: track.height,
                bitrate: track.bitrate,
                sample_rate: track.sample_rate,
                language: language.as_ptr(),
            })
            .collect();
        // SAFETY: the caller of moq_subscribe_catalog gave a function that takes these.
        self.gate
            .call(|call| unsafe { (call.function)(call.user_data, infos.as_ptr(), infos.len()) });
    }
}

/// Inherited: subscribes to a catalog track as `moq_subscribe` does, and gives all tracks that it
/// lists to `catalog_callback`, first as it stands and again after each update. `tracks` is not NULL
/// when there are none.
///
/// Read are catalogs of draft-ietf-moq-catalogformat (version 1; common track fields and selection
/// parameters are inherited; updates are JSON Patches) and of draft-ietf-moq-msf (versions "1" and
/// "draft-00" to "draft-03"; updates add, remove, clone and update tracks). An update may come in the
/// group of its catalog or in one of its own. One that is malformed, of another version, compressed,
/// or larger than 1 MiB or 1,024 tracks is refused whole, with the reason in the log, and counted by
/// `moq_catalog_refused`; what stood before stands. After a gap, updates are refused until a whole
/// catalog comes. A list of catalogs is refused: subscribe to one of them.
///
/// NULL on failure, threads and blocking as `moq_subscribe`.
#[no_mangle]
pub unsafe extern "C" fn moq_subscribe_catalog(
    client: *mut MoqClient,
    ns: *const c_char,
    track: *const c_char,
    catalog_callback: MoqCatalogCallback,
    user_data: *mut c_void,
) -> *mut MoqSubscriber {
    let sink = || Sink::Catalog(CatalogReader::new(Call::new(catalog_callback, user_data)));
    value(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        unsafe { create(client, ns, track, "moq_subscribe_catalog", sink) }
    })
}

/// Not inherited, but for subscribers of `moq_subscribe_catalog`: how many objects were refused. 0
/// for other subscribers and for NULL.
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_catalog_refused(subscriber: *const MoqSubscriber) -> u64 {
    value(0, || match objects::subscriber(subscriber)?.sink() {
        Sink::Catalog(reader) => Ok(reader.refused.load(Ordering::Relaxed)),
        Sink::Data(_) => Ok(0),
    })
}
