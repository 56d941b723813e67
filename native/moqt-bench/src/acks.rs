//! How far the subscribers of another process are, so that a publisher keeps a window of updates in
//! flight: 8 bytes, big endian, each time an eighth of the window has passed.

use crate::options::Role;
use crate::shared::Shared;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;

#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};

/// The side of the subscribers.
pub struct Acks {
    #[cfg(unix)]
    stream: UnixStream,
    step: u64,
    next: AtomicU64,
}

/// Opens what `--acks` asks for.
#[cfg(unix)]
pub fn open(shared: &Arc<Shared>) -> Result<(), String> {
    let Some(path) = shared.options.acks.as_ref() else {
        return Ok(());
    };
    let wrong = |e: std::io::Error| format!("--acks {}: {e}", path.display());
    if shared.options.role == Role::Publish {
        let listener = UnixListener::bind(path).map_err(wrong)?;
        let shared = shared.clone();
        std::thread::spawn(move || {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            shared.subscribed.fetch_add(1, Ordering::SeqCst);
            shared.wake_publisher();
            hear(stream, &shared);
        });
        return Ok(());
    }
    let acks = Acks {
        stream: UnixStream::connect(path).map_err(wrong)?,
        step: (shared.options.window / 8).max(1),
        next: AtomicU64::new(1),
    };
    shared.acks.set(acks).map_err(|_| "opened twice".to_owned())
}

#[cfg(not(unix))]
pub fn open(shared: &Arc<Shared>) -> Result<(), String> {
    match shared.options.acks {
        Some(_) => Err("--acks needs Unix".into()),
        None => Ok(()),
    }
}

#[cfg(unix)]
fn hear(mut stream: UnixStream, shared: &Shared) {
    let mut number = [0; 8];
    while std::io::Read::read_exact(&mut stream, &mut number).is_ok() {
        shared.set_passed(u64::from_be_bytes(number));
    }
}

impl Acks {
    /// So many updates have passed, on the average of the subscribers.
    pub fn tell(&self, updates: u64) {
        if updates < self.next.load(Ordering::Relaxed) {
            return;
        }
        self.next.store(updates + self.step, Ordering::Relaxed);
        // A publisher that is gone hears nothing.
        #[cfg(unix)]
        let _ = std::io::Write::write_all(&mut &self.stream, &updates.to_be_bytes());
    }
}
