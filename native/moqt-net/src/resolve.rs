//! Host names to addresses, off the I/O thread.

use crate::border::{self, Border};
use crate::inbox::{Command, Inbox};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

/// Most look-ups at once in the process: a resolver that hangs must not pile up threads.
const MAX_LOOKUPS: usize = 16;
static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

struct Counted;

impl Drop for Counted {
    fn drop(&mut self) {
        LOOKUPS.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Looks a name up on a thread of its own, which ends with the look-up;
/// [`Command::Resolved`] follows.
pub(crate) fn resolve(inbox: Arc<Inbox>, conn: u64, host: String, port: u16) -> io::Result<()> {
    let earlier = LOOKUPS.fetch_add(1, Ordering::SeqCst);
    let counted = Counted;
    if earlier >= MAX_LOOKUPS {
        return Err(io::Error::other(
            "too many name look-ups at once; try again later",
        ));
    }
    border::spawn("moq-resolve", move || {
        let look_up = || (host.as_str(), port).to_socket_addrs();
        let result = border::catch(Border::Resolver, look_up).unwrap_or_else(|panic| {
            let text = border::text(&panic);
            Err(io::Error::other(format!("the look-up panicked: {text}")))
        });
        drop(counted);
        let found = result.map(|found| order(found.collect()));
        let _ = inbox.send(Command::Resolved(conn, found));
    })?;
    Ok(())
}

/// Keeps the resolver's order, but takes loopback over IPv4 first: development servers are often
/// bound to 127.0.0.1 only, and UDP does not tell quickly that nobody listens on ::1.
fn order(mut found: Vec<SocketAddr>) -> Vec<SocketAddr> {
    found.sort_by_key(|a| a.ip().is_loopback() && a.is_ipv6());
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_over_ipv4_comes_first() {
        let six: SocketAddr = "[::1]:1".parse().unwrap();
        let four: SocketAddr = "127.0.0.1:1".parse().unwrap();
        assert_eq!(order(vec![six, six, four]), vec![four, six]);
        let far: SocketAddr = "[2001:db8::1]:1".parse().unwrap();
        assert_eq!(order(vec![far, four]), vec![far, four]);
    }
}
