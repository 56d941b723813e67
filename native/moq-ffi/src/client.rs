//! The half of a client that callers see, from any thread: handles, bounded commands to the I/O
//! thread, records from it.

use crate::commands::{Command, Commands, Taken};
use crate::copies::Source;
use crate::error::*;
use crate::gate::Gate;
use crate::handles::{self, Entry};
use crate::options::{ClientOptions, PublishOptions};
use crate::publication::Publication;
use crate::queue::{Policy, RecordQueue};
use crate::record::Record;
use crate::stats::Snapshot;
use moqt::bucket::{Bucket, Rate};
use moqt::delivery::DeliveryClass;
use moqt_net::border::{self, Border};
use moqt_net::Remote;
use std::collections::HashSet;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// Most handles of one client at a time, beside the limits that the session itself has.
pub const MAX_HANDLES: usize = 16_384;
/// Bytes that a fetch may hold for its reader, and a discovery or status nothing but its records.
pub const FETCH_QUEUE_BYTES: usize = 8 << 20;

/// Bytes of a datagram before its payload: type, alias and group. The group is a time in ms, which
/// takes 6 bytes until the year 2109; object 0 and the default priority take none.
const DATAGRAM_HEADER: usize = 1 + 3 + 6;

/// A caller's function that says that records wait.
#[derive(Clone, Copy)]
pub struct Waker {
    pub call: unsafe extern "C" fn(user_data: *mut c_void),
    pub user_data: *mut c_void,
}
// SAFETY: the caller of `moq_set_waker` promises that the pair may be used from any thread.
unsafe impl Send for Waker {}

/// A rate that callers are held to, and how often they were refused.
struct Limited {
    rate: Rate,
    bucket: Mutex<Bucket>,
    refused: AtomicU64,
}

impl Limited {
    fn new(rate: Rate) -> Self {
        Self {
            rate,
            bucket: Mutex::default(),
            refused: AtomicU64::new(0),
        }
    }

    /// Takes one, unless there is no limit: then it costs nothing either.
    fn take(&self, option: &str) -> Result<()> {
        if self.rate.per_second == 0 {
            return Ok(());
        }
        let taken = lock(&self.bucket).take(self.rate, Instant::now(), 1);
        taken.map_err(|wait| {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let rate = self.rate.per_second;
            Error::new(
                MOQ_ERROR_RATE_LIMITED,
                format!(
                    "this is faster than the {rate} a second that the client option \"{option}\" allows; try again in {} ms, or raise it",
                    wait.as_millis() + 1
                ),
            )
        })
    }
}

/// See the module.
pub struct ClientShared {
    pub handle: u64,
    pub queue: RecordQueue,
    pub gate: Gate<Waker>,
    pub snapshot: Mutex<Snapshot>,
    commands: Mutex<Commands>,
    remote: OnceLock<Remote>,
    children: Mutex<HashSet<u64>>,
    /// Largest object in bytes, both ways.
    max_object: usize,
    requests: Limited,
    publishes: Limited,
    /// Set once the client ends or is being closed: nothing new is taken.
    closed: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientShared {
    pub fn new(handle: u64, options: &ClientOptions) -> Arc<Self> {
        let client = Self {
            handle,
            queue: RecordQueue::default(),
            gate: Gate::new(),
            snapshot: Mutex::default(),
            commands: Mutex::default(),
            remote: OnceLock::new(),
            children: Mutex::default(),
            max_object: options.max_object_size as usize,
            requests: Limited::new(options.request_rate),
            publishes: Limited::new(options.publish_rate),
            closed: AtomicBool::new(false),
        };
        client.queue.open(handle, 0, Policy::DropOldest, 0);
        Arc::new(client)
    }

    pub fn set_remote(&self, remote: Remote) {
        let _ = self.remote.set(remote);
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub fn set_closed(&self) -> bool {
        self.closed.swap(true, Ordering::AcqRel)
    }

    fn check_open(&self) -> Result<()> {
        match self.is_closed() {
            false => Ok(()),
            true => Err(Error::new(
                MOQ_ERROR_CLOSED,
                "the client is closed; open another one",
            )),
        }
    }

    /// Queues work and wakes the I/O thread.
    pub fn command(&self, command: Command) {
        self.enqueue(command);
        self.wake_io();
    }

    /// Queues work; the caller wakes the I/O thread after a batch.
    pub fn enqueue(&self, command: Command) {
        lock(&self.commands).push(command);
    }

    /// Copies an update of this client's publication, queues and counts it; the caller wakes the I/O thread,
    /// once for many.
    pub fn enqueue_update(&self, publication: &Publication, keyframe: bool, bytes: &[u8]) {
        let source = Source::from(bytes);
        let mut commands = lock(&self.commands);
        commands.push_update(publication.handle, keyframe, source);
        publication.count(bytes.len());
    }

    /// For work that a caller could queue without end.
    pub fn command_bounded(&self, command: Command) -> Result<()> {
        self.check_open()?;
        let mut commands = lock(&self.commands);
        if commands.len() >= 4 * MAX_HANDLES {
            return Err(Error::new(
                MOQ_ERROR_WOULD_BLOCK,
                "very many commands wait; try again later",
            ));
        }
        commands.push(command);
        drop(commands);
        self.wake_io();
        Ok(())
    }

    pub fn wake_io(&self) {
        if let Some(remote) = self.remote.get() {
            remote.wake();
        }
    }

    /// Takes all queued work; `into` is empty and gives its memory back to the queue.
    pub fn take_commands(&self, into: &mut Taken) {
        lock(&self.commands).take(into);
    }

    pub fn take_children(&self) -> Vec<u64> {
        lock(&self.children).drain().collect()
    }

    fn new_child(&self) -> Result<u64> {
        self.check_open()?;
        self.requests.take("requestsPerSecond")?;
        let mut children = lock(&self.children);
        if children.len() >= MAX_HANDLES {
            return Err(Error::new(
                MOQ_ERROR_LIMIT_EXCEEDED,
                format!("this client has {MAX_HANDLES} open handles; close some first"),
            ));
        }
        let handle = handles::allocate();
        children.insert(handle);
        Ok(handle)
    }

    /// Whether one more update may be published now.
    pub fn may_publish(&self) -> Result<()> {
        self.publishes.take("publishesPerSecond")
    }

    /// Requests and updates refused because of their rates.
    pub fn rate_limited(&self) -> (u64, u64) {
        let count = |limited: &Limited| limited.refused.load(Ordering::Relaxed);
        (count(&self.requests), count(&self.publishes))
    }

    /// Largest payload in bytes of one update, on a connection with this largest datagram.
    pub fn payload_limit(&self, options: &PublishOptions, datagram: usize) -> usize {
        match options.delivery {
            DeliveryClass::Datagram => options
                .max_datagram_size
                .min(datagram)
                .saturating_sub(DATAGRAM_HEADER),
            _ => self.max_object,
        }
    }

    pub fn open_publication(self: &Arc<Self>, options: PublishOptions) -> Result<u64> {
        let handle = self.new_child()?;
        let limit = self.payload_limit(&options, usize::MAX);
        self.queue.open(handle, 0, Policy::DropOldest, 0);
        let shared = Arc::new(Publication::new(
            handle,
            self.clone(),
            options.clone(),
            limit,
        ));
        handles::insert(handle, Entry::Publication(shared.clone()));
        self.command(Command::Publish {
            handle,
            options: Box::new(options),
            shared,
        });
        Ok(handle)
    }

    /// Opens the lane and the handle of a request, then queues the command made for it.
    pub fn open_request(
        self: &Arc<Self>,
        queue_bytes: usize,
        max_age_ms: u64,
        command: impl FnOnce(u64) -> Command,
    ) -> Result<u64> {
        let handle = self.new_child()?;
        self.queue.open(
            handle,
            queue_bytes,
            Policy::Pause,
            max_age_ms.saturating_mul(1_000),
        );
        handles::insert(handle, Entry::Request(self.clone()));
        self.command(command(handle));
        Ok(handle)
    }

    /// Closes a publication or request: nothing follows for it.
    pub fn close_child(&self, handle: u64) {
        lock(&self.children).remove(&handle);
        handles::remove(handle);
        self.queue.close(handle);
        self.command(Command::Cancel { handle });
    }

    /// Begins to close, and goes on delivering until the `END` of the client.
    pub fn close_gracefully(&self, flush: Duration) -> Result<()> {
        if self.set_closed() {
            return Err(Error::new(
                MOQ_ERROR_CLOSED,
                "the client is closing or has ended; call with 0 to free its handle",
            ));
        }
        self.command(Command::Close { flush });
        Ok(())
    }

    /// Closes for good: no record and no wake comes after this returns.
    pub fn close_now(self: &Arc<Self>) {
        self.set_closed();
        handles::remove_client(self);
        self.gate.set(None);
        self.queue.close_all();
        self.command(Command::Close {
            flush: Duration::ZERO,
        });
    }

    /// From the I/O thread: queues records, then wakes the caller with no lock held. Gives the
    /// lanes to pause and the lanes to end.
    pub fn deliver(&self, records: &mut Vec<Record>) -> (Vec<u64>, Vec<u64>) {
        if records.is_empty() {
            return (Vec::new(), Vec::new());
        }
        let pushed = self.queue.push(records);
        if pushed.wake {
            self.call_waker();
        }
        (pushed.pause, pushed.overrun)
    }

    pub fn call_waker(&self) {
        self.gate.call(|waker| {
            border::cross(Border::Waker.name());
            // SAFETY: `moq_set_waker` demands a function that may be called from any thread with this
            // pointer until it is taken back; the gate sees to the latter.
            unsafe { (waker.call)(waker.user_data) }
        });
    }

    /// Takes records out as they are, for readers in this crate, and lets paused intakes go on. One
    /// that is larger than `room` comes alone.
    pub fn take_records(&self, into: &mut Vec<Record>, room: usize) {
        let now = crate::clock::now_us();
        let mut taken = self.queue.take_records(into, room, now);
        if let Some(needed) = taken.needed {
            taken = self.queue.take_records(into, needed, now);
        }
        for handle in taken.resume {
            self.command(Command::Resume { handle });
        }
    }

    /// Copies records out and lets paused intakes go on.
    pub fn poll(&self, out: &mut [u8]) -> crate::queue::Polled {
        let polled = self.queue.poll(out, crate::clock::now_us());
        for handle in &polled.resume {
            self.command(Command::Resume { handle: *handle });
        }
        polled
    }
}
