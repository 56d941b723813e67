//! One connection of an inherited client: the thread that runs its callbacks, and who hears what.

mod requests;
mod thread;

use super::client::Announces;
use super::publish::Fate;
use super::subscribe::Subscriber;
use super::types::*;
use crate::client::{ClientShared, Waker};
use crate::error::*;
use crate::gate::Gate;
use crate::options::ClientOptions;
use crate::record::*;
use crate::{handles, lifecycle};
use moqt_net::border;
use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of records that the thread takes at a time; the rest waits under the policy of its queue.
const ROOM: usize = 256 * 1024;
/// How long after the connect timeout the answer of the I/O thread is waited for.
const GRACE: Duration = Duration::from_secs(2);
/// How long a connect waits for its callback to return: it may want what the caller holds.
const TELL: Duration = Duration::from_secs(1);
/// How long a disconnect lets go out what was accepted.
const FLUSH: Duration = Duration::from_millis(500);
/// How often who waits for an answer looks whether it lies behind what nobody reads now, because the
/// thread that reads is inside a callback, or is the one that waits.
const LOOK: Duration = Duration::from_millis(2);

/// Threads that a callback of their own let go.
static LEFT_OVER: Mutex<Vec<JoinHandle<()>>> = Mutex::new(Vec::new());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for the threads that nobody could wait for before.
pub fn join_left_over() {
    let threads = std::mem::take(&mut *lock(&LEFT_OVER));
    for thread in threads {
        let _ = thread.join();
    }
}

/// How far the connection is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Connecting,
    Open,
    /// Lost, and being repaired.
    Lost,
    Over,
}

struct State {
    phase: Phase,
    /// Why it is over.
    error: Option<Error>,
    /// The callback has heard how the first attempt went.
    told: bool,
    /// Records wait.
    woken: bool,
    /// The caller wants it to end: no data is delivered any more.
    leaving: bool,
    /// The client is destroyed: nothing is delivered any more.
    dropped: bool,
}

/// Who hears what is told of a handle.
#[derive(Clone)]
pub enum To {
    Subscriber(Arc<Subscriber>),
    Publisher(Arc<Fate>),
    Announcement(Vec<String>),
    Announces,
    /// Its owner is gone: only its end is waited for.
    Nobody,
}

struct Route {
    to: To,
    /// Somebody waits for this.
    awaited: bool,
    answer: Option<Result<()>>,
}

/// See the module.
pub struct Session {
    shared: Arc<ClientShared>,
    timeout: Duration,
    callback: Gate<Call<ConnectionFn>>,
    announces: Arc<Announces>,
    routes: Mutex<HashMap<u64, Route>>,
    /// Namespaces that are announced, or about to be.
    announced: Mutex<HashMap<Vec<String>, u64>>,
    state: Mutex<State>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

unsafe extern "C" fn on_wake(session: *mut c_void) {
    // SAFETY: the session's thread takes the waker back before it lets the session go.
    let session = unsafe { &*session.cast_const().cast::<Session>() };
    lock(&session.state).woken = true;
    session.changed.notify_all();
}

impl Session {
    /// Begins to connect.
    pub fn open(
        options: ClientOptions,
        callback: Option<Call<ConnectionFn>>,
        announces: Arc<Announces>,
    ) -> Result<Arc<Self>> {
        let timeout = Duration::from_millis(options.connect_timeout_ms);
        let shared = handles::client(lifecycle::open_client(options)?)?;
        let session = Arc::new(Session {
            shared,
            timeout,
            callback: Gate::new(),
            announces,
            routes: Mutex::default(),
            announced: Mutex::default(),
            state: Mutex::new(State {
                phase: Phase::Connecting,
                error: None,
                told: false,
                // Whatever came before the waker was set.
                woken: true,
                leaving: false,
                dropped: false,
            }),
            changed: Condvar::new(),
            thread: Mutex::new(None),
        });
        session.callback.set(callback);
        if session.announces.wanted() {
            session
                .watch_announces()
                .inspect_err(|_| session.shared.close_now())?;
        }
        session.shared.gate.set(Some(Waker {
            call: on_wake,
            user_data: Arc::as_ptr(&session).cast_mut().cast(),
        }));
        let running = session.clone();
        // Held until the handle is in its place, so that a callback which ends the session finds it.
        let mut thread = lock(&session.thread);
        match border::spawn("moq-callbacks", move || running.run()) {
            Ok(handle) => *thread = Some(handle),
            Err(error) => {
                session.shared.close_now();
                return Err(Error::new(
                    MOQ_ERROR_INTERNAL,
                    format!("the thread for callbacks could not be started: {error}"),
                ));
            }
        }
        drop(thread);
        Ok(session)
    }

    pub fn is_connected(&self) -> bool {
        lock(&self.state).phase == Phase::Open
    }

    pub fn is_over(&self) -> bool {
        let state = lock(&self.state);
        state.phase == Phase::Over || state.leaving || state.dropped
    }

    /// Lost, and being repaired.
    pub fn is_lost(&self) -> bool {
        lock(&self.state).phase == Phase::Lost
    }

    /// Waits until the connection stands or cannot be had, and its callback has heard of it.
    pub fn wait_connected(&self) -> Result<()> {
        let mut until = Instant::now() + self.timeout + GRACE;
        let mut known = false;
        let mut state = lock(&self.state);
        loop {
            let now = Instant::now();
            if state.phase != Phase::Connecting {
                if !std::mem::replace(&mut known, true) {
                    until = now + TELL;
                }
                if state.told || now >= until {
                    return match (state.phase, &state.error) {
                        (Phase::Over, Some(error)) => Err(error.clone()),
                        (Phase::Over, None) => Err(cancelled()),
                        _ => Ok(()),
                    };
                }
            }
            if state.dropped {
                return Err(cancelled());
            }
            if now >= until {
                return Err(Error::new(
                    MOQ_ERROR_TIMEOUT,
                    format!("no connection within {} ms", self.timeout.as_millis()),
                ));
            }
            state = self
                .changed
                .wait_timeout(state, until - now)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Disconnects: what was accepted goes out for a moment, the callback hears of the end.
    pub fn leave(&self) {
        {
            let mut state = lock(&self.state);
            if state.phase == Phase::Over || state.dropped {
                return;
            }
            state.leaving = true;
        }
        self.changed.notify_all();
        // One that is closing already ends all the same.
        let _ = self.shared.close_gracefully(FLUSH);
    }

    /// Ends at once and in silence: when this returns, no callback runs on another thread or will
    /// run.
    pub fn drop_now(&self) {
        lock(&self.state).dropped = true;
        self.changed.notify_all();
        self.callback.set(None);
        let mut subscribers = Vec::new();
        for route in lock(&self.routes).values() {
            if let To::Subscriber(subscriber) = &route.to {
                subscribers.push(subscriber.clone());
            }
        }
        for subscriber in subscribers {
            subscriber.silence();
        }
        self.shared.close_now();
    }

    /// Waits until the thread is gone; on that thread itself, or where waiting would stop it, leaves
    /// that to `moq_shutdown`.
    pub fn join(&self, wait: bool) {
        let Some(thread) = lock(&self.thread).take() else {
            return;
        };
        if wait && thread.thread().id() != std::thread::current().id() {
            let _ = thread.join();
            return;
        }
        let mut left = lock(&LEFT_OVER);
        left.retain(|thread| !thread.is_finished());
        left.push(thread);
    }
}

fn cancelled() -> Error {
    Error::new(
        MOQ_ERROR_CANCELLED,
        "the client was disconnected while it connected",
    )
}

fn is_answer(kind: MoqRecordKind) -> bool {
    matches!(kind, MOQ_RECORD_READY | MOQ_RECORD_END)
}
