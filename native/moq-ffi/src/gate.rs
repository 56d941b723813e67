//! Calls into the user's code: from a library thread, with no lock held, and never after the user
//! took the function back.

use std::cell::Cell;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::Duration;

/// Threads inside a call that wait in [`Gate::set`], of whichever gate: they cannot end their call before
/// that returns, so whoever waits inside a call too must not wait for them.
static STUCK: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());
/// How often a thread inside a call looks again: another gate's calls do not wake it.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

fn stuck() -> MutexGuard<'static, Vec<ThreadId>> {
    STUCK.lock().unwrap_or_else(PoisonError::into_inner)
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is inside a call into the user's code now.
pub fn in_callback() -> bool {
    DEPTH.with(|depth| depth.get() > 0)
}

/// Holds one function of the user.
pub struct Gate<T> {
    state: Mutex<State<T>>,
    idle: Condvar,
}

struct State<T> {
    target: Option<T>,
    running: Vec<ThreadId>,
}

impl<T> Default for Gate<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Gate<T> {
    pub const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                target: None,
                running: Vec::new(),
            }),
            idle: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Copy> Gate<T> {
    /// Sets or takes back the function. When this returns, the one set before is not running on any
    /// other thread and will not be called again. From inside a function of the user it waits neither
    /// for itself nor for those that wait inside one too.
    pub fn set(&self, target: Option<T>) {
        let me = std::thread::current().id();
        self.lock().target = target;
        if in_callback() {
            return self.wait_inside(me);
        }
        let mut state = self.lock();
        while state.running.iter().any(|thread| *thread != me) {
            state = self
                .idle
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wait_inside(&self, me: ThreadId) {
        stuck().push(me);
        loop {
            let state = self.lock();
            let busy = {
                let stuck = stuck();
                let mut running = state.running.iter();
                running.any(|thread| *thread != me && !stuck.contains(thread))
            };
            if !busy {
                break;
            }
            let waited = self.idle.wait_timeout(state, LOOK_AGAIN);
            drop(waited.unwrap_or_else(PoisonError::into_inner));
        }
        let mut stuck = stuck();
        if let Some(at) = stuck.iter().position(|thread| *thread == me) {
            stuck.swap_remove(at);
        }
    }

    /// Calls `run` with the function, if there is one, holding no lock.
    pub fn call(&self, run: impl FnOnce(T)) {
        let me = std::thread::current().id();
        let target = {
            let mut state = self.lock();
            let Some(target) = state.target else { return };
            state.running.push(me);
            target
        };
        let _done = Done { gate: self, me };
        DEPTH.with(|depth| depth.set(depth.get() + 1));
        run(target);
    }
}

/// Ends a call even when the user's code unwinds.
struct Done<'a, T> {
    gate: &'a Gate<T>,
    me: ThreadId,
}

impl<T> Drop for Done<'_, T> {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
        let mut state = self.gate.lock();
        if let Some(at) = state.running.iter().position(|thread| *thread == self.me) {
            state.running.swap_remove(at);
        }
        drop(state);
        self.gate.idle.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{mpsc, Arc};
    use std::time::Duration;

    #[test]
    fn taking_back_waits_for_a_running_call() {
        let gate: Arc<Gate<u32>> = Arc::default();
        gate.set(Some(7));
        let (started, wait_started) = mpsc::channel();
        let finished = Arc::new(AtomicU32::new(0));
        let thread = {
            let (gate, finished) = (gate.clone(), finished.clone());
            std::thread::spawn(move || {
                gate.call(|value| {
                    started.send(()).expect("the test listens");
                    std::thread::sleep(Duration::from_millis(50));
                    finished.store(value, Ordering::SeqCst);
                });
            })
        };
        wait_started.recv().expect("the call starts");
        gate.set(None);
        assert_eq!(finished.load(Ordering::SeqCst), 7);
        gate.call(|_| panic!("the function was taken back"));
        thread.join().expect("no panic");
    }

    #[test]
    fn two_calls_that_take_each_other_back_do_not_deadlock() {
        // The same gate twice, and two gates crosswise.
        for same in [true, false] {
            let gates: Arc<[Gate<u32>; 2]> = Arc::new([Gate::new(), Gate::new()]);
            gates[0].set(Some(1));
            gates[1].set(Some(1));
            let both = Arc::new(std::sync::Barrier::new(2));
            let thread = |mine: usize, theirs: usize| {
                let (gates, both) = (gates.clone(), both.clone());
                std::thread::spawn(move || {
                    gates[mine].call(|_| {
                        both.wait();
                        gates[theirs].set(None);
                    });
                })
            };
            let (a, b) = match same {
                true => (thread(0, 0), thread(0, 0)),
                false => (thread(0, 1), thread(1, 0)),
            };
            a.join().expect("no panic");
            b.join().expect("no panic");
        }
    }

    #[test]
    fn taking_back_inside_the_call_does_not_deadlock() {
        let gate: Gate<u32> = Gate::new();
        gate.set(Some(1));
        gate.call(|_| {
            assert!(in_callback());
            gate.set(None);
        });
        assert!(!in_callback());
    }
}
