//! Receiving: `moq_poll` and holding a handle's records back.

use super::client::MoqHandle;
use super::{guard, write};
use crate::error::*;
use crate::handles;

/// What `moq_poll` gave. Set `struct_size` to `sizeof(MoqPollResult)` before the call.
#[repr(C)]
pub struct MoqPollResult {
    /// Size of this struct, set by the caller.
    pub struct_size: usize,
    /// Bytes written to the buffer.
    pub bytes: usize,
    /// Records written.
    pub count: usize,
    /// With `MOQ_ERROR_BUFFER_TOO_SMALL` the size of the next record, otherwise 0.
    pub needed: usize,
    /// 1 when more records wait: poll again; the waker is not called for them.
    pub more: u32,
    /// Always 0.
    pub reserved: u32,
}

/// Copies as many whole records as fit into memory of the caller. The buffer should be 8-byte
/// aligned to be read in place; a `MoqRecordHeader` starts at offset 0 and then `length` bytes after
/// the one before. Handles take turns, records of one handle keep their order.
///
/// `MOQ_OK` with `count` 0 says that nothing waits. `MOQ_ERROR_BUFFER_TOO_SMALL`: not even the next
/// record fits; nothing was written and `needed` is its size.
///
/// Any thread, also inside callbacks; one thread at a time sees records in order. Does not block.
#[no_mangle]
pub unsafe extern "C" fn moq_poll(
    client: MoqHandle,
    buffer: *mut u8,
    capacity: usize,
    result: *mut MoqPollResult,
) -> MoqResultCode {
    guard(|| {
        // SAFETY: NULL is checked; the caller promises the rest.
        let struct_size = unsafe { result.as_ref() }.map_or(0, |result| result.struct_size);
        if struct_size < size_of::<MoqPollResult>() {
            return Err(Error::invalid(
                "\"result\" is NULL, or its struct_size was not set to sizeof(MoqPollResult)",
            ));
        }
        let mut given = MoqPollResult {
            struct_size,
            bytes: 0,
            count: 0,
            needed: 0,
            more: 0,
            reserved: 0,
        };
        // SAFETY: not NULL, and large enough.
        unsafe { write("result", result, MoqPollResult { ..given })? };
        let client = handles::client(client)?;
        let out: &mut [u8] = match capacity {
            0 => &mut [],
            _ if buffer.is_null() || capacity > isize::MAX as usize => {
                return Err(Error::invalid(
                    "\"buffer\" is NULL or \"capacity\" is impossible",
                ));
            }
            // SAFETY: not NULL, and the caller promises `capacity` writable bytes.
            _ => unsafe { std::slice::from_raw_parts_mut(buffer, capacity) },
        };
        let polled = client.poll(out);
        (given.bytes, given.count, given.more) =
            (polled.bytes, polled.count, u32::from(polled.more));
        given.needed = polled.needed.unwrap_or(0);
        // SAFETY: as above.
        unsafe { write("result", result, given)? };
        match polled.needed {
            None => Ok(()),
            Some(needed) => Err(Error::new(
                MOQ_ERROR_BUFFER_TOO_SMALL,
                format!("the next record has {needed} bytes and the buffer {capacity}; give a larger one"),
            )),
        }
    })
}

/// Holds the records of a handle back (`held` not 0) or lets them go on. While held, `moq_poll` does
/// not give them, and the policy of the subscription applies when its queue is full.
///
/// Errors: `CLOSED` also when the handle's `END` was read already. Any thread, also inside
/// callbacks. Does not block.
#[no_mangle]
pub extern "C" fn moq_handle_hold(handle: MoqHandle, held: u32) -> MoqResultCode {
    guard(|| {
        let client = handles::request(handle)?;
        match client.queue.hold(handle, held != 0) {
            None => Err(Error::new(
                MOQ_ERROR_CLOSED,
                format!("handle {handle} has ended"),
            )),
            Some(wake) => {
                if wake {
                    client.call_waker();
                }
                Ok(())
            }
        }
    })
}
