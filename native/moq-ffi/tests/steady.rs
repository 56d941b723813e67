//! What the caller's side allocates per object in steady state: nothing. Publishing copies into
//! pieces of memory that serve many updates, and polling copies into the caller's buffer.

use moq_ffi::abi::{client, library, publish, receive, relay, requests};
use moq_ffi::error::MoqResultCode::{self, MOQ_OK};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ffi::CStr;
use std::time::{Duration, Instant};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    // Not there any more while a thread ends.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

// SAFETY: everything is handed to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

type Open = unsafe extern "C" fn(u64, *const std::ffi::c_char, usize, *mut u64) -> MoqResultCode;

fn ok(code: MoqResultCode) {
    // SAFETY: the library gives text that holds until the next call on this thread.
    let error = || unsafe { CStr::from_ptr(library::moq_last_error()) };
    assert_eq!(code, MOQ_OK, "{:?}", error());
}

fn open(client: u64, function: Open, options: &str) -> u64 {
    let mut handle = 0;
    // SAFETY: pointers of live values, and their lengths.
    ok(unsafe { function(client, options.as_ptr().cast(), options.len(), &mut handle) });
    handle
}

fn connect(url: &str) -> u64 {
    let options = format!(r#"{{"url":"{url}"}}"#);
    let mut handle = 0;
    // SAFETY: as above.
    ok(unsafe { client::moq_client_open(options.as_ptr().cast(), options.len(), &mut handle) });
    handle
}

fn memory_url(relay: u64) -> String {
    let mut text = vec![0_u8; 4096];
    let mut length = 0;
    // SAFETY: as above.
    let code =
        unsafe { relay::moq_relay_info(relay, text.as_mut_ptr().cast(), text.len(), &mut length) };
    ok(code);
    let info = String::from_utf8_lossy(&text[..length]).into_owned();
    let (_, rest) = info
        .split_once("\"memoryUrl\":\"")
        .expect("a relay has one");
    rest.split('"').next().unwrap_or_default().to_owned()
}

/// Gives how many object records came.
fn poll(client: u64, buffer: &mut [u64]) -> usize {
    let mut objects = 0;
    loop {
        let mut result = receive::MoqPollResult {
            struct_size: size_of::<receive::MoqPollResult>(),
            bytes: 0,
            count: 0,
            needed: 0,
            more: 0,
            reserved: 0,
        };
        let (start, size) = (buffer.as_mut_ptr().cast::<u8>(), size_of_val(buffer));
        // SAFETY: the buffer is that large.
        ok(unsafe { receive::moq_poll(client, start, size, &mut result) });
        let mut at = 0;
        while at < result.bytes / 8 {
            let word = buffer[at];
            objects += usize::from((word >> 32) as u16 == 4);
            at += (word as u32 / 8) as usize;
        }
        if result.more == 0 {
            return objects;
        }
    }
}

fn send(publication: u64, payload: &[u8], flags: u32) {
    // SAFETY: a live slice.
    ok(unsafe { publish::moq_publish(publication, flags, payload.as_ptr(), payload.len()) });
}

#[test]
fn neither_publish_nor_poll_allocates_for_each_object() {
    let mut relay = 0;
    // SAFETY: pointers of live values, and their lengths.
    ok(unsafe { relay::moq_relay_start(c"{}".as_ptr(), 2, &mut relay) });
    let url = memory_url(relay);
    let (sender, receiver) = (connect(&url), connect(&url));
    let track = r#"{"namespace":"steady","name":"track","delivery":"datagram","wait":5000}"#;
    let published = track.replace(r#","wait":5000"#, "");
    let publication = open(sender, publish::moq_publication_open, &published);
    open(receiver, requests::moq_subscription_open, track);
    let mut buffer = vec![0_u64; 32 * 1024];
    let end = Instant::now() + Duration::from_secs(30);
    let payload = [7_u8; 100];
    // Until the first arrives the subscription does not stand.
    while poll(receiver, &mut buffer) == 0 {
        assert!(Instant::now() < end, "nothing arrives");
        poll(sender, &mut buffer);
        send(publication, &payload, 0);
        std::thread::sleep(Duration::from_millis(5));
    }
    const ROUND: usize = 50;
    let round = |buffer: &mut [u64]| {
        for i in 0..ROUND {
            let more = i + 1 < ROUND;
            send(
                publication,
                &payload,
                u32::from(more) * publish::MOQ_PUBLISH_MORE,
            );
        }
        // A datagram may be dropped when the machine is busy.
        let end = Instant::now() + Duration::from_millis(500);
        let mut objects = 0;
        while objects < ROUND && Instant::now() < end {
            objects += poll(receiver, buffer);
            std::thread::yield_now();
        }
        objects
    };
    for _ in 0..50 {
        round(&mut buffer);
    }
    let before = ALLOCATIONS.with(Cell::get);
    let mut objects = 0;
    for _ in 0..200 {
        objects += round(&mut buffer);
    }
    let allocations = ALLOCATIONS.with(Cell::get) - before;
    assert!(objects >= 100 * ROUND, "{objects} arrived");
    // A piece of 16 KiB and its count of owners serve 160 updates of 100 bytes.
    assert!(
        allocations * 20 < objects,
        "{allocations} allocations for {objects} objects published and polled"
    );
    for client in [sender, receiver] {
        ok(client::moq_client_close(client, 0));
    }
    ok(relay::moq_relay_stop(relay, 0));
}
