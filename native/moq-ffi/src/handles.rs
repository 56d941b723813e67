//! The table of handles: 64-bit numbers, never reused, below 2^53 so that scripts hold them exactly.

use crate::client::ClientShared;
use crate::error::{Error, Result};
use crate::publication::Publication;
use crate::relay::RelayHandle;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

/// What a handle stands for.
#[derive(Clone)]
pub enum Entry {
    Client(Arc<ClientShared>),
    Publication(Arc<Publication>),
    /// Subscription, fetch, discovery or status of this client.
    Request(Arc<ClientShared>),
    Relay(Arc<RelayHandle>),
}

impl Entry {
    fn name(&self) -> &'static str {
        match self {
            Entry::Client(_) => "a client",
            Entry::Publication(_) => "a publication",
            Entry::Request(_) => "a subscription, fetch, discovery or status request",
            Entry::Relay(_) => "a relay",
        }
    }
}

/// Handles are counters: multiplication spreads them, nothing stronger is needed.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

type Table = HashMap<u64, Entry, BuildHasherDefault<Spread>>;

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);
static NEXT: AtomicU64 = AtomicU64::new(1);

/// A number that no handle had before.
pub fn allocate() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn insert(handle: u64, entry: Entry) {
    TABLE
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .insert(handle, entry);
}

pub fn remove(handle: u64) -> Option<Entry> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let removed = table.remove(&handle);
    give_back(&mut table);
    removed
}

/// The table is never dropped, so with the last handle its memory goes: the library may be unloaded next.
fn give_back(table: &mut Table) {
    if table.is_empty() {
        table.shrink_to_fit();
    }
}

/// Forgets a client and everything that belongs to it. The entries are dropped without the lock.
pub fn remove_client(client: &Arc<ClientShared>) {
    let removed: Vec<Entry> = {
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        let removed = client
            .take_children()
            .iter()
            .chain([&client.handle])
            .filter_map(|h| table.remove(h))
            .collect();
        give_back(&mut table);
        removed
    };
    drop(removed);
}

/// All clients and relays that exist.
pub fn all() -> Vec<(u64, Entry)> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let roots = table
        .iter()
        .filter(|(_, e)| matches!(e, Entry::Client(_) | Entry::Relay(_)));
    roots
        .map(|(handle, entry)| (*handle, entry.clone()))
        .collect()
}

pub fn get(handle: u64) -> Result<Entry> {
    TABLE
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&handle)
        .cloned()
        .ok_or_else(|| unknown(handle))
}

#[cold]
fn unknown(handle: u64) -> Error {
    if handle != 0 && handle < NEXT.load(Ordering::Relaxed) {
        Error::new(
            crate::error::MOQ_ERROR_CLOSED,
            format!("handle {handle} was closed before"),
        )
    } else {
        Error::invalid(format!("{handle} is not a handle that this library gave"))
    }
}

fn wrong(handle: u64, entry: &Entry, wanted: &str) -> Error {
    Error::invalid(format!(
        "handle {handle} is {}, and this call needs {wanted}",
        entry.name()
    ))
}

pub fn client(handle: u64) -> Result<Arc<ClientShared>> {
    match get(handle)? {
        Entry::Client(client) => Ok(client),
        other => Err(wrong(handle, &other, "a client")),
    }
}

pub fn publication(handle: u64) -> Result<Arc<Publication>> {
    match get(handle)? {
        Entry::Publication(publication) => Ok(publication),
        other => Err(wrong(handle, &other, "a publication")),
    }
}

/// Looks at a publication while the table stands still, which is cheaper than to count a reference. `look` is
/// short and neither calls out of the library nor comes back to the table.
pub fn with_publication<R>(handle: u64, look: impl FnOnce(&Publication) -> R) -> Result<R> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    match table.get(&handle) {
        Some(Entry::Publication(publication)) => Ok(look(publication)),
        Some(other) => Err(wrong(handle, other, "a publication")),
        None => Err(unknown(handle)),
    }
}

pub fn request(handle: u64) -> Result<Arc<ClientShared>> {
    match get(handle)? {
        Entry::Request(client) => Ok(client),
        other => Err(wrong(
            handle,
            &other,
            "a subscription, fetch, discovery or status request",
        )),
    }
}

pub fn relay(handle: u64) -> Result<Arc<RelayHandle>> {
    match get(handle)? {
        Entry::Relay(relay) => Ok(relay),
        other => Err(wrong(handle, &other, "a relay")),
    }
}
