//! Borders: where a panic of this library stops, because beyond lies the end of a thread, a caller in C,
//! or somebody else's code. What a panic stops at is one task; the process and everybody else go on.
//!
//! Threads are started and panics caught here and nowhere else (a test reads the sources for it), so
//! that every border has a name. With the feature `panic-injection`, which only tests turn on, a panic
//! can be ordered at each of them.

use std::any::Any;
use std::cell::Cell;
use std::io;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread::{Builder, JoinHandle};

macro_rules! borders {
    ($($(#[$doc:meta])* $border:ident = $name:literal;)*) => {
        /// The borders of threads, tasks and callbacks. Entry points of the C ABI have their own
        /// names, see [`catch_named`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Border {
            $($(#[$doc])* $border,)*
        }

        impl Border {
            /// All of them.
            pub const ALL: &'static [Border] = &[$(Border::$border),*];

            /// A stable name, `KIND:WHAT`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Border::$border => $name,)*
                }
            }
        }
    };
}

borders! {
    /// One turn of an I/O thread. What a panic there stops at is the thread with all its handlers.
    IoThread = "thread:io";
    /// The look-up of a host name, which has a thread of its own.
    Resolver = "thread:resolver";
    /// One answer of a relay's HTTP side.
    RelayHttp = "thread:relay-http";
    /// One turn of the thread that runs the callbacks of a client of the inherited functions.
    Callbacks = "thread:callbacks";
    /// [`crate::Handler::on_start`]. Here and below a panic stops at the handler with its connections.
    OnStart = "task:on_start";
    /// [`crate::Handler::on_connected`].
    OnConnected = "task:on_connected";
    /// [`crate::Handler::on_event`].
    OnEvent = "task:on_event";
    /// [`crate::Handler::on_settled`].
    OnSettled = "task:on_settled";
    /// [`crate::Handler::on_wake`].
    OnWake = "task:on_wake";
    /// [`crate::Handler::next_timeout`].
    NextTimeout = "task:next_timeout";
    /// [`crate::Handler::on_timeout`].
    OnTimeout = "task:on_timeout";
    /// [`crate::Handler::on_stop`].
    OnStop = "task:on_stop";
    /// A call of the user's waker.
    Waker = "callback:waker";
    /// A call of the user's log function.
    Log = "callback:log";
}

/// What a panic carried.
pub type Panic = Box<dyn Any + Send>;

/// The text of a panic.
pub fn text(panic: &Panic) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}

/// Runs what must not unwind beyond this border.
pub fn catch<R>(border: Border, run: impl FnOnce() -> R) -> Result<R, Panic> {
    catch_named(|| border.name(), run)
}

/// The same for a border that is named where it is used: a function of the C ABI. The name is asked for
/// only where a panic can be ordered.
pub fn catch_named<R>(
    name: impl FnOnce() -> &'static str,
    run: impl FnOnce() -> R,
) -> Result<R, Panic> {
    catch_unwind(AssertUnwindSafe(|| {
        #[cfg(feature = "panic-injection")]
        injection::cross(name());
        #[cfg(not(feature = "panic-injection"))]
        let _ = name;
        run()
    }))
}

/// Starts a thread. What it runs ends at a border of its own, so it takes none here.
pub fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    Builder::new().name(name.to_owned()).spawn(run)
}

/// A border that is left without a catch of its own: the one around it takes the panic.
#[inline(always)]
pub fn cross(name: &str) {
    #[cfg(feature = "panic-injection")]
    injection::cross(name);
    let _ = name;
}

thread_local! {
    static DISCARDING: Cell<bool> = const { Cell::new(false) };
}

/// Drops what a panic left behind. It may panic again, which stops here.
pub fn discard<T>(wreck: T) {
    let before = DISCARDING.with(|flag| flag.replace(true));
    let _ = catch_unwind(AssertUnwindSafe(move || drop(wreck)));
    DISCARDING.with(|flag| flag.set(before));
}

/// Whether this thread drops something because of a panic: unwinding, or in [`discard`].
pub fn is_discarding() -> bool {
    std::thread::panicking() || DISCARDING.with(Cell::get)
}

/// Panics on order, for tests.
#[cfg(feature = "panic-injection")]
pub mod injection {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::{Mutex, PoisonError};

    struct Order {
        border: String,
        thread: String,
    }

    static ORDER: Mutex<Option<Order>> = Mutex::new(None);
    static PANICS: AtomicU64 = AtomicU64::new(0);

    /// The next crossing of this border, on a thread whose name begins so, panics; `None` takes it back.
    pub fn order(border: Option<&str>, thread: &str) {
        let order = border.map(|border| Order {
            border: border.to_owned(),
            thread: thread.to_owned(),
        });
        *ORDER.lock().unwrap_or_else(PoisonError::into_inner) = order;
    }

    /// How many panics were injected.
    pub fn panics() -> u64 {
        PANICS.load(Ordering::SeqCst)
    }

    pub(super) fn cross(name: &str) {
        let mut order = ORDER.lock().unwrap_or_else(PoisonError::into_inner);
        let thread = std::thread::current();
        let here = thread.name().unwrap_or_default();
        let meant = |order: &Order| order.border == name && here.starts_with(&order.thread);
        if order.as_ref().is_some_and(meant) {
            *order = None;
            drop(order);
            PANICS.fetch_add(1, Ordering::SeqCst);
            panic!("injected at {name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_stops_at_its_border_with_its_text() {
        let panic = catch(Border::Waker, || panic!("on purpose")).expect_err("it panicked");
        assert_eq!(text(&panic), "on purpose");
        let made = String::from("made at run time");
        let panic = catch_named(|| "x", || std::panic::panic_any(made)).expect_err("it panicked");
        assert_eq!(text(&panic), "made at run time");
        assert_eq!(catch(Border::Log, || 7).ok(), Some(7));
    }

    #[test]
    fn what_is_discarded_knows_it_and_may_panic() {
        struct Wreck;
        impl Drop for Wreck {
            fn drop(&mut self) {
                assert!(is_discarding());
                panic!("once more");
            }
        }
        discard(Wreck);
        assert!(!is_discarding());
    }

    #[test]
    fn names_are_used_once() {
        let mut names: Vec<&str> = Border::ALL.iter().map(|border| border.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Border::ALL.len());
    }
}
