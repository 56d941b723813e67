//! The log hook: what this library logs goes to one function of the user. Nothing secret is logged.

use crate::gate::Gate;
use log::{Level, LevelFilter, Log, Metadata, Record};
use moqt_net::border::{self, Border};
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::Once;

/// The user's function.
#[derive(Clone, Copy)]
pub struct LogHook {
    pub call: unsafe extern "C" fn(
        user_data: *mut c_void,
        level: u32,
        message: *const std::ffi::c_char,
        length: usize,
    ),
    pub user_data: *mut c_void,
}
// SAFETY: the caller of `moq_set_log` promises that the pair may be used from any thread.
unsafe impl Send for LogHook {}

static GATE: Gate<LogHook> = Gate::new();

thread_local! {
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

struct Hook;

impl Log for Hook {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // What is logged while the user's function runs on this thread would call it again.
        if !self.enabled(record.metadata()) || BUSY.with(|busy| busy.replace(true)) {
            return;
        }
        let text = format!("{}: {}", record.target(), record.args()).replace('\0', " ") + "\0";
        let level = match record.level() {
            Level::Error => 1,
            Level::Warn => 2,
            Level::Info => 3,
            Level::Debug => 4,
            Level::Trace => 5,
        };
        // SAFETY: the text ends with NUL and outlives the call; the rest is the user's promise.
        let call = |hook: LogHook| unsafe {
            (hook.call)(hook.user_data, level, text.as_ptr().cast(), text.len() - 1);
        };
        // Whoever logs goes on, whatever became of the line.
        let _ = border::catch(Border::Log, || GATE.call(call));
        BUSY.with(|busy| busy.set(false));
    }

    fn flush(&self) {}
}

/// Sets or takes back the hook; `level` 0 is nothing, 1 errors … 5 everything.
pub fn set(hook: Option<LogHook>, level: u32) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // Refused when the process has another logger already (a Rust program that links us): its
        // own logger then gets everything.
        let _ = log::set_logger(&Hook);
    });
    let filter = match level {
        0 => LevelFilter::Off,
        1 => LevelFilter::Error,
        2 => LevelFilter::Warn,
        3 => LevelFilter::Info,
        4 => LevelFilter::Debug,
        _ => LevelFilter::Trace,
    };
    log::set_max_level(if hook.is_some() {
        filter
    } else {
        LevelFilter::Off
    });
    GATE.set(hook);
}
