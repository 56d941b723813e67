//! What the relay's core needs of the I/O thread, so that tests can drive it without one.

use moqt::transport::Transport;
use moqt_net::{ConnId, Context};
use std::time::Instant;

/// Connections and the clock.
pub(crate) trait Io {
    /// The time at which this batch of work began.
    fn now(&self) -> Instant;
    /// A live connection's transport.
    fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport>;
}

impl Io for Context<'_> {
    fn now(&self) -> Instant {
        Context::now(self)
    }

    fn transport(&mut self, conn: ConnId) -> Option<&mut dyn Transport> {
        Context::transport(self, conn)
    }
}
