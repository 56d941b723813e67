//! Clients: create, configure, connect, disconnect, destroy.

use super::calls::{may_wait, must_not_wait, result, text, value};
use super::objects;
use super::session::Session;
use super::types::*;
use crate::abi;
use crate::error::*;
use crate::gate::Gate;
use crate::options::{self, ClientOptions};
use std::ffi::{c_char, c_void, CStr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long functions that wait do so unless told otherwise, in ms.
const CONNECT_TIMEOUT_MS: u64 = 30_000;

/// Who wants to hear of announced namespaces. It outlives connections.
#[derive(Default)]
pub struct Announces {
    gate: Gate<Call<TrackFn>>,
    wanted: AtomicBool,
}

impl Announces {
    pub(super) fn set(&self, call: Option<Call<TrackFn>>) {
        self.wanted.store(call.is_some(), Ordering::SeqCst);
        self.gate.set(call);
    }

    pub(super) fn wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    pub(super) fn tell(&self, namespace: &CStr) {
        // SAFETY: the caller of moq_subscribe_announces gave a function that takes these.
        self.gate.call(|call| unsafe {
            (call.function)(call.user_data, namespace.as_ptr(), c"".as_ptr());
        });
    }
}

/// See the module.
pub struct Client {
    options: Mutex<ClientOptions>,
    session: Mutex<Option<Arc<Session>>>,
    pub(super) announces: Arc<Announces>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    fn new() -> Result<Self> {
        Ok(Client {
            options: Mutex::new(options::configure(b"{}", CONNECT_TIMEOUT_MS)?),
            session: Mutex::new(None),
            announces: Arc::default(),
        })
    }

    /// The connection, if there is one or one is being made.
    pub(super) fn session(&self) -> Result<Arc<Session>> {
        lock(&self.session)
            .clone()
            .filter(|session| !session.is_over())
            .ok_or_else(|| {
                Error::new(
                    MOQ_ERROR_NOT_CONNECTED,
                    "the client is not connected; call moq_connect first",
                )
            })
    }

    fn connect(&self, url: &str, callback: Option<Call<ConnectionFn>>) -> Result<()> {
        let (session, before) = {
            let mut current = lock(&self.session);
            if current.as_ref().is_some_and(|session| !session.is_over()) {
                return Err(Error::invalid(
                    "the client is connected or connecting; call moq_disconnect first",
                ));
            }
            let options = ClientOptions {
                url: url.to_owned(),
                ..lock(&self.options).clone()
            };
            let session = Session::open(options, callback, self.announces.clone())?;
            (session.clone(), current.replace(session))
        };
        if let Some(before) = before {
            before.join(true);
        }
        session.wait_connected().inspect_err(|_| session.leave())
    }

    fn disconnect(&self) -> Result<()> {
        let session = self.session()?;
        session.leave();
        session.join(!must_not_wait());
        Ok(())
    }

    /// Ends the connection, if there is one, and waits for its thread.
    pub(crate) fn end(&self) {
        let session = lock(&self.session).clone();
        if let Some(session) = session {
            session.leave();
            session.join(true);
        }
    }

    fn destroy(&self) {
        self.announces.set(None);
        let session = lock(&self.session).take();
        if let Some(session) = session {
            session.drop_now();
            session.join(!must_not_wait());
        }
    }
}

/// Inherited: makes a client, which is not connected. NULL only when something is broken
/// (`moq_last_error`).
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_client_create() -> *mut MoqClient {
    value(std::ptr::null_mut(), || {
        Ok(objects::new_client(Arc::new(Client::new()?)))
    })
}

/// Inherited: destroys a client and ends its connection at once; NULL is ignored. When this returns,
/// no callback of it runs on another thread or will run, so do not call it holding a lock that a
/// callback takes, nor from a callback of another client whose callback destroys yours. Its
/// publishers and subscribers are of no use any more, and are destroyed on their own.
///
/// Any thread, also inside callbacks, its own too. Blocks as long as a callback of it runs on another
/// thread.
#[no_mangle]
pub extern "C" fn moq_client_destroy(client: *mut MoqClient) {
    if client.is_null() {
        return;
    }
    value((), || {
        objects::remove_client(client)?.destroy();
        Ok(())
    });
}

/// Not inherited, but for clients of these functions: options for the next `moq_connect`, as JSON of
/// `length` bytes with the fields of `moq_client_open` except `url` and `askToken`. They replace
/// those given before; what is not named has its default again, which is that of `moq_client_open`
/// save `connectTimeout`: 30000 ms, also the time that every function here waits for an answer.
///
/// A development certificate is accepted with `{"serverCertificateHashes":["…"]}`, a private
/// authority with `{"caFile":"…"}`. `{"reconnect":false}` reports a loss and leaves it at that.
///
/// Errors: `INVALID_ARGUMENT` naming the field and what is accepted; the options from before stay.
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_client_configure(
    client: *mut MoqClient,
    options_json: *const c_char,
    length: usize,
) -> MoqResult {
    result(|| {
        let client = objects::client(client)?;
        // SAFETY: the caller's promise.
        let json = unsafe { abi::text("options_json", options_json, length)? };
        *lock(&client.options) = options::configure(json, CONNECT_TIMEOUT_MS)?;
        Ok(())
    })
}

/// Inherited: connects to `https://host:port/path` (WebTransport), `moqt://…` or `quic://…` (QUIC),
/// and waits until the connection stands or cannot be had, at most for the connect timeout (30 s,
/// see `moq_client_configure`).
///
/// `connection_callback` may be NULL. It hears `CONNECTING`, then `CONNECTED` or `FAILED`, before
/// this returns unless it takes longer than a second; when the connection is lost `DISCONNECTED` and `CONNECTING`, then `CONNECTED` with
/// publishers and subscribers as before, or `FAILED`; and `DISCONNECTED` after `moq_disconnect`.
/// What publishers and subscribers missed meanwhile is not told here: see `MOQ_RECORD_GAP`.
///
/// Errors: `TIMEOUT`, `CONNECTION_FAILED`, `CERTIFICATE`, `UNAUTHORIZED`, `PROTOCOL_MISMATCH`;
/// `INVALID_ARGUMENT` for a URL that is none, and while there is a connection; `CANCELLED` when it is
/// disconnected meanwhile. Any thread, also inside callbacks of these functions; `BUSY` in a waker or
/// the log. Blocks.
#[no_mangle]
pub unsafe extern "C" fn moq_connect(
    client: *mut MoqClient,
    url: *const c_char,
    connection_callback: MoqConnectionCallback,
    user_data: *mut c_void,
) -> MoqResult {
    result(|| {
        let client = objects::client(client)?;
        // SAFETY: the caller's promise.
        let url = unsafe { text("url", url)? };
        may_wait("moq_connect")?;
        client.connect(url, Call::new(connection_callback, user_data))
    })
}

/// Inherited: ends the connection. What publishers accepted is sent for up to half a second. When
/// this returns, the callback has heard `DISCONNECTED` and no callback of this connection will run,
/// unless this was called inside one: that happens when it has returned. Publishers and subscribers
/// of the connection are of no use any more.
///
/// Errors: `NOT_CONNECTED`. Any thread, also inside callbacks. Blocks for up to half a second, and
/// as long as a callback runs.
#[no_mangle]
pub extern "C" fn moq_disconnect(client: *mut MoqClient) -> MoqResult {
    result(|| objects::client(client)?.disconnect())
}

/// Inherited: whether the connection stands now; false for NULL.
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_is_connected(client: *const MoqClient) -> bool {
    value(false, || {
        let session = lock(&objects::client(client)?.session).clone();
        Ok(session.is_some_and(|session| session.is_connected()))
    })
}
