//! What callers see of one published track: updates are checked and bounded here, before the I/O
//! thread has them.

use crate::client::ClientShared;
use crate::error::*;
use crate::options::PublishOptions;
use moqt::delivery::DeliveryClass;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;

/// What an update counts beside its bytes, so that empty updates are bounded too.
const UPDATE_OVERHEAD: usize = 64;
/// Room for updates of classes that drop, on their way to the I/O thread.
const UNRELIABLE_ROOM: usize = 8 << 20;

/// Bytes that may wait here. Classes that drop do so in the session, which sees all updates, so they
/// are refused only when the I/O thread is far behind.
fn room(options: &PublishOptions) -> usize {
    match options.delivery {
        DeliveryClass::Reliable => options.queue_bytes - options.session_queue_bytes(),
        _ => options.queue_bytes.max(UNRELIABLE_ROOM),
    }
}

/// One published track. A game publishes on hundreds of them in turn and nothing of them is in the cache by
/// then, so what each update needs comes first, in one line of the processor's cache.
#[repr(C, align(64))]
pub struct Publication {
    pub handle: u64,
    pub client: Arc<ClientShared>,
    /// Bytes accepted here and not yet taken by the session.
    waiting: AtomicUsize,
    /// How many may be.
    room: usize,
    /// Largest payload in bytes that is accepted now.
    limit: AtomicUsize,
    pub objects: AtomicU64,
    pub bytes: AtomicU64,
    ended: AtomicBool,
    /// `send` was refused and the caller is to hear when it is accepted again.
    blocked: AtomicBool,
    pub dropped: AtomicU64,
    pub name: String,
    pub options: PublishOptions,
}

const _: () = assert!(offset_of!(Publication, blocked) < 64);

impl Publication {
    pub fn new(
        handle: u64,
        client: Arc<ClientShared>,
        options: PublishOptions,
        limit: usize,
    ) -> Self {
        Self {
            handle,
            client,
            waiting: AtomicUsize::new(0),
            room: room(&options),
            limit: AtomicUsize::new(limit),
            objects: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            dropped: AtomicU64::new(0),
            name: options.track.display(),
            options,
        }
    }

    /// Queues one update. The bytes are copied once, into memory that all later owners share. The
    /// caller wakes the I/O thread, once for many.
    pub fn enqueue(&self, keyframe: bool, bytes: &[u8]) -> Result<()> {
        if self.ended.load(Ordering::Acquire) || self.client.is_closed() {
            return Err(Error::new(
                MOQ_ERROR_CLOSED,
                format!(
                    "the publication {} has ended; publish the track again",
                    self.name
                ),
            ));
        }
        let limit = self.limit.load(Ordering::Relaxed);
        if bytes.len() > limit {
            return Err(self.too_large(bytes.len(), limit));
        }
        self.client.may_publish()?;
        self.reserve(bytes.len() + UPDATE_OVERHEAD)?;
        self.client.enqueue_update(self, keyframe, bytes);
        Ok(())
    }

    /// Counts an update that was accepted. One thread at a time, under the lock of the client's commands: plain
    /// stores are enough.
    pub fn count(&self, bytes: usize) {
        let add =
            |to: &AtomicU64, more| to.store(to.load(Ordering::Relaxed) + more, Ordering::Relaxed);
        add(&self.objects, 1);
        add(&self.bytes, bytes as u64);
    }

    fn too_large(&self, size: usize, limit: usize) -> Error {
        let advice = match self.options.delivery {
            DeliveryClass::Datagram => {
                "a datagram track carries each update in one datagram; send less, or use delivery \"latest\" or \"deadline\""
            }
            _ => "split it, or raise \"maxObjectSize\" on all sides",
        };
        Error::new(
            MOQ_ERROR_TOO_LARGE,
            format!(
                "an update of {size} bytes is over the limit of {limit} bytes of {}: {advice}",
                self.name
            ),
        )
    }

    /// An update larger than the whole queue is taken when the queue is empty.
    fn reserve(&self, cost: usize) -> Result<()> {
        let limit = self.room;
        loop {
            let waiting = self.waiting.load(Ordering::Acquire);
            if waiting == 0 || waiting + cost <= limit {
                let next = waiting + cost;
                let swapped = self.waiting.compare_exchange(
                    waiting,
                    next,
                    Ordering::AcqRel,
                    Ordering::Acquire,
                );
                if swapped.is_ok() {
                    return Ok(());
                }
                continue;
            }
            self.blocked.store(true, Ordering::SeqCst);
            // The I/O thread may have made room between the two looks; it then saw no `blocked`.
            if self.waiting.load(Ordering::SeqCst) > limit / 2 {
                return Err(Error::new(
                    MOQ_ERROR_WOULD_BLOCK,
                    format!("the queue of {} holds {waiting} of {limit} bytes; wait until it is writable", self.name),
                ));
            }
            self.blocked.store(false, Ordering::SeqCst);
        }
    }

    /// From the I/O thread: the session took an update. True when the caller waits to hear that
    /// there is room.
    pub fn taken(&self, bytes: usize) -> bool {
        let cost = bytes + UPDATE_OVERHEAD;
        let before = self.waiting.fetch_sub(cost, Ordering::SeqCst);
        before.saturating_sub(cost) <= self.room / 2 && self.blocked.swap(false, Ordering::SeqCst)
    }

    /// From the I/O thread: an accepted update could not be sent at all.
    pub fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// True for the first call.
    pub fn set_ended(&self) -> bool {
        !self.ended.swap(true, Ordering::AcqRel)
    }
}
