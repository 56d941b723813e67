//! The C functions as a Rust test calls them.
#![allow(dead_code)]

#[path = "library.rs"]
pub mod library;

use library::*;
use moq_ffi::abi::receive::MoqPollResult;
use moq_ffi::error::MoqResultCode;
use moq_ffi::record::*;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// A record that was copied out.
#[derive(Clone, Debug)]
pub struct Seen {
    pub header: MoqRecordHeader,
    pub payload: Vec<u8>,
}

impl Seen {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.payload).into_owned()
    }
}

/// `moq_subscription_open` and its like.
pub type Open = unsafe fn(u64, *const std::ffi::c_char, usize, *mut u64) -> MoqResultCode;

pub fn last_error() -> String {
    // SAFETY: the library gives text that holds until the next call on this thread.
    unsafe { CStr::from_ptr(moq_last_error()) }
        .to_string_lossy()
        .into_owned()
}

/// A client whose records pile up; closed when dropped.
pub struct Client {
    pub handle: u64,
    pub seen: Vec<Seen>,
    buffer: Vec<u64>,
}

impl Client {
    pub fn open(options: &str) -> Self {
        let mut handle = 0;
        // SAFETY: pointers of live values, and their lengths.
        let code = unsafe { moq_client_open(options.as_ptr().cast(), options.len(), &mut handle) };
        assert_eq!(code, MoqResultCode::MOQ_OK, "{}", last_error());
        Self {
            handle,
            seen: Vec::new(),
            buffer: vec![0; 1 << 17],
        }
    }

    pub fn subscribe(&self, options: &str) -> u64 {
        let mut handle = 0;
        // SAFETY: as above.
        let code = unsafe {
            moq_subscription_open(
                self.handle,
                options.as_ptr().cast(),
                options.len(),
                &mut handle,
            )
        };
        assert_eq!(code, MoqResultCode::MOQ_OK, "{}", last_error());
        handle
    }

    /// Opens a publication or request with one of the functions for it.
    pub fn request(&self, open: Open, options: &str) -> (MoqResultCode, u64) {
        let mut handle = 0;
        let (text, length) = (options.as_ptr().cast(), options.len());
        // SAFETY: as above.
        let code = unsafe { open(self.handle, text, length, &mut handle) };
        (code, handle)
    }

    pub fn poll(&mut self) {
        loop {
            let mut result = MoqPollResult {
                struct_size: size_of::<MoqPollResult>(),
                bytes: 0,
                count: 0,
                needed: 0,
                more: 0,
                reserved: 0,
            };
            let start = self.buffer.as_mut_ptr().cast::<u8>();
            // SAFETY: the buffer is that large.
            let code = unsafe { moq_poll(self.handle, start, self.buffer.len() * 8, &mut result) };
            assert_eq!(code, MoqResultCode::MOQ_OK, "{}", last_error());
            let mut at = 0;
            while at < result.bytes {
                // SAFETY: the library wrote whole records there.
                let (header, payload) = unsafe {
                    let record = start.add(at);
                    let header = record.cast::<MoqRecordHeader>().read_unaligned();
                    let payload = record.add(MOQ_RECORD_HEADER_SIZE);
                    let length = header.payload_length as usize;
                    (header, std::slice::from_raw_parts(payload, length).to_vec())
                };
                at += header.length as usize;
                self.seen.push(Seen { header, payload });
            }
            if result.more == 0 {
                return;
            }
        }
    }

    pub fn of(&self, handle: u64, kind: MoqRecordKind) -> Vec<&Seen> {
        let wanted = |seen: &&Seen| seen.header.handle == handle && seen.header.kind == kind as u16;
        self.seen.iter().filter(wanted).collect()
    }

    /// Polls until something holds, or for 20 s.
    pub fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(20);
        loop {
            self.poll();
            if holds(self) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{what} did not happen; seen: {:?}",
                self.seen
            );
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The terminal record of a handle.
    pub fn end_of(&mut self, handle: u64) -> Seen {
        self.until("the end", |client| {
            !client.of(handle, MOQ_RECORD_END).is_empty()
        });
        self.of(handle, MOQ_RECORD_END)[0].clone()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: takes no pointers.
        let code = unsafe { moq_client_close(self.handle, 0) };
        assert_eq!(code, MoqResultCode::MOQ_OK);
    }
}
