//! Publications: open, publish one or many, end.

use super::client::MoqHandle;
use super::{bytes, guard, text, write};
use crate::commands::Command;
use crate::error::*;
use crate::publication::Publication;
use crate::{copies, handles, options};
use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;

/// Flag of an update: it starts a group (`reliable` only; the other classes start one each time).
pub const MOQ_PUBLISH_KEYFRAME: u32 = 1;

/// Flag of `moq_publish`: more updates of this client follow at once. This one is accepted like any
/// other, but it waits for one without the flag or for `moq_publish_flush`, so that many small
/// updates share packets and one wake of the I/O thread.
pub const MOQ_PUBLISH_MORE: u32 = 2;

/// Size in bytes of the header of an update in `moq_publish_packed`.
pub const MOQ_PACKED_HEADER_SIZE: usize = 16;

/// One update of `moq_publish_batch`.
#[repr(C)]
pub struct MoqUpdate {
    /// The publication.
    pub publication: MoqHandle,
    /// The bytes; may be NULL when `length` is 0.
    pub data: *const u8,
    pub length: usize,
    /// `MOQ_PUBLISH_…`.
    pub flags: u32,
    /// Set by the call: a `MoqResultCode`.
    pub result: i32,
}

/// Publishes a track. `READY` follows when the peer accepted the namespace, then `SUBSCRIBERS`,
/// `KEYFRAME_WANTED`, `WRITABLE`, and `END` when it is over. Updates are accepted at once.
///
/// `options_json`, copied: `namespace` (list of strings, or one string split on `/`), `name`,
/// `delivery` (`reliable` default, `latest`, `deadline`, `datagram`), `deadline` (ms, default 200),
/// `priority` (0 highest to 255, default 128), `queueBytes` (default 1 MiB), `retainBytes` (default
/// 8 MiB), `maxDatagramSize` (default 1100), `timeout` (ms until `READY`).
///
/// Errors: `INVALID_ARGUMENT`, `CLOSED`, `LIMIT_EXCEEDED`, `RATE_LIMITED`. Any thread, also inside
/// callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_publication_open(
    client: MoqHandle,
    options_json: *const c_char,
    length: usize,
    publication: *mut MoqHandle,
) -> MoqResultCode {
    guard(|| {
        let client = handles::client(client)?;
        // SAFETY: the caller's promise.
        let options = options::publish(unsafe { text("options_json", options_json, length)? })?;
        // SAFETY: as above.
        unsafe { write("publication", publication, 0)? };
        let handle = client.open_publication(options)?;
        // SAFETY: as above.
        unsafe { write("publication", publication, handle) }
    })
}

fn check_flags(flags: u32) -> Result<bool> {
    match flags {
        0 => Ok(false),
        MOQ_PUBLISH_KEYFRAME => Ok(true),
        other => Err(Error::invalid(format!(
            "publish flags {other} are unknown here; {MOQ_PUBLISH_KEYFRAME} (keyframe) is, and for single updates {MOQ_PUBLISH_MORE} (more)"
        ))),
    }
}

/// Publishes one update; the bytes are copied before it returns.
///
/// Errors: `WOULD_BLOCK` (nothing was accepted; `WRITABLE` follows), `TOO_LARGE` (`moq_last_error`
/// names the limit), `RATE_LIMITED` (see `publishesPerSecond`), `CLOSED`, `INVALID_ARGUMENT`. After `WOULD_BLOCK` and `TOO_LARGE` what waits
/// because of `MOQ_PUBLISH_MORE` is sent. Any thread, also inside callbacks; updates of one
/// publication keep the order of the calls. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_publish(
    publication: MoqHandle,
    flags: u32,
    data: *const u8,
    length: usize,
) -> MoqResultCode {
    guard(|| {
        let enqueue = |publication: &Publication| -> Result<_> {
            let keyframe = check_flags(flags & !MOQ_PUBLISH_MORE)?;
            // SAFETY: the caller's promise.
            let published = publication.enqueue(keyframe, unsafe { bytes("data", data, length)? });
            let wake = flags & MOQ_PUBLISH_MORE == 0 || published.is_err();
            Ok((published, wake.then(|| publication.client.clone())))
        };
        // To copy much takes long.
        let (published, to_wake) = match length > copies::LARGEST_SHARED {
            true => enqueue(handles::publication(publication)?.as_ref())?,
            false => handles::with_publication(publication, enqueue)??,
        };
        if let Some(client) = to_wake {
            client.wake_io();
        }
        published
    })
}

/// Sends what waits because of `MOQ_PUBLISH_MORE`.
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_publish_flush(client: MoqHandle) -> MoqResultCode {
    guard(|| {
        handles::client(client)?.wake_io();
        Ok(())
    })
}

/// Publishes many updates of any publications in one call. Each gets its own `result`, as of
/// `moq_publish`; the call itself fails only when `updates` is NULL, or with the first result that
/// is not `MOQ_OK` (the others were published all the same).
///
/// Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_publish_batch(updates: *mut MoqUpdate, count: usize) -> MoqResultCode {
    guard(|| {
        if count == 0 {
            return Ok(());
        }
        if updates.is_null() || count > isize::MAX as usize / size_of::<MoqUpdate>() {
            return Err(Error::invalid(
                "\"updates\" is NULL or \"count\" is impossible",
            ));
        }
        // SAFETY: not NULL, and the caller promises that `count` updates are there.
        let updates = unsafe { std::slice::from_raw_parts_mut(updates, count) };
        let mut batch = Batch::default();
        for update in updates {
            // SAFETY: the caller's promise for each update.
            let data = unsafe { bytes("data", update.data, update.length) };
            update.result = batch.publish(update.publication, update.flags, data) as i32;
        }
        batch.finish()
    })
}

/// The same for scripts, with all updates in one buffer: for each, at an offset that is a multiple
/// of 8, little-endian `uint64 publication, uint32 flags, uint32 length`, then the bytes. `results`
/// gets a `MoqResultCode` for each; `count` gets how many there were.
///
/// Errors: `INVALID_ARGUMENT` when the buffer is cut short (what lies before the cut is published),
/// `BUFFER_TOO_SMALL` when `results` is full (what has no place there is not published); otherwise
/// as `moq_publish_batch`. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_publish_packed(
    updates: *const u8,
    length: usize,
    results: *mut i32,
    capacity: usize,
    count: *mut usize,
) -> MoqResultCode {
    guard(|| {
        // SAFETY: the caller's promise.
        let mut rest = unsafe { bytes("updates", updates, length)? };
        if results.is_null() || capacity > isize::MAX as usize / 4 {
            return Err(Error::invalid(
                "\"results\" is NULL or \"capacity\" is impossible",
            ));
        }
        // SAFETY: not NULL, and the caller promises that `capacity` numbers are there.
        let results = unsafe { std::slice::from_raw_parts_mut(results, capacity) };
        let mut results = results.iter_mut();
        let mut batch = Batch::default();
        let mut done = 0;
        let mut fault = None;
        while !rest.is_empty() {
            let Some((publication, flags, data, after)) = unpack(rest) else {
                fault = Some(Error::invalid(format!(
                    "update {done} of the packed buffer is cut short"
                )));
                break;
            };
            let Some(result) = results.next() else {
                fault = Some(Error::new(
                    MOQ_ERROR_BUFFER_TOO_SMALL,
                    format!(
                        "there are more than the {capacity} updates that \"results\" has room for"
                    ),
                ));
                break;
            };
            *result = batch.publish(publication, flags, Ok(data)) as i32;
            done += 1;
            rest = after;
        }
        // SAFETY: the caller's promise.
        unsafe { write("count", count, done)? };
        let finished = batch.finish();
        fault.map_or(finished, Err)
    })
}

fn unpack(bytes: &[u8]) -> Option<(u64, u32, &[u8], &[u8])> {
    let word = |at: usize| {
        bytes
            .get(at..at + 4)?
            .try_into()
            .ok()
            .map(u32::from_le_bytes)
    };
    let publication = u64::from_le_bytes(bytes.get(..8)?.try_into().ok()?);
    let (flags, length) = (word(8)?, word(12)? as usize);
    let end = MOQ_PACKED_HEADER_SIZE.checked_add(length)?;
    let data = bytes.get(MOQ_PACKED_HEADER_SIZE..end)?;
    // The padding of the last update may be left out.
    Some((
        publication,
        flags,
        data,
        bytes
            .get(end.checked_next_multiple_of(8)?..)
            .unwrap_or_default(),
    ))
}

/// Publishes updates and wakes each client's I/O thread once at the end.
#[derive(Default)]
struct Batch {
    current: Option<(u64, Arc<Publication>)>,
    touched: Vec<Arc<Publication>>,
    first_error: Option<Error>,
}

impl Batch {
    fn publish(&mut self, handle: u64, flags: u32, data: Result<&[u8]>) -> MoqResultCode {
        match self.try_publish(handle, flags, data) {
            Ok(()) => MOQ_OK,
            Err(error) => {
                let code = error.code;
                self.first_error.get_or_insert(error);
                code
            }
        }
    }

    fn try_publish(&mut self, handle: u64, flags: u32, data: Result<&[u8]>) -> Result<()> {
        let publication = match &self.current {
            Some((current, publication)) if *current == handle => publication.clone(),
            _ => {
                let publication = handles::publication(handle)?;
                self.current = Some((handle, publication.clone()));
                publication
            }
        };
        publication.enqueue(check_flags(flags)?, data?)?;
        if !self
            .touched
            .iter()
            .any(|other| Arc::ptr_eq(&other.client, &publication.client))
        {
            self.touched.push(publication);
        }
        Ok(())
    }

    fn finish(self) -> Result<()> {
        for publication in &self.touched {
            publication.client.wake_io();
        }
        self.first_error.map_or(Ok(()), Err)
    }
}

/// Ends a track. What was accepted is still sent; `END` follows when the next hop has acknowledged
/// it, at the latest after `flush_ms` (0: as soon as the end was handed to the session). Then free
/// the handle with `moq_handle_close`.
///
/// Errors: `CLOSED` when it was ended before. Any thread, also inside callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_publication_end(publication: MoqHandle, flush_ms: u32) -> MoqResultCode {
    guard(|| {
        let publication = handles::publication(publication)?;
        if !publication.set_ended() {
            return Err(Error::new(
                MOQ_ERROR_CLOSED,
                format!("the publication {} has ended before", publication.name),
            ));
        }
        let flush = Duration::from_millis(u64::from(flush_ms));
        publication.client.command(Command::End {
            handle: publication.handle,
            flush,
        });
        Ok(())
    })
}
