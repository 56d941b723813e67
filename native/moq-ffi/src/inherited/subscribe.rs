//! Subscribers and their callbacks.

use super::calls::{may_wait, result, text, value};
use super::catalog::CatalogReader;
use super::objects;
use super::publish::beside;
use super::session::{Session, To};
use super::types::*;
use crate::commands::Command;
use crate::error::*;
use crate::gate::Gate;
use crate::options;
use crate::record::Record;
use serde_json::{json, Value};
use std::ffi::{c_char, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where objects go.
pub(super) enum Sink {
    Data(Gate<Call<DataFn>>),
    Catalog(CatalogReader),
}

#[derive(Default)]
struct Parts {
    /// The subscription to the track itself.
    main: Option<u64>,
    /// The one to the track beside it.
    beside: Option<u64>,
    /// What that one is, once the class of the track is known.
    other: Option<MoqDeliveryMode>,
}

/// See the module.
pub struct Subscriber {
    session: Arc<Session>,
    namespace: String,
    track: String,
    sink: Sink,
    parts: Mutex<Parts>,
    /// The callback may be called.
    open: AtomicBool,
    /// Nobody waits for the answer.
    late: bool,
    /// The relay accepted it, and it has not ended.
    subscribed: AtomicBool,
}

impl Subscriber {
    /// Subscribes and waits for the answer, except while the connection is being repaired.
    pub(super) fn open(
        session: Arc<Session>,
        namespace: &str,
        track: &str,
        sink: Sink,
    ) -> Result<Arc<Self>> {
        let lost = session.is_lost();
        let subscriber = Arc::new(Subscriber {
            session,
            namespace: namespace.to_owned(),
            track: track.to_owned(),
            sink,
            parts: Mutex::default(),
            open: AtomicBool::new(true),
            late: lost,
            subscribed: AtomicBool::new(false),
        });
        let main = subscriber.request(track, !lost, |parts, handle| parts.main = Some(handle))?;
        if lost {
            return Ok(subscriber);
        }
        let what = format!("subscribing to {}", subscriber.name());
        let answer = subscriber.session.wait(main, &what);
        answer.inspect_err(|error| {
            subscriber.silence();
            log::warn!("{what} failed: {error}");
        })?;
        if let Some(handle) = subscriber.request_beside(true)? {
            // Publishers of other functions have none.
            if let Err(error) = subscriber.session.wait(handle, &what) {
                subscriber.parts().beside = None;
                log::debug!("{} has no track beside it: {error}", subscriber.name());
            }
        }
        Ok(subscriber)
    }

    fn request(
        self: &Arc<Self>,
        track: &str,
        awaited: bool,
        note: impl FnOnce(&mut Parts, u64),
    ) -> Result<u64> {
        let json = json!({ "namespace": self.namespace, "name": track });
        let options = Box::new(options::subscribe(json.to_string().as_bytes())?);
        // Held until the handle is noted: its end asks which one it is.
        let mut parts = self.parts();
        let handle = self.session.request(
            To::Subscriber(self.clone()),
            awaited,
            options.queue_bytes,
            |handle| Command::Subscribe { handle, options },
        )?;
        note(&mut parts, handle);
        Ok(handle)
    }

    /// Asks for the track beside it, where there may be one.
    fn request_beside(self: &Arc<Self>, awaited: bool) -> Result<Option<u64>> {
        let other = self.parts().other;
        let (Some(mode), Sink::Data(_)) = (other, &self.sink) else {
            return Ok(None);
        };
        let name = beside(&self.track, mode);
        let handle = self.request(&name, awaited, |parts, handle| parts.beside = Some(handle))?;
        Ok(Some(handle))
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> String {
        format!("{}/{}", self.namespace, self.track)
    }

    /// `READY` came.
    pub(super) fn accepted(self: &Arc<Self>, record: &Record) {
        let mut parts = self.parts();
        if parts.main != Some(record.handle) {
            return;
        }
        let said: Value = serde_json::from_slice(&record.payload).unwrap_or_default();
        parts.other = match said.get("delivery").and_then(Value::as_str) {
            Some("reliable") => Some(MOQ_DELIVERY_DATAGRAM),
            Some("datagram") => Some(MOQ_DELIVERY_STREAM),
            _ => None,
        };
        drop(parts);
        self.subscribed
            .store(self.open.load(Ordering::SeqCst), Ordering::SeqCst);
        if self.late {
            if let Err(error) = self.request_beside(false) {
                log::debug!("{} has no track beside it: {error}", self.name());
            }
        }
    }

    /// `END` came.
    pub(super) fn ended(&self, handle: u64, error: Option<&Error>) {
        let mut parts = self.parts();
        if parts.beside == Some(handle) {
            parts.beside = None;
            return;
        }
        if parts.main != Some(handle) {
            return;
        }
        parts.main = None;
        let was = self.subscribed.swap(false, Ordering::SeqCst);
        if was && self.open.load(Ordering::SeqCst) {
            match error {
                Some(error) => log::warn!("the subscription to {} ended: {error}", self.name()),
                None => log::info!("the track {} has ended", self.name()),
            }
        }
    }

    pub(super) fn gap(&self, record: &Record) {
        log::info!(
            "{}: groups {} to {} are not delivered (reason {})",
            self.name(),
            record.group,
            record.object,
            record.code
        );
        if let Sink::Catalog(reader) = &self.sink {
            reader.gap();
        }
    }

    /// Objects of one of its subscriptions, in order.
    pub(super) fn objects(&self, records: &[Record]) {
        let open = || self.open.load(Ordering::SeqCst);
        match &self.sink {
            Sink::Data(gate) => gate.call(|call| {
                for record in records {
                    // The function itself, or another thread that waits, may end it.
                    if !open() {
                        return;
                    }
                    let bytes = &record.payload;
                    // SAFETY: the caller of moq_subscribe gave a function that takes these.
                    unsafe { (call.function)(call.user_data, bytes.as_ptr(), bytes.len()) };
                }
            }),
            Sink::Catalog(reader) => {
                for record in records {
                    if !open() {
                        return;
                    }
                    reader.object(&self.name(), &self.namespace, &record.payload);
                }
            }
        }
    }

    /// No callback any more: when this returns, none runs on another thread or will run.
    pub(super) fn silence(&self) {
        self.open.store(false, Ordering::SeqCst);
        self.subscribed.store(false, Ordering::SeqCst);
        match &self.sink {
            Sink::Data(gate) => gate.set(None),
            Sink::Catalog(reader) => reader.silence(),
        }
    }

    fn unsubscribe(&self) {
        self.silence();
        let parts = std::mem::take(&mut *self.parts());
        for handle in [parts.main, parts.beside].into_iter().flatten() {
            self.session.close(handle);
        }
    }

    pub(super) fn sink(&self) -> &Sink {
        &self.sink
    }
}

/// Subscribes and gives the pointer.
pub(super) unsafe fn create(
    client: *mut MoqClient,
    namespace: *const c_char,
    track: *const c_char,
    what: &str,
    sink: impl FnOnce() -> Sink,
) -> Result<*mut MoqSubscriber> {
    let client = objects::client(client)?;
    // SAFETY: the caller's promise.
    let (namespace, track) = unsafe { (text("namespace", namespace)?, text("track", track)?) };
    let session = client.session()?;
    may_wait(what)?;
    let subscriber = Subscriber::open(session, namespace, track, sink())?;
    Ok(objects::new_subscriber(subscriber))
}

/// Inherited: subscribes to a track (the namespace's fields separated by `/`) and waits for the
/// answer, at most for the connect timeout; while a lost connection is being repaired it does not
/// wait. Every object from the newest group on is given to `data_callback`, which may begin before
/// this returns: with class `reliable` each once and in order, with `datagram`, `latest` and
/// `deadline` what that class promises, empty ones too and truncated ones never. See
/// `moq_create_publisher_ex` for tracks that are published in both modes. What is missing is told in
/// the log. The subscription lives across reconnects.
///
/// NULL on failure (`moq_last_error`): `NOT_CONNECTED`, `INVALID_ARGUMENT`, `NOT_FOUND` (there is no
/// such track now), `UNAUTHORIZED` and other reasons of the peer, `TIMEOUT`. Any thread, also inside
/// callbacks of these functions; `BUSY` in a waker or the log. Blocks.
#[no_mangle]
pub unsafe extern "C" fn moq_subscribe(
    client: *mut MoqClient,
    ns: *const c_char,
    track: *const c_char,
    data_callback: MoqDataCallback,
    user_data: *mut c_void,
) -> *mut MoqSubscriber {
    let sink = || {
        let gate = Gate::new();
        gate.set(Call::new(data_callback, user_data));
        Sink::Data(gate)
    };
    value(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        unsafe { create(client, ns, track, "moq_subscribe", sink) }
    })
}

/// Inherited: ends a subscription. When this returns, its callback is not running on another thread
/// and will not be called again, so do not call it holding a lock that the callback takes. The
/// pointer lives on until `moq_subscriber_destroy`. Once is enough; a second call does nothing.
///
/// Errors: `INVALID_ARGUMENT`, `CLOSED`. Any thread, also inside callbacks, its own too. Blocks as
/// long as its callback runs on another thread.
#[no_mangle]
pub extern "C" fn moq_unsubscribe(subscriber: *mut MoqSubscriber) -> MoqResult {
    result(|| {
        objects::subscriber(subscriber)?.unsubscribe();
        Ok(())
    })
}

/// Inherited: `moq_unsubscribe`, and the pointer is gone; NULL is ignored.
#[no_mangle]
pub extern "C" fn moq_subscriber_destroy(subscriber: *mut MoqSubscriber) {
    if subscriber.is_null() {
        return;
    }
    value((), || {
        objects::remove_subscriber(subscriber)?.unsubscribe();
        Ok(())
    });
}

/// Inherited: whether the peer accepted the subscription and it has not ended; also while a lost
/// connection is being repaired. False for NULL, and after `moq_unsubscribe` and `moq_disconnect`.
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_is_subscribed(subscriber: *const MoqSubscriber) -> bool {
    value(false, || {
        let subscriber = objects::subscriber(subscriber)?;
        let open = !subscriber.session.is_over();
        Ok(open && subscriber.subscribed.load(Ordering::SeqCst))
    })
}
