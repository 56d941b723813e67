//! Publishers: one publication for each delivery mode, so that each update goes as it was asked to.

use super::calls::{result, text, value};
use super::objects;
use super::session::Session;
use super::types::*;
use crate::abi;
use crate::error::*;
use crate::options;
use crate::publication::Publication;
use serde_json::json;
use std::ffi::c_char;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that may wait in a publisher: a burst is taken whole.
const QUEUE_BYTES: usize = 16 << 20;

/// The track beside `track` that carries what is published in the other mode.
pub(super) fn beside(track: &str, mode: MoqDeliveryMode) -> String {
    match mode {
        MOQ_DELIVERY_DATAGRAM => format!("{track}~datagram"),
        MOQ_DELIVERY_STREAM => format!("{track}~stream"),
    }
}

fn mode_of(number: DeliveryModeNumber) -> Result<MoqDeliveryMode> {
    match number {
        0 => Ok(MOQ_DELIVERY_DATAGRAM),
        1 => Ok(MOQ_DELIVERY_STREAM),
        other => Err(Error::invalid(format!(
            "delivery mode {other} is unknown; 0 (MOQ_DELIVERY_DATAGRAM) and 1 (MOQ_DELIVERY_STREAM) are accepted"
        ))),
    }
}

/// What became of a publisher.
pub struct Fate {
    name: String,
    /// Why one of its publications ended.
    failed: Mutex<Option<Error>>,
}

impl Fate {
    /// One of its publications is over.
    pub(super) fn ended(&self, session: &Session, error: Option<&Error>) {
        let Some(error) = error else { return };
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.is_none() && !session.is_over() {
            log::warn!("{} is not published any more: {error}", self.name);
        }
        failed.get_or_insert_with(|| error.clone());
    }
}

/// See the module.
pub struct Publisher {
    session: Arc<Session>,
    fate: Arc<Fate>,
    mode: MoqDeliveryMode,
    streams: Arc<Publication>,
    datagrams: Arc<Publication>,
    /// That the track beside carries updates was said.
    said: AtomicBool,
}

impl Publisher {
    fn open(
        session: Arc<Session>,
        namespace: &str,
        track: &str,
        mode: MoqDeliveryMode,
    ) -> Result<Arc<Self>> {
        let fate = Arc::new(Fate {
            name: format!("{namespace}/{track}"),
            failed: Mutex::new(None),
        });
        let open = |of: MoqDeliveryMode| {
            let name = match of == mode {
                true => track.to_owned(),
                false => beside(track, of),
            };
            let delivery = match of {
                MOQ_DELIVERY_DATAGRAM => "datagram",
                MOQ_DELIVERY_STREAM => "reliable",
            };
            let json = json!({
                "namespace": namespace,
                "name": name,
                "delivery": delivery,
                "queueBytes": QUEUE_BYTES,
            });
            session.publication(options::publish(json.to_string().as_bytes())?, &fate)
        };
        // The track itself comes last: who finds it finds the one beside it too.
        let (streams, datagrams) = match mode {
            MOQ_DELIVERY_STREAM => {
                let datagrams = open(MOQ_DELIVERY_DATAGRAM)?;
                (open(MOQ_DELIVERY_STREAM)?, datagrams)
            }
            MOQ_DELIVERY_DATAGRAM => {
                let streams = open(MOQ_DELIVERY_STREAM)?;
                (streams, open(MOQ_DELIVERY_DATAGRAM)?)
            }
        };
        Ok(Arc::new(Publisher {
            session: session.clone(),
            fate,
            mode,
            streams,
            datagrams,
            said: AtomicBool::new(false),
        }))
    }

    fn publish(&self, mode: MoqDeliveryMode, bytes: &[u8]) -> Result<()> {
        let publication = match mode {
            MOQ_DELIVERY_STREAM => &self.streams,
            MOQ_DELIVERY_DATAGRAM => &self.datagrams,
        };
        publication
            .enqueue(mode == MOQ_DELIVERY_STREAM, bytes)
            .map_err(|error| self.explain(publication, mode, error))?;
        publication.client.wake_io();
        if mode != self.mode && !self.said.swap(true, Ordering::Relaxed) {
            log::warn!(
                "{} was created for the other delivery mode: these updates travel on the track {}",
                self.fate.name,
                beside(&self.fate.name, mode)
            );
        }
        Ok(())
    }

    fn explain(&self, publication: &Publication, mode: MoqDeliveryMode, mut error: Error) -> Error {
        if error.code == MOQ_ERROR_TOO_LARGE && mode == MOQ_DELIVERY_DATAGRAM {
            error.message += "; or publish it with MOQ_DELIVERY_STREAM";
        }
        if error.code != MOQ_ERROR_CLOSED {
            return error;
        }
        if self.session.is_over() {
            return Error::new(
                MOQ_ERROR_NOT_CONNECTED,
                format!(
                    "the connection of {} is over; connect, and create the publisher again",
                    self.fate.name
                ),
            );
        }
        self.session.settle(publication);
        let failed = &self.fate.failed;
        let failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone().unwrap_or(error)
    }

    fn end(&self) {
        for publication in [&self.streams, &self.datagrams] {
            self.session.end_publication(publication);
        }
    }
}

unsafe fn create(
    client: *mut MoqClient,
    namespace: *const c_char,
    track: *const c_char,
    mode: DeliveryModeNumber,
) -> Result<*mut MoqPublisher> {
    let client = objects::client(client)?;
    // SAFETY: the caller's promise.
    let (namespace, track) = unsafe { (text("namespace", namespace)?, text("track", track)?) };
    let mode = mode_of(mode)?;
    let publisher = Publisher::open(client.session()?, namespace, track, mode)?;
    Ok(objects::new_publisher(publisher))
}

/// Inherited: as `moq_create_publisher_ex` with `MOQ_DELIVERY_STREAM`.
#[no_mangle]
pub unsafe extern "C" fn moq_create_publisher(
    client: *mut MoqClient,
    ns: *const c_char,
    track: *const c_char,
) -> *mut MoqPublisher {
    value(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        unsafe { create(client, ns, track, MOQ_DELIVERY_STREAM as u32) }
    })
}

/// Inherited: publishes a track, and announces its namespace (fields separated by `/`). Returns at
/// once; what is published is taken from now on. When the relay refuses the namespace, publishing
/// gives its reason.
///
/// `delivery_mode` decides what the track is: with `MOQ_DELIVERY_STREAM` class `reliable`, every
/// publish a group of its own; with `MOQ_DELIVERY_DATAGRAM` class `datagram`. Updates published in
/// the other mode are sent in that mode all the same, on a track beside it that is named
/// `<track>~datagram` or `<track>~stream`. A subscriber of these functions reads both by itself: it
/// gets what streams carry whole and in the order of publishing, of datagrams only ever newer ones,
/// and no promise of the order between the two. Other subscribers see two tracks.
///
/// NULL on failure (`moq_last_error`): `NOT_CONNECTED`, `INVALID_ARGUMENT`, `LIMIT_EXCEEDED`. Any
/// thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_create_publisher_ex(
    client: *mut MoqClient,
    ns: *const c_char,
    track: *const c_char,
    delivery_mode: DeliveryModeNumber,
) -> *mut MoqPublisher {
    value(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        unsafe { create(client, ns, track, delivery_mode) }
    })
}

/// Inherited: ends a track; NULL is ignored. What was accepted is still sent while the connection
/// lasts.
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_publisher_destroy(publisher: *mut MoqPublisher) {
    if publisher.is_null() {
        return;
    }
    value((), || {
        objects::remove_publisher(publisher)?.end();
        Ok(())
    });
}

/// Inherited: publishes one update, which is copied, in the mode given here, whatever the publisher
/// was created with. `data` may be NULL when `data_len` is 0: an empty update arrives as one.
///
/// Errors: `TOO_LARGE` naming the limit (a datagram carries at most about 1,090 bytes),
/// `WOULD_BLOCK` when 16 MiB wait on streams: try again later; `NOT_CONNECTED` after the connection
/// is over (while it is lost and being repaired, updates are taken), the relay's reason when it
/// refused the track, `INVALID_ARGUMENT`. Any thread, also inside callbacks; updates of one mode keep
/// the order of the calls. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_publish_data(
    publisher: *mut MoqPublisher,
    data: *const u8,
    data_len: usize,
    delivery_mode: DeliveryModeNumber,
) -> MoqResult {
    result(|| {
        let publisher = objects::publisher(publisher)?;
        let mode = mode_of(delivery_mode)?;
        // SAFETY: the caller's promise.
        publisher.publish(mode, unsafe { abi::bytes("data", data, data_len)? })
    })
}
